/* Two WireGuard devices on a simulated link, in virtual time: latency, loss,
 * duplication and reordering by a seeded generator. */
#ifndef POSTERN_TESTS_WG_SIM_H
#define POSTERN_TESTS_WG_SIM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/x25519.h"
#include "wireguard/device.h"
#include "wireguard/engine.h"
#include "wireguard/message.h"

enum {
	SIM_QUEUE_MAX = 4096,
	SIM_DATAGRAM_MAX = 2048,
	SIM_UNIX_S = 1'800'000'000,
};

struct sim_flight {
	uint64_t at_ms;
	uint64_t order;
	int to; /* 0 or 1 */
	struct endpoint source;
	size_t n;
	uint8_t bytes[SIM_DATAGRAM_MAX];
};

struct sim;

struct sim_side {
	struct sim *sim;
	int self;
	struct device *device;
	struct key32 secret;
	uint8_t public_key[32];
	struct endpoint at; /* where this side is */
	struct peer *peer; /* the other one */
	/* what came out */
	size_t packets, packet_bytes;
	uint8_t last_packet[SIM_DATAGRAM_MAX];
	size_t last_packet_len;
	size_t sent[5]; /* datagrams sent, by type */
	unsigned last_ecn;
	size_t events[4];
	/* when set, sees each datagram first; true: it takes it away */
	bool (*tap)(struct sim *s, int from, const uint8_t *bytes, size_t n);
};

struct sim {
	struct sim_side side[2];
	struct device_time now;
	uint32_t random;
	unsigned ecn; /* the mark with which all arrives */
	unsigned loss_percent, duplicate_percent, latency_ms, spread_ms;
	struct sim_flight *queue;
	size_t count;
	uint64_t order;
	void *arg; /* of the test */
};

static inline uint32_t sim_random(struct sim *s, uint32_t below)
{
	s->random = s->random * 1664525u + 1013904223u;
	return (s->random >> 8) % below;
}

static inline void sim_enqueue(struct sim *s, int to, const struct endpoint *source,
			       const uint8_t *bytes, size_t n)
{
	struct sim_flight *f = &s->queue[s->count];

	assert_true(s->count < SIM_QUEUE_MAX && n <= SIM_DATAGRAM_MAX);
	f->at_ms = s->now.ms + s->latency_ms + (s->spread_ms ? sim_random(s, s->spread_ms) : 0);
	f->order = s->order++;
	f->to = to;
	f->source = *source;
	f->n = n;
	memcpy(f->bytes, bytes, n);
	s->count++;
}

static inline void sim_datagram(void *arg, const struct endpoint *to, struct span bytes,
				unsigned ecn)
{
	struct sim_side *from = arg;
	struct sim *s = from->sim;
	int other = !from->self;

	assert_true(bytes.n >= 32 && bytes.p[0] >= 1 && bytes.p[0] <= 4);
	from->sent[bytes.p[0]]++;
	from->last_ecn = ecn;
	if (from->tap && from->tap(s, from->self, bytes.p, bytes.n))
		return;
	if (!endpoint_equal(to, &s->side[other].at))
		return;
	if (s->loss_percent && sim_random(s, 100) < s->loss_percent)
		return;
	sim_enqueue(s, other, &from->at, bytes.p, bytes.n);
	if (s->duplicate_percent && sim_random(s, 100) < s->duplicate_percent)
		sim_enqueue(s, other, &from->at, bytes.p, bytes.n);
}

static inline void sim_packet(void *arg, struct span packet)
{
	struct sim_side *side = arg;

	assert_true(packet.n <= SIM_DATAGRAM_MAX);
	side->packets++;
	side->packet_bytes += packet.n;
	memcpy(side->last_packet, packet.p, packet.n);
	side->last_packet_len = packet.n;
}

static inline void sim_event(void *arg, const struct device_event *e)
{
	struct sim_side *side = arg;

	side->events[e->kind]++;
}

static inline struct allowedips_prefix sim_prefix(const char *text)
{
	struct allowedips_prefix p;

	assert_true(allowedips_prefix_parse(&p, span_str(text)));
	return p;
}

static inline struct endpoint sim_endpoint(const char *text)
{
	struct endpoint e;

	assert_true(endpoint_parse(&e, span_str(text)));
	return e;
}

