#include "tee/verify.h"

#include "base/mem.h"
#include "crypto/hash.h"
#include "pki/pem.h"
#include "pki/rsapss.h"

/* SHA-256 of the certificates that https://kdsintf.amd.com/vcek/v1/LINE/
 * cert_chain ends with; they are in tests/vectors/snp. */
const struct tee_anchor tee_anchors_amd[TEE_ANCHOR_AMD_COUNT] = {
	/* clang-format off */
	{ /* 2020-10-22 to 2045-10-22 */
		.label = "AMD ARK-Milan",
		.certificate = {
			0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a,
			0x2e, 0x94, 0xe1, 0xf4, 0x21, 0x0d, 0xe4, 0x9e,
			0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4, 0xc1, 0x74,
			0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd,
		},
	},
	{ /* 2022-01-26 to 2047-01-26 */
		.label = "AMD ARK-Genoa",
		.certificate = {
			0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c,
			0x5d, 0xfd, 0x4a, 0x7d, 0x33, 0x5f, 0x67, 0x4e,
			0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c, 0xea, 0x2c,
			0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1,
		},
	},
	{ /* 2023-05-15 to 2048-05-15 */
		.label = "AMD ARK-Turin",
		.certificate = {
			0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9,
			0x37, 0x78, 0xa9, 0x04, 0x87, 0x7d, 0x48, 0x19,
			0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41, 0x93, 0xb2,
			0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a,
		},
	},
	/* clang-format on */
};

enum rc tee_anchor_simulated_snp(struct tee_anchor *out, struct span pem)
{
	uint8_t room[RSAPSS_CERT_MAX];
	struct wr w = WR_ARRAY(room);
	AUTO(rsapss_cert_fini)
	struct rsapss_cert c = { 0 };
	struct tee_anchor a = { .label = "simulated", .is_simulated = true };
	struct sha256 hash;
	struct span der;

	if (pem_decode(&der, 1, &w, PEM_CERTIFICATE, pem) ||
	    rsapss_cert_read(&c, der) || !c.is_ca || !c.may_sign_certs ||
	    !rsapss_names_issuer(&c, &c) || !rsapss_is_signed_by(&c, &c))
		return RC_MALFORMED;
	sha256_of(&hash, der);
	for (size_t i = 0; i < TEE_ANCHOR_AMD_COUNT; i++)
		if (span_equal(SPAN_ARRAY(hash.b),
			       SPAN_ARRAY(tee_anchors_amd[i].certificate)))
			return RC_DENIED;
	for (size_t i = 0; i < sizeof(hash.b); i++)
		a.certificate[i] = hash.b[i];
	*out = a;
	return RC_OK;
}
