#include "wireguard/device.h"

#include <assert.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "wireguard/engine.h"

enum {
	INDEX_SHIFT = 24, /* of the byte that tells the device */
	INDEX_LOW = 0xffffff,
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
	[DEVICE_DROP_HANDOVER] = "handover",
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

uint64_t device_handed(const struct device *d)
{
	return d->handed;
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

/* Tells the host whose packets for an address block are now. */
static void route(void *arg, const struct allowedips_prefix *prefix, void *of)
{
	const struct device *d = arg;
	const struct peer *p = of;

	if (d->sink.route)
		d->sink.route(d->sink.arg, prefix,
			      p ? (int)p->home->shard : -1);
}

/* What is common, for the first device. */
static struct common *common_new(const struct secret_memory *memory)
{
	struct common *c = secret_take(memory, sizeof(*c));

	c->memory = memory;
	c->allowed.count_max = DEVICE_ALLOWED_MAX;
	c->staged.bytes_max = DEVICE_STAGED_BYTES_MAX;
	rng_bytes(c->hash_key.b, sizeof(c->hash_key.b));
	cookie_root_init(&c->cookies);
	ratelimit_init(&c->limits);
	return c;
}

static void common_free(struct common *c)
{
	allowedips_fini(&c->allowed);
	map_fini(&c->keys);
	cookie_root_wipe(&c->cookies);
	ratelimit_fini(&c->limits);
	noise_identity_wipe(&c->identity);
	secret_give(c->memory, c, sizeof(*c));
}

static struct device *shard_new(struct common *c,
				const struct device_sink *sink,
				const struct secret_memory *memory)
{
	struct device *d = secret_take(memory, sizeof(*d));

	assert(c->shard_count < DEVICE_SHARDS_MAX && !c->peer_count);
	d->common = c;
	d->identity = &c->identity;
	d->allowed = &c->allowed;
	d->cookies.root = &c->cookies;
	d->memory = memory;
	d->sink = *sink;
	d->cipher = chapoly_new(chapoly_best());
	d->mtu = DEVICE_MTU_DEFAULT;
	d->shard = c->shard_count;
	c->shards[c->shard_count++] = d;
	return d;
}

struct device *device_new(const struct device_sink *sink)
{
	return device_new_in(sink, NULL);
}

struct device *device_new_in(const struct device_sink *sink,
			     const struct secret_memory *memory)
{
	struct common *c = common_new(memory);
	struct device *d = shard_new(c, sink, memory);

	allowedips_watch(&c->allowed, route, d);
	return d;
}

struct device *device_new_beside(struct device *d,
				 const struct device_sink *sink,
				 const struct secret_memory *memory)
{
	return shard_new(d->common, sink, memory);
}

void device_free(struct device *d)
{
	struct common *c;

	if (!d)
		return;
	c = d->common;
	allowedips_watch(&c->allowed, NULL, NULL); /* nobody is routed to */
	device_peers_clear(d);
	chapoly_free(d->cipher);
	map_fini(&d->indexes);
	deadline_fini(&d->deadlines);
	cookie_checker_wipe(&d->cookies);
	c->shards[d->shard] = NULL;
	secret_give(d->memory, d, sizeof(*d));
	if (--c->shard_count == 0)
		common_free(c);
}

unsigned device_shard_count(const struct device *d)
{
	return d->common->shard_count;
}

struct device *device_shard(const struct device *d, unsigned i)
{
	return d->common->shards[i];
}

size_t device_own_count(const struct device *d)
{
	return d->own_count;
}

unsigned device_index_shard(uint32_t index, unsigned shard_count)
{
	return (index >> INDEX_SHIFT) % shard_count;
}

/* A random number whose highest byte says which device it is of. */
static uint32_t index_of(const struct device *d)
{
	const unsigned count = d->common->shard_count, bytes = 256;
	uint32_t random = rng_u32();
	unsigned high = random >> INDEX_SHIFT;

	/* Each device has as many of the bytes as any other. */
	high = high % (bytes / count) * count + d->shard;
	return (uint32_t)high << INDEX_SHIFT | (random & INDEX_LOW);
}

uint32_t engine_index_new(struct device *d, struct peer *p)
{
	uint32_t index;

	do
		index = index_of(d);
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

void engine_forget_sessions(struct device *d, struct peer *p)
{
	const struct keypair_gone g = engine_gone(d);

	keypairs_clear(&p->keypairs, &g);
}

void engine_forget_keys(struct device *d, struct peer *p)
{
	engine_forget_sessions(d, p);
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
			engine_forget_sessions(d, p);
		else
			engine_forget_keys(d, p);
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
