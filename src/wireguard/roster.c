/* roster: the configuration half of device.h: key, peers and their prefixes. */
#include <string.h>

#include "base/mem.h"
#include "crypto/blake2s.h"
#include "crypto/rng.h"
#include "wireguard/engine.h"

enum {
	INDEXES_PER_PEER = 5, /* a handshake, its successor, three sessions */
};

void device_set_mtu(struct device *d, size_t mtu)
{
	for (unsigned i = 0; i < d->common->shard_count; i++)
		d->common->shards[i]->mtu = mtu;
}

void device_set_key(struct device *d, const struct key32 *secret)
{
	struct common *c = d->common;
	struct key32 old AUTO(key32_wipe) = c->identity.secret;
	const uint8_t *public_key = c->identity.public_key;
	struct peer *own;

	noise_identity_set(&c->identity, secret);
	if (ct_equal(&old, &c->identity.secret, sizeof(old)))
		return;
	if (c->identity.has_key) {
		for (unsigned i = 0; i < c->shard_count; i++)
			cookie_checker_set(&c->shards[i]->cookies, public_key);
		own = device_peer_find(d, public_key);
		if (own)
			device_peer_remove(d, own);
	}
	for (struct peer *p = c->first; p; p = p->next) {
		engine_forget_keys(p->home, p);
		timers_stop(&p->timers);
		noise_peer_rekey(&p->handshake, &c->identity);
	}
}

const struct key32 *device_key(const struct device *d)
{
	return &d->identity->secret;
}

const uint8_t *device_public_key(const struct device *d)
{
	return d->identity->has_key ? d->identity->public_key : NULL;
}

size_t device_peer_count(const struct device *d)
{
	return d->common->peer_count;
}

/* Keyed, so that nobody can choose keys that meet in the map. */
static uint64_t hash_of(const struct device *d,
			const uint8_t public_key[DEVICE_KEY_LEN])
{
	uint64_t hash;

	blake2s_2(&hash, sizeof(hash), SPAN_ARRAY(d->common->hash_key.b),
		  span_of(public_key, DEVICE_KEY_LEN), span_of(NULL, 0));
	return hash;
}

static bool has_key(const struct peer *p,
		    const uint8_t public_key[DEVICE_KEY_LEN])
{
	return span_equal(SPAN_ARRAY(p->handshake.remote_static),
			  span_of(public_key, DEVICE_KEY_LEN));
}

struct peer *device_peer_find(const struct device *d,
			      const uint8_t public_key[DEVICE_KEY_LEN])
{
	struct peer *p = map_get(&d->common->keys, hash_of(d, public_key));

	return p && has_key(p, public_key) ? p : NULL;
}

static void link_last(struct common *c, struct peer *p)
{
	p->prev = c->last;
	if (c->last)
		c->last->next = p;
	else
		c->first = p;
	c->last = p;
	c->peer_count++;
}

static void unlink_peer(struct common *c, struct peer *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		c->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		c->last = p->prev;
	c->peer_count--;
}

static bool is_pinned(const struct common *c,
		      const uint8_t public_key[DEVICE_KEY_LEN])
{
	for (size_t i = 0; i < c->pin_count; i++)
		if (span_equal(SPAN_ARRAY(c->pins[i]),
			       span_of(public_key, DEVICE_KEY_LEN)))
			return true;
	return c->pins_all;
}

enum rc device_pin(struct device *d, const uint8_t public_key[DEVICE_KEY_LEN])
{
	struct peer *p = device_peer_find(d, public_key);
	struct common *c = d->common;

	if (c->pin_count >= DEVICE_PINS_MAX)
		return RC_LIMIT;
	memcpy(c->pins[c->pin_count++], public_key, DEVICE_KEY_LEN);
	if (p)
		p->is_pinned = true;
	return RC_OK;
}

void device_pin_all(struct device *d)
{
	d->common->pins_all = true;
	for (struct peer *p = d->common->first; p; p = p->next)
		p->is_pinned = true;
}

/* The device with the fewest peers; of equals the first. */
static struct device *least_loaded(const struct common *c)
{
	struct device *best = c->shards[0];

