/*
 * An interface spread over several devices: a hub of three, and remote ends with
 * one device each.  What a remote sends is given to a device of the hub by
 * chance, so that most of it comes to the wrong one and is handed over.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/x25519.h"
#include "wireguard/device.h"
#include "wireguard/engine.h"
#include "wireguard/message.h"

enum {
	SHARDS = 3,
	REMOTES = 7,
	STRAYS_MAX = 64,
	FLIGHTS_MAX = 256,
	DATAGRAM_MAX = 512,
};

struct world;

/* A remote end. */
struct remote {
	struct world *world;
	int self;
	struct device *device;
	struct key32 secret;
	uint8_t public_key[32];
	struct peer *hub; /* as it sees it */
	struct peer *peer; /* as the hub sees it */
	size_t packets;
};

struct shard {
	struct world *world;
	unsigned self;
	struct device *device;
	struct device_stray *strays[STRAYS_MAX];
	size_t stray_count, strays_max;
	size_t taken; /* handed over to it so far */
	size_t packets;
	uint8_t last_source; /* last byte of it, of the last packet */
};

struct flight {
	bool is_to_hub;
	int remote;
	size_t n;
	uint8_t bytes[DATAGRAM_MAX];
};

struct world {
	struct shard shards[SHARDS];
	struct remote remotes[REMOTES];
	struct flight flights[FLIGHTS_MAX];
	size_t count;
	struct device_time now;
	uint32_t random;
	struct key32 secret; /* of the hub */
	uint8_t public_key[32];
	/* the last change of a route */
	struct allowedips_prefix routed;
	int routed_to;
	size_t routes;
};

static uint32_t next(struct world *w, uint32_t below)
{
	w->random = w->random * 1664525u + 1013904223u;
	return (w->random >> 8) % below;
}

static struct endpoint place(int remote)
{
	struct endpoint e = { .ip = { 192, 0, 2, (uint8_t)(remote + 1) }, .port = 1000 };

	return e;
}

static void fly(struct world *w, bool is_to_hub, int remote, struct span bytes)
{
	struct flight *f = &w->flights[w->count++];

	assert_true(w->count <= FLIGHTS_MAX && bytes.n <= DATAGRAM_MAX);
	f->is_to_hub = is_to_hub;
	f->remote = remote;
	f->n = bytes.n;
	memcpy(f->bytes, bytes.p, bytes.n);
}

static void remote_datagram(void *arg, const struct endpoint *to, struct span bytes, unsigned ecn)
{
	struct remote *r = arg;

	(void)to;
	(void)ecn;
	fly(r->world, true, r->self, bytes);
}

static void remote_packet(void *arg, struct span packet)
{
	(void)packet;
	((struct remote *)arg)->packets++;
}

static void shard_datagram(void *arg, const struct endpoint *to, struct span bytes, unsigned ecn)
{
	struct shard *s = arg;
	uint32_t sender = 0;
	struct span at = bytes;

	(void)ecn;
	/* What we are called by says whose the answer is. */
	if (bytes.p[0] == MESSAGE_INITIATION || bytes.p[0] == MESSAGE_RESPONSE) {
		assert_true(rd_skip(&at, 4) && rd_le32(&at, &sender));
		assert_int_equal(device_index_shard(sender, SHARDS), s->self);
	}
	fly(s->world, false, to->ip[3] - 1, bytes);
}

static void shard_packet(void *arg, struct span packet)
{
	struct shard *s = arg;

	s->packets++;
	s->last_source = packet.p[15];
}

static bool shard_stray(void *arg, unsigned to, struct device_stray *stray)
{
	struct shard *s = arg;
	struct shard *other = &s->world->shards[to];

	assert_int_not_equal(to, s->self);
	if (other->stray_count == other->strays_max)
		return false;
	other->strays[other->stray_count++] = stray;
	return true;
}

static void shard_route(void *arg, const struct allowedips_prefix *p, int shard)
{
	struct shard *s = arg;

	assert_int_equal(s->self, 0);
	s->world->routed = *p;
	s->world->routed_to = shard;
	s->world->routes++;
}

static struct allowedips_prefix prefix(const char *text)
{
	struct allowedips_prefix p;

	assert_true(allowedips_prefix_parse(&p, span_str(text)));
	return p;
}

