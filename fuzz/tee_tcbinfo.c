/*
 * A signed document is split exactly; TCB info that is read has its levels in
 * strict order, each with a status of Intel's; a platform that has a level's
 * SVNs gets that level or a later one, and one that has less never does.  A
 * refusal touches nothing.
 */
#include <assert.h>
#include <string.h>

#include "tee/tcb.h"

static void check_level(const struct tcbinfo *info, const struct tcb_level *l)
{
	assert(l->level.status > TCB_NONE && l->level.status <= TCB_REVOKED);
	assert(l->level.advisory_count <= ADVISORIES_MAX);
	for (size_t j = 0; j < l->level.advisory_count; j++)
		assert(strlen(l->level.advisories[j]) <= ADVISORY_LEN);
	if (l == info->levels)
		return;
	int order = memcmp(l[-1].sgx, l->sgx, 16);

	assert(order >= 0);
	if (order)
		return;
	assert(l[-1].pce_svn >= l->pce_svn);
	assert(l[-1].pce_svn > l->pce_svn || memcmp(l[-1].tdx, l->tdx, 16) > 0);
}

/* The platform with just this level's SVNs, its module without identity. */
static void check_reach(const struct tcbinfo *info, const struct tcb_level *l)
{
	const struct svn_level in_order = { 0, { .status = TCB_UP_TO_DATE } };
	const struct qeidentity qe = { .levels = { &in_order, 1 } };
	struct pck_info pck = { .pce_svn = l->pce_svn };
	const bool is_tdx = info->tee == QUOTE_TDX;
	uint8_t svn[16];
	struct td_report td = { .tee_tcb_svn = { svn, 16 } };
	struct tcb_platform p = { .pck = &pck, .td = is_tdx ? &td : NULL };
	struct tcb_answer a;

	memcpy(pck.component, l->sgx, 16);
	memcpy(svn, l->tdx, 16);
	svn[1] = 0;
	if (is_tdx && l->tdx[1])
		return; /* what it needs has an identity of its own */
	assert(tcb_evaluate(&a, info, &qe, &p) == TEE_OK);
	assert(a.parts[0] <= &l->level && a.parts[0] >= &info->levels[0].level);
	assert(a.module == TCB_NONE && a.qe == TCB_UP_TO_DATE);
	assert(a.status == a.platform);
	for (size_t i = 0; i < 16; i++) {
		if (!l->sgx[i])
			continue;
		pck.component[i]--;
		if (tcb_evaluate(&a, info, &qe, &p) == TEE_OK)
			assert(a.parts[0] != &l->level);
		pck.component[i]++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p256_signature sig;
	struct span text = span_of(data, size), object;
	struct tcbinfo info, kept;
	struct arena arena;

	if (document_split(&object, &sig, text, "tcbInfo")) {
		assert(object.p > data && object.p + object.n < data + size);
		assert(object.p[0] == '{' && object.p[object.n - 1] == '}');
		text = object;
	}
	memset(&info, 0x5a, sizeof(info));
	kept = info;
	arena_init(&arena, 1024 * 1024);
	if (tcbinfo_parse(&info, &arena, text)) {
		assert(memcmp(&info, &kept, sizeof(info)) == 0);
	} else {
		assert(info.level_count && info.module_count <= TCBINFO_MODULES_MAX);
		for (size_t i = 0; i < info.level_count; i++)
			check_level(&info, &info.levels[i]);
		for (size_t i = 0; i < info.level_count && i < 4; i++)
			check_reach(&info, &info.levels[i]);
	}
	arena_fini(&arena);
	return 0;
}
