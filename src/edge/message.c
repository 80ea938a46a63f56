#include "edge/message.h"

#include <string.h>

#include "base/wr.h"

enum rc message_send(int sock, const struct message *m, const int *fds,
		     size_t count, int timeout_ms)
{
	uint8_t bytes[PASSFD_BYTES_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct span whole;
	size_t i;

	wr_u8(&w, MESSAGE_VERSION);
	wr_u8(&w, (uint8_t)m->type);
	wr_be64(&w, m->a);
	wr_be64(&w, m->b);
	wr_be64(&w, m->c);
	wr_be16(&w, (uint16_t)m->id_count);
	for (i = 0; i < m->id_count; i++)
		wr_be32(&w, m->ids[i]);
	wr_vec16(&w, span_str(m->text));
	if (!wr_done(&w, &whole))
		return RC_LIMIT;
	return passfd_send(sock, whole, fds, count, timeout_ms);
}

enum rc message_read(struct message *out, const struct passfd *p)
{
	struct span s = span_of(p->bytes, p->n), text;
	struct message m = { 0 };
	uint8_t version, type;
	uint16_t count;

	if (!rd_u8(&s, &version) || version != MESSAGE_VERSION ||
	    !rd_u8(&s, &type) || type == 0 || type >= MESSAGE_TYPE_COUNT ||
	    !rd_be64(&s, &m.a) || !rd_be64(&s, &m.b) || !rd_be64(&s, &m.c) ||
	    !rd_be16(&s, &count) || count > MESSAGE_IDS_MAX)
		return RC_MALFORMED;
	m.type = (enum message_type)type;
	for (; m.id_count < count; m.id_count++)
		if (!rd_be32(&s, &m.ids[m.id_count]))
			return RC_MALFORMED;
	if (!rd_vec16(&s, &text) || !rd_end(&s) || text.n >= sizeof(m.text))
		return RC_MALFORMED;
	memcpy(m.text, text.p, text.n);
	*out = m;
	return RC_OK;
}
