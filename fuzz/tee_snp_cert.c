/* Extensions of a chip's or cloud's certificate, as every product and key. */
#include <assert.h>
#include <string.h>

#include "tee/snp_cert.h"

static void as(const struct rsapss_cert *c, enum snp_product p, enum snp_signing_key key)
{
	struct snp_extensions e;
	const char *field = NULL;

	(void)snp_is_intermediate(c, p, key);
	if (!snp_extensions_read(&e, &field, c, p, key)) {
		assert(field && field[0]);
		return;
	}
	assert(e.product_name[0] && memchr(e.product_name, 0, sizeof(e.product_name)));
	assert(!e.csp_id[0] == (key == SNP_VCEK));
	assert(e.hw_id.n == (key == SNP_VLEK ? 0U : p == SNP_TURIN ? 8U
								   : 64U));
	assert(p == SNP_TURIN || !e.tcb.fmc);
	(void)snp_is_of_line(e.product_name, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rsapss_cert c = { 0 };

	if (rsapss_cert_read(&c, span_of(data, size)))
		return 0;
	(void)snp_product_of_ark(&c);
	for (unsigned p = SNP_MILAN; p < SNP_PRODUCT_COUNT; p++) {
		as(&c, (enum snp_product)p, SNP_VCEK);
		as(&c, (enum snp_product)p, SNP_VLEK);
	}
	rsapss_cert_fini(&c);
	return 0;
}
