#include <limits.h>
#include <stdio.h>

#include "tee/policy_rules.h"
#include "tee/prepare.h"

enum {
	HEX_MR = 2 * QUOTE_MR_LEN + 1,
};

static const char *const register_names[POLICY_REGISTER_COUNT] = {
	[POLICY_MR_TD] = "mr_td",
	[POLICY_RTMR0] = "rtmr0",
	[POLICY_RTMR1] = "rtmr1",
	[POLICY_RTMR2] = "rtmr2",
	[POLICY_RTMR3] = "rtmr3",
	[POLICY_MR_CONFIG_ID] = "mr_config_id",
	[POLICY_MR_OWNER] = "mr_owner",
	[POLICY_MR_OWNER_CONFIG] = "mr_owner_config",
	[POLICY_MR_SEAM] = "mr_seam",
	[POLICY_MR_SERVICE_TD] = "mr_service_td",
};

const char *policy_register_name(enum policy_register r)
{
	return register_names[r];
}

static struct span register_of(const struct td_report *td,
			       enum policy_register r)
{
	switch (r) {
	case POLICY_MR_TD:
		return td->mr_td;
	case POLICY_RTMR0:
	case POLICY_RTMR1:
	case POLICY_RTMR2:
	case POLICY_RTMR3:
		return td->rtmr[r - POLICY_RTMR0];
	case POLICY_MR_CONFIG_ID:
		return td->mr_config_id;
	case POLICY_MR_OWNER:
		return td->mr_owner;
	case POLICY_MR_OWNER_CONFIG:
		return td->mr_owner_config;
	case POLICY_MR_SEAM:
		return td->mr_seam;
	case POLICY_MR_SERVICE_TD:
		return td->mr_service_td;
	}
	return (struct span){ 0 };
}

/* How a quote differs from an image: the first pin that it fails. */
struct difference {
	unsigned place; /* in the order of pins; NO_DIFFERENCE: none */
	const char *pin;
	char expected[HEX_MR], found[HEX_MR];
};

#define NO_DIFFERENCE UINT_MAX

static void compare_bytes(struct difference *d, unsigned place, const char *pin,
			  struct span expected, struct span found)
{
	if (d->place != NO_DIFFERENCE || span_equal(expected, found))
		return;
	d->place = place;
	d->pin = pin;
	policy_hex(d->expected, sizeof(d->expected), expected);
	policy_hex(d->found, sizeof(d->found), found);
}

static void compare_td(struct difference *d, const struct policy_image *image,
		       const struct td_report *td)
{
	for (unsigned r = 0; r < POLICY_REGISTER_COUNT; r++)
		if (image->is_pinned[r])
			compare_bytes(d, r, register_names[r],
				      SPAN_ARRAY(image->value[r]),
				      register_of(td, (enum policy_register)r));
}

static void compare_number(struct difference *d, unsigned place,
			   const char *pin, const char *how, unsigned expected,
			   unsigned found, bool is_equal)
{
	if (d->place != NO_DIFFERENCE || is_equal)
		return;
	d->place = place;
	d->pin = pin;
	(void)snprintf(d->expected, sizeof(d->expected), "%s%u", how, expected);
	(void)snprintf(d->found, sizeof(d->found), "%u", found);
}

static void compare_enclave(struct difference *d,
			    const struct policy_enclave *e,
			    const struct enclave_report *found)
{
	if (e->pins_enclave)
		compare_bytes(d, 0, "mr_enclave", SPAN_ARRAY(e->mr_enclave),
			      found->mr_enclave);
	if (e->pins_signer)
		compare_bytes(d, 1, "mr_signer", SPAN_ARRAY(e->mr_signer),
			      found->mr_signer);
	if (e->pins_product)
		compare_number(d, 2, "isv_prod_id", "", e->isv_prod_id,
			       found->isv_prod_id,
			       found->isv_prod_id == e->isv_prod_id);
	compare_number(d, 3, "min_isv_svn", "at least ", e->min_isv_svn,
		       found->isv_svn, found->isv_svn >= e->min_isv_svn);
}

static void compare_guest(struct difference *d, const struct policy_guest *g,
			  const struct snp_report *found)
{
	if (g->pins_measurement)
		compare_bytes(d, 0, "measurement", SPAN_ARRAY(g->measurement),
			      found->measurement);
	if (g->pins_host_data)
		compare_bytes(d, 1, "host_data", SPAN_ARRAY(g->host_data),
			      found->host_data);
	if (g->pins_id_key)
		compare_bytes(d, 2, "id_key_digest",
			      SPAN_ARRAY(g->id_key_digest),
			      found->id_key_digest);
}

static struct difference difference_of(const struct policy_image *image,
				       const struct tee_verdict *v)
{
	struct difference d = { .place = NO_DIFFERENCE };

	if (image->is_guest)
		compare_guest(&d, &image->guest, &v->snp);
	else if (image->is_enclave)
		compare_enclave(&d, &image->enclave, &v->quote.enclave);
	else
		compare_td(&d, image, &v->quote.td);
	return d;
}

static bool is_of_kind(const struct policy_image *image,
		       const struct tee_verdict *v)
{
	if (v->kind == TEE_KIND_SNP)
		return image->is_guest;
	return !image->is_guest &&
	       image->is_enclave == (v->quote.tee == QUOTE_SGX);
}

/* Says how the image that agrees furthest differs. */
static enum tee_reason refuse_all(struct tee_verdict *v,
				  const struct tee_policy *p,
				  const struct policy_image *nearest,
				  const struct difference *d)
{
	const char *kind = v->kind == TEE_KIND_SNP     ? "SEV-SNP"
			   : v->quote.tee == QUOTE_TDX ? "TDX"
						       : "SGX";

	if (!p->image_count)
		return refuse(v->detail, TEE_POLICY_MEASUREMENT,
			      "images: expected a listed one, found an empty "
			      "list");
	if (!nearest)
		return refuse(v->detail, TEE_POLICY_MEASUREMENT,
			      "images: expected evidence of a listed kind, "
			      "found %s",
			      kind);
	return refuse(v->detail, TEE_POLICY_MEASUREMENT,
		      "images.%.16s.%s: expected %s, found %s", nearest->name,
		      d->pin, d->expected, d->found[0] ? d->found : "none");
}

enum tee_reason policy_measurement(struct tee_verdict *v,
				   const struct tee_policy *p)
{
	const struct policy_image *nearest = NULL;
	struct difference least = { 0 };

	if (!p->has_images)
		return TEE_OK;
	for (size_t i = 0; i < p->image_count; i++) {
		const struct policy_image *image = &p->images[i];
		struct difference d;

		if (!is_of_kind(image, v))
			continue;
		d = difference_of(image, v);
		if (d.place == NO_DIFFERENCE) {
			(void)snprintf(v->image, sizeof(v->image), "%s",
				       image->name);
			return TEE_OK;
		}
		if (nearest && d.place <= least.place)
			continue;
		nearest = image;
		least = d;
	}
	return refuse_all(v, p, nearest, &least);
}
