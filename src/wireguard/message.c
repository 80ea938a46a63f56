#include "wireguard/message.h"

bool message_type(enum message_type *out, struct span datagram)
{
	size_t n = datagram.n;
	uint32_t type;

	if (!rd_le32(&datagram, &type))
		return false;
	switch (type) {
	case MESSAGE_INITIATION:
		if (n != MESSAGE_INITIATION_LEN)
			return false;
		break;
	case MESSAGE_RESPONSE:
		if (n != MESSAGE_RESPONSE_LEN)
			return false;
		break;
	case MESSAGE_COOKIE:
		if (n != MESSAGE_COOKIE_LEN)
			return false;
		break;
	case MESSAGE_DATA:
		if (n < MESSAGE_DATA_LEN_MIN)
			return false;
		break;
	default:
		return false;
	}
	*out = (enum message_type)type;
	return true;
}

static bool rd_type(struct span *b, enum message_type want)
{
	uint32_t type;

	return rd_le32(b, &type) && type == want;
}

static bool rd_macs(struct span *b, struct message_macs *m)
{
	return rd_copy(b, m->mac1, sizeof(m->mac1)) &&
	       rd_copy(b, m->mac2, sizeof(m->mac2));
}

static void wr_macs(struct wr *w, const struct message_macs *m)
{
	wr_bytes(w, SPAN_ARRAY(m->mac1));
	wr_bytes(w, SPAN_ARRAY(m->mac2));
}

bool message_initiation_read(struct message_initiation *out, struct span b)
{
	struct message_initiation m;

	if (!rd_type(&b, MESSAGE_INITIATION) ||
	    !rd_le32(&b, &m.sender) ||
	    !rd_copy(&b, m.ephemeral, sizeof(m.ephemeral)) ||
	    !rd_copy(&b, m.sealed_static, sizeof(m.sealed_static)) ||
	    !rd_copy(&b, m.sealed_timestamp, sizeof(m.sealed_timestamp)) ||
	    !rd_macs(&b, &m.macs) || !rd_end(&b))
		return false;
	*out = m;
	return true;
}

void message_initiation_write(struct wr *w, const struct message_initiation *m)
{
	wr_le32(w, MESSAGE_INITIATION);
	wr_le32(w, m->sender);
	wr_bytes(w, SPAN_ARRAY(m->ephemeral));
	wr_bytes(w, SPAN_ARRAY(m->sealed_static));
	wr_bytes(w, SPAN_ARRAY(m->sealed_timestamp));
	wr_macs(w, &m->macs);
}

bool message_response_read(struct message_response *out, struct span b)
{
	struct message_response m;

	if (!rd_type(&b, MESSAGE_RESPONSE) ||
	    !rd_le32(&b, &m.sender) || !rd_le32(&b, &m.receiver) ||
	    !rd_copy(&b, m.ephemeral, sizeof(m.ephemeral)) ||
	    !rd_copy(&b, m.sealed_nothing, sizeof(m.sealed_nothing)) ||
	    !rd_macs(&b, &m.macs) || !rd_end(&b))
		return false;
	*out = m;
	return true;
}

void message_response_write(struct wr *w, const struct message_response *m)
{
	wr_le32(w, MESSAGE_RESPONSE);
	wr_le32(w, m->sender);
	wr_le32(w, m->receiver);
	wr_bytes(w, SPAN_ARRAY(m->ephemeral));
	wr_bytes(w, SPAN_ARRAY(m->sealed_nothing));
	wr_macs(w, &m->macs);
}

bool message_cookie_read(struct message_cookie *out, struct span b)
{
	struct message_cookie m;

	if (!rd_type(&b, MESSAGE_COOKIE) ||
	    !rd_le32(&b, &m.receiver) ||
	    !rd_copy(&b, m.nonce, sizeof(m.nonce)) ||
	    !rd_copy(&b, m.sealed_cookie, sizeof(m.sealed_cookie)) ||
	    !rd_end(&b))
		return false;
	*out = m;
	return true;
}

void message_cookie_write(struct wr *w, const struct message_cookie *m)
{
	wr_le32(w, MESSAGE_COOKIE);
	wr_le32(w, m->receiver);
	wr_bytes(w, SPAN_ARRAY(m->nonce));
	wr_bytes(w, SPAN_ARRAY(m->sealed_cookie));
}

bool message_data_read(struct message_data *out, struct span b)
{
	struct message_data m;

	if (!rd_type(&b, MESSAGE_DATA) ||
	    !rd_le32(&b, &m.receiver) || !rd_le64(&b, &m.counter) ||
	    b.n < MESSAGE_TAG_LEN)
		return false;
	m.sealed = b;
	*out = m;
	return true;
}

void message_data_header_write(struct wr *w, uint32_t receiver,
			       uint64_t counter)
{
	wr_le32(w, MESSAGE_DATA);
	wr_le32(w, receiver);
	wr_le64(w, counter);
}

size_t message_data_padded(size_t n, size_t mtu)
{
	size_t padded = (n + MESSAGE_PADDING - 1) / MESSAGE_PADDING *
			MESSAGE_PADDING;

	if (padded > mtu)
		padded = n > mtu ? n : mtu;
	return padded;
}
