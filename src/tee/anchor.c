#include "tee/verify.h"

#include "crypto/p256.h"
#include "pki/cert.h"
#include "pki/pem.h"

/*
 * Intel SGX Root CA, 2018-05-21 to 2049-12-31; the certificate's SHA-256 is
 * 44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3.
 */
const struct tee_anchor tee_anchor_intel = {
	.label = "Intel SGX Root CA",
	.is_simulated = false,
	/* clang-format off */
	.key = { {
		0x0b, 0xa9, 0xc4, 0xc0, 0xc0, 0xc8, 0x61, 0x93,
		0xa3, 0xfe, 0x23, 0xd6, 0xb0, 0x2c, 0xda, 0x10,
		0xa8, 0xbb, 0xd4, 0xe8, 0x8e, 0x48, 0xb4, 0x45,
		0x85, 0x61, 0xa3, 0x6e, 0x70, 0x55, 0x25, 0xf5,
		0x67, 0x91, 0x8e, 0x2e, 0xdc, 0x88, 0xe4, 0x0d,
		0x86, 0x0b, 0xd0, 0xcc, 0x4e, 0xe2, 0x6a, 0xac,
		0xc9, 0x88, 0xe5, 0x05, 0xa9, 0x53, 0x55, 0x8c,
		0x45, 0x3f, 0x6b, 0x09, 0x04, 0xae, 0x73, 0x94,
	} },
	/* clang-format on */
};

enum rc tee_anchor_simulated(struct tee_anchor *out, struct span pem)
{
	uint8_t room[CERT_MAX];
	struct wr w = WR_ARRAY(room);
	struct span der;
	struct cert c;

	if (pem_decode(&der, 1, &w, PEM_CERTIFICATE, pem) ||
	    cert_parse(&c, der) || !c.is_ca || !cert_names_issuer(&c, &c) ||
	    !p256_verify_once(&c.key, &c.signature, c.tbs))
		return RC_MALFORMED;
	if (span_equal(SPAN_ARRAY(c.key.xy),
		       SPAN_ARRAY(tee_anchor_intel.key.xy)))
		return RC_DENIED;
	*out = (struct tee_anchor){
		.key = c.key,
		.label = "simulated",
		.is_simulated = true,
	};
	return RC_OK;
}
