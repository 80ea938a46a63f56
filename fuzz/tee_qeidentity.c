/*
 * A QE identity that is read has its levels in strict order, and an SVN gets
 * the highest level it is not below.  A refusal touches nothing.
 */
#include <assert.h>
#include <string.h>

#include "tee/qeidentity.h"

static void check_levels(const struct svn_levels *l)
{
	for (size_t i = 0; i < l->count; i++) {
		uint16_t svn = l->items[i].isv_svn;

		assert(!i || l->items[i - 1].isv_svn > svn);
		assert(svn_levels_match(l, svn) == &l->items[i].level);
		if (svn)
			assert(svn_levels_match(l, (uint16_t)(svn - 1)) != &l->items[i].level);
	}
	assert(!svn_levels_match(l, UINT16_MAX) == !l->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p256_signature sig;
	struct span text = span_of(data, size), object;
	struct qeidentity q, kept;
	struct arena arena;

	if (document_split(&object, &sig, text, "enclaveIdentity"))
		text = object;
	memset(&q, 0x5a, sizeof(q));
	kept = q;
	arena_init(&arena, 1024 * 1024);
	if (qeidentity_parse(&q, &arena, text))
		assert(memcmp(&q, &kept, sizeof(q)) == 0);
	else
		check_levels(&q.levels);
	arena_fini(&arena);
	return 0;
}
