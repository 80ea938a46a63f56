/*
 * secret: bytes that must not leak: compared in constant time, erased when
 * their scope ends, never printed.
 */
#ifndef POSTERN_BASE_SECRET_H
#define POSTERN_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A 32-byte key: X25519, ChaCha20-Poly1305, pre-shared, HKDF output. */
struct key32 {
	uint8_t b[32];
};

/* Erases n bytes in a way the compiler keeps.  p may be NULL when n is 0. */
void secret_wipe(void *p, size_t n);
/* For AUTO(). */
void key32_wipe(struct key32 *k);
/* Every byte is zero; constant-time. */
bool key32_is_zero(const struct key32 *k);

/* Compares n bytes in a time that depends on n alone. */
bool ct_equal(const void *a, const void *b, size_t n);

#endif
