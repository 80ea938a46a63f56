/*
 * chapoly_kernel: what the vector paths of chapoly share.  Internal to chapoly.
 *
 * A kernel takes up to 'lanes' messages, encrypts or decrypts them in place and
 * computes their tags; it neither writes nor compares tags.
 */
#ifndef POSTERN_CRYPTO_CHAPOLY_KERNEL_H
#define POSTERN_CRYPTO_CHAPOLY_KERNEL_H

#include "crypto/chapoly.h"

enum {
	CHAPOLY_LANES_MAX = 8,
	CHAPOLY_BLOCK_LEN = 64, /* of ChaCha20's key stream, RFC 8439 §2.3 */
	CHAPOLY_SCRATCH_LEN = 6144,
	CHAPOLY_SCRATCH_ALIGN = 64,
};

/* jobs[0 .. count) are the messages; count is at most the kernel's lanes.
 * 'scratch' has CHAPOLY_SCRATCH_LEN bytes; the caller wipes it, once for many
 * groups. */
typedef void chapoly_kernel_fn(struct chapoly_job *const *jobs, size_t count,
			       uint8_t tags[][CHAPOLY_TAG_LEN], void *scratch);

chapoly_kernel_fn chapoly_avx2_seal, chapoly_avx2_open;
chapoly_kernel_fn chapoly_avx512_seal, chapoly_avx512_open;

/*
 * One round of ChaCha20 (RFC 8439 §2.3) over rows of four words, 0 to 15, which
 * the shifts turn into columns (0, 0, 0) or diagonals (1, 2, 3).  STEP(a, b, d,
 * n) is: a += b; d = (d ^ a) <<< n.  A macro, because the vectors stay in
 * registers only while every index is a constant.
 */
#define CHAPOLY_ROUND(STEP, sb, sc, sd) \
	CHAPOLY_FOUR(STEP, 0, 0, 4, sb, 12, sd, 16) \
	CHAPOLY_FOUR(STEP, 8, sc, 12, sd, 4, sb, 12) \
	CHAPOLY_FOUR(STEP, 0, 0, 4, sb, 12, sd, 8) \
	CHAPOLY_FOUR(STEP, 8, sc, 12, sd, 4, sb, 7)
#define CHAPOLY_FOUR(STEP, a, sa, b, sb, d, sd, n) \
	STEP(a + ((0 + sa) & 3), b + ((0 + sb) & 3), d + ((0 + sd) & 3), n) \
	STEP(a + ((1 + sa) & 3), b + ((1 + sb) & 3), d + ((1 + sd) & 3), n) \
	STEP(a + ((2 + sa) & 3), b + ((2 + sb) & 3), d + ((2 + sd) & 3), n) \
	STEP(a + ((3 + sa) & 3), b + ((3 + sb) & 3), d + ((3 + sd) & 3), n)

/* Poly1305's clamp of the key's first half (RFC 8439 §2.5), and ChaCha20's
 * constants (§2.3). */
#define CHAPOLY_CLAMP_LOW 0x0ffffffc0fffffff
#define CHAPOLY_CLAMP_HIGH 0x0ffffffc0ffffffc
#define CHAPOLY_SIGMA_0 0x61707865
#define CHAPOLY_SIGMA_1 0x3320646e
#define CHAPOLY_SIGMA_2 0x79622d32
#define CHAPOLY_SIGMA_3 0x6b206574

/*
 * Poly1305's end (RFC 8439 §2.5): lo + hi * 2^64 + top * 2^128, fully reduced
 * modulo 2^130 - 5, plus the second half of the one-time key, modulo 2^128.
 * 'top' may exceed its two bits a little, as lazy carrying leaves it.
 */
void chapoly_tag(uint8_t tag[CHAPOLY_TAG_LEN], uint64_t lo, uint64_t hi,
		 uint64_t top, const uint64_t pad[2]);

#endif
