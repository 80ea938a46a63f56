/*
 * Numbers of 256 bits whose sums and products carry in unusual places, and the
 * way to libcrypto's numbers and back: for the tests of P-256's arithmetic.
 */
#ifndef POSTERN_TESTS_P256_NUMBERS_H
#define POSTERN_TESTS_P256_NUMBERS_H

#include <string.h>

#include <openssl/bn.h>

#include "base/text.h"
#include "crypto/rng.h"
#include "crypto/u256.h"

#define P_HEX "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define N_HEX "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

static inline struct u256 number_hex(const char *hex)
{
	uint8_t b[U256_LEN];

	assert_true(text_hex_decode(b, sizeof(b), span_str(hex)));
	return u256_load(b);
}

/* Limbs that are all ones, all zeros, one bit or random, each by itself: the
 * borders where a carry passes or stops. */
static inline struct u256 number_random(void)
{
	struct u256 a;
	uint32_t how = rng_u32();

	rng_bytes(&a, sizeof(a));
	for (size_t i = 0; i < U256_LIMBS; i++, how >>= 3) {
		uint64_t *l = &a.limb[i];

		switch (how & 7) {
		case 0:
			*l = 0;
			break;
		case 1:
			*l = UINT64_MAX;
			break;
		case 2:
			*l = (uint64_t)1 << (*l % 64);
			break;
		case 3:
			*l = UINT64_MAX << (*l % 64);
			break;
		case 4:
			*l = *l % 2 ? 0x00000000ffffffff : 0xffffffff00000001;
			break;
		default: /* as it is */
			break;
		}
	}
	return a;
}

/* The i-th of the numbers at most 'NUMBERS_NEAR' away from 0, m and 2^256, and
 * of powers of two and their neighbours; modulo 2^256. */
enum {
	NUMBERS_NEAR = 4,
	NUMBERS_CHOSEN = 3 * (2 * NUMBERS_NEAR + 1) + 3 * 256,
};

static inline struct u256 number_chosen(size_t i, const struct u256 *m)
{
	struct u256 a = { 0 }, offset = { { NUMBERS_NEAR } };
	const size_t near = 2 * NUMBERS_NEAR + 1;

	if (i < near) {
		a.limb[0] = i;
	} else if (i < 2 * near) {
		a = *m;
		(void)u256_add(&a, &a, &(struct u256){ { i - near } });
	} else if (i < 3 * near) {
		a.limb[0] = i - 2 * near; /* around 2^256, which is 0 */
	} else {
		size_t bit = (i - 3 * near) / 3;

		a.limb[bit / 64] = (uint64_t)1 << (bit % 64);
		(void)u256_add(&a, &a, &(struct u256){ { (i - 3 * near) % 3 } });
		offset.limb[0] = 1;
	}
	if (i >= near)
		(void)u256_subtract(&a, &a, &offset);
	return a;
}

/* As many chosen numbers as there are, then random ones; below m or not. */
static inline struct u256 number_at(size_t i, const struct u256 *m)
{
	return i < NUMBERS_CHOSEN ? number_chosen(i, m) : number_random();
}

static inline BIGNUM *number_to_bn(const struct u256 *a)
{
	uint8_t b[U256_LEN];

	u256_store(b, a);
	return BN_bin2bn(b, sizeof(b), NULL);
}

/* Of a number below 2^256. */
static inline struct u256 number_of_bn(const BIGNUM *a)
{
	uint8_t b[U256_LEN];

	assert_int_equal(BN_bn2binpad(a, b, sizeof(b)), sizeof(b));
	return u256_load(b);
}

#endif
