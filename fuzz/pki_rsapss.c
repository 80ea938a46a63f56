/* A certificate or list that is read keeps the promises of pki/rsapss.h. */
#include <assert.h>
#include <string.h>

#include "pki/rsapss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span der = span_of(data, size), value;
	struct rsapss_cert c = { 0 };
	struct rsapss_crl l = { 0 };

	if (rsapss_cert_read(&c, der) == RC_OK) {
		assert(size <= RSAPSS_CERT_MAX && c.common_name[0]);
		assert(memchr(c.common_name, 0, sizeof(c.common_name)));
		(void)rsapss_names_issuer(&c, &c);
		(void)rsapss_is_signed_by(&c, &c);
		if (rsapss_extension(&c, "1.3.6.1.4.1.3704.1.4", &value))
			assert(value.n < size);
	}
	if (rsapss_crl_read(&l, der) == RC_OK) {
		assert(!c.x509); /* nothing is both */
		assert(size <= RSAPSS_CRL_MAX);
	}
	rsapss_cert_fini(&c);
	rsapss_crl_fini(&l);
	return 0;
}
