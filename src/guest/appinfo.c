#include "guest/appinfo.h"

#include "base/text.h"
#include "guest/msgpack.h"

static bool is_unowned(const struct desk_registers *r)
{
	return span_is_zero(SPAN_ARRAY(r->mr_config_id)) &&
	       span_is_zero(SPAN_ARRAY(r->mr_owner)) &&
	       span_is_zero(SPAN_ARRAY(r->mr_owner_config));
}

void appinfo_aggregate(struct sha256 *out, const struct desk_registers *r)
{
	const struct span parts[] = {
		SPAN_ARRAY(r->mr_td),
		span_of(r->rtmr, sizeof(r->rtmr)),
		SPAN_ARRAY(r->mr_config_id),
		SPAN_ARRAY(r->mr_owner),
		SPAN_ARRAY(r->mr_owner_config),
	};

	sha256_parts(out, parts, is_unowned(r) ? 2 : 5);
}

void appinfo_system(struct sha256 *out, const struct desk_registers *r)
{
	static const struct sha256 no_provider;
	const struct span parts[] = {
		SPAN_ARRAY(r->mr_td),
		span_of(r->rtmr, 3 * sizeof(r->rtmr[0])),
		SPAN_ARRAY(no_provider.b),
	};

	sha256_parts(out, parts, 3);
}

void appinfo_image(struct sha256 *out, const struct desk_registers *r)
{
	const struct span parts[] = {
		SPAN_ARRAY(r->mr_td),
		SPAN_ARRAY(r->rtmr[1]),
		SPAN_ARRAY(r->rtmr[2]),
	};

	sha256_parts(out, parts, 3);
}

enum rc appinfo_write(struct buf *out, const struct desk_world *w)
{
	struct sha256 system, all, image;
	const struct {
		const char *name;
		struct span value;
	} members[] = {
		{ "app_id", SPAN_ARRAY(w->manifest->lineage) },
		{ "compose_hash", SPAN_ARRAY(w->manifest->hash.b) },
		{ "instance_id", SPAN_ARRAY(w->instance_id) },
		{ "device_id", SPAN_ARRAY(w->registers->device.b) },
		{ "mr_system", SPAN_ARRAY(system.b) },
		{ "mr_aggregated", SPAN_ARRAY(all.b) },
		{ "os_image_hash", SPAN_ARRAY(image.b) },
		{ "key_provider_info", { 0 } },
	};
	enum {
		COUNT = sizeof(members) / sizeof(members[0]),
	};
	struct msgpack m = msgpack_to(out);

	appinfo_system(&system, w->registers);
	appinfo_aggregate(&all, w->registers);
	appinfo_image(&image, w->registers);
	msgpack_map(&m, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		msgpack_str(&m, members[i].name);
		msgpack_bytes(&m, members[i].value);
	}
	return msgpack_done(&m) ? RC_OK : RC_LIMIT;
}
