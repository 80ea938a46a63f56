/*
 * rng: random bytes from the kernel's generator (getrandom(2)), which blocks
 * until it is seeded and cannot fail after that.
 */
#ifndef POSTERN_CRYPTO_RNG_H
#define POSTERN_CRYPTO_RNG_H

#include <stddef.h>
#include <stdint.h>

void rng_bytes(void *out, size_t n);
uint32_t rng_u32(void);

#endif
