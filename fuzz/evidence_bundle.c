/*
 * A collection that is read is written as one that is read as the same, and so
 * are a bundle and what a visitor saved.
 */
#include <assert.h>

#include "evidence/bundle.h"
#include "evidence/gathered.h"

enum {
	MEMORY = 8 * 1024 * 1024,
};

static void try_cmw(struct span text)
{
	struct arena arena = { .max = MEMORY };
	const struct cmw *top = NULL, *again;
	struct buf out, twice;

	if (cmw_read(&top, &arena, text)) {
		assert(!top);
	} else {
		assert(top->is_collection && top->first);
		buf_init(&out, CMW_MAX);
		buf_init(&twice, CMW_MAX);
		assert(cmw_write(&out, top) == RC_OK);
		if (cmw_read(&again, &arena, buf_span(&out)) == RC_OK) {
			assert(cmw_write(&twice, again) == RC_OK);
			assert(span_equal(buf_span(&out), buf_span(&twice)));
		}
		buf_fini(&out);
		buf_fini(&twice);
	}
	arena_fini(&arena);
}

static void try_bundle(struct span text)
{
	struct arena arena = { .max = MEMORY };
	struct evidence_bundle b;
	struct buf out;

	if (evidence_bundle_read(&b, &arena, text) == RC_OK) {
		assert(b.core.n && b.quote.n && b.files.count);
		buf_init(&out, CMW_MAX);
		assert(evidence_bundle_write(&out, &b) == RC_OK);
		buf_fini(&out);
	}
	arena_fini(&arena);
}

static void try_gathered(struct span text)
{
	static struct gathered g;
	struct arena arena = { .max = MEMORY };
	struct buf out;

	if (gathered_read(&g, &arena, text) == RC_OK) {
		buf_init(&out, CMW_MAX);
		(void)gathered_write(&out, &g); /* larger than the bound, at worst */
		buf_fini(&out);
	}
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);

	try_cmw(text);
	try_bundle(text);
	try_gathered(text);
	return 0;
}
