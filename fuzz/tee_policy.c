/*
 * A policy that is read never accepts Revoked, each image pins something of one
 * kind, and no signed list is in order before it was given.
 */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "tee/policy.h"

static void check_image(const struct policy_image *image)
{
	const struct policy_enclave *e = &image->enclave;
	const struct policy_guest *g = &image->guest;
	bool pins = memchr(image->is_pinned, true, POLICY_REGISTER_COUNT);

	assert(strlen(image->name));
	assert(pins + image->is_enclave + image->is_guest == 1);
	assert(image->is_guest == (g->pins_measurement || g->pins_host_data || g->pins_id_key));
	assert(image->is_enclave == (e->pins_enclave || e->pins_signer));
	assert(!e->pins_signer || e->pins_product);
}

/* Whoever forgets to give it refuses everything. */
static void check_list(const struct tee_policy *p, const struct policy_list *l)
{
	static struct tee_verdict v;

	assert(l->state == TEE_LIST_MISSING && platform_is_name(span_str(l->name)));
	assert(l->file[0] && l->file[0] != '/' && !strstr(l->file, "/../"));
	assert(l->use == PLATFORM_ALLOW || (!l->min_level && !l->operator));
	v = (struct tee_verdict){
		.tcb_status = TCB_UP_TO_DATE,
		.quote = { .tee = QUOTE_TDX,
			   .td = { .td_attributes = 1 << 28, .xfam = 3 } },
	};
	assert(policy_check(&v, p) != TEE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[POLICY_ERROR_MAX];
	struct tee_policy p;
	struct arena arena;

	memset(error, 0, sizeof(error));
	arena_init(&arena, POLICY_ARENA_MAX);
	if (policy_read(&p, &arena, "fuzz", span_of(data, size), error)) {
		assert(error[0] && memchr(error, 0, sizeof(error)));
	} else {
		assert(!p.accepts_status[TCB_REVOKED] && !p.accepts_status[TCB_NONE]);
		assert(p.has_images || !p.image_count);
		assert(p.image_count <= POLICY_IMAGES_MAX && p.clock_skew_s >= 0);
		assert(p.snp.vmpl_max <= SNP_VMPL_MAX);
		assert(p.snp.has_min_tcb || !p.snp.min_tcb_count);
		assert(p.snp.has_allowed || !p.snp.allowed_count);
		for (size_t i = 0; i < p.image_count; i++)
			check_image(&p.images[i]);
		for (size_t i = 0; i < p.list_count; i++)
			check_list(&p, &p.lists[i]);
	}
	arena_fini(&arena);
	return 0;
}
