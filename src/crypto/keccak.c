#include "crypto/keccak.h"

#include <assert.h>
#include <stddef.h>

enum {
	STATE_LEN = 200,
	LANES = 25,
	ROUNDS = 24,
	PAD_PLAIN = 0x01,
	PAD_SHA3 = 0x06, /* with the suffix 01 of §6.1 */
	PAD_LAST = 0x80,
};

/* The state as in FIPS 202 §3.1.2: lane (x, y) is a[5 * y + x]. */
struct sponge {
	uint64_t a[LANES];
	size_t rate; /* bytes of a block */
	size_t at; /* bytes taken in of this one */
};

/* Derived from the LFSR of FIPS 202 §3.2.5, algorithm 5. */
static const uint64_t iota[ROUNDS] = {
	0x0000000000000001,
	0x0000000000008082,
	0x800000000000808a,
	0x8000000080008000,
	0x000000000000808b,
	0x0000000080000001,
	0x8000000080008081,
	0x8000000000008009,
	0x000000000000008a,
	0x0000000000000088,
	0x0000000080008009,
	0x000000008000000a,
	0x000000008000808b,
	0x800000000000008b,
	0x8000000000008089,
	0x8000000000008003,
	0x8000000000008002,
	0x8000000000000080,
	0x000000000000800a,
	0x800000008000000a,
	0x8000000080008081,
	0x8000000000008080,
	0x0000000080000001,
	0x8000000080008008,
};

static uint64_t rotate(uint64_t v, unsigned by)
{
	return by ? v << by | v >> (64 - by) : v;
}

/* FIPS 202 §3.2.1 */
static void theta(uint64_t a[LANES])
{
	uint64_t c[5];

	for (size_t x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (size_t x = 0; x < 5; x++) {
		uint64_t d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);

		for (size_t y = 0; y < LANES; y += 5)
			a[y + x] ^= d;
	}
}

/* §3.2.2 and §3.2.3 in one walk: lane by lane along pi's one cycle, turned by
 * the triangular numbers. */
static void rho_pi(uint64_t a[LANES])
{
	size_t x = 1, y = 0;
	uint64_t moved = a[1];
	unsigned turn = 0;

	for (unsigned t = 1; t <= 24; t++) {
		size_t next = (2 * x + 3 * y) % 5, to;
		uint64_t kept;

		turn += t;
		x = y;
		y = next;
		to = 5 * y + x;
		kept = a[to];
		a[to] = rotate(moved, turn % 64);
		moved = kept;
	}
}

/* §3.2.4 */
static void chi(uint64_t a[LANES])
{
	for (size_t y = 0; y < LANES; y += 5) {
		uint64_t row[5];

		for (size_t x = 0; x < 5; x++)
			row[x] = a[y + x];
		for (size_t x = 0; x < 5; x++)
			a[y + x] = row[x] ^
				   (~row[(x + 1) % 5] & row[(x + 2) % 5]);
	}
}

static void permute(uint64_t a[LANES])
{
	for (size_t round = 0; round < ROUNDS; round++) {
		theta(a);
		rho_pi(a);
		chi(a);
		a[0] ^= iota[round];
	}
}

static void mix(struct sponge *s, size_t at, uint8_t byte)
{
	s->a[at / 8] ^= (uint64_t)byte << 8 * (at % 8);
}

static void absorb(struct sponge *s, struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		mix(s, s->at++, in.p[i]);
		if (s->at == s->rate) {
			permute(s->a);
			s->at = 0;
		}
	}
}

void keccak_parts(uint8_t *out, size_t n, enum keccak_kind kind,
		  const struct span *parts, size_t count)
{
	struct sponge s = { .rate = STATE_LEN - 2 * n };

	assert(n == 32 || n == 48 || n == KECCAK_MAX);
	for (size_t i = 0; i < count; i++)
		absorb(&s, parts[i]);
	mix(&s, s.at, kind == KECCAK_SHA3 ? PAD_SHA3 : PAD_PLAIN);
	mix(&s, s.rate - 1, PAD_LAST);
	permute(s.a);
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(s.a[i / 8] >> 8 * (i % 8));
}

void keccak256_parts(struct keccak256 *out, const struct span *parts,
		     size_t count)
{
	keccak_parts(out->b, sizeof(out->b), KECCAK_PLAIN, parts, count);
}
