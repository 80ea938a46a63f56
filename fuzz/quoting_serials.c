/* What is read of remembered serials is what is written and read again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "quoting/serials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t text[SERIALS_TEXT_MAX];
	struct serials *s = mem_new(sizeof(*s)), *again = mem_new(sizeof(*again));
	struct wr w = WR_ARRAY(text);

	if (serials_parse(s, span_of(data, size)) == RC_OK) {
		serials_write(&w, s);
		assert(!w.over && w.n == size);
		assert(serials_parse(again, wr_span(&w)) == RC_OK);
		assert(again->count == s->count);
		assert(memcmp(again, s, sizeof(*s)) == 0);
	}
	free(s);
	free(again);
	return 0;
}