static void allow(struct world *w, int remote, const char *text)
{
	struct allowedips_prefix p = prefix(text);

	assert_int_equal(device_peer_allow(w->shards[0].device, w->remotes[remote].peer, &p),
			 RC_OK);
}

static void make_shards(struct world *w)
{
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *s = &w->shards[i];
		const struct device_sink sink = {
			.datagram = shard_datagram,
			.packet = shard_packet,
			.stray = shard_stray,
			.route = shard_route,
			.arg = s,
		};

		*s = (struct shard){ .world = w, .self = i, .strays_max = STRAYS_MAX };
		s->device = i ? device_new_beside(w->shards[0].device, &sink, NULL)
			      : device_new_in(&sink, NULL);
	}
}

static void make_remote(struct world *w, int i)
{
	struct remote *r = &w->remotes[i];
	const struct device_sink sink = {
		.datagram = remote_datagram,
		.packet = remote_packet,
		.arg = r,
	};
	struct allowedips_prefix hub = prefix("10.0.0.100/32");
	struct endpoint at = { .ip = { 192, 0, 2, 200 }, .port = 2000 };
	char text[32];

	r->world = w;
	r->self = i;
	x25519_generate(&r->secret);
	x25519_public(r->public_key, &r->secret);
	r->device = device_new(&sink);
	device_set_key(r->device, &r->secret);
	assert_int_equal(device_peer_add(r->device, &r->hub, w->public_key), RC_OK);
	assert_int_equal(device_peer_allow(r->device, r->hub, &hub), RC_OK);
	device_peer_set_endpoint(r->hub, &at);
	/* It does not matter through which it is configured. */
	assert_int_equal(device_peer_add(w->shards[i % SHARDS].device, &r->peer, r->public_key),
			 RC_OK);
	snprintf(text, sizeof(text), "10.0.0.%d/32", i + 1);
	allow(w, i, text);
}

static struct world *world_new(void)
{
	struct world *w = mem_new(sizeof(*w));

	w->now = (struct device_time){ .ms = 1000, .unix_ns = 1'800'000'000'000'000'000ll };
	w->random = 5;
	x25519_generate(&w->secret);
	x25519_public(w->public_key, &w->secret);
	make_shards(w);
	device_set_key(w->shards[2].device, &w->secret);
	for (int i = 0; i < REMOTES; i++)
		make_remote(w, i);
	return w;
}

static void world_free(struct world *w)
{
	for (int i = 0; i < REMOTES; i++)
		device_free(w->remotes[i].device);
	for (unsigned i = SHARDS; i-- > 0;) {
		for (size_t k = 0; k < w->shards[i].stray_count; k++)
			device_stray_free(w->shards[i].strays[k]);
		device_free(w->shards[i].device);
	}
	free(w);
}

static void take_strays(struct world *w, struct shard *s)
{
	size_t n = s->stray_count;
	struct device_stray *in[STRAYS_MAX];

	memcpy(in, s->strays, sizeof(in));
	s->stray_count = 0;
	s->taken += n;
	device_take(s->device, in, n, w->now);
	for (size_t i = 0; i < n; i++)
		device_stray_free(in[i]);
}

static void give(struct world *w, struct device *d, const struct flight *f)
{
	/* Exactly sized, so that ASan sees a read too far. */
	uint8_t *copy = mem_new(f->n);
	struct device_datagram in = { .bytes = copy, .n = f->n };

	in.source = place(f->remote);
	memcpy(copy, f->bytes, f->n);
	device_receive(d, &in, 1, w->now);
	free(copy);
}

/* Delivers until nothing is on its way. */
static void settle(struct world *w)
{
	bool is_quiet;

	do {
		is_quiet = w->count == 0;
		while (w->count) {
			struct flight f = w->flights[0];

			memmove(w->flights, w->flights + 1, --w->count * sizeof(f));
			if (f.is_to_hub)
				give(w, w->shards[next(w, SHARDS)].device, &f);
			else
				give(w, w->remotes[f.remote].device, &f);
		}
		for (unsigned i = 0; i < SHARDS; i++) {
			is_quiet = is_quiet && !w->shards[i].stray_count;
			take_strays(w, &w->shards[i]);
		}
	} while (!is_quiet);
}

static void send_ip(struct device *d, const uint8_t *from, const uint8_t *to,
		    struct device_time now)
{
	uint8_t room[DEVICE_HEADROOM + 60 + DEVICE_TAILROOM] = { 0 };
	struct device_packet p = { .bytes = room + DEVICE_HEADROOM, .n = 60 };

