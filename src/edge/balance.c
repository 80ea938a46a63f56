#include "edge/balance.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"

enum {
	SLOTS = 4096, /* a power of two */
	EJECTIONS_MAX = 7, /* more do not lengthen the next one */
};

struct balance_entry {
	struct balance_entry *next;
	uint8_t id[BALANCE_ID_LEN];
	uint32_t active; /* connections */
	uint32_t failures; /* in a row */
	uint32_t ejections; /* since it last worked for long enough */
	uint64_t until_ms; /* ejected until; 0: never was */
};

/* How an instance stands; lower is tried earlier. */
enum tier {
	TIER_GOOD,
	TIER_EJECTED,
	TIER_FAILING,
};

struct rank {
	enum tier tier;
	uint32_t active;
	uint64_t until_ms;
};

void balance_init(struct balance *b, uint64_t key)
{
	*b = (struct balance){
		.slots = mem_new_array(SLOTS, sizeof(struct balance_entry *)),
		.key = key | 1,
	};
}

void balance_fini(struct balance *b)
{
	size_t i;

	for (i = 0; b->slots && i < SLOTS; i++) {
		while (b->slots[i]) {
			struct balance_entry *e = b->slots[i];

			b->slots[i] = e->next;
			free(e);
		}
	}
	free(b->slots);
	*b = (struct balance){ 0 };
}

/* Where the link to an entry is, or would be. */
static struct balance_entry **find(const struct balance *b, const uint8_t *id)
{
	struct span s = span_of(id, BALANCE_ID_LEN);
	struct balance_entry **at;
	uint64_t x = 0, y = 0;

	(void)rd_be64(&s, &x); /* 20 bytes */
	(void)rd_be64(&s, &y);
	x = (x ^ b->key) * 0x9e37'79b9'7f4a'7c15;
	x = (x ^ y ^ (x >> 32)) * b->key;
	at = &b->slots[(x >> 32) & (SLOTS - 1)];
	while (*at && !span_equal(SPAN_ARRAY((*at)->id),
				  span_of(id, BALANCE_ID_LEN)))
		at = &(*at)->next;
	return at;
}

static struct balance_entry *need(struct balance *b, const uint8_t *id)
{
	struct balance_entry **at = find(b, id);

	if (!*at) {
		*at = mem_new(sizeof(**at));
		memcpy((*at)->id, id, BALANCE_ID_LEN);
		b->count++;
		b->idle_count++;
	}
	return *at;
}

static void remove_at(struct balance *b, struct balance_entry **at)
{
	struct balance_entry *e = *at;

	*at = e->next;
	free(e);
	b->count--;
	b->idle_count--;
}

/* Forgets the idle: those without anything against them, or all. */
static void sweep(struct balance *b, uint64_t now_ms, bool all)
{
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		struct balance_entry **at = &b->slots[i];

		while (*at) {
			struct balance_entry *e = *at;

			if (e->active == 0 && (all || e->until_ms <= now_ms))
				remove_at(b, at);
			else
				at = &e->next;
		}
	}
}

void balance_begin(struct balance *b, const uint8_t id[BALANCE_ID_LEN])
{
	struct balance_entry *e = need(b, id);

	if (e->active++ == 0)
		b->idle_count--;
}

void balance_end(struct balance *b, const uint8_t id[BALANCE_ID_LEN])
{
	struct balance_entry **at = find(b, id);

	assert(*at && (*at)->active > 0);
	if (--(*at)->active > 0)
		return;
	b->idle_count++;
	if ((*at)->failures == 0 && (*at)->ejections == 0)
		remove_at(b, at);
}

static uint64_t eject_ms(uint32_t ejections)
{
	uint64_t ms = (uint64_t)BALANCE_EJECT_MS << (ejections - 1);

	return ms < BALANCE_EJECT_MAX_MS ? ms : BALANCE_EJECT_MAX_MS;
}

