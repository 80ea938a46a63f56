#include "tee/policy.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "conf/conf.h"

/* A register as written: CONF_CUSTOM knows one field, and it is two facts. */
struct raw_register {
	bool is_set;
	uint8_t value[QUOTE_MR_LEN];
};

struct raw_image {
	const char *name;
	struct raw_register registers[POLICY_REGISTER_COUNT];
};

struct raw_tcb {
	struct conf_list accept; /* of int: a place in status_names */
	struct conf_list advisories; /* of const char * */
	uint64_t min_evaluation, grace_ms;
};

struct raw_platforms {
	struct conf_list fmspc; /* of struct policy_family */
	struct conf_list allow, deny; /* of struct policy_platform */
};

struct raw_td {
	bool migratable, sept_ve_disable;
};

/* The file's shape. */
struct raw_policy {
	struct raw_tcb tcb;
	struct raw_td td;
	struct raw_platforms platforms;
	bool simulated;
	uint64_t clock_skew_ms;
	struct conf_list images; /* of struct raw_image */
};

enum {
	NAME_LEN_MAX = 63, /* as in struct tee_verdict */
	CLOCK_SKEW_MAX_MS = 60 * 60 * 1000,
};

#define GRACE_MAX_MS (UINT64_C(366) * 24 * 60 * 60 * 1000)

/* What a list's count holds while its key has not come. */
#define ABSENT SIZE_MAX

static bool read_register(void *out, const char *text, struct arena *arena)
{
	struct raw_register *r = out;

	(void)arena;
	r->is_set = text_hex_decode(r->value, sizeof(r->value), span_str(text));
	return r->is_set;
}

static bool read_until(void *out, const char *text, struct arena *arena)
{
	int64_t *until = out;

	(void)arena;
	return text_utc(until, span_str(text)) && *until > 0;
}

/* Place n is status n + 1; Revoked stands behind the end and is not offered. */
static const char *const status_names[] = {
	"UpToDate",
	"SWHardeningNeeded",
	"ConfigurationNeeded",
	"ConfigurationAndSWHardeningNeeded",
	"OutOfDate",
	"OutOfDateConfigurationNeeded",
	"TDRelaunchAdvised",
	"TDRelaunchAdvisedConfigurationNeeded",
	NULL,
};

/* clang-format off */
static const struct conf_field accept_element = {
	.type = CONF_ENUM, .size = sizeof(int), .names = status_names,
};

static const struct conf_field advisory_element = {
	.type = CONF_STRING, .size = sizeof(const char *),
	.min = 1, .max = TEE_ADVISORY_LEN - 1,
};

static const struct conf_field tcb_fields[] = {
	{ .key = "accept", .type = CONF_LIST,
	  .offset = offsetof(struct raw_tcb, accept), .element = &accept_element },
	{ .key = "advisories", .type = CONF_LIST,
	  .offset = offsetof(struct raw_tcb, advisories),
	  .element = &advisory_element },
	{ .key = "min_evaluation", .type = CONF_U64,
	  .offset = offsetof(struct raw_tcb, min_evaluation), .max = UINT32_MAX },
	{ .key = "grace", .type = CONF_MS,
	  .offset = offsetof(struct raw_tcb, grace_ms), .max = GRACE_MAX_MS },
	{ 0 },
};

static const struct conf_field family_element = {
	.type = CONF_HEX, .size = sizeof(struct policy_family),
};

static const struct conf_field platform_fields[] = {
	{ .key = "ppid", .type = CONF_HEX, .is_required = true,
	  .offset = offsetof(struct policy_platform, ppid), .size = 16 },
	{ .key = "until", .type = CONF_CUSTOM,
	  .offset = offsetof(struct policy_platform, until),
	  .check = read_until, .expected = "a time such as 2027-01-01T00:00:00Z" },
	{ 0 },
};

static const struct conf_field platform_element = {
	.type = CONF_STRUCT, .size = sizeof(struct policy_platform),
	.fields = platform_fields,
};

static const struct conf_field platforms_fields[] = {
	{ .key = "fmspc", .type = CONF_LIST,
	  .offset = offsetof(struct raw_platforms, fmspc),
	  .element = &family_element },
	{ .key = "allow", .type = CONF_LIST,
	  .offset = offsetof(struct raw_platforms, allow),
	  .element = &platform_element, .max = POLICY_PLATFORMS_MAX },
	{ .key = "deny", .type = CONF_LIST,
	  .offset = offsetof(struct raw_platforms, deny),
	  .element = &platform_element, .max = POLICY_PLATFORMS_MAX },
	{ 0 },
};

static const struct conf_field td_fields[] = {
	{ .key = "migratable", .type = CONF_BOOL,
	  .offset = offsetof(struct raw_td, migratable) },
	{ .key = "sept_ve_disable", .type = CONF_BOOL,
	  .offset = offsetof(struct raw_td, sept_ve_disable) },
	{ 0 },
};

#define REGISTER(name, place) \
	{ .key = name, .type = CONF_CUSTOM, \
	  .offset = offsetof(struct raw_image, registers[place]), \
	  .check = read_register, .expected = "96 hex digits" }