	for (unsigned i = 1; i < c->shard_count; i++)
		if (c->shards[i]->own_count < best->own_count)
			best = c->shards[i];
	return best;
}

static struct peer *add(struct common *c, struct device *home, uint64_t hash,
			const uint8_t public_key[DEVICE_KEY_LEN])
{
	struct peer *p;

	map_reserve(&c->keys, c->peer_count + 1);
	map_reserve(&home->indexes, (home->own_count + 1) * INDEXES_PER_PEER);
	deadline_reserve(&home->deadlines, home->own_count + 1);
	p = peer_new(&c->identity, public_key, rng_u32(), &c->staged,
		     home->memory);
	p->home = home;
	p->key_hash = hash;
	p->is_pinned = is_pinned(c, public_key);
	map_put(&c->keys, hash, p);
	link_last(c, p);
	home->own_count++;
	return p;
}

enum rc device_peer_add(struct device *d, struct peer **out,
			const uint8_t public_key[DEVICE_KEY_LEN])
{
	uint64_t hash = hash_of(d, public_key);
	struct common *c = d->common;
	struct peer *p = map_get(&c->keys, hash);

	if (p && has_key(p, public_key)) {
		*out = p;
		return RC_OK;
	}
	/* Two keys of one 64-bit hash do not happen; if they did, the second
	 * is refused rather than confused with the first. */
	if (p || c->peer_count >= DEVICE_PEERS_MAX)
		return RC_LIMIT;
	if (c->identity.has_key &&
	    span_equal(SPAN_ARRAY(c->identity.public_key),
		       span_of(public_key, DEVICE_KEY_LEN)))
		return RC_DENIED;
	*out = add(c, least_loaded(c), hash, public_key);
	return RC_OK;
}

void device_peer_remove(struct device *d, struct peer *p)
{
	struct device *home = p->home;
	struct common *c = d->common;

	engine_forget_keys(home, p);
	allowedips_remove_all(&c->allowed, &p->allowed);
	deadline_remove(&home->deadlines, &p->deadline);
	map_del(&c->keys, p->key_hash);
	unlink_peer(c, p);
	home->own_count--;
	peer_free(p);
}

void device_peers_clear(struct device *d)
{
	while (d->common->first)
		device_peer_remove(d, d->common->first);
}

struct peer *device_peer_next(const struct device *d, const struct peer *p)
{
	return p ? p->next : d->common->first;
}

void device_peer_set_psk(struct peer *p, const struct key32 *psk)
{
	p->handshake.psk = *psk;
}

void device_peer_set_endpoint(struct peer *p, const struct endpoint *e)
{
	p->endpoint = *e;
	p->has_endpoint = p->is_placed = true;
}

void device_peer_set_keepalive(struct device *d, struct peer *p,
			       uint16_t seconds, struct device_time now)
{
	(void)d;
	timers_set_persistent(&p->timers, seconds * 1000u, now.ms);
	engine_schedule(p->home, p);
}

enum rc device_peer_allow(struct device *d, struct peer *p,
			  const struct allowedips_prefix *prefix)
{
	return allowedips_insert(&d->common->allowed, prefix, &p->allowed);
}

void device_peer_disallow(struct device *d, struct peer *p,
			  const struct allowedips_prefix *prefix)
{
	allowedips_remove(&d->common->allowed, prefix, &p->allowed);
}

void device_peer_disallow_all(struct device *d, struct peer *p)
{
	allowedips_remove_all(&d->common->allowed, &p->allowed);
}

void device_peer_flush(struct device *d, struct peer *p,
		       struct device_time now)
{
	(void)d;
	engine_flush(p->home, p, now);
	engine_schedule(p->home, p);
}

struct device_peer_view device_peer_view(const struct peer *p)
{
	return (struct device_peer_view){
		.public_key = p->handshake.remote_static,
		.psk = &p->handshake.psk,
		.endpoint = p->has_endpoint ? &p->endpoint : NULL,
		.allowed = &p->allowed,
		.handshake_unix_ns = p->handshake_unix_ns,
		.rx_bytes = p->rx_bytes,
		.tx_bytes = p->tx_bytes,
		.keepalive_s = (uint16_t)(p->timers.persistent_ms / 1000),
	};
}
