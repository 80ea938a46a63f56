#include "tls/brief_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "crypto/x25519.h"
#include "tls/ticket.h"

/* RFC 8446 §4, §6; with the names it gives them. */
enum {
	NEW_SESSION_TICKET = 4,

	LEVEL_FATAL = 2,
	UNEXPECTED_MESSAGE = 10,
	BAD_RECORD_MAC = 20,
	RECORD_OVERFLOW = 22,
	DECODE_ERROR = 50,
	DECRYPT_ERROR = 51,
	SILENCE = -1, /* no alert */
};

enum {
	/* Sessions of a hello that are looked at; clients send one or two. */
	PSK_MAX = 4,
	/* Records that say nothing, before the Finished (§D.4 has one). */
	CCS_MAX = 4,
	/* One ticket a connection, so its nonce need not differ. */
	TICKET_NONCE = 0,
};

struct brief *brief_new(const struct brief_site *site)
{
	struct brief *b = mem_new(sizeof(*b));

	b->site = *site;
	return b;
}

void brief_free(struct brief *b)
{
	if (!b)
		return;
	secret_wipe(b, sizeof(*b));
	free(b);
}

bool brief_has_spoken(const struct brief *b)
{
	return b->step != STEP_HELLO;
}

bool brief_is_resumed(const struct brief *b)
{
	return b->is_resumed;
}

struct span brief_alpn(const struct brief *b)
{
	return b->alpn;
}

const char *brief_error(const struct brief *b)
{
	return b->error;
}

static enum brief_status fail(struct brief *b, const char *error)
{
	b->error = error;
	return BRIEF_FAILED;
}

/* After our Finished: under the keys of our data. */
static enum brief_status refuse(struct brief *b, struct light *l,
				struct buf *out, int alert, const char *error)
{
	const uint8_t body[] = { LEVEL_FATAL, (uint8_t)alert };

	/* Where there is no room the connection ends without it. */
	if (alert != SILENCE)
		(void)record_seal(&l->out, b->suite, b->site.engine, out,
				  RECORD_ALERT, SPAN_ARRAY(body));
	return fail(b, error);
}

/* The hello. */

/* The first record's content, if it is a hello alone and whole. */
static enum brief_status find_hello(struct span *message, const struct buf *in,
				    size_t *record_len)
{
	struct span s = buf_span(in), body;
	uint8_t type = RECORD_HANDSHAKE, major;
	uint16_t len;
	uint32_t n;

	if (!rd_u8(&s, &type) || !rd_u8(&s, &major) || !rd_skip(&s, 1) ||
	    !rd_be16(&s, &len))
		return type == RECORD_HANDSHAKE ? BRIEF_WANT : BRIEF_OTHER;
	if (type != RECORD_HANDSHAKE || major != 3 ||
	    len < BRIEF_HEADER_LEN || len > RECORD_PLAIN_MAX)
		return BRIEF_OTHER;
	if (!rd_n(&s, message, len))
		return BRIEF_WANT;
	body = *message;
	if (!rd_skip(&body, 1) || !rd_be24(&body, &n) || body.n != n)
		return BRIEF_OTHER;
	*record_len = RECORD_HEADER_LEN + (size_t)len;
	return BRIEF_DONE;
}

/* The first of the client's suites that we have: all are good. */
static bool choose_suite(struct brief *b, struct span suites)
{
	uint16_t code;

	while (rd_be16(&suites, &code)) {
		b->suite_code = code;
		switch (code) {
		case 0x1301: /* §B.4 */
			b->suite = ENGINE_AES_128_GCM;
			return true;
		case 0x1302:
			b->suite = ENGINE_AES_256_GCM;
			return true;
		case 0x1303:
			b->suite = ENGINE_CHACHA20;
			return true;
		default:
			break;
		}
	}
	return false;
}

