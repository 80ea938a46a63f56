#include "tls/light.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/wr.h"

/* RFC 8446 §5.1, §5.2, §6; with the names it gives them. */
enum {
	CHANGE_CIPHER_SPEC = 20,
	ALERT = 21,
	HANDSHAKE = 22,
	APPLICATION_DATA = 23,

	LEGACY_VERSION = 0x0303,
	CIPHERTEXT_MAX = LIGHT_PLAIN_MAX + 256,

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

static const EVP_MD *hash_of(enum engine_suite suite)
{
	return suite == ENGINE_AES_256_GCM ? EVP_sha384() : EVP_sha256();
}

/* HKDF-Expand-Label (§7.1) of at most one block, without a context. */
static bool expand(uint8_t *out, size_t n, const uint8_t *secret,
		   enum engine_suite suite, const char *label)
{
	const EVP_MD *hash = hash_of(suite);
	uint8_t info[32], block[EVP_MAX_MD_SIZE];
	struct wr w = WR_ARRAY(info);
	struct wr_mark mark;
	struct span s;
	bool is_ok;

	wr_be16(&w, (uint16_t)n);
	mark = wr_open(&w, 1);
	wr_str(&w, "tls13 ");
	wr_str(&w, label);
	wr_close(&w, mark);
	wr_vec8(&w, span_of(NULL, 0));
	wr_u8(&w, 1); /* HKDF-Expand's T(1), RFC 5869 §2.3 */
	is_ok = wr_done(&w, &s) && n <= (size_t)EVP_MD_get_size(hash) &&
		HMAC(hash, secret, EVP_MD_get_size(hash), s.p, s.n, block,
		     NULL);
	if (is_ok)
		memcpy(out, block, n);
	secret_wipe(block, sizeof(block));
	return is_ok;
}

bool light_start(struct light_half *half, enum engine_suite suite,
		 uint64_t records)
{
	half->key = (struct key32){ 0 };
	half->records = records;
	if (half->secret_len != (size_t)EVP_MD_get_size(hash_of(suite)))
		return false;
	return expand(half->key.b, engine_key_len(suite), half->secret, suite,
		      "key") &&
	       expand(half->iv, sizeof(half->iv), half->secret, suite, "iv");
}

/* application_traffic_secret_N+1 (§7.2). */
static bool next_keys(struct light_half *half, enum engine_suite suite)
{
	size_t n = (size_t)EVP_MD_get_size(hash_of(suite));
	uint8_t next[LIGHT_SECRET_MAX];
	bool is_ok = expand(next, n, half->secret, suite, "traffic upd");

	if (is_ok)
		memcpy(half->secret, next, n);
	secret_wipe(next, sizeof(next));
	return is_ok && light_start(half, suite, 0);
}

void light_wipe(struct light *l)
{
	secret_wipe(l, sizeof(*l));
}

/* §5.3 */
static void make_nonce(uint8_t nonce[ENGINE_NONCE_LEN],
		       const struct light_half *half)
{
	uint8_t number[ENGINE_NONCE_LEN] = { 0 };
	struct wr w = wr_over(number + 4, 8);
	int i;

	wr_be64(&w, half->records);
	for (i = 0; i < ENGINE_NONCE_LEN; i++)
		nonce[i] = half->iv[i] ^ number[i];
}

/* One record of at most LIGHT_PLAIN_MAX bytes. */
static bool add_record(struct light *l, struct engine *e, struct buf *out,
		       uint8_t type, struct span plain)
{
	size_t body = plain.n + 1 + ENGINE_TAG_LEN, room;
	uint8_t nonce[ENGINE_NONCE_LEN], *at;
	struct wr w;

	at = buf_space(out, LIGHT_HEADER_LEN + body, &room);
	if (room < LIGHT_HEADER_LEN + body)
		return false;
	w = wr_over(at, LIGHT_HEADER_LEN);
	wr_u8(&w, APPLICATION_DATA);
	wr_be16(&w, LEGACY_VERSION);
	wr_be16(&w, (uint16_t)body);
	make_nonce(nonce, &l->out);
	engine_seal(e, l->suite, at + LIGHT_HEADER_LEN, &l->out.key, nonce,
		    wr_span(&w), plain, type);
	l->out.records++;
	buf_commit(out, room);
	return true;
}

static bool add_alert(struct light *l, struct engine *e, struct buf *out,
		      uint8_t level, uint8_t description)
{
	const uint8_t alert[] = { level, description };

	l->is_closed = true;
	return add_record(l, e, out, ALERT, SPAN_ARRAY(alert));
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

	return add_record(l, e, out, HANDSHAKE, SPAN_ARRAY(message)) &&
	       next_keys(&l->out, l->suite);
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
		size_t n = LIGHT_PLAIN_MAX;

		if (n > plain.n)
			n = plain.n;
		if (l->out.records >= RECORDS_MAX && !update_keys(l, e, out))
			return fail(l, e, out, -1, "no new keys");
		if (!rd_n(&plain, &part, n) ||
		    !add_record(l, e, out, APPLICATION_DATA, part))
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
	if (!next_keys(&l->in, l->suite))
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
	if (plain.n > LIGHT_PLAIN_MAX + 1)
		return fail(l, e, out, RECORD_OVERFLOW, "record too long");
	/* Padding is zeros; the last byte that is none is the type. */
	while (plain.n > 0 && plain.p[plain.n - 1] == 0)
		plain.n--;
	if (plain.n == 0)
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "a record of padding");
	type = plain.p[--plain.n];
	switch (type) {
	case APPLICATION_DATA:
		*n = plain.n;
		l->empties = plain.n > 0 ? 0 : l->empties + 1;
		if (l->empties > EMPTIES_MAX)
			return fail(l, e, out, UNEXPECTED_MESSAGE,
				    "too many records without data");
		return LIGHT_OK;
	case ALERT:
		return see_alert(l, e, out, plain);
	case HANDSHAKE:
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
	if (type == CHANGE_CIPHER_SPEC)
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "change_cipher_spec after the handshake");
	if (type != APPLICATION_DATA || version != LEGACY_VERSION)
		return fail(l, e, out, UNEXPECTED_MESSAGE,
			    "a record that is not encrypted");
	if (length > CIPHERTEXT_MAX)
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
	uint8_t nonce[ENGINE_NONCE_LEN], *at;
	enum light_status status;
	struct span rest, header, sealed;
	size_t body = 0, got = 0, plain_n;

	status = see_header(l, e, in, out, &body);
	if (status != LIGHT_OK)
		return status;
	rest = buf_span(in);
	if (!rd_n(&rest, &header, LIGHT_HEADER_LEN) ||
	    !rd_n(&rest, &sealed, body))
		return LIGHT_WANT; /* never: it is whole */
	plain_n = body - ENGINE_TAG_LEN;
	at = plain_n <= cap ? bytes : in->p + in->at + LIGHT_HEADER_LEN;
	make_nonce(nonce, &l->in);
	if (!engine_open(e, l->suite, at, &l->in.key, nonce, header, sealed))
		return fail(l, e, out, BAD_RECORD_MAC, "bad record mac");
	l->in.records++;
	status = see_record(l, e, out, span_of(at, plain_n), &got);
	if (at == bytes || got == 0) {
		buf_consume(in, LIGHT_HEADER_LEN + body);
		*n = got;
		return status;
	}
	buf_consume(in, LIGHT_HEADER_LEN);
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
