/* Batches of ChaCha20-Poly1305: every path against RFC 8439's vectors, against libcrypto on random
 * input, and on messages made so that Poly1305's sum comes to chosen edges. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/chapoly.h"
#include "crypto/chapoly_kernel.h"

enum {
	GUARD = 64,
	LEN_MAX = 4096,
	JOBS_MAX = 150,
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void fill(uint8_t *out, size_t n, uint32_t *seed)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)next_random(seed);
}

/* A message with room around it, at an address of any alignment. */
struct message {
	struct key32 key;
	uint64_t counter;
	size_t n, shift;
	uint8_t plain[LEN_MAX];
	uint8_t room[GUARD + LEN_MAX + CHAPOLY_TAG_LEN + GUARD + 16];
	uint8_t want[LEN_MAX + CHAPOLY_TAG_LEN];
};

static void message_init(struct message *m, size_t n, uint32_t *seed)
{
	m->n = n;
	m->shift = next_random(seed) % 16;
	m->counter = (uint64_t)next_random(seed) << 40 ^ next_random(seed);
	fill(m->key.b, sizeof(m->key.b), seed);
	fill(m->plain, n, seed);
	memset(m->room, 0xa5, sizeof(m->room));
	memcpy(m->room + GUARD + m->shift, m->plain, n);
	aead_seal_once(m->want, &m->key, m->counter, span_of(NULL, 0), span_of(m->plain, n));
}

static struct chapoly_job job_of(struct message *m)
{
	return (struct chapoly_job){
		.key = &m->key,
		.counter = m->counter,
		.bytes = m->room + GUARD + m->shift,
		.n = m->n,
	};
}

static void assert_guards(const struct message *m)
{
	const uint8_t *end = m->room + GUARD + m->shift + m->n + CHAPOLY_TAG_LEN;

	for (size_t i = 0; i < GUARD; i++) {
		assert_int_equal(m->room[m->shift + i], 0xa5);
		assert_int_equal(end[i], 0xa5);
	}
}

/* Seals, compares with libcrypto, opens, compares with what it was. */
static void check(struct chapoly *c, struct message *m, size_t count)
{
	struct chapoly_job jobs[JOBS_MAX];

	for (size_t i = 0; i < count; i++)
		jobs[i] = job_of(&m[i]);
	chapoly_seal(c, jobs, count);
	for (size_t i = 0; i < count; i++)
		assert_memory_equal(jobs[i].bytes, m[i].want, m[i].n + CHAPOLY_TAG_LEN);
	chapoly_open(c, jobs, count);
	for (size_t i = 0; i < count; i++) {
		assert_true(jobs[i].is_authentic);
		assert_memory_equal(jobs[i].bytes, m[i].plain, m[i].n);
		assert_guards(&m[i]);
	}
}

/* Runs a check on each path of this machine. */
typedef void path_fn(struct chapoly *c);

static void each_path(path_fn *fn)
{
	for (enum chapoly_path p = 0; p < CHAPOLY_PATHS; p++) {
		struct chapoly *c;

		if (!chapoly_has(p))
			continue;
		c = chapoly_new(p);
		fn(c);
		chapoly_free(c);
	}
}

/* RFC 8439 A.1 #1 and #2: with key and nonce zero, the first block is the one-time key and the
 * second the key stream of the first 64 bytes. */
static void zero_key(struct chapoly *c)
{
	static const char stream[] =
		"9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
		"29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f";
	const struct key32 key = { 0 };
	uint8_t want[64];

	assert_true(text_hex_decode(want, sizeof(want), span_str(stream)));
	for (size_t count = 1; count <= 9; count++) {
		uint8_t bytes[9][64 + CHAPOLY_TAG_LEN] = { 0 };
		struct chapoly_job jobs[9];

		for (size_t i = 0; i < count; i++)
			jobs[i] = (struct chapoly_job){ &key, 0, bytes[i], 64, false };
		chapoly_seal(c, jobs, count);
		for (size_t i = 0; i < count; i++)
			assert_memory_equal(bytes[i], want, sizeof(want));
	}
}