/* The first of our protocols that the client offers (RFC 7301 §3.2). */
static bool choose_alpn(struct brief *b, struct span offered)
{
	const struct tls_context *c = b->site.context;
	struct span ours = span_of(c->alpn, c->alpn_len), want, list, offer;

	b->alpn = span_of(NULL, 0);
	if (ours.n == 0 || offered.n == 0)
		return true;
	while (rd_vec8(&ours, &want)) {
		for (list = offered; rd_vec8(&list, &offer);) {
			if (!span_equal(want, offer))
				continue;
			b->alpn = want;
			return true;
		}
	}
	return false;
}

static bool is_good_name(const struct brief *b, struct span name)
{
	char text[256];
	struct wr w = wr_over(text, sizeof(text) - 1);

	wr_bytes(&w, name);
	text[w.n] = '\0';
	return !b->site.name_fn || b->site.name_fn(b->site.name_arg, text);
}

/* Whether all is offered that this handshake is made of. */
static bool suits(struct brief *b, const struct offer *o)
{
	if (b->site.context->has_hybrid &&
	    offer_lists(o->groups, OFFER_X25519MLKEM768))
		return false; /* it is worth what libssl costs */
	return o->x25519.n > 0 && choose_suite(b, o->suites) &&
	       choose_alpn(b, o->alpn) && is_good_name(b, o->name);
}

/* Whether the binder is that of a PSK over this hello (§4.2.11.2). */
static bool is_bound(struct brief *b, const struct ticket *t,
		     struct span bound, struct span binder)
{
	uint8_t key[DIGEST_MAX], want[DIGEST_MAX];
	size_t n = digest_len(t->hash);
	struct digest d;
	bool is_good;

	schedule_begin(&b->schedule, t->hash, span_of(t->psk, n));
	digest_init(&d, t->hash);
	schedule_derive(&b->schedule, key, "res binder", &d);
	digest_add(&d, bound);
	schedule_finished(want, t->hash, key, &d);
	is_good = binder.n == n && ct_equal(binder.p, want, n);
	secret_wipe(key, sizeof(key));
	secret_wipe(want, sizeof(want));
	return is_good;
}

static bool is_for_us(const struct brief *b, const struct ticket *t)
{
	return t->hash == record_hash(b->suite) &&
	       span_equal(SPAN_ARRAY(t->scope.b), SPAN_ARRAY(b->site.scope->b));
}

/* Goes by the first of the client's sessions that is one of ours, and of this
 * scope; false: it does not know the key, and the hello is to be refused. */
static bool choose_psk(struct brief *b, struct offer o)
{
	struct span identity, binder;
	struct ticket t;
	int i;

	if (!b->site.tickets || !o.takes_psk_dhe)
		return true;
	for (i = 0; i < PSK_MAX && offer_next_psk(&o, &identity, &binder);
	     i++) {
		if (!ticket_open(&t, identity, b->site.tickets,
				 b->site.engine))
			continue;
		b->is_resumed = is_for_us(b, &t);
		if (b->is_resumed && !is_bound(b, &t, o.bound, binder)) {
			secret_wipe(&t, sizeof(t));
			return false;
		}
		secret_wipe(&t, sizeof(t));
		b->psk_index = i;
		if (b->is_resumed)
			return true;
	}
	return true;
}

/* Whether the hello is one for us; then all is chosen, but for its session. */
static bool takes(struct brief *b, struct brief_choice *c)
{
	if (!offer_read(&c->offer, c->message) || !suits(b, &c->offer))
		return false;
	rng_bytes(&b->chance, sizeof(b->chance));
	x25519_clamp(&b->chance.secret);
	return x25519_shared(&c->shared, &b->chance.secret, c->offer.x25519.p);
}

static void wipe_choice(struct brief_choice *c)
{
	key32_wipe(&c->shared);
}

static enum brief_status take_hello(struct brief *b, struct light *l,
				    struct buf *in, struct buf *out)
{
	struct brief_choice c AUTO(wipe_choice) = { 0 };
	enum brief_status status;
	size_t n = 0;

