#include "pki/spki.h"

#include <assert.h>

#include "base/wr.h"

/* clang-format off */
static const uint8_t head[] = {
	0x30, 0x59,			/* SEQUENCE */
	0x30, 0x13,			/* AlgorithmIdentifier */
	0x06, 0x07,			/* id-ecPublicKey */
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08,			/* secp256r1 */
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
	0x03, 0x42, 0x00,		/* BIT STRING of whole bytes */
	0x04,				/* uncompressed: x and y follow */
};
/* clang-format on */
static_assert(sizeof(head) + P256_POINT_LEN == SPKI_LEN);

void spki_of(uint8_t out[SPKI_LEN], const struct p256_point *key)
{
	struct wr w = wr_over(out, SPKI_LEN);

	wr_bytes(&w, SPAN_ARRAY(head));
	wr_bytes(&w, SPAN_ARRAY(key->xy));
}

void spki_hash(struct sha256 *out, const struct p256_point *key)
{
	uint8_t der[SPKI_LEN];

	spki_of(der, key);
	sha256_of(out, SPAN_ARRAY(der));
}

bool spki_read(struct p256_point *out, struct span der)
{
	struct p256_point at;

	if (!span_has_prefix(der, SPAN_ARRAY(head)) ||
	    !rd_skip(&der, sizeof(head)) ||
	    !rd_copy(&der, at.xy, sizeof(at.xy)) || !rd_end(&der) ||
	    !p256_is_point(&at))
		return false;
	*out = at;
	return true;
}
