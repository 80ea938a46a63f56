#include "wireguard/ecn.h"
#include "wireguard/engine.h"

enum {
	IPV4_HEADER_LEN = 20, /* RFC 791 §3.1, without options */
	IPV4_SOURCE_AT = 12,
	IPV4_DESTINATION_AT = 16,
	IPV6_HEADER_LEN = 40, /* RFC 8200 §3 */
	IPV6_SOURCE_AT = 8,
	IPV6_DESTINATION_AT = 24,

	/* How old a session is when its receiving initiator renews it, in case
	 * it has nothing to send until it ends (whitepaper §6.2). */
	RENEW_LATE_MS = KEYPAIR_REJECT_AFTER_MS - TIMERS_KEEPALIVE_MS -
			TIMERS_REKEY_TIMEOUT_MS,
};

static size_t be16_at(struct span b, size_t at)
{
	return (size_t)b.p[at] << 8 | b.p[at + 1];
}

static bool read_v4(struct engine_ip *out, struct span b)
{
	size_t header, total;

	if (b.n < IPV4_HEADER_LEN)
		return false;
	header = (size_t)(b.p[0] & 15) * 4;
	total = be16_at(b, 2);
	if (header < IPV4_HEADER_LEN || total < header || total > b.n)
		return false;
	*out = (struct engine_ip){
		.n = total,
		.source = b.p + IPV4_SOURCE_AT,
		.destination = b.p + IPV4_DESTINATION_AT,
	};
	return true;
}

static bool read_v6(struct engine_ip *out, struct span b)
{
	size_t total;

	if (b.n < IPV6_HEADER_LEN)
		return false;
	total = IPV6_HEADER_LEN + be16_at(b, 4);
	if (total > b.n)
		return false;
	*out = (struct engine_ip){
		.is_v6 = true,
		.n = total,
		.source = b.p + IPV6_SOURCE_AT,
		.destination = b.p + IPV6_DESTINATION_AT,
	};
	return true;
}

bool engine_ip_read(struct engine_ip *out, struct span packet)
{
	switch (packet.n ? packet.p[0] >> 4 : 0) {
	case 4:
		return read_v4(out, packet);
	case 6:
		return read_v6(out, packet);
	default:
		return false;
	}
}

/* Passes on what a data message carried, when it is the peer's to send. */
static void deliver(struct device *d, struct peer *p, uint8_t *packet, size_t n,
		    unsigned ecn, struct device_time now)
{
	struct engine_ip ip;

	timers_data_received(&p->timers, now.ms);
	if (!engine_ip_read(&ip, span_of(packet, n))) {
		engine_drop(d, DEVICE_DROP_INNER);
		return;
	}
	if (allowedips_find(d->allowed, ip.source, ip.is_v6) != p) {
		engine_drop(d, DEVICE_DROP_SOURCE);
		return;
	}
	if (!ecn_take(packet, ecn)) {
		engine_drop(d, DEVICE_DROP_ECN);
		return;
	}
	d->sink.packet(d->sink.arg, span_of(packet, ip.n));
}

/* After receiving: an initiator that only listens renews before the end. */
static void renew(struct device *d, struct peer *p, struct device_time now)
{
	const struct keypair *k = p->keypairs.current;

	if (p->timers.has_renewed_late || !k || !k->is_initiator ||
	    now.ms - k->born_ms < RENEW_LATE_MS)
		return;
	p->timers.has_renewed_late = true;
	engine_initiate(d, p, false, now);
}

/* One message that proved to be the peer's. */
static void take_authentic(struct device *d, struct peer *p,
			   uint32_t receiver, const struct chapoly_job *j,
			   const struct device_datagram *in,
			   struct device_time now)
{
	const struct keypair_gone gone = engine_gone(d);
	/* Another of the batch may have ended the session. */
	struct keypair *k = keypairs_find(&p->keypairs, receiver);

	if (!k) {
		engine_drop(d, DEVICE_DROP_INDEX);
		return;
	}
	if (!replay_accept(&k->replay, j->counter)) {
		engine_drop(d, DEVICE_DROP_REPLAYED);
		return;
	}
	engine_heard(d, p, &in->source, in->n, now);
	if (keypairs_confirm(&p->keypairs, k, &gone))
		engine_confirmed(d, p, now);
	renew(d, p, now);
	if (j->n)
		deliver(d, p, j->bytes, j->n, in->ecn, now);
	engine_schedule(d, p);
}

/* Opens the messages that wait, all at once, and takes them in order. */
static void open_all(struct device *d, struct device_time now)
{
	struct engine_incoming *w = &d->incoming;

	engine_batch(d, DEVICE_RECEIVED, w->count);
	chapoly_open(d->cipher, w->jobs, w->count);
	for (size_t i = 0; i < w->count; i++) {
		if (w->jobs[i].is_authentic)
			take_authentic(d, w->peers[i], w->receivers[i],
				       &w->jobs[i], w->datagrams[i], now);
		else
			engine_drop(d, DEVICE_DROP_FORGED);
	}
	w->count = 0;
}

/* Puts a message of a session there is with those to be opened. */
static void wait_for_others(struct device *d, const struct device_datagram *in,
			    struct device_time now)
{
	struct engine_incoming *w = &d->incoming;
	struct message_data m;
	struct keypair *k;
	struct peer *p;

	if (!message_data_read(&m, span_of(in->bytes, in->n)))
		return;
	p = map_get(&d->indexes, m.receiver);
	k = p ? keypairs_find(&p->keypairs, m.receiver) : NULL;
	if (!k) {
		if (p || !engine_stray_datagram(d, m.receiver, in))
			engine_drop(d, DEVICE_DROP_INDEX);
		return;
	}
	if (!keypair_can_receive(k, now.ms)) {
		engine_drop(d, DEVICE_DROP_EXPIRED);
		return;
	}
	w->datagrams[w->count] = in;
	w->peers[w->count] = p;
	w->receivers[w->count] = m.receiver;
	w->jobs[w->count++] = (struct chapoly_job){
		.key = &k->receive,
		.counter = m.counter,
		.bytes = in->bytes + MESSAGE_DATA_HEADER_LEN,
		.n = m.sealed.n - MESSAGE_TAG_LEN,
	};
	if (w->count == ENGINE_BATCH)
		open_all(d, now);
}

static void receive_one(struct device *d, const struct device_datagram *in,
			struct device_time now)
{
	enum message_type type;

	if (!message_type(&type, span_of(in->bytes, in->n))) {
		engine_drop(d, DEVICE_DROP_MALFORMED);
		return;
	}
	/* A handshake may end sessions whose keys those that wait need. */
	if (type != MESSAGE_DATA)
		open_all(d, now);
	switch (type) {
	case MESSAGE_INITIATION:
		engine_take_initiation(d, in, now);
		break;
	case MESSAGE_RESPONSE:
		engine_take_response(d, in, now);
		break;
	case MESSAGE_COOKIE:
		engine_take_cookie(d, in, now);
		break;
	case MESSAGE_DATA:
		wait_for_others(d, in, now);
		break;
	}
}

void device_receive(struct device *d, const struct device_datagram *in,
		    size_t count, struct device_time now)
{
	for (size_t i = 0; i < count; i++)
		receive_one(d, &in[i], now);
	open_all(d, now);
}
