#include "edge/handover.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	STEP_MS = 5000, /* for one message to be sent or to come */
};

void handover_fini(struct handover *h)
{
	sockets_fini(&h->sockets);
	files_fini(&h->kept);
	*h = (struct handover){ 0 };
}

enum rc handover_say(int control, enum message_type type, const char *text)
{
	struct message m = { .type = type };

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	return message_send(control, &m, NULL, 0, STEP_MS);
}

static enum rc send_socket(int control, const struct sockets_entry *e)
{
	struct message m = { .type = MESSAGE_LISTENER, .a = e->place };

	(void)snprintf(m.text, sizeof(m.text), "%s", e->text);
	return message_send(control, &m, &e->fd, 1, STEP_MS);
}

static enum rc send_drained(int control, const struct board *board)
{
	char hex[2 * STORE_ID_LEN + 1];
	enum rc rc = RC_OK;
	struct wr w;
	uint32_t i;

	for (i = 0; i < board->drained_count && !rc; i++) {
		w = wr_over(hex, sizeof(hex) - 1);
		text_hex(&w, SPAN_ARRAY(board->drained[i]));
		hex[w.n] = '\0';
		rc = handover_say(control, MESSAGE_DRAINED, hex);
	}
	return rc;
}

enum rc handover_send(int control, const struct sockets *sockets,
		      const struct board *board, const struct files *kept)
{
	const struct message end = { .type = MESSAGE_KEPT };
	AUTO(mem_auto_close)
	int fd = -1;
	enum rc rc = RC_OK;
	size_t i;

	for (i = 0; i < sockets->count && !rc; i++)
		rc = send_socket(control, &sockets->at[i]);
	if (!rc)
		rc = send_drained(control, board);
	if (!rc)
		rc = files_pack(kept, &fd);
	if (!rc)
		rc = message_send(control, &end, &fd, 1, STEP_MS);
	return rc;
}

static enum rc take_socket(struct handover *h, const struct message *m,
			   struct passfd *p)
{
	uint32_t number = (uint32_t)h->sockets.count;
	struct sockets_entry e = { .id = sockets_id(number, m->text),
				   .place = (uint32_t)m->a };

	if (p->count != 1 || strlen(m->text) >= sizeof(e.text))
		return RC_MALFORMED;
	(void)snprintf(e.text, sizeof(e.text), "%.*s",
		       (int)sizeof(e.text) - 1, m->text);
	e.fd = p->fds[0];
	p->fds[0] = -1;
	sockets_adopt(&h->sockets, &e);
	return RC_OK;
}

static enum rc take_drained(struct handover *h, const struct message *m)
{
	if (h->drained_count >= HANDOVER_DRAINED_MAX ||
	    !text_hex_decode(h->drained[h->drained_count], STORE_ID_LEN,
			     span_str(m->text)))
		return RC_MALFORMED;
	h->drained_count++;
	return RC_OK;
}

static enum rc take(struct handover *h, int control, bool *is_over)
{
	AUTO(passfd_fini)
	struct passfd p = { 0 };
	struct message m;
	enum rc rc = passfd_recv(control, &p, STEP_MS);

	if (!rc)
		rc = message_read(&m, &p);
	if (rc)
		return rc;
	if (m.type == MESSAGE_LISTENER)
		return take_socket(h, &m, &p);
	if (m.type == MESSAGE_DRAINED)
		return take_drained(h, &m);
	if (m.type != MESSAGE_KEPT || p.count != 1)
		return RC_MALFORMED;
	*is_over = true;
	return files_unpack(&h->kept, p.fds[0]);
}

enum rc handover_receive(struct handover *out, int control)
{
	AUTO(handover_fini)
	struct handover h = { 0 };
	bool is_over = false;
	enum rc rc = RC_OK;

	while (!rc && !is_over)
		rc = take(&h, control, &is_over);
	if (rc)
		return rc;
	*out = h;
	h = (struct handover){ 0 };
	return RC_OK;
}
