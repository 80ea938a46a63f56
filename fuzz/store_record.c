/*
 * Records of the database, any bytes.  Promises: what is read is written again
 * as the same bytes; a refusal touches nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct store_lease l, before;
	uint8_t bytes[RECORD_MAX];
	struct wr w = WR_ARRAY(bytes);

	memset(&l, 0x5a, sizeof(l));
	before = l;
	if (record_read(&l, span_of(data, n))) {
		record_write(&w, &l);
		assert(span_equal(wr_span(&w), span_of(data, n)));
	} else {
		assert(memcmp(&l, &before, sizeof(l)) == 0); /* public: a test's */
	}
	return 0;
}