	p.bytes[0] = 0x45;
	p.bytes[3] = 60;
	memcpy(p.bytes + 12, from, 4);
	memcpy(p.bytes + 16, to, 4);
	device_send(d, &p, 1, now);
}

/* From a remote to the hub; from any device of the hub to a remote. */
static void send_up(struct world *w, int remote)
{
	const uint8_t from[] = { 10, 0, 0, (uint8_t)(remote + 1) }, to[] = { 10, 0, 0, 100 };

	send_ip(w->remotes[remote].device, from, to, w->now);
}

static void send_down(struct world *w, int remote)
{
	const uint8_t from[] = { 10, 0, 0, 100 }, to[] = { 10, 0, 0, (uint8_t)(remote + 1) };

	send_ip(w->shards[next(w, SHARDS)].device, from, to, w->now);
}

static uint64_t dropped(const struct world *w, enum device_drop why)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SHARDS; i++)
		n += device_drops(w->shards[i].device)[why];
	return n;
}

static void no_drops(const struct world *w)
{
	for (unsigned why = 0; why < DEVICE_DROP_COUNT; why++)
		assert_int_equal(dropped(w, why), 0);
}

static void peers_are_spread_and_kept_in_order(void **state)
{
	struct world *w = world_new();
	const struct peer *p = NULL;
	size_t total = 0;

	(void)state;
	for (int i = 0; i < REMOTES; i++) {
		p = device_peer_next(w->shards[1].device, p);
		assert_ptr_equal(p, w->remotes[i].peer);
	}
	assert_null(device_peer_next(w->shards[1].device, p));
	for (unsigned i = 0; i < SHARDS; i++) {
		size_t n = device_own_count(w->shards[i].device);

		assert_true(n == REMOTES / SHARDS || n == REMOTES / SHARDS + 1);
		assert_ptr_equal(device_shard(w->shards[2].device, i), w->shards[i].device);
		total += n;
	}
	assert_int_equal(total, REMOTES);
	/* What is removed makes room where it was. */
	device_peer_remove(w->shards[0].device, w->remotes[1].peer);
	assert_int_equal(device_own_count(w->shards[1].device), 1);
	assert_int_equal(device_peer_add(w->shards[0].device, &w->remotes[1].peer,
					 w->remotes[1].public_key),
			 RC_OK);
	assert_ptr_equal(w->remotes[1].peer->home, w->shards[1].device);
	world_free(w);
}

/* Whatever device a message or packet comes to, both sides get all of it, and
 * the device that works for a peer is always the same. */
static void all_arrives_whatever_device_it_comes_to(void **state)
{
	struct world *w = world_new();
	size_t up = 0, handed = 0, counted = 0;

	(void)state;
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < REMOTES; i++) {
			struct shard *home = &w->shards[w->remotes[i].peer->home->shard];
			size_t before = home->packets;

			send_up(w, i);
			settle(w);
			assert_int_equal(home->packets, before + 1);
			assert_int_equal(home->last_source, i + 1);
			send_down(w, i);
			settle(w);
			assert_int_equal(w->remotes[i].packets, round + 1);
		}
	for (unsigned i = 0; i < SHARDS; i++) {
		up += w->shards[i].packets;
		handed += w->shards[i].taken;
		counted += device_handed(w->shards[i].device);
	}
	assert_int_equal(up, 20 * REMOTES);
	/* Of three in a row two came to the wrong one. */
	assert_true(handed > 20 * REMOTES);
	assert_int_equal(counted, handed);
	no_drops(w);
	world_free(w);
}

/* The hub begins, with a packet that came to a device by chance. */
static void hub_initiates_from_the_peers_device(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (int i = 0; i < REMOTES; i++) {
		struct endpoint at = place(i);

		device_peer_set_endpoint(w->remotes[i].peer, &at);
		send_down(w, i);
		settle(w);
		assert_int_equal(w->remotes[i].packets, 1);
	}
	no_drops(w);
	world_free(w);
}