	status = find_hello(&c.message, in, &n);
	if (status != BRIEF_DONE)
		return status;
	if (!takes(b, &c))
		return BRIEF_OTHER;
	if (!choose_psk(b, c.offer)) {
		b->step = STEP_FINISHED;
		tls_write_alert(out, (enum tls_alert)DECRYPT_ERROR);
		return fail(b, "binder does not verify");
	}
	if (!b->is_resumed && !c.offer.takes_ecdsa_p256)
		return BRIEF_OTHER;
	/* It is ours: from here on nothing of it is libssl's. */
	b->step = STEP_FINISHED;
	b->gives_ticket = b->site.tickets && c.offer.takes_psk_dhe;
	if (!brief_answer(b, &c, l, out))
		return fail(b, "no answer to the hello");
	key32_wipe(&b->chance.secret);
	buf_consume(in, n);
	return BRIEF_WANT;
}

/* The client's Finished. */

static bool say_ticket(struct brief *b, struct light *l, struct buf *out)
{
	static const uint8_t nonce[] = { TICKET_NONCE };
	uint8_t secret[DIGEST_MAX], form[TICKET_MAX],
		bytes[TICKET_MAX + 64];
	struct ticket t = { .hash = b->schedule.hash,
			    .scope = *b->site.scope };
	struct wr w = WR_ARRAY(bytes);
	struct wr_mark message;
	struct span all;

	schedule_derive(&b->schedule, secret, "res master", &b->transcript);
	schedule_expand(t.psk, digest_len(t.hash), t.hash, secret, "resumption",
			SPAN_ARRAY(nonce));
	wr_u8(&w, NEW_SESSION_TICKET);
	message = wr_open(&w, 3);
	wr_be32(&w, TICKETS_EPOCH_S);
	wr_bytes(&w, SPAN_ARRAY(b->chance.age_add));
	wr_vec8(&w, SPAN_ARRAY(nonce));
	wr_vec16(&w, ticket_seal(form, &t, b->site.tickets, b->site.engine,
				 b->chance.ticket_nonce));
	wr_vec16(&w, span_of(NULL, 0)); /* no extensions */
	wr_close(&w, message);
	secret_wipe(secret, sizeof(secret));
	secret_wipe(&t, sizeof(t));
	return wr_done(&w, &all) &&
	       record_seal(&l->out, b->suite, b->site.engine, out,
			   RECORD_HANDSHAKE, all);
}

static enum brief_status finish(struct brief *b, struct light *l,
				struct buf *out)
{
	size_t n = digest_len(b->transcript.kind);

	if (!ct_equal(b->message + BRIEF_HEADER_LEN, b->finished, n))
		return refuse(b, l, out, DECRYPT_ERROR,
			      "finished does not verify");
	digest_add(&b->transcript,
		   span_of(b->message, BRIEF_HEADER_LEN + n));
	if (b->gives_ticket && !say_ticket(b, l, out))
		return refuse(b, l, out, SILENCE, "output over its bound");
	return BRIEF_DONE;
}

/* A part of the Finished, or all of it; nothing else may come (§4.4.4). */
static enum brief_status see_handshake(struct brief *b, struct light *l,
				       struct buf *out, struct span part)
{
	size_t whole = BRIEF_HEADER_LEN + digest_len(b->transcript.kind);
	size_t n = whole - b->message_len;
	uint8_t type = BRIEF_FINISHED;
	uint32_t length;
	struct span s;

