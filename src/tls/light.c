#include "tls/light.h"

#include <string.h>

/* RFC 8446 §4.6.3, §6; with the names it gives them. */
enum {
	LEVEL_WARNING = 1,
	LEVEL_FATAL = 2,
	CLOSE_NOTIFY = 0,
	UNEXPECTED_MESSAGE = 10,
	BAD_RECORD_MAC = 20,
	RECORD_OVERFLOW = 22,
	ILLEGAL_PARAMETER = 47,
	DECODE_ERROR = 50,
	USER_CANCELED = 90,

	KEY_UPDATE = 24,
	UPDATE_NOT_REQUESTED = 0,
	UPDATE_REQUESTED = 1,
};

enum {
	/* Records without a byte of data, one after another. */
	EMPTIES_MAX = 32,
};

/* Records under one key, well under 2^24.5 (RFC 8446 §5.5). */
static const uint64_t RECORDS_MAX = 1ull << 24;

void light_wipe(struct light *l)
{
	secret_wipe(l, sizeof(*l));
}

/* One record of at most RECORD_PLAIN_MAX bytes. */
static bool add_record(struct light *l, struct engine *e, struct buf *out,
		       enum record_type type, struct span plain)
{
	return record_seal(&l->out, l->suite, e, out, type, plain);
}

static bool add_alert(struct light *l, struct engine *e, struct buf *out,
		      uint8_t level, uint8_t description)
{
	const uint8_t alert[] = { level, description };

	l->is_closed = true;
	return add_record(l, e, out, RECORD_ALERT, SPAN_ARRAY(alert));
}

/* Ends both directions; with an alert, if there is one that says why. */
static enum light_status fail(struct light *l, struct engine *e,
			      struct buf *out, int description,
			      const char *error)
{
	l->error = error;
	/* Where there is no room the connection just ends. */
	if (!l->is_closed && description >= 0)
		(void)add_alert(l, e, out, LEVEL_FATAL, (uint8_t)description);
	l->is_closed = true;
	return LIGHT_FAILED;
}

/* Says that our next record is under new keys, which it then is. */
static bool update_keys(struct light *l, struct engine *e, struct buf *out)
{
	const uint8_t message[] = { KEY_UPDATE, 0, 0, 1, UPDATE_NOT_REQUESTED };

	return add_record(l, e, out, RECORD_HANDSHAKE, SPAN_ARRAY(message)) &&
	       record_next(&l->out, l->suite);
}

enum light_status light_write(struct light *l, struct engine *e,
			      struct buf *out, struct span plain)
{
	struct span part;

	if (l->error)
		return LIGHT_FAILED;
	if (l->is_closed)
		return fail(l, e, out, -1, "written after the end");
	while (plain.n > 0) {
		size_t n = RECORD_PLAIN_MAX;

		if (n > plain.n)
			n = plain.n;
		if (l->out.count >= RECORDS_MAX && !update_keys(l, e, out))
			return fail(l, e, out, -1, "no new keys");
		if (!rd_n(&plain, &part, n) ||
		    !add_record(l, e, out, RECORD_DATA, part))
			return fail(l, e, out, -1, "output over its bound");
	}
	return LIGHT_OK;
}

void light_close(struct light *l, struct engine *e, struct buf *out)
{
	/* Where there is no room the connection ends without it. */
	if (!l->is_closed)
		(void)add_alert(l, e, out, LEVEL_WARNING, CLOSE_NOTIFY);
}

/* Reading. */

static enum light_status see_alert(struct light *l, struct engine *e,
				   struct buf *out, struct span s)
{
	uint8_t level, description;

	/* §5.1: one alert, whole, in a record; §6: the level is ignored. */
	if (!rd_u8(&s, &level) || !rd_u8(&s, &description) || !rd_end(&s))
		return fail(l, e, out, DECODE_ERROR, "malformed alert");
	if (description == CLOSE_NOTIFY) {
		l->is_ended = true;
		return LIGHT_END;
	}
	/* §6.1: close_notify comes after it. */
	if (description == USER_CANCELED) {
		if (++l->empties > EMPTIES_MAX)
			return fail(l, e, out, UNEXPECTED_MESSAGE,
				    "too many records without data");
		return LIGHT_OK;
	}
	/* §6.2: no answer to a fatal alert. */
	return fail(l, e, out, -1, "peer sent a fatal alert");
}

static enum light_status see_key_update(struct light *l, struct engine *e,
					struct buf *out, struct span s)
{
	struct span body;
	uint8_t type, request;

	if (!rd_u8(&s, &type) || type != KEY_UPDATE || !rd_vec24(&s, &body) ||
	    !rd_end(&s))
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "unexpected handshake message");
	if (!rd_u8(&body, &request) || !rd_end(&body))
		return fail(l, e, out, DECODE_ERROR, "malformed key update");
	if (request != UPDATE_REQUESTED && request != UPDATE_NOT_REQUESTED)
		return fail(l, e, out, ILLEGAL_PARAMETER,
			    "malformed key update");
	if (++l->empties > EMPTIES_MAX)
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "too many records without data");
	if (!record_next(&l->in, l->suite))
		return fail(l, e, out, -1, "no new keys");
	/* Our side may have ended: then nothing more is said. */
	if (request == UPDATE_REQUESTED && !l->is_closed &&
	    !update_keys(l, e, out))
		return fail(l, e, out, -1, "output over its bound");
	return LIGHT_OK;
}

