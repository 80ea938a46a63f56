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

/*
 * Where secrets that stay are kept, for modules that do not know what memory
 * the program has (io/vault.h has some that is in no dump).  A NULL pointer to
 * one stands for the heap.
 */
struct secret_memory {
	/* n zeroed bytes, aligned for any object; never NULL */
	void *(*take)(void *arg, size_t n);
	/* erases what was taken, then keeps or frees it */
	void (*give)(void *arg, void *p, size_t n);
	void *arg;
};
/* n zeroed bytes.  Returns owned: secret_give() with the same m and n. */
void *secret_take(const struct secret_memory *m, size_t n);
/* Erases and gives back; p may be NULL. */
void secret_give(const struct secret_memory *m, void *p, size_t n);

/* Compares n bytes in a time that depends on n alone. */
bool ct_equal(const void *a, const void *b, size_t n);

#endif