static void full_queue_loses_and_counts(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (int i = 0; i < REMOTES; i++) {
		send_up(w, i);
		settle(w);
	}
	for (unsigned i = 0; i < SHARDS; i++)
		w->shards[i].strays_max = 1;
	for (int i = 0; i < 3; i++) {
		struct device *wrong =
			w->shards[(w->remotes[0].peer->home->shard + 1) % SHARDS].device;

		send_up(w, 0);
		give(w, wrong, &w->flights[--w->count]);
	}
	assert_int_equal(dropped(w, DEVICE_DROP_HANDOVER), 2);
	world_free(w);
}

/* The first remote's initiation, handed over to its peer's device and not taken
 * yet; returns which that is. */
static unsigned initiation_on_its_way(struct world *w)
{
	unsigned home = w->remotes[0].peer->home->shard;

	send_up(w, 0);
	assert_int_equal(w->flights[0].bytes[0], MESSAGE_INITIATION);
	give(w, w->shards[(home + 1) % SHARDS].device, &w->flights[0]);
	w->count = 0;
	assert_int_equal(w->shards[home].stray_count, 1);
	return home;
}

static void stray_of_a_peer_that_was_removed_refused(void **state)
{
	struct world *w = world_new();
	unsigned home = initiation_on_its_way(w);

	(void)state;
	device_peer_remove(w->shards[0].device, w->remotes[0].peer);
	take_strays(w, &w->shards[home]);
	assert_int_equal(dropped(w, DEVICE_DROP_UNKNOWN_PEER), 1);
	assert_int_equal(w->count, 0);
	world_free(w);
}

static void stray_of_a_peer_that_is_elsewhere_now_refused(void **state)
{
	struct world *w = world_new();
	unsigned home = initiation_on_its_way(w);
	struct remote *r = &w->remotes[0];
	struct device *d = w->shards[0].device;
	const uint8_t other[32] = { 99 };
	struct peer *in_its_place;

	(void)state;
	device_peer_remove(d, r->peer);
	assert_int_equal(device_peer_add(d, &in_its_place, other), RC_OK);
	assert_int_equal(in_its_place->home->shard, home);
	assert_int_equal(device_peer_add(d, &r->peer, r->public_key), RC_OK);
	assert_int_not_equal(r->peer->home->shard, home);
	take_strays(w, &w->shards[home]);
	assert_int_equal(dropped(w, DEVICE_DROP_UNKNOWN_PEER), 1);
	assert_int_equal(w->count, 0);
	world_free(w);
}

/* Opened under a key that is ours no more. */
static void stray_from_before_another_key_refused(void **state)
{
	struct world *w = world_new();
	unsigned home = initiation_on_its_way(w);
	struct key32 other;

	(void)state;
	x25519_generate(&other);
	device_set_key(w->shards[0].device, &other);
	take_strays(w, &w->shards[home]);
	assert_int_equal(dropped(w, DEVICE_DROP_HANDSHAKE), 1);
	assert_int_equal(w->count, 0);
	world_free(w);
}

/* The longest prefix counts over all devices: who has the shorter one may not
 * speak for who has the longer, though they are at home in different devices. */
static void g13_source_of_another_devices_peer_refused(void **state)
{
	const uint8_t narrow[] = { 10, 7, 7, 7 }, wide[] = { 10, 9, 9, 9 };
	const uint8_t hub[] = { 10, 0, 0, 100 };
	struct world *w = world_new();

	(void)state;
	allow(w, 0, "10.0.0.0/8");
	allow(w, 1, "10.7.0.0/16");
	assert_ptr_not_equal(w->remotes[0].peer->home, w->remotes[1].peer->home);
	send_ip(w->remotes[0].device, wide, hub, w->now);
	settle(w);
	no_drops(w);
	send_ip(w->remotes[0].device, narrow, hub, w->now);
	settle(w);
	assert_int_equal(dropped(w, DEVICE_DROP_SOURCE), 1);
	send_ip(w->remotes[1].device, narrow, hub, w->now);
	settle(w);
	assert_int_equal(dropped(w, DEVICE_DROP_SOURCE), 1);
	world_free(w);
}

