#include "tls/tickets.h"

#include "crypto/hash.h"
#include "crypto/rng.h"

static void expand(void *out, size_t n, const struct key32 *seed,
		   const char *label)
{
	hkdf_sha256(out, n, span_of("", 0), SPAN_ARRAY(seed->b),
		    span_str(label));
}

static void derive(struct tickets *t)
{
	expand(t->now.name, sizeof(t->now.name), &t->seed,
	       "postern/ticket/v1 name");
	expand(&t->now.cipher, sizeof(t->now.cipher), &t->seed,
	       "postern/ticket/v1 cipher");
	expand(&t->now.mac, sizeof(t->now.mac), &t->seed,
	       "postern/ticket/v1 mac");
}

void tickets_init(struct tickets *t, uint64_t now_ms)
{
	*t = (struct tickets){ .ends_at_ms = now_ms + TICKETS_EPOCH_MS };
	rng_bytes(&t->seed, sizeof(t->seed));
	derive(t);
}

void tickets_wipe(struct tickets *t)
{
	secret_wipe(t, sizeof(*t));
}

static void step(struct tickets *t)
{
	struct key32 next;

	expand(&next, sizeof(next), &t->seed, "postern/ticket/v1 next");
	t->seed = next;
	key32_wipe(&next);
	t->before = t->now;
	t->has_before = true;
	t->ends_at_ms += TICKETS_EPOCH_MS;
	derive(t);
}

void tickets_advance(struct tickets *t, uint64_t now_ms)
{
	while (now_ms >= t->ends_at_ms)
		step(t);
}
