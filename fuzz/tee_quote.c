/*
 * A quote that is read tiles its bytes: reading the canonical part again gives
 * the same, one byte less is too short, and padding changes nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tee/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quote q, again;
	uint8_t *padded;

	if (quote_parse(&q, span_of(data, size)))
		return 0;
	assert(q.canonical.p == data && q.canonical.n <= size);
	assert(q.signed_region.p == data && q.signed_region.n < q.canonical.n);
	assert(q.signature.n == 64 && q.attestation_key.n == 64);
	assert(q.qe_report.raw.n == QUOTE_ENCLAVE_REPORT_LEN);
	assert(quote_report_data(&q).n == QUOTE_REPORT_DATA_LEN);
	assert(q.certification_data.p + q.certification_data.n == data + q.canonical.n);
	assert(quote_parse(&again, q.canonical) == TEE_OK);
	assert(again.canonical.n == q.canonical.n);
	assert(quote_parse(&again, span_of(data, q.canonical.n - 1)) == TEE_QUOTE_TOO_SHORT);
	if (q.canonical.n + 8 > QUOTE_MAX)
		return 0;
	padded = calloc(1, q.canonical.n + 8);
	memcpy(padded, data, q.canonical.n);
	assert(quote_parse(&again, span_of(padded, q.canonical.n + 8)) == TEE_OK);
	assert(again.canonical.n == q.canonical.n);
	free(padded);
	return 0;
}
