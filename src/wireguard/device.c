#include "wireguard/device.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/blake2s.h"
#include "crypto/rng.h"
#include "wireguard/engine.h"

enum {
	INDEXES_PER_PEER = 5, /* a handshake, its successor, three sessions */
};

static const char *const drop_names[DEVICE_DROP_COUNT] = {
	[DEVICE_DROP_MALFORMED] = "malformed",
	[DEVICE_DROP_MAC1] = "mac1",
	[DEVICE_DROP_COOKIE] = "cookie",
	[DEVICE_DROP_RATE] = "rate",
	[DEVICE_DROP_HANDSHAKE] = "handshake",
	[DEVICE_DROP_UNKNOWN_PEER] = "unknown_peer",
	[DEVICE_DROP_STALE] = "stale",
	[DEVICE_DROP_FLOOD] = "flood",
	[DEVICE_DROP_INDEX] = "index",
	[DEVICE_DROP_EXPIRED] = "expired",
	[DEVICE_DROP_FORGED] = "forged",
	[DEVICE_DROP_REPLAYED] = "replayed",
	[DEVICE_DROP_INNER] = "inner",
	[DEVICE_DROP_SOURCE] = "source",
	[DEVICE_DROP_ECN] = "ecn",
	[DEVICE_DROP_PACKET] = "packet",
	[DEVICE_DROP_UNROUTED] = "unrouted",
	[DEVICE_DROP_NO_ENDPOINT] = "no_endpoint",
	[DEVICE_DROP_STAGED] = "staged",
	[DEVICE_DROP_LOOP] = "loop",
};

const char *device_drop_name(enum device_drop d)
{
	return drop_names[d];
}

void engine_drop(struct device *d, enum device_drop why)
{
	d->drops[why]++;
}

const uint64_t *device_drops(const struct device *d)
{
	return d->drops;
}

void engine_batch(struct device *d, enum device_direction direction, size_t n)
{
	struct device_batches *b = &d->batches[direction];
	size_t size = 0;

	if (!n)
		return;
	while (size < DEVICE_BATCH_SIZES - 1 && n > (size_t)1 << size)
		size++;
	b->of[size]++;
	b->packets += n;
}

const struct device_batches *device_batches(const struct device *d,
					    enum device_direction direction)
{
	return &d->batches[direction];
}

void engine_event(struct device *d, enum device_event_kind kind,
		  const struct peer *p)
{
	const struct device_event e = { .kind = kind, .peer = p };

	if (d->sink.event)
		d->sink.event(d->sink.arg, &e);
}

struct device *device_new(const struct device_sink *sink)
{
	return device_new_in(sink, NULL);
}

struct device *device_new_in(const struct device_sink *sink,
			     const struct secret_memory *memory)
{
	struct device *d = secret_take(memory, sizeof(*d));

	d->memory = memory;
	d->sink = *sink;
	d->cipher = chapoly_new(chapoly_best());
	d->mtu = DEVICE_MTU_DEFAULT;
	d->allowed.count_max = DEVICE_ALLOWED_MAX;
	d->staged.bytes_max = DEVICE_STAGED_BYTES_MAX;
	rng_bytes(d->hash_key.b, sizeof(d->hash_key.b));
	ratelimit_init(&d->limits);
	return d;
}

void device_free(struct device *d)
{
	if (!d)
		return;
	device_peers_clear(d);
	chapoly_free(d->cipher);
	allowedips_fini(&d->allowed);
	map_fini(&d->indexes);
	map_fini(&d->keys);
	deadline_fini(&d->deadlines);
	ratelimit_fini(&d->limits);
	cookie_checker_wipe(&d->cookies);
	noise_identity_wipe(&d->identity);
	secret_give(d->memory, d, sizeof(*d));
}

uint32_t engine_index_new(struct device *d, struct peer *p)
{
	uint32_t index;

	do
		index = rng_u32();
	while (index == 0 || map_get(&d->indexes, index));
	map_put(&d->indexes, index, p);
	return index;
}

void engine_index_free(struct device *d, uint32_t index)
{
	if (index)
		map_del(&d->indexes, index);
}

static void gone(void *arg, uint32_t local_index)
{
	engine_index_free(arg, local_index);
}

struct keypair_gone engine_gone(struct device *d)
{
	return (struct keypair_gone){ .fn = gone, .arg = d };
}

