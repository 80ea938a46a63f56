#include "keys/rate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"

enum {
	SETS = 1024,
	WAYS = 8,
	BURST_MIN = 8,
	TAG_LEN = 16,
	MINUTE_MS = 60000,
};

/* Levels are in 1/60000 of a question, so that a millisecond adds
 * 'per_minute' of them. */
struct bucket {
	uint8_t tag[TAG_LEN];
	uint64_t level, full, at_ms;
	bool is_used;
};

struct keys_rate {
	struct bucket sets[SETS][WAYS];
};

struct keys_rate *keys_rate_new(void)
{
	return mem_new(sizeof(struct keys_rate));
}

void keys_rate_free(struct keys_rate *r)
{
	free(r);
}

static void fill(struct bucket *b, uint32_t per_minute, uint64_t now_ms)
{
	uint64_t burst = per_minute / 10;
	uint64_t waited = now_ms - b->at_ms;

	if (burst < BURST_MIN)
		burst = BURST_MIN;
	b->full = burst * MINUTE_MS;
	b->at_ms = now_ms;
	if (waited > b->full / per_minute ||
	    b->level + waited * per_minute > b->full)
		b->level = b->full;
	else
		b->level += waited * per_minute;
}

/* What it lacks of being full, as of its last question. */
static uint64_t missing(const struct bucket *b)
{
	return b->is_used ? b->full - b->level : 0;
}

static struct bucket *bucket_of(struct bucket *set, const uint8_t *tag)
{
	struct bucket *fullest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].is_used && span_equal(SPAN_ARRAY(set[i].tag),
						 span_of(tag, TAG_LEN)))
			return &set[i];
		if (missing(&set[i]) < missing(fullest))
			fullest = &set[i];
	}
	*fullest = (struct bucket){ .level = UINT64_MAX / 2, .is_used = true };
	memcpy(fullest->tag, tag, TAG_LEN);
	return fullest;
}

bool keys_rate_pass(struct keys_rate *r, struct span asker, uint32_t per_minute,
		    uint64_t now_ms)
{
	struct sha256 h;
	struct bucket *b;

	sha256_of(&h, asker);
	b = bucket_of(r->sets[(h.b[30] << 8 | h.b[31]) % SETS], h.b);
	fill(b, per_minute, now_ms);
	if (b->level < MINUTE_MS)
		return false;
	b->level -= MINUTE_MS;
	return true;
}