void balance_worked(struct balance *b, const uint8_t id[BALANCE_ID_LEN],
		    uint64_t now_ms)
{
	struct balance_entry *e = *find(b, id);

	if (!e)
		return;
	e->failures = 0;
	/* It has worked for as long as it was kept out: all is forgiven. */
	if (e->ejections && now_ms >= e->until_ms + eject_ms(e->ejections))
		e->ejections = 0;
	if (e->until_ms > now_ms)
		e->until_ms = now_ms; /* tried as a last resort, and it works */
}

void balance_failed(struct balance *b, const uint8_t id[BALANCE_ID_LEN],
		    uint64_t now_ms)
{
	struct balance_entry *e;

	if (b->idle_count >= BALANCE_MEMORY)
		sweep(b, now_ms, false);
	if (b->idle_count >= BALANCE_MEMORY)
		sweep(b, now_ms, true);
	e = need(b, id);
	/* Connections that were under way when it was ejected tell nothing
	 * new. */
	if (e->until_ms > now_ms)
		return;
	e->failures++;
	if (e->failures < (e->ejections ? 1u : (unsigned)BALANCE_FAILURES))
		return;
	e->failures = 0;
	if (e->ejections < EJECTIONS_MAX)
		e->ejections++;
	e->until_ms = now_ms + eject_ms(e->ejections);
}

static struct rank rank_of(const struct balance *b,
			   const struct balance_candidate *c, uint64_t now_ms)
{
	const struct balance_entry *e = *find(b, c->id);
	struct rank r = { .tier = TIER_GOOD };

	if (e)
		r.active = e->active;
	if (c->is_failing)
		r.tier = TIER_FAILING;
	else if (e && e->until_ms > now_ms)
		r.tier = TIER_EJECTED;
	if (r.tier == TIER_EJECTED)
		r.until_ms = e->until_ms;
	return r;
}

/* Lets back in those whose time ends first, until no more than half are out. */
static void bound_ejected(struct rank *ranks, size_t count)
{
	size_t out = 0, i, first;

	for (i = 0; i < count; i++)
		out += ranks[i].tier == TIER_EJECTED;
	for (; out > count / 2; out--) {
		first = count;
		for (i = 0; i < count; i++)
			if (ranks[i].tier == TIER_EJECTED &&
			    (first == count ||
			     ranks[i].until_ms < ranks[first].until_ms))
				first = i;
		ranks[first].tier = TIER_GOOD;
	}
}

/* All fail their checks: then it is the checks that are wrong, or nothing is
 * to be lost. */
static void forgive_failing(struct rank *ranks, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (ranks[i].tier != TIER_FAILING)
			return;
	for (i = 0; i < count; i++)
		ranks[i].tier = TIER_GOOD;
}

static bool is_before(const struct rank *a, const struct rank *b)
{
	if (a->tier != b->tier)
		return a->tier < b->tier;
	return a->active < b->active;
}

size_t balance_order(const struct balance *b, size_t *order, size_t max,
		     const struct balance_candidate *candidates, size_t count,
		     unsigned turn, uint64_t now_ms)
{
	struct rank ranks[BALANCE_MAX];
	bool is_taken[BALANCE_MAX] = { false };
	size_t n, i, k, best;

	assert(count <= BALANCE_MAX);
	for (i = 0; i < count; i++)
		ranks[i] = rank_of(b, &candidates[i], now_ms);
	bound_ejected(ranks, count);
	forgive_failing(ranks, count);
	for (n = 0; n < max && n < count; n++) {
		best = count;
		for (k = 0; k < count; k++) {
			i = (turn + k) % count;
			if (is_taken[i])
				continue;
			if (best == count || is_before(&ranks[i], &ranks[best]))
				best = i;
		}
		is_taken[best] = true;
		order[n] = best;
	}
	return n;
}

uint32_t balance_load(const struct balance *b,
		      const uint8_t id[BALANCE_ID_LEN])
{
	const struct balance_entry *e = *find(b, id);

	return e ? e->active : 0;
}

bool balance_is_ejected(const struct balance *b,
			const uint8_t id[BALANCE_ID_LEN], uint64_t now_ms)
{
	const struct balance_entry *e = *find(b, id);

	return e && e->until_ms > now_ms;
}
