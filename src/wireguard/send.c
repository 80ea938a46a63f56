#include <string.h>

#include "wireguard/ecn.h"
#include "wireguard/engine.h"

void engine_emit(struct device *d, struct peer *p, struct span bytes,
		 unsigned ecn, struct device_time now)
{
	p->tx_bytes += bytes.n;
	timers_any_sent(&p->timers, now.ms);
	d->sink.datagram(d->sink.arg, &p->endpoint, bytes, ecn);
}

static size_t pad(const struct device *d, uint8_t *bytes, size_t n)
{
	size_t padded = message_data_padded(n, d->mtu);

	if (padded > n)
		memset(bytes + n, 0, padded - n);
	return padded;
}

void engine_seal(struct device *d, struct device_time now)
{
	struct engine_outgoing *o = &d->outgoing;

	engine_batch(d, DEVICE_SENT, o->count);
	chapoly_seal(d->cipher, o->jobs, o->count);
	for (size_t i = 0; i < o->count; i++) {
		const struct chapoly_job *j = &o->jobs[i];

		engine_emit(d, o->peers[i],
			    span_of(j->bytes - MESSAGE_DATA_HEADER_LEN,
				    MESSAGE_DATA_HEADER_LEN + j->n +
					    MESSAGE_TAG_LEN),
			    o->ecn[i], now);
	}
	o->count = 0;
}

/* Numbers the message, and puts it with those to be sealed. */
static void enqueue(struct device *d, struct peer *p, struct keypair *k,
		    uint8_t *bytes, size_t n, struct device_time now)
{
	struct wr w = wr_over(bytes - MESSAGE_DATA_HEADER_LEN,
			      MESSAGE_DATA_HEADER_LEN);
	struct engine_outgoing *o = &d->outgoing;

	if (o->count == ENGINE_BATCH)
		engine_seal(d, now);
	o->peers[o->count] = p;
	o->ecn[o->count] = n ? ecn_of(bytes) : ECN_NOT;
	o->jobs[o->count++] = (struct chapoly_job){
		.key = &k->send,
		.counter = k->send_counter,
		.bytes = bytes,
		.n = pad(d, bytes, n),
	};
	message_data_header_write(&w, k->remote_index, k->send_counter++);
	if (n)
		timers_data_sent(&p->timers, now.ms);
}

/* After sending: the initiator renews what is used up or getting old. */
static void renew(struct device *d, struct peer *p, const struct keypair *k,
		  struct device_time now)
{
	if (k->send_counter > KEYPAIR_REKEY_AFTER_MESSAGES ||
	    (k->is_initiator && now.ms - k->born_ms >= KEYPAIR_REKEY_AFTER_MS))
		engine_initiate(d, p, false, now);
}

/* The session to send under, or NULL. */
static struct keypair *usable(const struct peer *p, struct device_time now)
{
	struct keypair *k = p->keypairs.current;

	return p->has_endpoint && keypair_can_send(k, now.ms) ? k : NULL;
}

void engine_flush(struct device *d, struct peer *p, struct device_time now)
{
	struct keypair *k = usable(p, now);
	struct peer_staged *s;

	if (!p->staged_first)
		return;
	if (!k) {
		engine_initiate(d, p, false, now);
		return;
	}
	while (keypair_can_send(k, now.ms) && (s = peer_unstage(p))) {
		size_t n;
		uint8_t *bytes = peer_staged_packet(s, &n);

		enqueue(d, p, k, bytes, n, now);
		engine_seal(d, now);
		peer_staged_free(s);
	}
	renew(d, p, k, now);
}

void engine_send(struct device *d, struct peer *p, uint8_t *bytes, size_t n,
		 struct device_time now)
{
	struct keypair *k = usable(p, now);

	if (k && !p->staged_first) {
		enqueue(d, p, k, bytes, n, now);
		renew(d, p, k, now);
		return;
	}
	/* Behind what waits already, so that order is kept. */
	if (peer_stage(p, span_of(bytes, n)))
		engine_drop(d, DEVICE_DROP_STAGED);
	engine_flush(d, p, now);
}

void engine_keepalive(struct device *d, struct peer *p, struct device_time now)
{
	uint8_t room[DEVICE_HEADROOM + DEVICE_TAILROOM];

	if (p->staged_first)
		engine_flush(d, p, now);
	else if (p->has_endpoint)
		engine_send(d, p, room + DEVICE_HEADROOM, 0, now);
	engine_seal(d, now); /* before the room is gone */
}

/* What follows the IP header of a UDP packet.  An IPv6 packet of ours has no
 * extension header, unless it is a fragment. */
static bool read_udp(struct span *udp, struct span packet, bool is_v6)
{
	enum {
		V4_PROTOCOL = 9,
		V6_NEXT = 6,
		V6_LEN = 40,
		UDP = 17,
	};
	size_t header = is_v6 ? V6_LEN : (packet.p[0] & 15u) * 4;

	*udp = packet;
	return packet.p[is_v6 ? V6_NEXT : V4_PROTOCOL] == UDP &&
	       rd_skip(udp, header);
}

/*
 * Whether a packet for the peer is a message of ours to that very peer: then
 * the route to its endpoint leads into the tunnel, and each message would be
 * carried in the next one, for ever.  The indexes tell ours from those of
 * somebody else who speaks to that endpoint through the tunnel.
 */
static bool is_own(const struct peer *p, const struct engine_ip *ip,
		   struct span packet)
{
	const struct keypair *k = p->keypairs.current;
	uint32_t type, index;
	struct span udp;
	uint16_t port;

	if (ip->is_v6 != p->endpoint.is_v6 ||
	    !span_equal(span_of(ip->destination, ip->is_v6 ? 16 : 4),
			span_of(p->endpoint.ip, ip->is_v6 ? 16 : 4)) ||
	    !read_udp(&udp, packet, ip->is_v6) || !rd_skip(&udp, 2) ||
	    !rd_be16(&udp, &port) || port != p->endpoint.port ||
	    !rd_skip(&udp, 4) || !rd_le32(&udp, &type) ||
	    !rd_le32(&udp, &index))
		return false;
	switch (type) {
	case MESSAGE_INITIATION:
		return index == p->handshake_index;
	case MESSAGE_RESPONSE:
		return keypairs_find(&p->keypairs, index) != NULL;
	case MESSAGE_DATA:
		return k && index == k->remote_index;
	default:
		return false;
	}
}

static void send_one(struct device *d, const struct device_packet *in,
		     struct device_time now)
{
	struct engine_ip ip;
	struct peer *p;

	if (!engine_ip_read(&ip, span_of(in->bytes, in->n))) {
		engine_drop(d, DEVICE_DROP_PACKET);
		return;
	}
	p = allowedips_find(d->allowed, ip.destination, ip.is_v6);
	if (!p) {
		engine_drop(d, DEVICE_DROP_UNROUTED);
		return;
	}
	if (p->home != d) {
		engine_stray_packet(d, p->home, span_of(in->bytes, in->n));
		return;
	}
	if (!p->has_endpoint) {
		engine_drop(d, DEVICE_DROP_NO_ENDPOINT);
		return;
	}
	if (is_own(p, &ip, span_of(in->bytes, in->n))) {
		engine_drop(d, DEVICE_DROP_LOOP);
		return;
	}
	engine_send(d, p, in->bytes, in->n, now);
	engine_schedule(d, p);
}

void device_send(struct device *d, const struct device_packet *in,
		 size_t count, struct device_time now)
{
	for (size_t i = 0; i < count; i++)
		send_one(d, &in[i], now);
	engine_seal(d, now);
}