void engine_schedule(struct device *d, struct peer *p)
{
	uint64_t next = timers_next(&p->timers);

	/* A deadline that moves later is found out when the old one comes:
	 * that spares the heap a change a packet. */
	if (next != TIMERS_NEVER &&
	    (!p->deadline.slot || next < p->deadline.at_ms))
		deadline_set(&d->deadlines, &p->deadline, next);
}

void engine_heard(struct device *d, struct peer *p, const struct endpoint *from,
		  size_t n, struct device_time now)
{
	bool is_same = p->has_endpoint && endpoint_equal(&p->endpoint, from);

	p->rx_bytes += n;
	timers_any_received(&p->timers, now.ms);
	if (!is_same && p->is_pinned && p->is_placed) {
		/* Once a place, not once a packet. */
		if (!endpoint_equal(&p->strayed, from))
			engine_event(d, DEVICE_STRAYED, p);
		p->strayed = *from;
		return;
	}
	p->endpoint = *from;
	p->has_endpoint = true;
	if (!is_same)
		engine_event(d, DEVICE_MOVED, p);
}

uint64_t device_deadline(const struct device *d)
{
	const struct deadline *first = deadline_first(&d->deadlines);

	return first ? first->at_ms : UINT64_MAX;
}

static void forget_sessions(struct device *d, struct peer *p)
{
	const struct keypair_gone g = engine_gone(d);

	keypairs_clear(&p->keypairs, &g);
}

/* Ends the peer's sessions and the handshake under way. */
static void forget_keys(struct device *d, struct peer *p)
{
	forget_sessions(d, p);
	engine_index_free(d, p->handshake_index);
	p->handshake_index = 0;
	noise_clear(&p->handshake);
}

static void fire(struct device *d, struct peer *p, enum timer which,
		 struct device_time now)
{
	switch (which) {
	case TIMER_RETRANSMIT:
		/* Nothing came back: our own address may be the reason. */
		p->endpoint.has_local = false;
		if (timers_retry(&p->timers, now.ms)) {
			engine_initiate(d, p, true, now);
			break;
		}
		peer_stage_clear(p);
		engine_event(d, DEVICE_GAVE_UP, p);
		break;
	case TIMER_KEEPALIVE:
		engine_keepalive(d, p, now);
		timers_keepalive_sent(&p->timers, now.ms);
		break;
	case TIMER_NEW_HANDSHAKE:
		p->endpoint.has_local = false;
		engine_initiate(d, p, false, now);
		break;
	case TIMER_ZERO:
		/* After a sleep the timer may be late and a handshake have
		 * begun: that one is young, and arms this again at its end. */
		if (timers_is_handshaking(&p->timers))
			forget_sessions(d, p);
		else
			forget_keys(d, p);
		break;
	case TIMER_PERSISTENT:
		engine_keepalive(d, p, now);
		break;
	case TIMER_COUNT:
		break;
	}
}

void device_expire(struct device *d, struct device_time now)
{
	struct deadline *e;

	while ((e = deadline_first(&d->deadlines)) && e->at_ms <= now.ms) {
		struct peer *p = e->of;
		enum timer which;

		deadline_remove(&d->deadlines, e);
		while ((which = timers_take(&p->timers, now.ms)) != TIMER_NONE)
			fire(d, p, which, now);
		engine_schedule(d, p);
	}
}

void device_set_mtu(struct device *d, size_t mtu)
{
	d->mtu = mtu;
}

void device_set_key(struct device *d, const struct key32 *secret)
{
	struct key32 old AUTO(key32_wipe) = d->identity.secret;
	struct peer *own;

	noise_identity_set(&d->identity, secret);
	if (ct_equal(&old, &d->identity.secret, sizeof(old)))
		return;
	if (d->identity.has_key) {
		cookie_checker_set(&d->cookies, d->identity.public_key);
		own = device_peer_find(d, d->identity.public_key);
		if (own)
			device_peer_remove(d, own);
	}
	for (struct peer *p = d->first; p; p = p->next) {
		forget_keys(d, p);
		timers_stop(&p->timers);
		noise_peer_rekey(&p->handshake, &d->identity);
	}
}

const struct key32 *device_key(const struct device *d)
{
	return &d->identity.secret;
}

const uint8_t *device_public_key(const struct device *d)
{
	return d->identity.has_key ? d->identity.public_key : NULL;
}

size_t device_peer_count(const struct device *d)
{
	return d->peer_count;
}

