/* In place of Curve25519, for tests of many thousand handshakes that are about time and not about
 * keys: powers of 3 modulo the prime 2^61 - 1.  As many bytes, the same calls, the same algebra, a
 * hundredth of the work, and no secrecy.  Included once, by a test program; the linker then has no
 * need of crypto/x25519. */
#ifndef POSTERN_TESTS_WG_TOY_GROUP_H
#define POSTERN_TESTS_WG_TOY_GROUP_H

#include <string.h>

#include "crypto/rng.h"
#include "crypto/x25519.h"

#define TOY_PRIME ((UINT64_C(1) << 61) - 1)

static uint64_t toy_times(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t sum = (uint64_t)(product & TOY_PRIME) + (uint64_t)(product >> 61);

	return sum >= TOY_PRIME ? sum - TOY_PRIME : sum;
}

static uint64_t toy_power(uint64_t base, const uint8_t exponent[32])
{
	uint64_t e, result = 1;

	for (memcpy(&e, exponent, sizeof(e)); e; e >>= 1) {
		if (e & 1)
			result = toy_times(result, base);
		base = toy_times(base, base);
	}
	return result;
}

void x25519_clamp(struct key32 *secret)
{
	secret->b[0] |= 8; /* never zero */
}

void x25519_generate(struct key32 *secret)
{
	rng_bytes(secret->b, sizeof(secret->b));
	x25519_clamp(secret);
}

void x25519_public(uint8_t public_key[32], const struct key32 *secret)
{
	uint64_t point = toy_power(3, secret->b);

	memset(public_key, 0, 32);
	memcpy(public_key, &point, sizeof(point));
}

bool x25519_shared(struct key32 *out, const struct key32 *secret, const uint8_t peer_public[32])
{
	uint64_t point;

	memcpy(&point, peer_public, sizeof(point));
	point = toy_power(point % TOY_PRIME, secret->b);
	*out = (struct key32){ 0 };
	memcpy(out->b, &point, sizeof(point));
	return point != 0;
}

#endif
