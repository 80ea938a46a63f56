/*
 * siphash: SipHash-2-4, a hash of short texts that nobody who does not know its
 * key can foresee, so that strangers cannot make a table slow by what they put
 * into it.  No checksum, no signature.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012),
 *         §2 (the function), appendix A (a test vector).
 */
#ifndef POSTERN_BASE_SIPHASH_H
#define POSTERN_BASE_SIPHASH_H

#include "base/span.h"

struct siphash_key {
	uint8_t b[16];
};

uint64_t siphash(const struct siphash_key *key, struct span text);

#endif
