#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wireguard/engine.h"

enum stray_kind {
	STRAY_DATAGRAM, /* of a session or handshake of the other device */
	STRAY_INITIATION, /* of a peer of it, opened */
	STRAY_PACKET, /* to send, to a peer of it */
};

struct device_stray {
	enum stray_kind kind;
	struct endpoint source;
	unsigned ecn;
	struct noise_opening opening;
	size_t n;
	uint8_t room[]; /* headroom, the bytes, tailroom */
};

static struct device_stray *stray_new(enum stray_kind kind, struct span bytes)
{
	struct device_stray *s = mem_new(sizeof(*s) + DEVICE_HEADROOM +
					 bytes.n + DEVICE_TAILROOM);

	s->kind = kind;
	s->n = bytes.n;
	if (bytes.n)
		memcpy(s->room + DEVICE_HEADROOM, bytes.p, bytes.n);
	return s;
}

void device_stray_free(struct device_stray *s)
{
	if (s)
		noise_opening_wipe(&s->opening);
	free(s);
}

static void hand_over(struct device *d, unsigned to, struct device_stray *s)
{
	if (d->sink.stray && d->sink.stray(d->sink.arg, to, s)) {
		d->handed++;
		return;
	}
	engine_drop(d, DEVICE_DROP_HANDOVER);
	device_stray_free(s);
}

static struct device_stray *
stray_datagram(enum stray_kind kind, const struct device_datagram *in)
{
	struct device_stray *s = stray_new(kind, span_of(in->bytes, in->n));

	s->source = in->source;
	s->ecn = in->ecn;
	return s;
}

bool engine_stray_datagram(struct device *d, uint32_t receiver,
			   const struct device_datagram *in)
{
	unsigned to = device_index_shard(receiver, d->common->shard_count);

	if (to == d->shard)
		return false;
	hand_over(d, to, stray_datagram(STRAY_DATAGRAM, in));
	return true;
}

void engine_stray_initiation(struct device *d, struct device *to,
			     const struct device_datagram *in,
			     const struct noise_opening *o)
{
	struct device_stray *s = stray_datagram(STRAY_INITIATION, in);

	s->opening = *o;
	hand_over(d, to->shard, s);
}

void engine_stray_packet(struct device *d, struct device *to,
			 struct span packet)
{
	hand_over(d, to->shard, stray_new(STRAY_PACKET, packet));
}

static void take_one(struct device *d, struct device_stray *s,
		     struct device_time now)
{
	const struct device_datagram datagram = {
		.source = s->source,
		.bytes = s->room + DEVICE_HEADROOM,
		.n = s->n,
		.ecn = s->ecn,
	};
	const struct device_packet packet = { datagram.bytes, s->n };

	switch (s->kind) {
	case STRAY_DATAGRAM:
		device_receive(d, &datagram, 1, now);
		break;
	case STRAY_INITIATION:
		engine_accept_initiation(d, &datagram, &s->opening, now);
		break;
	case STRAY_PACKET:
		device_send(d, &packet, 1, now);
		break;
	}
}

void device_take(struct device *d, struct device_stray *const *in, size_t count,
		 struct device_time now)
{
	for (size_t i = 0; i < count; i++)
		take_one(d, in[i], now);
}
