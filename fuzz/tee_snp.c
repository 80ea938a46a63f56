/*
 * A SEV-SNP report that is read is written again to the same bytes; one byte
 * less or more is none.
 */
#include <assert.h>
#include <string.h>

#include "tee/kind.h"
#include "tee/snp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	uint8_t room[SNP_REPORT_LEN];
	struct wr w = WR_ARRAY(room);
	struct snp_report r, again;
	struct snp_tcb tcb;

	(void)tee_kind_of(bytes);
	if (snp_parse(&r, bytes))
		return 0;
	assert(size == SNP_REPORT_LEN && tee_kind_of(bytes) == TEE_KIND_SNP);
	snp_write(&w, &r);
	assert(span_equal(wr_span(&w), bytes));
	assert(snp_parse(&again, span_of(data, size - 1)) == TEE_SNP_SIZE);
	for (unsigned p = SNP_MILAN; p < SNP_PRODUCT_COUNT; p++)
		if (snp_tcb_read(&tcb, (enum snp_product)p, r.reported_tcb))
			assert(snp_tcb_pack((enum snp_product)p, &tcb) == r.reported_tcb);
	return 0;
}
