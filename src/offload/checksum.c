#include "offload/checksum.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum {
	/* From here on vectors are worth their beginning and end: not for
	 * headers, of which there are three for each packet. */
	LONG = 128,
};

static uint64_t add_carry(uint64_t sum, uint64_t word)
{
	uint64_t more;

	return sum + word + __builtin_add_overflow(sum, word, &more);
}

static uint64_t word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Up to 7 bytes, as if zeros followed. */
static uint64_t end_at(const uint8_t *p, size_t n)
{
	uint64_t word = 0;
	uint32_t four;
	size_t at = 0;

	if (n & 4) {
		memcpy(&four, p, sizeof(four));
		word = four;
		at = 4;
	}
	for (; at < n; at++)
		word |= (uint64_t)p[at] << 8 * at;
	return word;
}

static uint64_t add_words(uint64_t sum, struct span b)
{
	for (; b.n >= 8; b.p += 8, b.n -= 8)
		sum = add_carry(sum, word_at(b.p));
	return b.n ? add_carry(sum, end_at(b.p, b.n)) : sum;
}

#ifdef __x86_64__

enum {
	VECTOR_LEN = 32,
};

/* Halves of 32 bits summed in 64: no carry is lost in any packet. */
__attribute__((target("avx2"))) static uint64_t
add_vectors(uint64_t sum, uint8_t *out, struct span b)
{
	const __m256i low = _mm256_set1_epi64x(0xffffffff);
	__m256i a = _mm256_setzero_si256(), c = a;
	uint64_t lanes[4];

	for (; b.n >= VECTOR_LEN; b.p += VECTOR_LEN, b.n -= VECTOR_LEN) {
		__m256i v = _mm256_loadu_si256(
			(const __m256i *)(const void *)b.p);

		if (out) {
			_mm256_storeu_si256((__m256i *)(void *)out, v);
			out += VECTOR_LEN;
		}
		a = _mm256_add_epi64(a, _mm256_and_si256(v, low));
		c = _mm256_add_epi64(c, _mm256_srli_epi64(v, 32));
	}
	_mm256_storeu_si256((__m256i *)(void *)lanes, _mm256_add_epi64(a, c));
	for (int i = 0; i < 4; i++)
		sum = add_carry(sum, lanes[i]);
	if (out && b.n)
		memcpy(out, b.p, b.n);
	return add_words(sum, b);
}

static bool has_vectors(void)
{
	return __builtin_cpu_supports("avx2");
}

#else

static uint64_t add_vectors(uint64_t sum, uint8_t *out, struct span b)
{
	(void)out;
	return add_words(sum, b);
}

static bool has_vectors(void)
{
	return false;
}

#endif

uint64_t checksum_add(uint64_t sum, struct span bytes)
{
	if (bytes.n >= LONG && has_vectors())
		return add_vectors(sum, NULL, bytes);
	return add_words(sum, bytes);
}

uint64_t checksum_copy(uint64_t sum, void *out, struct span bytes)
{
	if (has_vectors())
		return add_vectors(sum, out, bytes);
	if (bytes.n)
		memcpy(out, bytes.p, bytes.n);
	return add_words(sum, bytes);
}

uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

uint16_t checksum_get(const uint8_t *at)
{
	uint16_t folded;

	memcpy(&folded, at, sizeof(folded));
	return folded;
}

void checksum_put(uint8_t *at, uint16_t folded)
{
	memcpy(at, &folded, sizeof(folded));
}
