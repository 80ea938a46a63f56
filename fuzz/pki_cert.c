/* A certificate that is read keeps the promises of pki/cert.h. */
#include <assert.h>

#include "pki/cert.h"

static bool is_inside(struct span part, struct span whole)
{
	return !part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span der = span_of(data, size);
	struct cert c;

	if (cert_parse(&c, der))
		return 0;
	assert(c.der.p == data && c.der.n == size && size <= CERT_MAX);
	assert(is_inside(c.tbs, der) && is_inside(c.serial, c.tbs));
	assert(is_inside(c.issuer, c.tbs) && is_inside(c.subject, c.tbs));
	assert(is_inside(c.common_name, c.subject));
	assert(is_inside(c.ski, c.tbs) && is_inside(c.aki, c.tbs) && is_inside(c.sgx, c.tbs));
	assert(c.serial.n >= 1 && c.serial.n <= CERT_SERIAL_MAX);
	assert(c.not_before >= 0 && c.not_after >= 0);
	assert(c.is_ca || c.path_len == CERT_NO_PATH_LEN);
	(void)cert_names_issuer(&c, &c);
	(void)cert_name_has(&c, "CA");
	return 0;
}