static const struct conf_field image_fields[] = {
	{ .key = "name", .type = CONF_STRING,
	  .offset = offsetof(struct raw_image, name), .is_required = true,
	  .min = 1, .max = NAME_LEN_MAX },
	REGISTER("mr_td", POLICY_MR_TD),
	REGISTER("rtmr0", POLICY_RTMR0),
	REGISTER("rtmr1", POLICY_RTMR1),
	REGISTER("rtmr2", POLICY_RTMR2),
	REGISTER("rtmr3", POLICY_RTMR3),
	REGISTER("mr_config_id", POLICY_MR_CONFIG_ID),
	REGISTER("mr_owner", POLICY_MR_OWNER),
	REGISTER("mr_owner_config", POLICY_MR_OWNER_CONFIG),
	REGISTER("mr_seam", POLICY_MR_SEAM),
	{ 0 },
};

static const struct conf_field image_element = {
	.type = CONF_STRUCT, .size = sizeof(struct raw_image),
	.fields = image_fields,
};

static const struct conf_field policy_fields[] = {
	{ .key = "tcb", .type = CONF_STRUCT,
	  .offset = offsetof(struct raw_policy, tcb), .fields = tcb_fields },
	{ .key = "td", .type = CONF_STRUCT,
	  .offset = offsetof(struct raw_policy, td), .fields = td_fields },
	{ .key = "platforms", .type = CONF_STRUCT,
	  .offset = offsetof(struct raw_policy, platforms),
	  .fields = platforms_fields },
	{ .key = "simulated", .type = CONF_BOOL,
	  .offset = offsetof(struct raw_policy, simulated) },
	{ .key = "clock_skew", .type = CONF_MS,
	  .offset = offsetof(struct raw_policy, clock_skew_ms),
	  .max = CLOCK_SKEW_MAX_MS },
	{ .key = "images", .type = CONF_LIST,
	  .offset = offsetof(struct raw_policy, images),
	  .element = &image_element, .max = POLICY_IMAGES_MAX },
	{ 0 },
};
/* clang-format on */

static void take_statuses(struct tee_policy *p, const struct raw_tcb *raw)
{
	const int *places = raw->accept.items;

	if (raw->accept.count == ABSENT)
		return;
	memset(p->accepts_status, 0, sizeof(p->accepts_status));
	for (size_t i = 0; i < raw->accept.count; i++)
		p->accepts_status[places[i] + TCB_UP_TO_DATE] = true;
}

static void take_advisories(struct tee_policy *p, const struct raw_tcb *raw)
{
	if (raw->advisories.count == ABSENT)
		return;
	p->has_advisories = true;
	p->advisories = raw->advisories.items;
	p->advisory_count = raw->advisories.count;
}

static void take_platforms(struct tee_policy *p,
			   const struct raw_platforms *raw)
{
	p->has_families = raw->fmspc.count != ABSENT;
	p->families = raw->fmspc.items;
	p->family_count = p->has_families ? raw->fmspc.count : 0;
	p->has_allowed = raw->allow.count != ABSENT;
	p->allowed = raw->allow.items;
	p->allowed_count = p->has_allowed ? raw->allow.count : 0;
	p->denied = raw->deny.items;
	p->denied_count = raw->deny.count;
}

static bool take_image(struct policy_image *out, const struct raw_image *raw)
{
	bool pins = false;

	out->name = raw->name;
	for (size_t r = 0; r < POLICY_REGISTER_COUNT; r++) {
		out->is_pinned[r] = raw->registers[r].is_set;
		memcpy(out->value[r], raw->registers[r].value, QUOTE_MR_LEN);
		pins |= out->is_pinned[r];
	}
	return pins;
}

static enum rc take_images(struct tee_policy *p, struct arena *arena,
			   const struct conf_list *raw, const char *name,
			   char error[POLICY_ERROR_MAX])
{
	const struct raw_image *from = raw->items;
	struct policy_image *images;

	if (raw->count == ABSENT)
		return RC_OK;
	p->has_images = true;
	images = arena_new(arena, raw->count, sizeof(*images));
	for (size_t i = 0; i < raw->count; i++) {
		if (images && take_image(&images[i], &from[i]))
			continue;
		(void)snprintf(
			error, POLICY_ERROR_MAX,
			"%s: images[%zu]: expected at least one register", name,
			i);
		return RC_MALFORMED;
	}
	p->images = images;
	p->image_count = raw->count;
	return RC_OK;
}

enum rc policy_read(struct tee_policy *out, struct arena *arena,
		    const char *name, struct span text,
		    char error[POLICY_ERROR_MAX])
{
	static_assert((int)POLICY_ERROR_MAX >= (int)CONF_ERROR_MAX);
	struct tee_policy p = tee_policy_default;
	struct raw_policy raw = {
		.tcb.accept.count = ABSENT,
		.tcb.advisories.count = ABSENT,
		.td.sept_ve_disable = true,
		.platforms.fmspc.count = ABSENT,
		.platforms.allow.count = ABSENT,
		.simulated = true,
		.images.count = ABSENT,
	};
	enum rc rc = conf_read(&raw, policy_fields, arena, name, text, error);

	if (rc)
		return rc;
	take_statuses(&p, &raw.tcb);
	take_advisories(&p, &raw.tcb);
	p.min_evaluation = (uint32_t)raw.tcb.min_evaluation;
	p.grace_s = (int64_t)(raw.tcb.grace_ms / 1000);
	take_platforms(&p, &raw.platforms);
	p.allows_migratable = raw.td.migratable;
	p.allows_sept_ve = !raw.td.sept_ve_disable;
	p.refuses_simulated = !raw.simulated;
	p.clock_skew_s = (int64_t)(raw.clock_skew_ms / 1000);
	rc = take_images(&p, arena, &raw.images, name, error);
	if (rc)
		return rc;
	*out = p;
	return RC_OK;
}
