#include <string.h>

#include "crypto/aead.h"
#include "wireguard/engine.h"

void engine_emit(struct device *d, struct peer *p, struct span bytes,
		 struct device_time now)
{
	p->tx_bytes += bytes.n;
	timers_any_sent(&p->timers, now.ms);
	d->sink.datagram(d->sink.arg, &p->endpoint, bytes);
}

/* Zeros up to a multiple of 16, but not beyond the MTU (whitepaper §5.4.6). */
static size_t pad(const struct device *d, uint8_t *bytes, size_t n)
{
	size_t padded = (n + MESSAGE_PADDING - 1) / MESSAGE_PADDING *
			MESSAGE_PADDING;

	if (padded > d->mtu)
		padded = n > d->mtu ? n : d->mtu;
	memset(bytes + n, 0, padded - n);
	return padded;
}

static void seal_and_emit(struct device *d, struct peer *p, struct keypair *k,
			  uint8_t *bytes, size_t n, struct device_time now)
{
	uint8_t *start = bytes - MESSAGE_DATA_HEADER_LEN;
	struct wr w = wr_over(start, MESSAGE_DATA_HEADER_LEN);
	size_t padded = pad(d, bytes, n);
	uint64_t counter = k->send_counter++;

	message_data_header_write(&w, k->remote_index, counter);
	aead_seal(k->send, bytes, counter, span_of(NULL, 0),
		  span_of(bytes, padded));
	engine_emit(d, p,
		    span_of(start, MESSAGE_DATA_HEADER_LEN + padded +
					   MESSAGE_TAG_LEN),
		    now);
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

		seal_and_emit(d, p, k, bytes, n, now);
		peer_staged_free(s);
	}
	renew(d, p, k, now);
}

void engine_send(struct device *d, struct peer *p, uint8_t *bytes, size_t n,
		 struct device_time now)
{
	struct keypair *k = usable(p, now);

	if (k && !p->staged_first) {
		seal_and_emit(d, p, k, bytes, n, now);
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
	p = allowedips_find(&d->allowed, ip.destination, ip.is_v6);
	if (!p) {
		engine_drop(d, DEVICE_DROP_UNROUTED);
		return;
	}
	if (!p->has_endpoint) {
		engine_drop(d, DEVICE_DROP_NO_ENDPOINT);
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
}