static void rfc8439_block_of_the_zero_key(void **state)
{
	(void)state;
	each_path(zero_key);
}

static void all_lengths(struct chapoly *c)
{
	struct message *m = mem_new_array(8, sizeof(*m));
	uint32_t seed = 1;

	for (size_t n = 0; n <= LEN_MAX; n += n < 600 ? 1 : 61) {
		for (size_t i = 0; i < 8; i++)
			message_init(&m[i], n, &seed);
		check(c, m, 8);
	}
	for (size_t i = 0; i < 8; i++)
		message_init(&m[i], LEN_MAX, &seed);
	check(c, m, 8);
	free(m);
}

static void equal_lengths_0_to_4096_as_libcrypto(void **state)
{
	(void)state;
	each_path(all_lengths);
}

static void random_batches(struct chapoly *c)
{
	static const size_t usual[] = { 0, 1, 15, 16, 17, 63, 64, 65, 128, 1420, 1424 };
	struct message *m = mem_new_array(JOBS_MAX, sizeof(*m));
	uint32_t seed = 2;

	for (int round = 0; round < 120; round++) {
		size_t count = next_random(&seed) % (round % 8 ? 20 : JOBS_MAX);

		for (size_t i = 0; i < count; i++)
			message_init(&m[i],
				     next_random(&seed) % 3
					     ? usual[next_random(&seed) % 11]
					     : next_random(&seed) % LEN_MAX,
				     &seed);
		check(c, m, count);
	}
	free(m);
}

static void mixed_lengths_and_keys_as_libcrypto(void **state)
{
	(void)state;
	each_path(random_batches);
}

/* Any flipped bit of one message refuses that one, leaves zeros, and leaves the others alone. */
static void forged(struct chapoly *c)
{
	struct message *m = mem_new_array(12, sizeof(*m));
	struct chapoly_job jobs[12];
	uint32_t seed = 3;

	for (size_t round = 0; round < 400; round++) {
		size_t count = 1 + round % 12, bad = next_random(&seed) % count, bit;
		size_t n = round % 2 ? 100 : next_random(&seed) % 300;

		for (size_t i = 0; i < count; i++) {
			message_init(&m[i], i % 2 ? n : next_random(&seed) % 300, &seed);
			jobs[i] = job_of(&m[i]);
			memcpy(jobs[i].bytes, m[i].want, m[i].n + CHAPOLY_TAG_LEN);
		}
		bit = next_random(&seed) % (8 * (m[bad].n + CHAPOLY_TAG_LEN));
		jobs[bad].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		chapoly_open(c, jobs, count);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(jobs[i].is_authentic, i != bad);
			if (i != bad)
				assert_memory_equal(jobs[i].bytes, m[i].plain, m[i].n);
			else
				assert_true(span_is_zero(span_of(jobs[i].bytes, m[i].n)));
			assert_guards(&m[i]);
		}
	}
	free(m);
}

static void flipped_bit_refuses_that_message_only(void **state)
{
	(void)state;
	each_path(forged);
}

/* -- sums at edges -- */

static BIGNUM *prime_new(void)
{
	BIGNUM *p = BN_new();

	assert_true(BN_set_bit(p, 130) && BN_sub_word(p, 5));
	return p;
}

/* Makes the ciphertext of 'blocks' blocks after which the sum, with the block of lengths, is
 * 'target': all but one block are 'rest', the other is solved for.  False: it has no such one. */