static void g13_prefix_moves_to_a_peer_of_another_device(void **state)
{
	struct world *w = world_new();
	struct allowedips_prefix p = prefix("10.0.0.1/32");
	const uint8_t own[] = { 10, 0, 0, 1 }, hub[] = { 10, 0, 0, 100 };

	(void)state;
	send_up(w, 0);
	settle(w);
	no_drops(w);
	allow(w, 1, "10.0.0.1/32");
	assert_memory_equal(&w->routed, &p, sizeof(p));
	assert_int_equal(w->routed_to, w->remotes[1].peer->home->shard);
	assert_int_equal(w->remotes[0].peer->allowed.count, 0);
	send_ip(w->remotes[0].device, own, hub, w->now);
	settle(w);
	assert_int_equal(dropped(w, DEVICE_DROP_SOURCE), 1);
	send_up(w, 1);
	send_ip(w->remotes[1].device, own, hub, w->now);
	settle(w);
	assert_int_equal(dropped(w, DEVICE_DROP_SOURCE), 1);
	send_ip(w->shards[0].device, hub, own, w->now);
	settle(w);
	assert_int_equal(w->remotes[0].packets, 0);
	assert_int_equal(w->remotes[1].packets, 1);
	world_free(w);
}

static void routes_are_told(void **state)
{
	struct world *w = world_new();
	struct allowedips_prefix p = prefix("10.0.0.3/32");

	(void)state;
	assert_int_equal(w->routes, REMOTES);
	device_peer_disallow(w->shards[1].device, w->remotes[2].peer, &p);
	assert_int_equal(w->routes, REMOTES + 1);
	assert_memory_equal(&w->routed, &p, sizeof(p));
	assert_int_equal(w->routed_to, -1);
	device_peer_remove(w->shards[1].device, w->remotes[3].peer);
	assert_int_equal(w->routes, REMOTES + 2);
	assert_int_equal(w->routed_to, -1);
	assert_int_equal(w->routed.ip[3], 4);
	world_free(w);
}

/* Attackers have no more to spend than with one device: load is that of all. */
static void g12_load_is_that_of_all_devices(void **state)
{
	struct world *w = world_new();
	struct endpoint from = { .ip = { 198, 51, 100, 1 }, .port = 1 };
	struct cookie_maker maker;

	(void)state;
	cookie_maker_set(&maker, w->public_key);
	for (unsigned i = 0; i < LOAD_BURST + 30; i++) {
		uint8_t m[MESSAGE_INITIATION_LEN] = { MESSAGE_INITIATION };
		struct device_datagram in = { .source = from, .bytes = m, .n = sizeof(m) };

		cookie_stamp(&maker, m, sizeof(m), w->now.ms);
		device_receive(w->shards[i % SHARDS].device, &in, 1, w->now);
		w->count = 0; /* the cookies */
	}
	assert_int_equal(dropped(w, DEVICE_DROP_HANDSHAKE), LOAD_BURST);
	assert_int_equal(dropped(w, DEVICE_DROP_COOKIE), 30);
	world_free(w);
}

static void g11_cookie_of_one_device_is_good_for_all(void **state)
{
	struct world *w = world_new();
	struct endpoint from = { .ip = { 198, 51, 100, 1 }, .port = 1 };
	uint8_t m[MESSAGE_INITIATION_LEN] = { MESSAGE_INITIATION };
	struct message_cookie reply;
	struct cookie_maker maker;

	(void)state;
	cookie_maker_set(&maker, w->public_key);
	for (unsigned from_shard = 0; from_shard < SHARDS; from_shard++)
		for (unsigned i = 0; i < SHARDS; i++) {
			cookie_stamp(&maker, m, sizeof(m), w->now.ms);
			cookie_reply(&w->shards[from_shard].device->cookies, &reply,
				     SPAN_ARRAY(m), 1, &from, w->now.ms);
			assert_true(cookie_take(&maker, &reply, w->now.ms));
			cookie_stamp(&maker, m, sizeof(m), w->now.ms);
			assert_int_equal(cookie_check(&w->shards[i].device->cookies,
						      SPAN_ARRAY(m), &from, w->now.ms),
					 COOKIE_MAC2);
			w->now.ms += COOKIE_SECRET_MS / 2;
		}
	world_free(w);
}

