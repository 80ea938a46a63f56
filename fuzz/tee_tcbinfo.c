/*
 * A signed document is split exactly; TCB info that is read has levels in
 * strict order, each with a status of Intel's.
 */
#include <assert.h>
#include <string.h>

#include "tee/tcb.h"

static void check(const struct tcbinfo *info)
{
	static uint8_t zero[16];
	struct pck_info pck = { 0 };
	struct qeidentity qe = { 0 };
	struct td_report td = {
		.tee_tcb_svn = { zero, 16 },
		.tee_tcb_svn2 = { zero, 16 },
		.mr_signer_seam = { zero, 0 },
		.seam_attributes = { zero, 8 },
	};
	struct tcb_platform platform = { .pck = &pck, .td = info->tee == QUOTE_TDX ? &td : NULL };
	struct tcb_answer a;
	const char *field;

	assert(info->level_count);
	for (size_t i = 0; i < info->level_count; i++) {
		const struct tcb_level *l = &info->levels[i];

		assert(l->level.status > TCB_NONE && l->level.status <= TCB_REVOKED);
		assert(l->level.advisory_count <= ADVISORIES_MAX);
		for (size_t j = 0; j < l->level.advisory_count; j++)
			assert(strlen(l->level.advisories[j]) <= ADVISORY_LEN);
		if (i)
			assert(memcmp(l[-1].sgx, l->sgx, 16) >= 0);
	}
	memset(pck.component, 0xff, sizeof(pck.component));
	pck.pce_svn = UINT16_MAX;
	(void)tcb_evaluate(&a, info, &qe, &platform);
	(void)tcb_check_module(&field, info, &td);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p256_signature sig;
	struct span text = span_of(data, size), object;
	struct tcbinfo info;
	struct arena arena;

	if (document_split(&object, &sig, text, "tcbInfo")) {
		assert(object.p > data && object.p + object.n < data + size);
		assert(object.p[0] == '{' && object.p[object.n - 1] == '}');
		text = object;
	}
	arena_init(&arena, 1024 * 1024);
	if (tcbinfo_parse(&info, &arena, text) == TEE_OK)
		check(&info);
	arena_fini(&arena);
	return 0;
}