static bool solve(uint8_t *cipher, size_t blocks, uint8_t rest, const BIGNUM *target,
		  const uint8_t one_time[32])
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = prime_new(), *r, *h = BN_new(), *b = BN_new(), *inverse = BN_new();
	uint8_t bytes[16];
	bool ok;

	memcpy(bytes, one_time, 16);
	for (int i = 3; i < 16; i += 4)
		bytes[i] &= 15;
	for (int i = 4; i < 16; i += 4)
		bytes[i] &= 252;
	r = BN_lebin2bn(bytes, 16, NULL);
	assert_non_null(BN_mod_inverse(inverse, r, p, ctx));
	/* Backwards from the target: before the lengths ... */
	assert_true(BN_mod_mul(h, target, inverse, p, ctx));
	memset(bytes, 0, 16);
	bytes[8] = (uint8_t)(16 * blocks);
	bytes[9] = (uint8_t)(16 * blocks >> 8);
	BN_lebin2bn(bytes, 16, b);
	assert_true(BN_set_bit(b, 128) && BN_mod_sub(h, h, b, p, ctx) &&
		    BN_mod_mul(h, h, inverse, p, ctx));
	/* ... and less what the blocks before the last have come to. */
	memset(cipher, rest, 16 * blocks);
	BN_lebin2bn(cipher, 16, b);
	assert_true(BN_set_bit(b, 128));
	if (blocks > 1) {
		BIGNUM *sum = BN_new();

		BN_zero(sum);
		for (size_t i = 0; i + 1 < blocks; i++)
			assert_true(BN_mod_add(sum, sum, b, p, ctx) &&
				    BN_mod_mul(sum, sum, r, p, ctx));
		assert_true(BN_mod_sub(h, h, sum, p, ctx));
		BN_free(sum);
	}
	BN_zero(b);
	assert_true(BN_set_bit(b, 128) && BN_mod_sub(h, h, b, p, ctx));
	ok = BN_num_bits(h) <= 128;
	if (ok)
		assert_int_equal(BN_bn2lebinpad(h, cipher + 16 * (blocks - 1), 16), 16);
	BN_free(p);
	BN_free(r);
	BN_free(h);
	BN_free(b);
	BN_free(inverse);
	BN_CTX_free(ctx);
	return ok;
}

/* n bytes of the key stream from the start, the one-time key's block included. */
static void key_stream(uint8_t *out, size_t n, const struct key32 *key, uint64_t counter)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t iv[16] = { 0 };
	int done;

	for (size_t i = 0; i < 8; i++)
		iv[8 + i] = (uint8_t)(counter >> 8 * i);
	memset(out, 0, n);
	assert_int_equal(EVP_EncryptInit_ex(c, EVP_chacha20(), NULL, key->b, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(c, out, &done, out, (int)n), 1);
	EVP_CIPHER_CTX_free(c);
}

/* The message whose ciphertext solve() finds, when there is one for this key. */
static bool make_edge(struct message *m, size_t blocks, uint8_t rest, const BIGNUM *target,
		      uint32_t *seed)
{
	uint8_t stream[64 + 16 * 32];
	size_t n = 16 * blocks;

	message_init(m, n, seed);
	key_stream(stream, 64 + n, &m->key, m->counter);
	if (!solve(m->plain, blocks, rest, target, stream))
		return false;
	for (size_t i = 0; i < n; i++)
		m->plain[i] ^= stream[64 + i];
	memcpy(m->room + GUARD + m->shift, m->plain, n);
	aead_seal_once(m->want, &m->key, m->counter, span_of(NULL, 0), span_of(m->plain, n));
	return true;
}

/* Edge i: near 0 and the prime, and around the bits where limbs meet. */
static BIGNUM *edge_new(int i)
{
	static const int bits[] = { 26, 44, 52, 64, 78, 88, 104, 127, 128, 129 };
	BIGNUM *e = BN_new();

	if (i < 8) {
		assert_true(BN_set_word(e, (BN_ULONG)i));
	} else if (i < 16) {
		BN_free(e);
		e = prime_new();
		assert_true(BN_sub_word(e, (BN_ULONG)(i - 7)));
	} else {
		i -= 16;
		assert_true(BN_set_bit(e, bits[i % 10]));
		assert_true(i < 10 ? BN_sub_word(e, 1) : BN_add_word(e, (BN_ULONG)(i / 10)));
	}
	return e;
}

