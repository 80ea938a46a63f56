/*
 * collateral_fmspc_of() on any bytes: which platform a quote that nobody has
 * verified yet names.  Promises: no answer leaves the output alone, and the
 * same bytes give the same answer.
 */
#include <assert.h>
#include <string.h>

#include "quoting/collateral_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t untouched[6] = { 1, 2, 3, 4, 5, 6 };
	uint8_t a[6] = { 1, 2, 3, 4, 5, 6 }, b[6] = { 0 };
	bool found = collateral_fmspc_of(a, span_of(data, n));

	assert(found || memcmp(a, untouched, sizeof(a)) == 0);
	assert(collateral_fmspc_of(b, span_of(data, n)) == found);
	assert(!found || memcmp(a, b, sizeof(a)) == 0);
	return 0;
}
