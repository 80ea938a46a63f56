#include "wireguard/peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wireguard/device.h"

struct peer_staged {
	struct peer_staged *next;
	size_t n;
	uint8_t room[]; /* headroom, packet, tailroom */
};

struct peer *peer_new(const struct noise_identity *id,
		      const uint8_t public_key[MESSAGE_KEY_LEN], uint32_t seed,
		      struct peer_stage_budget *budget,
		      const struct secret_memory *memory)
{
	struct peer *p = secret_take(memory, sizeof(*p));

	noise_peer_set(&p->handshake, id, public_key);
	cookie_maker_set(&p->cookies, public_key);
	timers_init(&p->timers, seed);
	p->allowed.of = p;
	p->deadline.of = p;
	p->budget = budget;
	p->memory = p->keypairs.memory = memory;
	return p;
}

void peer_free(struct peer *p)
{
	peer_stage_clear(p);
	noise_wipe(&p->handshake);
	cookie_maker_wipe(&p->cookies);
	secret_give(p->memory, p, sizeof(*p));
}

/* All the memory that staging a packet of n bytes takes, so that many small
 * ones do not take many times the budget. */
static size_t cost_of(size_t n)
{
	return sizeof(struct peer_staged) + DEVICE_HEADROOM + n +
	       DEVICE_TAILROOM;
}

static bool spend(struct peer_stage_budget *b, size_t cost)
{
	if (atomic_fetch_add(&b->bytes, cost) + cost <= b->bytes_max)
		return true;
	atomic_fetch_sub(&b->bytes, cost);
	return false;
}

bool peer_stage(struct peer *p, struct span packet)
{
	size_t cost = cost_of(packet.n);
	bool is_full = p->staged_count >= PEER_STAGED_MAX;
	struct peer_staged *s;

	if (is_full)
		peer_staged_free(peer_unstage(p));
	if (!spend(p->budget, cost))
		return true;
	s = mem_new(cost);
	s->n = packet.n;
	if (packet.n)
		memcpy(s->room + DEVICE_HEADROOM, packet.p, packet.n);
	if (p->staged_last)
		p->staged_last->next = s;
	else
		p->staged_first = s;
	p->staged_last = s;
	p->staged_count++;
	return is_full;
}

struct peer_staged *peer_unstage(struct peer *p)
{
	struct peer_staged *s = p->staged_first;

	if (!s)
		return NULL;
	p->staged_first = s->next;
	if (!s->next)
		p->staged_last = NULL;
	p->staged_count--;
	atomic_fetch_sub(&p->budget->bytes, cost_of(s->n));
	return s;
}

void peer_staged_free(struct peer_staged *s)
{
	free(s);
}

uint8_t *peer_staged_packet(struct peer_staged *s, size_t *n)
{
	*n = s->n;
	return s->room + DEVICE_HEADROOM;
}

void peer_stage_clear(struct peer *p)
{
	while (p->staged_first)
		peer_staged_free(peer_unstage(p));
}