/* Keyed, so that nobody can choose keys that meet in the map. */
static uint64_t hash_of(const struct device *d,
			const uint8_t public_key[DEVICE_KEY_LEN])
{
	uint64_t hash;

	blake2s_2(&hash, sizeof(hash), SPAN_ARRAY(d->hash_key.b),
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
	struct peer *p = map_get(&d->keys, hash_of(d, public_key));

	return p && has_key(p, public_key) ? p : NULL;
}

static void link_last(struct device *d, struct peer *p)
{
	p->prev = d->last;
	if (d->last)
		d->last->next = p;
	else
		d->first = p;
	d->last = p;
	d->peer_count++;
}

static void unlink_peer(struct device *d, struct peer *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		d->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		d->last = p->prev;
	d->peer_count--;
}

static bool is_pinned(const struct device *d,
		      const uint8_t public_key[DEVICE_KEY_LEN])
{
	for (size_t i = 0; i < d->pin_count; i++)
		if (span_equal(SPAN_ARRAY(d->pins[i]),
			       span_of(public_key, DEVICE_KEY_LEN)))
			return true;
	return d->pins_all;
}

enum rc device_pin(struct device *d, const uint8_t public_key[DEVICE_KEY_LEN])
{
	struct peer *p = device_peer_find(d, public_key);

	if (d->pin_count >= DEVICE_PINS_MAX)
		return RC_LIMIT;
	memcpy(d->pins[d->pin_count++], public_key, DEVICE_KEY_LEN);
	if (p)
		p->is_pinned = true;
	return RC_OK;
}

void device_pin_all(struct device *d)
{
	d->pins_all = true;
	for (struct peer *p = d->first; p; p = p->next)
		p->is_pinned = true;
}

enum rc device_peer_add(struct device *d, struct peer **out,
			const uint8_t public_key[DEVICE_KEY_LEN])
{
	uint64_t hash = hash_of(d, public_key);
	struct peer *p = map_get(&d->keys, hash);

	if (p && has_key(p, public_key)) {
		*out = p;
		return RC_OK;
	}
	/* Two keys of one 64-bit hash do not happen; if they did, the second
	 * is refused rather than confused with the first. */
	if (p || d->peer_count >= DEVICE_PEERS_MAX)
		return RC_LIMIT;
	if (d->identity.has_key &&
	    span_equal(SPAN_ARRAY(d->identity.public_key),
		       span_of(public_key, DEVICE_KEY_LEN)))
		return RC_DENIED;
	map_reserve(&d->keys, d->peer_count + 1);
	map_reserve(&d->indexes, (d->peer_count + 1) * INDEXES_PER_PEER);
	deadline_reserve(&d->deadlines, d->peer_count + 1);
	p = peer_new(&d->identity, public_key, rng_u32(), &d->staged,
		     d->memory);
	p->key_hash = hash;
	p->is_pinned = is_pinned(d, public_key);
	map_put(&d->keys, hash, p);
	link_last(d, p);
	*out = p;
	return RC_OK;
}

void device_peer_remove(struct device *d, struct peer *p)
{
	forget_keys(d, p);
	allowedips_remove_all(&d->allowed, &p->allowed);
	deadline_remove(&d->deadlines, &p->deadline);
	map_del(&d->keys, p->key_hash);
	unlink_peer(d, p);
	peer_free(p);
}

void device_peers_clear(struct device *d)
{
	while (d->first)
		device_peer_remove(d, d->first);
}

struct peer *device_peer_next(const struct device *d, const struct peer *p)
{
	return p ? p->next : d->first;
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
	timers_set_persistent(&p->timers, seconds * 1000u, now.ms);
	engine_schedule(d, p);
}

enum rc device_peer_allow(struct device *d, struct peer *p,
			  const struct allowedips_prefix *prefix)
{
	return allowedips_insert(&d->allowed, prefix, &p->allowed);
}

void device_peer_disallow(struct device *d, struct peer *p,
			  const struct allowedips_prefix *prefix)
{
	allowedips_remove(&d->allowed, prefix, &p->allowed);
}

void device_peer_disallow_all(struct device *d, struct peer *p)
{
	allowedips_remove_all(&d->allowed, &p->allowed);
}

void device_peer_flush(struct device *d, struct peer *p,
		       struct device_time now)
{
	engine_flush(d, p, now);
	engine_schedule(d, p);
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
