#include "wireguard/ratelimit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/blake2s.h"
#include "crypto/rng.h"

enum {
	COST_MS = 1000 / RATELIMIT_PER_SECOND,
	FULL_MS = RATELIMIT_BURST * COST_MS,
	TRIES = 10'000, /* to enter a set; it is left within nanoseconds */
	LOAD_COST_MS = 1000 / LOAD_PER_SECOND,
	LOAD_FULL_MS = LOAD_BURST * LOAD_COST_MS,
};

void ratelimit_init(struct ratelimit *r)
{
	rng_bytes(r->key.b, sizeof(r->key.b));
	r->entries = mem_new_array((size_t)RATELIMIT_SETS * RATELIMIT_WAYS,
				   sizeof(*r->entries));
	r->busy = mem_new_array(RATELIMIT_SETS, sizeof(*r->busy));
	for (size_t i = 0; i < RATELIMIT_SETS; i++)
		atomic_flag_clear(&r->busy[i]);
}

void ratelimit_fini(struct ratelimit *r)
{
	free(r->entries);
	free(r->busy);
	secret_wipe(r, sizeof(*r));
}

static uint64_t network_of(const struct ratelimit *r, const struct endpoint *e)
{
	uint8_t family = e->is_v6 ? 6 : 4;
	uint64_t hash;

	/* One user has a whole /64, but only one IPv4 address. */
	blake2s_2(&hash, sizeof(hash), SPAN_ARRAY(r->key.b),
		  span_of(&family, 1), span_of(e->ip, e->is_v6 ? 8 : 4));
	return hash ? hash : 1;
}

/* Adds the time since 'seen' to the tokens, up to 'full'. */
static uint32_t refill(uint32_t tokens, uint64_t seen, uint64_t now_ms,
		       uint32_t full)
{
	uint64_t passed = now_ms > seen ? now_ms - seen : 0;

	return passed >= full - tokens ? full : tokens + (uint32_t)passed;
}

/* The network's entry, else one that may be reused for it, else NULL. */
static struct ratelimit_entry *entry_of(struct ratelimit *r, uint64_t network,
					uint64_t now_ms)
{
	struct ratelimit_entry *set =
		r->entries + network % RATELIMIT_SETS * RATELIMIT_WAYS;
	struct ratelimit_entry *idle = NULL;

	for (size_t i = 0; i < RATELIMIT_WAYS; i++) {
		struct ratelimit_entry *e = &set[i];

		if (e->network == network)
			return e;
		if (!idle && (!e->network ||
			      refill(e->tokens_ms, e->seen_ms, now_ms,
				     FULL_MS) == FULL_MS))
			idle = e;
	}
	if (idle)
		*idle = (struct ratelimit_entry){ .network = network,
						  .seen_ms = now_ms,
						  .tokens_ms = FULL_MS };
	return idle;
}

static bool enter(atomic_flag *busy)
{
	for (int i = 0; i < TRIES; i++)
		if (!atomic_flag_test_and_set_explicit(busy,
						       memory_order_acquire))
			return true;
	return false;
}

static bool take_token(struct ratelimit *r, uint64_t network, uint64_t now_ms)
{
	struct ratelimit_entry *e = entry_of(r, network, now_ms);

	if (!e)
		return false;
	e->tokens_ms = refill(e->tokens_ms, e->seen_ms, now_ms, FULL_MS);
	e->seen_ms = now_ms;
	if (e->tokens_ms < COST_MS)
		return false;
	e->tokens_ms -= COST_MS;
	return true;
}

bool ratelimit_allow(struct ratelimit *r, const struct endpoint *source,
		     uint64_t now_ms)
{
	uint64_t network = network_of(r, source);
	atomic_flag *busy = &r->busy[network % RATELIMIT_SETS];
	bool is_allowed;

	if (!enter(busy))
		return false;
	is_allowed = take_token(r, network, now_ms);
	atomic_flag_clear_explicit(busy, memory_order_release);
	return is_allowed;
}

/* Pays for one message, unless a whole burst is paid in advance already. */
static bool pay(struct ratelimit_load *l, uint64_t now_ms)
{
	uint64_t had = atomic_load(&l->paid_ms), paid;

	do {
		paid = (had > now_ms ? had : now_ms) + LOAD_COST_MS;
		if (paid - now_ms > LOAD_FULL_MS)
			return false;
	} while (!atomic_compare_exchange_weak(&l->paid_ms, &had, paid));
	return true;
}

bool ratelimit_under_load(struct ratelimit_load *l, uint64_t now_ms)
{
	if (!pay(l, now_ms))
		atomic_store(&l->until_ms, now_ms + LOAD_HOLD_MS);
	return now_ms < atomic_load(&l->until_ms);
}
