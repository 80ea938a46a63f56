/* What is read of the remembered numbers is written as the same text. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "pcs/floor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t text[FLOOR_TEXT_MAX];
	struct floor *f = mem_new(sizeof(*f)), *again = mem_new(sizeof(*again));
	struct wr w = WR_ARRAY(text);

	if (floor_parse(f, span_of(data, size)) == RC_OK) {
		floor_write(&w, f);
		assert(!w.over && w.n == size);
		assert(floor_parse(again, wr_span(&w)) == RC_OK);
		assert(again->count == f->count);
		for (size_t i = 0; i < f->count; i++) {
			const struct floor_entry *e = &f->entries[i];
			const uint8_t *fmspc = e->is_qe ? NULL : e->fmspc;

			assert(floor_get(again, e->tee, fmspc) == e->number);
		}
	}
	free(f);
	free(again);
	return 0;
}
