/*
 * A memory that is read can be written after a visit that has nothing newer to
 * say of the logs, and what is written is read as the same.
 */
#include <assert.h>
#include <stdlib.h>

#include "evidence/memory.h"

/* Not on the stack: it holds whole verdicts. */
static void again(const struct material_memory *memory, struct span host)
{
	const struct material m = { .host = host };
	struct reading *r = calloc(1, sizeof(*r));
	struct arena arena = { .max = 1024 * 1024 };
	struct material_memory other = { 0 };
	struct buf text;

	assert(r);
	r->m = &m;
	r->has_core = true;
	r->core.account.uri = memory->account_uri;
	r->core.account.thumbprint = memory->thumbprint;
	buf_init(&text, MEMORY_MAX);
	if (memory_write(&text, r, memory)) {
		assert(memory_read(&other, &arena, buf_span(&text), host) == RC_OK);
		assert(other.head_count == memory->head_count);
		for (size_t i = 0; i < other.head_count; i++)
			assert(other.heads[i].head.size == memory->heads[i].head.size);
		assert(span_equal(other.account_uri, memory->account_uri));
	}
	buf_fini(&text);
	arena_fini(&arena);
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char host[] = "www.example.org";
	struct material_memory memory = { .head_count = 77 };
	struct arena arena = { .max = 1024 * 1024 };

	if (memory_read(&memory, &arena, span_of(data, size), span_str(host)))
		assert(memory.head_count == 77);
	else
		again(&memory, span_str(host));
	arena_fini(&arena);
	return 0;
}