/* What a record holds; for data *n is its length, in 'plain'. */
static enum light_status see_record(struct light *l, struct engine *e,
				    struct buf *out, struct span plain,
				    size_t *n)
{
	uint8_t type;

	/* §5.4: with its padding and type it MUST NOT be longer. */
	if (plain.n > RECORD_PLAIN_MAX + 1)
		return fail(l, e, out, RECORD_OVERFLOW, "record too long");
	if (!record_unpad(&plain, &type))
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "a record of padding");
	switch (type) {
	case RECORD_DATA:
		*n = plain.n;
		l->empties = plain.n > 0 ? 0 : l->empties + 1;
		if (l->empties > EMPTIES_MAX)
			return fail(l, e, out, UNEXPECTED_MESSAGE,
				    "too many records without data");
		return LIGHT_OK;
	case RECORD_ALERT:
		return see_alert(l, e, out, plain);
	case RECORD_HANDSHAKE:
		return see_key_update(l, e, out, plain);
	default:
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "unexpected type of record");
	}
}

/* The header's length field; LIGHT_WANT until the record is whole. */
static enum light_status see_header(struct light *l, struct engine *e,
				    const struct buf *in, struct buf *out,
				    size_t *body)
{
	struct span s = buf_span(in);
	uint16_t version, length;
	uint8_t type;

	if (!rd_u8(&s, &type) || !rd_be16(&s, &version) ||
	    !rd_be16(&s, &length))
		return LIGHT_WANT;
	if (type == RECORD_CHANGE_CIPHER_SPEC)
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "change_cipher_spec after the handshake");
	if (type != RECORD_DATA || version != RECORD_LEGACY_VERSION)
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "a record that is not encrypted");
	if (length > RECORD_CIPHER_MAX)
		return fail(l, e, out, RECORD_OVERFLOW, "record too long");
	if (length < ENGINE_TAG_LEN + 1)
		return fail(l, e, out, BAD_RECORD_MAC, "record too short");
	*body = length;
	return s.n < length ? LIGHT_WANT : LIGHT_OK;
}

/* Hands out what is left of a record that was opened in place. */
static void take_left(struct light *l, struct buf *in, uint8_t *bytes,
		      size_t cap, size_t *n)
{
	*n = l->plain_left < cap ? l->plain_left : cap;
	memcpy(bytes, buf_span(in).p, *n);
	buf_consume(in, *n);
	l->plain_left -= *n;
	if (l->plain_left > 0)
		return;
	buf_consume(in, l->tail_left);
	l->tail_left = 0;
}

/* The next record, opened to 'bytes' if it fits, else in place. */
static enum light_status open_next(struct light *l, struct engine *e,
				   struct buf *in, struct buf *out,
				   uint8_t *bytes, size_t cap, size_t *n)
{
	enum light_status status;
	struct span rest, header, sealed;
	size_t body = 0, got = 0, plain_n;
	uint8_t *at;

	status = see_header(l, e, in, out, &body);
	if (status != LIGHT_OK)
		return status;
	rest = buf_span(in);
	if (!rd_n(&rest, &header, RECORD_HEADER_LEN) ||
	    !rd_n(&rest, &sealed, body))
		return LIGHT_WANT; /* never: it is whole */
	plain_n = body - ENGINE_TAG_LEN;
	at = plain_n <= cap ? bytes : in->p + in->at + RECORD_HEADER_LEN;
	if (!record_open(&l->in, l->suite, e, at, header, sealed))
		return fail(l, e, out, BAD_RECORD_MAC, "bad record mac");
	status = see_record(l, e, out, span_of(at, plain_n), &got);
	if (at == bytes || got == 0) {
		buf_consume(in, RECORD_HEADER_LEN + body);
		*n = got;
		return status;
	}
	buf_consume(in, RECORD_HEADER_LEN);
	l->plain_left = got;
	l->tail_left = body - got;
	take_left(l, in, bytes, cap, n);
	return status;
}

enum light_status light_read(struct light *l, struct engine *e, struct buf *in,
			     struct buf *out, uint8_t *bytes, size_t cap,
			     size_t *n)
{
	enum light_status status = LIGHT_OK;

	*n = 0;
	if (l->error)
		return LIGHT_FAILED;
	if (l->is_ended)
		return LIGHT_END;
	if (l->plain_left > 0) {
		take_left(l, in, bytes, cap, n);
		return LIGHT_OK;
	}
	while (*n == 0 && status == LIGHT_OK)
		status = open_next(l, e, in, out, bytes, cap, n);
	return status;
}
