#include "wireguard/ratelimit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/blake2s.h"
#include "crypto/rng.h"

enum {
	COST_MS = 1000 / RATELIMIT_PER_SECOND,
	FULL_MS = RATELIMIT_BURST * COST_MS,
	LOAD_COST_MS = 1000 / LOAD_PER_SECOND,
	LOAD_FULL_MS = LOAD_BURST * LOAD_COST_MS,
};

void ratelimit_init(struct ratelimit *r)
{
	rng_bytes(r->key.b, sizeof(r->key.b));
	r->entries = mem_new_array((size_t)RATELIMIT_SETS * RATELIMIT_WAYS,
				   sizeof(*r->entries));
}

void ratelimit_fini(struct ratelimit *r)
{
	free(r->entries);
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

bool ratelimit_allow(struct ratelimit *r, const struct endpoint *source,
		     uint64_t now_ms)
{
	struct ratelimit_entry *e =
		entry_of(r, network_of(r, source), now_ms);

	if (!e)
		return false;
	e->tokens_ms = refill(e->tokens_ms, e->seen_ms, now_ms, FULL_MS);
	e->seen_ms = now_ms;
	if (e->tokens_ms < COST_MS)
		return false;
	e->tokens_ms -= COST_MS;
	return true;
}

bool ratelimit_under_load(struct ratelimit_load *l, uint64_t now_ms)
{
	if (!l->is_started)
		*l = (struct ratelimit_load){
			.is_started = true,
			.seen_ms = now_ms,
			.tokens_ms = LOAD_FULL_MS,
		};
	l->tokens_ms = refill(l->tokens_ms, l->seen_ms, now_ms, LOAD_FULL_MS);
	l->seen_ms = now_ms;
	if (l->tokens_ms < LOAD_COST_MS)
		l->until_ms = now_ms + LOAD_HOLD_MS;
	else
		l->tokens_ms -= LOAD_COST_MS;
	return now_ms < l->until_ms;
}
