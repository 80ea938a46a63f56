/*
 * Datagrams into a device that has a session with one peer.  The input is a
 * chain of: mode, two bytes of length, that many bytes.  Modes: as they are; as
 * a handshake message with the right mac1; as data under the session's key; as
 * a packet to send.  Without bytes: the peer's last datagram again; a handshake
 * that the peer begins; a keepalive; the device's last datagram to the peer.
 *
 * Promises: nothing but what the peer may send comes out of the tunnel, whole;
 * what goes out to the network is a well-formed message, and no number is used
 * twice under a session; what peers and strangers can make the device keep is
 * bounded.
 *
 * The devices are made once, and after each input put back to what they were.
 * They get their session from fixed keys: handshakes are there for inputs that
 * ask for one, since they are slow.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/x25519.h"
#include "wireguard/device.h"
#include "wireguard/engine.h"

struct end {
	struct device *device;
	struct peer *peer;
	struct end *other;
	uint8_t sent[256]; /* the last datagram, when it is not longer */
	size_t sent_len;
	unsigned asked; /* for modes without bytes */
	uint32_t receiver; /* of the last data message */
	uint64_t counter; /* the next must be higher */
};

/* All that an end changes, but its sessions. */
struct snapshot {
	struct end end;
	struct common common;
	struct device device;
	struct peer peer;
	struct map_entry indexes[16];
};

struct pair {
	struct end a, b;
	struct snapshot before_a, before_b;
};

static const struct endpoint here = { .ip = { 192, 0, 2, 1 }, .port = 1 };

static void on_datagram(void *arg, const struct endpoint *to, struct span b, unsigned ecn)
{
	struct end *e = arg;
	enum message_type type;

	assert(message_type(&type, b) && to->port && ecn <= 3);
	if (type == MESSAGE_DATA) {
		struct message_data m;

		assert(message_data_read(&m, b));
		assert(m.receiver != e->receiver || m.counter > e->counter);
		e->receiver = m.receiver;
		e->counter = m.counter;
	}
	e->sent_len = b.n <= sizeof(e->sent) ? b.n : 0;
	if (e->sent_len)
		memcpy(e->sent, b.p, b.n);
}

/* Delivers what 'from' sent last to the other end. */
static void carry(struct end *from, struct device_time now)
{
	uint8_t copy[sizeof(from->sent)];
	struct device_datagram in = { here, copy, from->sent_len, 0 };

	memcpy(copy, from->sent, from->sent_len);
	device_receive(from->other->device, &in, 1, now);
}

static void on_packet(void *arg, struct span b)
{
	(void)arg;
	assert(b.n >= 20 && (b.p[0] >> 4 == 4 || b.p[0] >> 4 == 6));
	if (b.p[0] >> 4 == 4)
		assert(b.n == ((size_t)b.p[2] << 8 | b.p[3]) && b.p[12] == 10);
	else
		assert(b.n == 40 + ((size_t)b.p[4] << 8 | b.p[5]) && b.p[8] == 0xfd);
}

static void end_init(struct end *e, struct end *other, const struct key32 *own,
		     const struct key32 *others)
{
	static const struct allowedips_prefix v4 = { .len = 8, .ip = { 10 } };
	static const struct allowedips_prefix v6 = { .is_v6 = true, .len = 8, .ip = { 0xfd } };
	const struct device_sink sink = { .datagram = on_datagram, .packet = on_packet, .arg = e };
	uint8_t public_key[32];

	*e = (struct end){ .device = device_new(&sink), .other = other };
	device_set_key(e->device, own);
	x25519_public(public_key, others);
	if (device_peer_add(e->device, &e->peer, public_key) ||
	    device_peer_allow(e->device, e->peer, &v4) ||
	    device_peer_allow(e->device, e->peer, &v6))
		abort();
	device_peer_set_endpoint(e->peer, &here);
}

static void snapshot_take(struct snapshot *s, const struct end *e)
{
	const struct map *m = &e->device->indexes;

	*s = (struct snapshot){
		.end = *e,
		.common = *e->device->common,
		.device = *e->device,
		.peer = *e->peer,
	};
	assert(m->capacity == sizeof(s->indexes) / sizeof(*s->indexes));
	memcpy(s->indexes, m->entries, sizeof(s->indexes));
}

static void snapshot_restore(const struct snapshot *s, struct end *e)
{
	const struct keypair_gone gone = engine_gone(e->device);

	keypairs_clear(&e->peer->keypairs, &gone);
	peer_stage_clear(e->peer);
	if (e->device->common->load.until_ms)
		memset(e->device->common->limits.entries, 0,
		       (size_t)RATELIMIT_SETS * RATELIMIT_WAYS * sizeof(struct ratelimit_entry));
	*e = s->end;
	*e->device->common = s->common;
	*e->device = s->device;
	*e->peer = s->peer;
	memcpy(e->device->indexes.entries, s->indexes, sizeof(s->indexes));
}