	if (part.n == 0) /* §5.1 */
		return refuse(b, l, out, UNEXPECTED_MESSAGE,
			      "an empty message");
	if (n > part.n)
		n = part.n;
	memcpy(b->message + b->message_len, part.p, n);
	b->message_len += n;
	s = span_of(b->message, b->message_len);
	if (rd_u8(&s, &type) && type != BRIEF_FINISHED)
		return refuse(b, l, out, UNEXPECTED_MESSAGE,
			      "unexpected handshake message");
	if (rd_be24(&s, &length) && length != whole - BRIEF_HEADER_LEN)
		return refuse(b, l, out, DECODE_ERROR, "malformed finished");
	/* It is alone before the keys change (§5.1). */
	if (part.n > n)
		return refuse(b, l, out, UNEXPECTED_MESSAGE,
			      "more than a finished");
	return b->message_len < whole ? BRIEF_WANT : finish(b, l, out);
}

static enum brief_status see_content(struct brief *b, struct light *l,
				     struct buf *out, struct span plain)
{
	uint8_t type;

	if (plain.n > RECORD_PLAIN_MAX + 1)
		return refuse(b, l, out, RECORD_OVERFLOW, "record too long");
	if (!record_unpad(&plain, &type))
		return refuse(b, l, out, UNEXPECTED_MESSAGE,
			      "a record of padding");
	switch (type) {
	case RECORD_HANDSHAKE:
		return see_handshake(b, l, out, plain);
	case RECORD_ALERT:
		return refuse(b, l, out, SILENCE, "peer sent an alert");
	default:
		return refuse(b, l, out, UNEXPECTED_MESSAGE,
			      "unexpected type of record");
	}
}

/* A record in clear: change_cipher_spec says nothing (§5), an alert ends it. */
static enum brief_status see_clear(struct brief *b, struct light *l,
				   struct buf *out, uint8_t type,
				   struct span body)
{
	static const uint8_t one[] = { 1 };

	if (type == RECORD_CHANGE_CIPHER_SPEC &&
	    span_equal(body, SPAN_ARRAY(one)) && b->message_len == 0 &&
	    ++b->ccs_count <= CCS_MAX)
		return BRIEF_WANT;
	if (type == RECORD_ALERT && b->in.count == 0)
		return refuse(b, l, out, SILENCE, "peer sent an alert");
	return refuse(b, l, out, UNEXPECTED_MESSAGE,
		      "a record that is not encrypted");
}

/* The next record; BRIEF_OTHER: it is not whole. */
static enum brief_status take_record(struct brief *b, struct light *l,
				     struct buf *in, struct buf *out)
{
	struct span s = buf_span(in), header, body;
	enum brief_status status;
	uint16_t version, length;
	uint8_t type, *at;

	header = span_of(s.p, RECORD_HEADER_LEN);
	if (!rd_u8(&s, &type) || !rd_be16(&s, &version) ||
	    !rd_be16(&s, &length))
		return BRIEF_OTHER;
	if (length > RECORD_CIPHER_MAX)
		return refuse(b, l, out, RECORD_OVERFLOW, "record too long");
	if (!rd_n(&s, &body, length))
		return BRIEF_OTHER;
	at = in->p + in->at + RECORD_HEADER_LEN;
	if (type != RECORD_DATA)
		status = see_clear(b, l, out, type, body);
	else if (version != RECORD_LEGACY_VERSION || length <= ENGINE_TAG_LEN ||
		 !record_open(&b->in, b->suite, b->site.engine, at, header,
			      body))
		status = refuse(b, l, out, BAD_RECORD_MAC, "bad record mac");
	else
		status = see_content(b, l, out,
				     span_of(at, length - ENGINE_TAG_LEN));
	buf_consume(in, RECORD_HEADER_LEN + (size_t)length);
	return status;
}

enum brief_status brief_go(struct brief *b, struct light *light, struct buf *in,
			   struct buf *out)
{
	enum brief_status status = BRIEF_WANT;

	if (b->error)
		return BRIEF_FAILED;
	if (b->step == STEP_HELLO)
		status = take_hello(b, light, in, out);
	while (status == BRIEF_WANT && b->step == STEP_FINISHED) {
		status = take_record(b, light, in, out);
		if (status == BRIEF_OTHER)
			return BRIEF_WANT;
	}
	return status;
}