static void edges(struct chapoly *c)
{
	struct message *m = mem_new_array(8, sizeof(*m));
	static const uint8_t rests[] = { 0, 0xff, 0xfc };
	uint32_t seed = 4;

	for (int i = 0; i < 46; i++) {
		BIGNUM *target = edge_new(i);

		for (size_t blocks = 1; blocks <= 31; blocks += 6) {
			size_t found = 0;

			while (found < 8)
				found += make_edge(&m[found], blocks,
						   rests[next_random(&seed) % 3], target, &seed);
			check(c, m, 8);
		}
		BN_free(target);
	}
	free(m);
}

static void poly1305_sums_at_edges_as_libcrypto(void **state)
{
	(void)state;
	each_path(edges);
}

/* chapoly_tag() against big numbers: all sums it may be given near the edges. */
static void tag_is_fully_reduced(void **state)
{
	static const uint64_t words[] = { 0, 1, 4, 5, 6, UINT64_MAX - 5, UINT64_MAX - 4,
					  UINT64_MAX - 1, UINT64_MAX };
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = prime_new(), *n = BN_new(), *w = BN_new();
	enum {
		COUNT = sizeof(words) / sizeof(*words)
	};

	(void)state;
	for (size_t i = 0; i < (size_t)COUNT * COUNT * COUNT * 10; i++) {
		uint64_t lo = words[i % COUNT], hi = words[i / COUNT % COUNT];
		uint64_t top = i / COUNT / COUNT % 10, pad = words[i / COUNT / COUNT / 10];
		const uint64_t pads[2] = { pad, ~pad };
		uint8_t got[16], want[16];

		assert_true(BN_set_word(n, top) && BN_lshift(n, n, 64) && BN_set_word(w, hi) &&
			    BN_add(n, n, w) && BN_lshift(n, n, 64) && BN_set_word(w, lo) &&
			    BN_add(n, n, w) && BN_nnmod(n, n, p, ctx));
		assert_true(BN_set_word(w, pads[1]) && BN_lshift(w, w, 64) && BN_add(n, n, w) &&
			    BN_add_word(n, pad));
		for (int bit = 128; bit < 132; bit++)
			(void)BN_clear_bit(n, bit); /* fails where there is none */
		assert_int_equal(BN_bn2lebinpad(n, want, 16), 16);
		chapoly_tag(got, lo, hi, top, pads);
		assert_memory_equal(got, want, 16);
	}
	BN_free(p);
	BN_free(n);
	BN_free(w);
	BN_CTX_free(ctx);
}

static void best_is_one_there_is(void **state)
{
	(void)state;
	assert_true(chapoly_has(CHAPOLY_PORTABLE));
	assert_true(chapoly_has(chapoly_best()));
	assert_false(chapoly_has(CHAPOLY_PATHS));
	for (enum chapoly_path p = chapoly_best() + 1; p < CHAPOLY_PATHS; p++)
		assert_false(chapoly_has(p));
	print_message("paths here: portable%s%s\n", chapoly_has(CHAPOLY_AVX2) ? " avx2" : "",
		      chapoly_has(CHAPOLY_AVX512) ? " avx512" : "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(best_is_one_there_is),
		cmocka_unit_test(rfc8439_block_of_the_zero_key),
		cmocka_unit_test(equal_lengths_0_to_4096_as_libcrypto),
		cmocka_unit_test(mixed_lengths_and_keys_as_libcrypto),
		cmocka_unit_test(flipped_bit_refuses_that_message_only),
		cmocka_unit_test(poly1305_sums_at_edges_as_libcrypto),
		cmocka_unit_test(tag_is_fully_reduced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