/* One end sends under the key that the other receives under; 'b' began. */
static void session_make(struct end *e, bool is_initiator, struct device_time now)
{
	const struct keypair_gone gone = engine_gone(e->device);
	const struct noise_session s = {
		.send = { { is_initiator } },
		.receive = { { !is_initiator } },
		.local_index = 100 + is_initiator,
		.remote_index = 100 + !is_initiator,
		.is_initiator = true,
	};

	keypairs_install(&e->peer->keypairs, &s, now.ms, &gone);
	e->peer->keypairs.current->is_initiator = is_initiator;
	map_put(&e->device->indexes, s.local_index, e->peer);
	timers_session_derived(&e->peer->timers, now.ms);
	engine_schedule(e->device, e->peer);
}

static void pair_make(struct pair *p)
{
	const struct key32 one = { { 8 } }, two = { { 16 } };

	end_init(&p->a, &p->b, &one, &two);
	end_init(&p->b, &p->a, &two, &one);
	snapshot_take(&p->before_a, &p->a);
	snapshot_take(&p->before_b, &p->b);
}

static void pair_reset(struct pair *p)
{
	snapshot_restore(&p->before_a, &p->a);
	snapshot_restore(&p->before_b, &p->b);
}

/* What a mode without bytes means; false: nothing special. */
static bool put_nothing(struct end *e, int mode, struct device_time now)
{
	/* A few an input: each handshake message costs as much as a hundred of
	 * the others. */
	if (mode != 2 && e->asked++ >= 4)
		return true;
	switch (mode) {
	case 0:
		carry(e->other, now);
		return true;
	case 1:
		engine_initiate(e->other->device, e->other->peer, false, now);
		carry(e->other, now);
		return true;
	case 3:
		carry(e, now);
		return true;
	default:
		return false;
	}
}

/* The length says what mark it came with. */
static void receive(struct end *e, uint8_t *bytes, size_t n, struct device_time now)
{
	const struct device_datagram in = { here, bytes, n, n & 3 };

	device_receive(e->device, &in, 1, now);
}

static void put(struct end *e, int mode, struct span in, struct device_time now)
{
	size_t room = DEVICE_HEADROOM + in.n + DEVICE_TAILROOM;
	uint8_t *copy = mem_new(room), *bytes = copy + DEVICE_HEADROOM;
	struct keypair *k = e->other->peer->keypairs.current;
	struct cookie_maker maker;
	struct wr w = wr_over(copy, DEVICE_HEADROOM);

	if (in.n)
		memcpy(bytes, in.p, in.n);
	switch (mode) {
	case 1:
		cookie_maker_set(&maker, device_public_key(e->device));
		if (in.n > 32)
			cookie_stamp(&maker, bytes, in.n, now.ms);
		receive(e, bytes, in.n, now);
		break;
	case 2:
		if (!k)
			break;
		message_data_header_write(&w, k->remote_index, k->send_counter);
		aead_seal_once(bytes, &k->send, k->send_counter++, span_of(NULL, 0),
			       span_of(bytes, in.n));
		receive(e, copy, in.n + 32, now);
		break;
	case 3:
		device_send(e->device, &(struct device_packet){ bytes, in.n }, 1, now);
		break;
	default:
		receive(e, bytes, in.n, now);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair pair;
	struct device_time now = { .ms = 1000, .unix_ns = 1'800'000'000'000'000'000 };
	struct span in = span_of(data, size), part;
	struct end *a = &pair.a;
	uint8_t mode;
	uint16_t n;

	if (!a->device)
		pair_make(&pair);
	session_make(&pair.a, false, now);
	session_make(&pair.b, true, now);
	while (rd_u8(&in, &mode) && rd_be16(&in, &n)) {
		uint64_t pause = (uint64_t)(mode >> 2) * (mode >> 2) * 20;

		if (!rd_n(&in, &part, n))
			part = in, in = span_of(NULL, 0);
		now.ms += pause;
		now.unix_ns += (int64_t)pause * 1'000'000;
		if (n || !put_nothing(a, mode & 3, now))
			put(a, mode & 3, part, now);
		if (device_deadline(a->device) <= now.ms)
			device_expire(a->device, now);
	}
	assert(a->device->indexes.count <= 5);
	assert(a->device->common->staged.bytes <= a->device->common->staged.bytes_max);
	pair_reset(&pair);
	return 0;
}
