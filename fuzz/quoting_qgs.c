/*
 * A host's answer: a quote lies inside what was received and has a length; a
 * refusal has a number; what is whole stays what it is when it grows by a byte:
 * malformed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "quoting/qgs.h"
#include "quoting/source_devtdx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span all = span_of(data, n), quote = { 0 }, kept;
	uint32_t error = 0, port = 0;
	enum qgs_reading got = qgs_reply_read(&quote, &error, all);

	assert((got == QGS_QUOTE) == (quote.n != 0));
	assert((got == QGS_REFUSED) == (error != 0));
	if (got == QGS_QUOTE) {
		assert(quote.p > data && quote.p + quote.n == data + n);
		assert(quote.n <= QUOTE_MAX && n <= QGS_REPLY_MAX);
	}
	if (got == QGS_QUOTE || got == QGS_REFUSED) {
		uint8_t *longer = malloc(n + 1);

		memcpy(longer, data, n);
		longer[n] = 0;
		assert(qgs_reply_read(&kept, &error, span_of(longer, n + 1)) == QGS_MALFORMED);
		free(longer);
	}
	assert(devtdx_port(&port, all) == (port != 0));
	return 0;
}
