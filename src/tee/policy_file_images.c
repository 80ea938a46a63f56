#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "tee/policy_file.h"

/* As struct raw_register, for what enclaves have. */
struct raw_hash {
	bool is_set;
	uint8_t value[32];
};

struct raw_number {
	bool is_set;
	uint16_t value;
};

struct raw_image {
	const char *name;
	struct raw_register registers[POLICY_REGISTER_COUNT];
	struct raw_hash mr_enclave, mr_signer;
	struct raw_number isv_prod_id, min_isv_svn;
	struct raw_register measurement, id_key_digest;
	struct raw_hash host_data;
};

static bool read_hash(void *out, const char *text, struct arena *arena)
{
	struct raw_hash *h = out;

	(void)arena;
	h->is_set = text_hex_decode(h->value, sizeof(h->value), span_str(text));
	return h->is_set;
}

static bool read_u16(void *out, const char *text, struct arena *arena)
{
	struct raw_number *n = out;
	uint64_t v;

	(void)arena;
	n->is_set = text_u64(&v, span_str(text), UINT16_MAX);
	if (n->is_set)
		n->value = (uint16_t)v;
	return n->is_set;
}

static bool pins_td(const struct raw_image *image)
{
	for (size_t r = 0; r < POLICY_REGISTER_COUNT; r++)
		if (image->registers[r].is_set)
			return true;
	return false;
}

static bool names_enclave(const struct raw_image *image)
{
	return image->mr_enclave.is_set || image->mr_signer.is_set ||
	       image->isv_prod_id.is_set || image->min_isv_svn.is_set;
}

static bool pins_guest(const struct raw_image *image)
{
	return image->measurement.is_set || image->host_data.is_set ||
	       image->id_key_digest.is_set;
}

/* A signer without a product would pin everything that it ever signed. */
static bool check_image(void *out, const char *text, struct arena *arena)
{
	const struct raw_image *image = out;

	(void)text;
	(void)arena;
	if (pins_guest(image))
		return !pins_td(image) && !names_enclave(image);
	if (pins_td(image))
		return !names_enclave(image);
	if (image->mr_signer.is_set)
		return image->isv_prod_id.is_set;
	return image->mr_enclave.is_set;
}

#define REGISTER(name, place) \
	{ \
		.key = name, .type = CONF_CUSTOM, \
		.offset = offsetof(struct raw_image, registers[place]), \
		.check = policy_read_register, .expected = "96 hex digits" \
	}
#define PIN(name, reader, form) \
	{ \
		.key = #name, .type = CONF_CUSTOM, \
		.offset = offsetof(struct raw_image, name), \
		.check = reader, .expected = form \
	}

/* clang-format off */
static const struct conf_field image_fields[] = {
	{ .key = "name", .type = CONF_STRING,
	  .offset = offsetof(struct raw_image, name), .is_required = true,
	  .min = 1, .max = POLICY_NAME_MAX },
	REGISTER("mr_td", POLICY_MR_TD),
	REGISTER("rtmr0", POLICY_RTMR0),
	REGISTER("rtmr1", POLICY_RTMR1),
	REGISTER("rtmr2", POLICY_RTMR2),
	REGISTER("rtmr3", POLICY_RTMR3),
	REGISTER("mr_config_id", POLICY_MR_CONFIG_ID),
	REGISTER("mr_owner", POLICY_MR_OWNER),
	REGISTER("mr_owner_config", POLICY_MR_OWNER_CONFIG),
	REGISTER("mr_seam", POLICY_MR_SEAM),
	REGISTER("mr_service_td", POLICY_MR_SERVICE_TD),
	PIN(mr_enclave, read_hash, "64 hex digits"),
	PIN(mr_signer, read_hash, "64 hex digits"),
	PIN(isv_prod_id, read_u16, "a number from 0 to 65535"),
	PIN(min_isv_svn, read_u16, "a number from 0 to 65535"),
	PIN(measurement, policy_read_register, "96 hex digits"),
	PIN(host_data, read_hash, "64 hex digits"),
	PIN(id_key_digest, policy_read_register, "96 hex digits"),
	{ 0 },
};

const struct conf_field policy_image_element = {
	.type = CONF_STRUCT, .size = sizeof(struct raw_image),
	.fields = image_fields, .check = check_image,
	.expected = "at least one TDX register; or for SGX mr_enclave, or "
		    "mr_signer with isv_prod_id; or for SEV-SNP measurement, "
		    "host_data or id_key_digest",
};
/* clang-format on */

static void take_enclave(struct policy_enclave *out,
			 const struct raw_image *raw)
{
	out->pins_enclave = raw->mr_enclave.is_set;
	out->pins_signer = raw->mr_signer.is_set;
	memcpy(out->mr_enclave, raw->mr_enclave.value, sizeof(out->mr_enclave));
	memcpy(out->mr_signer, raw->mr_signer.value, sizeof(out->mr_signer));
	out->pins_product = raw->isv_prod_id.is_set;
	out->isv_prod_id = raw->isv_prod_id.value;
	out->min_isv_svn = raw->min_isv_svn.value;
}

static void take_guest(struct policy_guest *out, const struct raw_image *raw)
{
	static_assert((int)QUOTE_MR_LEN == (int)SNP_MEASUREMENT_LEN);

	out->pins_measurement = raw->measurement.is_set;
	out->pins_host_data = raw->host_data.is_set;
	out->pins_id_key = raw->id_key_digest.is_set;
	memcpy(out->measurement, raw->measurement.value,
	       sizeof(out->measurement));
	memcpy(out->host_data, raw->host_data.value, sizeof(out->host_data));
	memcpy(out->id_key_digest, raw->id_key_digest.value,
	       sizeof(out->id_key_digest));
}

static void take_image(struct policy_image *out, const struct raw_image *raw)
{
	out->name = raw->name;
	out->is_guest = pins_guest(raw);
	out->is_enclave = !out->is_guest && !pins_td(raw);
	for (size_t r = 0; r < POLICY_REGISTER_COUNT; r++) {
		out->is_pinned[r] = raw->registers[r].is_set;
		memcpy(out->value[r], raw->registers[r].value, QUOTE_MR_LEN);
	}
	take_enclave(&out->enclave, raw);
	take_guest(&out->guest, raw);
}

enum rc policy_take_images(struct tee_policy *p, struct arena *arena,
			   const struct conf_list *raw)
{
	const struct raw_image *from = raw->items;
	struct policy_image *images;

	if (raw->count == POLICY_ABSENT)
		return RC_OK;
	images = arena_new(arena, raw->count, sizeof(*images));
	if (!images)
		return RC_LIMIT;
	for (size_t i = 0; i < raw->count; i++)
		take_image(&images[i], &from[i]);
	p->has_images = true;
	p->images = images;
	p->image_count = raw->count;
	return RC_OK;
}
