/* A QE identity that is read has its levels in strict order. */
#include <assert.h>

#include "tee/qeidentity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p256_signature sig;
	struct span text = span_of(data, size), object;
	struct qeidentity q;
	struct arena arena;

	if (document_split(&object, &sig, text, "enclaveIdentity"))
		text = object;
	arena_init(&arena, 1024 * 1024);
	if (qeidentity_parse(&q, &arena, text) == TEE_OK)
		for (size_t i = 1; i < q.levels.count; i++)
			assert(q.levels.items[i - 1].isv_svn > q.levels.items[i].isv_svn);
	arena_fini(&arena);
	return 0;
}