/* A source that has its cookie has one share, whatever device it comes to. */
static void g10_network_has_one_share_of_all_devices(void **state)
{
	struct world *w = world_new();
	struct endpoint from = { .ip = { 198, 51, 100, 1 }, .port = 1 };
	uint8_t m[MESSAGE_INITIATION_LEN] = { MESSAGE_INITIATION };
	struct cookie_maker maker;
	struct message_cookie reply;

	(void)state;
	for (unsigned i = 0; i <= LOAD_BURST; i++)
		(void)ratelimit_under_load(&w->shards[0].device->common->load, w->now.ms);
	cookie_maker_set(&maker, w->public_key);
	cookie_stamp(&maker, m, sizeof(m), w->now.ms);
	cookie_reply(&w->shards[1].device->cookies, &reply, SPAN_ARRAY(m), 1, &from, w->now.ms);
	assert_true(cookie_take(&maker, &reply, w->now.ms));
	cookie_stamp(&maker, m, sizeof(m), w->now.ms);
	for (unsigned i = 0; i < 60; i++) {
		uint8_t copy[sizeof(m)];
		struct device_datagram in = { .source = from, .bytes = copy, .n = sizeof(copy) };

		memcpy(copy, m, sizeof(copy));
		device_receive(w->shards[i % SHARDS].device, &in, 1, w->now);
	}
	assert_int_equal(dropped(w, DEVICE_DROP_HANDSHAKE), RATELIMIT_BURST);
	assert_int_equal(dropped(w, DEVICE_DROP_RATE), 60 - RATELIMIT_BURST);
	world_free(w);
}

static void another_key_ends_the_sessions_of_all(void **state)
{
	struct world *w = world_new();
	struct key32 other;

	(void)state;
	for (int i = 0; i < REMOTES; i++)
		send_up(w, i);
	settle(w);
	x25519_generate(&other);
	for (unsigned i = 0; i < SHARDS; i++)
		assert_int_not_equal(w->shards[i].device->indexes.count, 0);
	device_set_key(w->shards[1].device, &other);
	for (unsigned i = 0; i < SHARDS; i++)
		assert_int_equal(w->shards[i].device->indexes.count, 0);
	world_free(w);
}

static void staging_budget_is_common(void **state)
{
	struct world *w = world_new();
	struct common *c = w->shards[0].device->common;

	(void)state;
	for (int i = 0; i < REMOTES; i++) {
		struct endpoint at = place(i);

		device_peer_set_endpoint(w->remotes[i].peer, &at);
	}
	send_ip(w->remotes[0].peer->home, (const uint8_t[]){ 10, 0, 0, 100 },
		(const uint8_t[]){ 10, 0, 0, 1 }, w->now);
	assert_int_not_equal(c->staged.bytes, 0);
	c->staged.bytes_max = c->staged.bytes; /* for one packet, and not for two */
	send_ip(w->remotes[1].peer->home, (const uint8_t[]){ 10, 0, 0, 100 },
		(const uint8_t[]){ 10, 0, 0, 2 }, w->now);
	assert_int_equal(dropped(w, DEVICE_DROP_STAGED), 1);
	settle(w);
	assert_int_equal(c->staged.bytes, 0);
	world_free(w);
}

/* Each of any number of devices gets indexes, and none gets another's. */
static void indexes_name_their_device(void **state)
{
	(void)state;
	for (unsigned count = 1; count <= DEVICE_SHARDS_MAX; count++) {
		bool seen[DEVICE_SHARDS_MAX] = { false };

		for (uint32_t high = 0; high < 256; high++) {
			unsigned shard = device_index_shard(high << 24 | 0x123456, count);

			assert_true(shard < count);
			seen[shard] = true;
		}
		for (unsigned i = 0; i < count; i++)
			assert_true(seen[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_are_spread_and_kept_in_order),
		cmocka_unit_test(all_arrives_whatever_device_it_comes_to),
		cmocka_unit_test(hub_initiates_from_the_peers_device),
		cmocka_unit_test(full_queue_loses_and_counts),
		cmocka_unit_test(stray_of_a_peer_that_was_removed_refused),
		cmocka_unit_test(stray_of_a_peer_that_is_elsewhere_now_refused),
		cmocka_unit_test(stray_from_before_another_key_refused),
		cmocka_unit_test(g13_source_of_another_devices_peer_refused),
		cmocka_unit_test(g13_prefix_moves_to_a_peer_of_another_device),
		cmocka_unit_test(routes_are_told),
		cmocka_unit_test(g12_load_is_that_of_all_devices),
		cmocka_unit_test(g11_cookie_of_one_device_is_good_for_all),
		cmocka_unit_test(g10_network_has_one_share_of_all_devices),
		cmocka_unit_test(another_key_ends_the_sessions_of_all),
		cmocka_unit_test(staging_budget_is_common),
		cmocka_unit_test(indexes_name_their_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
