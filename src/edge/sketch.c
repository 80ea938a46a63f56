#include "edge/sketch.h"

#include "base/span.h"

static const uint64_t NS_A_SECOND = 1000'000'000;
static const uint64_t NS_A_MS = 1000'000;

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8'feb8'6659'fd93;
	x ^= x >> 32;
	x *= 0xd6e8'feb8'6659'fd93;
	return x ^ (x >> 32);
}

uint64_t sketch_hash(uint64_t secret, const void *bytes, size_t n)
{
	struct span s = span_of(bytes, n);
	uint64_t h = mix(secret ^ n), word;
	uint8_t byte;

	while (rd_le64(&s, &word))
		h = mix(h ^ word) + secret;
	while (rd_u8(&s, &byte))
		h = mix(h ^ byte) + secret;
	return mix(h ^ secret);
}

/* The key's cell in a row: two halves of the hash make all rows' places. */
static size_t cell(uint64_t key, size_t row)
{
	uint32_t a = (uint32_t)key, b = (uint32_t)(key >> 32) | 1;

	return (a + (uint32_t)row * b) % SKETCH_WIDTH;
}

static uint32_t load32(const _Atomic uint32_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static void store32(_Atomic uint32_t *n, uint32_t v)
{
	atomic_store_explicit(n, v, memory_order_relaxed);
}

uint64_t sketch_count_of(const struct sketch_count *s, size_t tables,
			 uint64_t key)
{
	uint64_t least = UINT64_MAX, sum;
	size_t row, at, t;

	for (row = 0; row < SKETCH_ROWS; row++) {
		at = cell(key, row);
		sum = 0;
		for (t = 0; t < tables; t++)
			sum += load32(&s[t].n[row][at]);
		if (sum < least)
			least = sum;
	}
	return least;
}

void sketch_count_add(struct sketch_count *own, uint64_t key)
{
	_Atomic uint32_t *n;
	size_t row;

	for (row = 0; row < SKETCH_ROWS; row++) {
		n = &own->n[row][cell(key, row)];
		store32(n, load32(n) + 1);
	}
}

void sketch_count_remove(struct sketch_count *own, uint64_t key)
{
	_Atomic uint32_t *n;
	size_t row;

	for (row = 0; row < SKETCH_ROWS; row++) {
		n = &own->n[row][cell(key, row)];
		store32(n, load32(n) - 1);
	}
}

void sketch_count_reset(struct sketch_count *own)
{
	size_t row, at;

	for (row = 0; row < SKETCH_ROWS; row++)
		for (at = 0; at < SKETCH_WIDTH; at++)
			store32(&own->n[row][at], 0);
}

static uint64_t load64(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static void raise_to(_Atomic uint64_t *n, uint64_t v)
{
	uint64_t had = load64(n);

	while (had < v &&
	       !atomic_compare_exchange_weak_explicit(n, &had, v,
						      memory_order_relaxed,
						      memory_order_relaxed))
		;
}

bool sketch_rate_pass(struct sketch_rate *s, uint64_t key,
		      const struct sketch_bucket *b, uint64_t now_ms)
{
	uint64_t now = now_ms * NS_A_MS, full_at = UINT64_MAX, each, one;
	size_t row;

	if (b->per_s == 0)
		return true;
	each = NS_A_SECOND / b->per_s;
	for (row = 0; row < SKETCH_ROWS; row++) {
		one = load64(&s->full_at_ns[row][cell(key, row)]);
		if (one < full_at)
			full_at = one;
	}
	if (full_at < now)
		full_at = now;
	/* The time until it is full, in tokens, is what is missing. */
	full_at += each;
	if (full_at - now > b->burst * each)
		return false;
	/* Only where it is behind: neighbours are not charged for this. */
	for (row = 0; row < SKETCH_ROWS; row++)
		raise_to(&s->full_at_ns[row][cell(key, row)], full_at);
	return true;
}