/* Side 0 is 10.0.0.1 and knows where side 1, 10.0.0.2, is. */
static inline struct sim *sim_new(void)
{
	static const char *const inner[] = { "10.0.0.1/32", "10.0.0.2/32" };
	static const char *const outer[] = { "192.0.2.1:1000", "192.0.2.2:2000" };
	struct sim *s = mem_new(sizeof(*s));

	s->queue = mem_new_array(SIM_QUEUE_MAX, sizeof(*s->queue));
	s->now = (struct device_time){ .ms = 1000, .unix_ns = SIM_UNIX_S * 1'000'000'000ll };
	s->random = 1;
	s->latency_ms = 5;
	for (int i = 0; i < 2; i++) {
		struct sim_side *side = &s->side[i];
		struct device_sink sink = {
			.datagram = sim_datagram,
			.packet = sim_packet,
			.event = sim_event,
			.arg = side,
		};

		side->sim = s;
		side->self = i;
		side->at = sim_endpoint(outer[i]);
		x25519_generate(&side->secret);
		x25519_public(side->public_key, &side->secret);
		side->device = device_new(&sink);
		device_set_key(side->device, &side->secret);
	}
	for (int i = 0; i < 2; i++) {
		struct sim_side *side = &s->side[i];
		struct allowedips_prefix p = sim_prefix(inner[!i]);

		assert_int_equal(device_peer_add(side->device, &side->peer,
						 s->side[!i].public_key),
				 RC_OK);
		assert_int_equal(device_peer_allow(side->device, side->peer, &p), RC_OK);
	}
	device_peer_set_endpoint(s->side[0].peer, &s->side[1].at);
	return s;
}

static inline void sim_free(struct sim *s)
{
	for (int i = 0; i < 2; i++)
		device_free(s->side[i].device);
	free(s->queue);
	free(s);
}

/* An IPv4 packet of n bytes between two inner addresses given by their last byte. */
static inline void sim_ip(uint8_t *out, size_t n, uint8_t from, uint8_t to)
{
	memset(out, 0, n);
	for (size_t i = 20; i < n; i++)
		out[i] = (uint8_t)(i * 7);
	out[0] = 0x45;
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	out[12] = out[16] = 10;
	out[15] = from;
	out[19] = to;
}

static inline void sim_send_ip(struct sim *s, int from, size_t n, uint8_t source, uint8_t to)
{
	uint8_t room[DEVICE_HEADROOM + SIM_DATAGRAM_MAX + DEVICE_TAILROOM];
	struct device_packet p = { .bytes = room + DEVICE_HEADROOM, .n = n };

	sim_ip(p.bytes, n, source, to);
	device_send(s->side[from].device, &p, 1, s->now);
}

static inline void sim_send(struct sim *s, int from, size_t n)
{
	sim_send_ip(s, from, n, (uint8_t)(from + 1), (uint8_t)(2 - from));
}

static inline void sim_receive(struct sim *s, int to, const struct endpoint *source,
			       const uint8_t *bytes, size_t n)
{
	/* Exactly sized, so that ASan sees a read too far. */
	uint8_t *copy = mem_new(n);
	struct device_datagram d = { .source = *source, .bytes = copy, .n = n, .ecn = s->ecn };

	if (n)
		memcpy(copy, bytes, n);
	device_receive(s->side[to].device, &d, 1, s->now);
	free(copy);
}

static inline size_t sim_first(const struct sim *s)
{
	size_t best = 0;

	for (size_t i = 1; i < s->count; i++)
		if (s->queue[i].at_ms < s->queue[best].at_ms ||
		    (s->queue[i].at_ms == s->queue[best].at_ms &&
		     s->queue[i].order < s->queue[best].order))
			best = i;
	return best;
}

static inline void sim_set_now(struct sim *s, uint64_t ms)
{
	assert_true(ms >= s->now.ms);
	s->now.unix_ns += (int64_t)(ms - s->now.ms) * 1'000'000;
	s->now.ms = ms;
}

/* Delivers, in order of time, the datagrams on their way until 'until_ms'. */
static inline bool sim_deliver_one(struct sim *s, uint64_t until_ms)
{
	size_t at = sim_first(s);
	struct sim_flight f;

	if (!s->count || s->queue[at].at_ms > until_ms)
		return false;
	f = s->queue[at];
	s->queue[at] = s->queue[--s->count];
	if (f.at_ms > s->now.ms)
		sim_set_now(s, f.at_ms);
	sim_receive(s, f.to, &f.source, f.bytes, f.n);
	return true;
}

/* Lets virtual time pass. */
static inline void sim_run(struct sim *s, uint64_t ms)
{
	uint64_t end = s->now.ms + ms;

	for (;;) {
		uint64_t next = end;

		for (int i = 0; i < 2; i++)
			if (device_deadline(s->side[i].device) < next)
				next = device_deadline(s->side[i].device);
		if (sim_deliver_one(s, next))
			continue;
		if (next > s->now.ms)
			sim_set_now(s, next);
		for (int i = 0; i < 2; i++)
			if (device_deadline(s->side[i].device) <= s->now.ms)
				device_expire(s->side[i].device, s->now);
		if (s->now.ms >= end && device_deadline(s->side[0].device) > end &&
		    device_deadline(s->side[1].device) > end)
			break;
	}
}

static inline uint64_t sim_drops(const struct sim *s, int side, enum device_drop why)
{
	return device_drops(s->side[side].device)[why];
}

#endif
