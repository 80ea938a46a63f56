/*
 * Datagrams into a device that has a session with one peer.  The input is a
 * chain of: mode, two bytes of length, that many bytes.  Modes: as they are; as
 * a handshake message with the right mac1; as data under the session's key; as
 * a packet to send.
 *
 * Promises: nothing but what the peer may send comes out of the tunnel, whole;
 * what goes out to the network is a well-formed message; what peers and
 * strangers can make the device keep is bounded.
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
};

static const struct endpoint here = { .ip = { 192, 0, 2, 1 }, .port = 1 };

static void on_datagram(void *arg, const struct endpoint *to, struct span b)
{
	struct end *e = arg;
	enum message_type type;

	assert(message_type(&type, b) && to->port);
	e->sent_len = b.n <= sizeof(e->sent) ? b.n : 0;
	if (e->sent_len)
		memcpy(e->sent, b.p, b.n);
}

/* Delivers what 'from' sent last to the other end. */
static void carry(struct end *from, struct device_time now)
{
	uint8_t copy[sizeof(from->sent)];
	struct device_datagram in = { here, copy, from->sent_len };

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
	const struct device_sink sink = { on_datagram, on_packet, NULL, e };
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
		device_receive(e->device, &(struct device_datagram){ here, bytes, in.n }, 1, now);
		break;
	case 2:
		if (!k)
			break;
		message_data_header_write(&w, k->remote_index, k->send_counter);
		aead_seal(k->send, bytes, k->send_counter++, span_of(NULL, 0),
			  span_of(bytes, in.n));
		device_receive(e->device, &(struct device_datagram){ here, copy, in.n + 32 }, 1,
			       now);
		break;
	case 3:
		device_send(e->device, &(struct device_packet){ bytes, in.n }, 1, now);
		break;
	default:
		device_receive(e->device, &(struct device_datagram){ here, bytes, in.n }, 1, now);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct key32 one = { { 8 } }, two = { { 16 } };
	struct device_time now = { .ms = 1000, .unix_ns = 1'800'000'000'000'000'000 };
	uint8_t room[DEVICE_HEADROOM + 20 + DEVICE_TAILROOM] = { 0 };
	struct span in = span_of(data, size), part;
	struct end a, b;
	uint8_t mode;
	uint16_t n;

	end_init(&a, &b, &one, &two);
	end_init(&b, &a, &two, &one);
	room[DEVICE_HEADROOM] = 0x45;
	room[DEVICE_HEADROOM + 3] = 20;
	room[DEVICE_HEADROOM + 12] = room[DEVICE_HEADROOM + 16] = 10;
	device_send(b.device, &(struct device_packet){ room + DEVICE_HEADROOM, 20 }, 1, now);
	carry(&b, now); /* initiation */
	carry(&a, now); /* response */
	carry(&b, now); /* the packet, which confirms the session */
	assert(a.peer->keypairs.current && b.peer->keypairs.current);
	while (rd_u8(&in, &mode) && rd_be16(&in, &n)) {
		if (!rd_n(&in, &part, n))
			part = in, in = span_of(NULL, 0);
		now.ms += (uint64_t)(mode >> 2) * (mode >> 2) * 20;
		put(&a, mode & 3, part, now);
		if (device_deadline(a.device) <= now.ms)
			device_expire(a.device, now);
	}
	assert(a.device->indexes.count <= 4);
	assert(a.device->staged.bytes <= a.device->staged.bytes_max);
	device_free(a.device);
	device_free(b.device);
	return 0;
}
