/*
 * A quote that is read tiles its bytes: put together again from its parts it is
 * the same bytes; one byte less is too short; padding changes nothing, and one
 * bit set in it is refused.  A refusal touches nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "tee/quote.h"

/* What follows the signed region, from the parts of the reader. */
static void check_parts(const struct quote *q)
{
	static uint8_t room[QUOTE_MAX];
	struct wr w = WR_ARRAY(room);
	size_t certified = QUOTE_ENCLAVE_REPORT_LEN + 64 + 2 + q->qe_auth_data.n + 6 +
			   q->certification_data.n;

	wr_bytes(&w, q->signed_region);
	wr_le32(&w, (uint32_t)(64 + 64 + (q->version == 3 ? 0 : 6) + certified));
	wr_bytes(&w, q->signature);
	wr_bytes(&w, q->attestation_key);
	if (q->version != 3) {
		wr_le16(&w, 6);
		wr_le32(&w, (uint32_t)certified);
	}
	wr_bytes(&w, q->qe_report.raw);
	wr_bytes(&w, q->qe_report_signature);
	wr_le16(&w, (uint16_t)q->qe_auth_data.n);
	wr_bytes(&w, q->qe_auth_data);
	wr_le16(&w, q->certification_type);
	wr_le32(&w, (uint32_t)q->certification_data.n);
	wr_bytes(&w, q->certification_data);
	assert(span_equal(wr_span(&w), q->canonical));
}

static void check_padding(const struct quote *q, uint8_t at)
{
	const size_t n = q->canonical.n + 8;
	struct quote again;
	uint8_t *padded;

	if (n > QUOTE_MAX)
		return;
	padded = calloc(1, n);
	memcpy(padded, q->canonical.p, q->canonical.n);
	assert(quote_parse(&again, span_of(padded, n)) == TEE_OK);
	assert(again.canonical.n == q->canonical.n);
	padded[q->canonical.n + at % 8] = (uint8_t)(1 << at / 32);
	assert(quote_parse(&again, span_of(padded, n)) == TEE_QUOTE_TRAILING);
	free(padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quote q, again, kept;

	memset(&q, 0x5a, sizeof(q));
	kept = q;
	if (quote_parse(&q, span_of(data, size))) {
		assert(memcmp(&q, &kept, sizeof(q)) == 0);
		return 0;
	}
	assert(q.canonical.p == data && q.canonical.n <= size);
	assert(q.signed_region.p == data && q.signed_region.n < q.canonical.n);
	assert(quote_report_data(&q).n == QUOTE_REPORT_DATA_LEN);
	assert((q.tee == QUOTE_SGX) == (q.version == 3));
	assert(!q.td.tee_tcb_svn2.n == !q.td.mr_service_td.n);
	assert(q.certification_data.p + q.certification_data.n == data + q.canonical.n);
	check_parts(&q);
	assert(quote_parse(&again, span_of(data, q.canonical.n - 1)) == TEE_QUOTE_TOO_SHORT);
	check_padding(&q, data[28]);
	return 0;
}
