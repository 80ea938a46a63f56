#include "certd/spki.h"

#include "base/wr.h"

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 04 ... */
static const uint8_t prefix[] = {
	0x30,
	0x59,
	0x30,
	0x13,
	0x06,
	0x07,
	0x2a,
	0x86,
	0x48,
	0xce,
	0x3d,
	0x02,
	0x01,
	0x06,
	0x08,
	0x2a,
	0x86,
	0x48,
	0xce,
	0x3d,
	0x03,
	0x01,
	0x07,
	0x03,
	0x42,
	0x00,
	0x04,
};

void spki_of(uint8_t out[SPKI_LEN], const struct p256_point *key)
{
	struct wr w = wr_over(out, SPKI_LEN);

	wr_bytes(&w, SPAN_ARRAY(prefix));
	wr_bytes(&w, SPAN_ARRAY(key->xy));
}

void spki_hash(struct sha256 *out, const struct p256_point *key)
{
	uint8_t der[SPKI_LEN];

	spki_of(der, key);
	sha256_of(out, SPAN_ARRAY(der));
}
