#include "tls/tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "tls/conn.h"
#include "tls/context.h"

enum {
	ALERT_LEVEL_FATAL = 2,
	ALERT_NO_RENEGOTIATION = 100, /* RFC 5246 §7.2.2 */
	/* RFC 8446 §4 */
	HANDSHAKE_ENCRYPTED_EXTENSIONS = 8,
	HANDSHAKE_FINISHED = 20,
	HANDSHAKE_KEY_UPDATE = 24,
	/* Of them without a byte of data between; one per 2^24 records is
	 * what a cipher needs (RFC 8446 §5.5). */
	PAUSES_MAX = 32,
};

void tls_write_alert(struct buf *out, enum tls_alert alert)
{
	uint8_t record[7];
	struct wr w = WR_ARRAY(record);

	wr_u8(&w, RECORD_ALERT);
	wr_be16(&w, RECORD_LEGACY_VERSION);
	wr_be16(&w, 2);
	wr_u8(&w, ALERT_LEVEL_FATAL);
	wr_u8(&w, (uint8_t)alert);
	(void)buf_add(out, wr_span(&w)); /* no room: the header says so */
}

/*
 * The BIO: libssl's socket is our two buffers.  libssl goes through any number
 * of KeyUpdates in one call and answers each into the output; a BIO that fails
 * is what stops it.
 */

static bool is_flooded(struct tls_conn *c)
{
	if (c->pauses > PAUSES_MAX)
		c->bio_error = "too many records without data";
	return c->bio_error != NULL;
}

/* Shown every message, in clear; a handshake message begins with its type. */
static void see_message(int is_ours, int version, int content,
			const void *bytes, size_t n, SSL *ssl, void *arg)
{
	struct tls_conn *c = arg;
	struct span s = span_of(bytes, n);
	uint8_t type, alert;

	(void)version, (void)ssl;
	if (c->light && content == SSL3_RT_HEADER)
		tls_half(c->light, is_ours)->count++;
	/* libssl's answer to who wants to renegotiate TLS 1.2, each time. */
	if (is_ours && content == SSL3_RT_ALERT && rd_u8(&s, &type) &&
	    rd_u8(&s, &alert) && alert == ALERT_NO_RENEGOTIATION)
		c->pauses++;
	if (content != SSL3_RT_HANDSHAKE || !rd_u8(&s, &type))
		return;
	if (is_ours && type == HANDSHAKE_ENCRYPTED_EXTENSIONS)
		c->is_encrypted = true;
	/* From here on its sender's records are under the last keys. */
	if (c->light && type == HANDSHAKE_FINISHED)
		tls_half(c->light, is_ours)->count = 0;
	if (!is_ours && type == HANDSHAKE_KEY_UPDATE)
		c->pauses++;
}

static int bio_read(BIO *b, char *out, int cap)
{
	struct tls_conn *c = BIO_get_data(b);
	size_t n = c->in.n < (size_t)cap ? c->in.n : (size_t)cap;

	BIO_clear_retry_flags(b);
	if (is_flooded(c))
		return -1;
	if (n == 0) {
		if (!c->is_in_eof)
			BIO_set_retry_read(b);
		return c->is_in_eof ? 0 : -1;
	}
	memcpy(out, buf_span(&c->in).p, n);
	buf_consume(&c->in, n);
	return (int)n;
}

static int bio_write(BIO *b, const char *bytes, int n)
{
	struct tls_conn *c = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (n <= 0 || is_flooded(c))
		return -1;
	if (!buf_add(&c->out, span_of(bytes, (size_t)n))) {
		c->bio_error = "output over its bound";
		return -1;
	}
	return n;
}

static long bio_ctrl(BIO *b, int command, long number, void *arg)
{
	const struct tls_conn *c = BIO_get_data(b);

	(void)number, (void)arg;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return c->is_in_eof && c->in.n == 0;
	default:
		return 0;
	}
}

BIO_METHOD *tls_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "postern buffers");

	if (!m)
		return NULL;
	if (BIO_meth_set_read(m, bio_read) != 1 ||
	    BIO_meth_set_write(m, bio_write) != 1 ||
	    BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
		BIO_meth_free(m);
		return NULL;
	}
	return m;
}

static bool attach_bio(struct tls_conn *c)
{
	BIO *b = BIO_new(c->context->bio);

	if (!b)
		return false;
	BIO_set_data(b, c);
	BIO_set_init(b, 1);
	SSL_set_bio(c->ssl, b, b);
	return true;
}

static bool set_up(struct tls_conn *c, const char *server_name)
{
	char *name AUTO(mem_auto_free) = NULL;

	c->ssl = SSL_new(c->context->ssl);
	if (!c->ssl || !attach_bio(c))
		return false;
	SSL_set_msg_callback(c->ssl, see_message);
	SSL_set_msg_callback_arg(c->ssl, c);
	if (SSL_set_app_data(c->ssl, c) != 1)
		return false;
	if (c->context->is_server) {
		SSL_set_accept_state(c->ssl);
		return true;
	}
	SSL_set_connect_state(c->ssl);
	if (!server_name)
		return true;
	/* libssl's macro takes a pointer it may write through. */
	name = mem_dup(server_name);
	return SSL_set_tlsext_host_name(c->ssl, name) == 1;
}

bool tls_to_libssl(struct tls_conn *c)
{
	if (c->ssl || (set_up(c, NULL) && tls_take_scope(c)))
		return true;
	ERR_clear_error();
	return false;
}

enum rc tls_conn_new(struct tls_conn **out, struct tls_context *context,
		     const char *server_name)
{
	struct tls_conn *c = mem_new(sizeof(*c));

	c->context = context;
	tls_context_ref(context);
	buf_init(&c->in, TLS_INPUT_MAX);
	buf_init(&c->out, TLS_OUTPUT_MAX);
	/* Who shakes hands turns out with the hello, where brief may. */
	if (!context->identity && !set_up(c, server_name)) {
		ERR_clear_error();
		tls_conn_free(c);
		return RC_CRYPTO;
	}
	*out = c;
	return RC_OK;
}

void tls_conn_free(struct tls_conn *c)
{
	if (!c)
		return;
	SSL_free(c->ssl);
	brief_free(c->brief);
	if (c->light)
		light_wipe(c->light);
	free(c->light);
	free(c->peer);
	if (c->binding)
		key32_wipe(c->binding);
	free(c->binding);
	free(c->error);
	buf_fini(&c->in);
	buf_fini(&c->out);
	tls_context_free(c->context);
	free(c);
}

void tls_conn_mind_name(struct tls_conn *c, tls_name_fn *fn, void *arg)
{
	c->name_fn = fn;
	c->name_arg = arg;
}

int tls_check_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_conn *c = SSL_get_app_data(ssl);

	(void)arg;
	/* Nothing to acknowledge: the names that are served differ in nothing
	 * a client should know of. */
	if (!c->name_fn || c->name_fn(c->name_arg, tls_conn_server_name(c)))
		return SSL_TLSEXT_ERR_NOACK;
	*alert = TLS_ALERT_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum rc tls_feed(struct tls_conn *c, struct span ciphertext)
{
	return buf_add(&c->in, ciphertext) ? RC_OK : RC_LIMIT;
}

void tls_feed_eof(struct tls_conn *c)
{
	c->is_in_eof = true;
}

size_t tls_feed_room(const struct tls_conn *c)
{
	return buf_room(&c->in);
}

void tls_conn_trim(struct tls_conn *c)
{
	if (c->in.n == 0)
		buf_fini(&c->in);
	if (c->out.n == 0)
		buf_fini(&c->out);
}

struct buf *tls_input(struct tls_conn *c)
{
	return &c->in;
}

struct buf *tls_output(struct tls_conn *c)
{
	return &c->out;
}

static enum tls_status fail(struct tls_conn *c, const char *why)
{
	c->is_failed = true;
	if (!c->error)
		c->error = mem_new(TLS_ERROR_MAX);
	tls_drain_errors(c->error, c->bio_error ? c->bio_error : why);
	return TLS_FAILED;
}

/* What a libssl call that returned 'r' <= 0 means. */
static enum tls_status explain(struct tls_conn *c, int r)
{
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	case SSL_ERROR_SYSCALL:
		if (c->is_in_eof)
			return fail(c, "unexpected eof");
		[[fallthrough]];
	default:
		return fail(c, "refused by libssl");
	}
}

/* RFC 9266 §2: no context, which in TLS 1.3 is an empty one. */
static bool keep_binding(struct tls_conn *c)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (!c->binding)
		c->binding = mem_new(sizeof(*c->binding));
	return SSL_export_keying_material(c->ssl, c->binding->b,
					  sizeof(c->binding->b), label,
					  sizeof(label) - 1, NULL, 0, 0) == 1;
}

void tls_conn_keep_binding(struct tls_conn *c)
{
	c->keeps_binding = true;
}

const struct key32 *tls_conn_binding(const struct tls_conn *c)
{
	return c->binding;
}

/* The handshake is complete; a peer that ignored ALPN agreed to nothing. */
static enum tls_status complete(struct tls_conn *c)
{
	const unsigned char *name;
	unsigned n;

	SSL_get0_alpn_selected(c->ssl, &name, &n);
	if (n >= sizeof(c->alpn) || (n == 0 && c->context->needs_alpn))
		return fail(c, "peer chose no application protocol");
	if (n > 0)
		memcpy(c->alpn, name, n);
	c->alpn[n] = '\0';
	if (!tls_keep_peer(c))
		return fail(c, "no verified certificate of the client");
	if (!tls_conn_is_tls13(c) && SSL_get_extms_support(c->ssl) != 1)
		return fail(c, "no extended master secret");
	if (c->keeps_binding && !keep_binding(c))
		return fail(c, "no channel binding");
	tls_lighten(c);
	return TLS_OK;
}

static enum tls_status shake_with_libssl(struct tls_conn *c)
{
	enum tls_status status;
	int r;

	if (!tls_to_libssl(c))
		return fail(c, "refused by libssl");
	ERR_clear_error();
	r = SSL_do_handshake(c->ssl);
	if (r == 1)
		return complete(c);
	status = explain(c, r);
	/* close_notify in place of a handshake is a failed one. */
	return status == TLS_EOF ? fail(c, "closed in the handshake") : status;
}

/* The protocol is one of the context's, which are shorter than the field. */
static enum tls_status complete_brief(struct tls_conn *c)
{
	struct span name = brief_alpn(c->brief);
	struct wr w = wr_over(c->alpn, sizeof(c->alpn) - 1);

	wr_bytes(&w, name);
	c->is_resumed = brief_is_resumed(c->brief);
	c->is_light = true;
	c->is_brief = true;
	brief_free(c->brief);
	c->brief = NULL;
	return TLS_OK;
}

static enum tls_status shake_briefly(struct tls_conn *c)
{
	enum brief_status status =
		brief_go(c->brief, c->light, &c->in, &c->out);

	c->is_encrypted = brief_has_spoken(c->brief);
	switch (status) {
	case BRIEF_DONE:
		return complete_brief(c);
	case BRIEF_FAILED:
		ERR_clear_error();
		return fail(c, brief_error(c->brief));
	case BRIEF_WANT:
		if (c->is_encrypted && c->is_in_eof)
			return fail(c, "unexpected eof");
		if (!c->is_in_eof)
			return TLS_WANT;
		[[fallthrough]]; /* of half a hello libssl says what it is */
	case BRIEF_OTHER:
		break;
	}
	brief_free(c->brief);
	c->brief = NULL;
	return shake_with_libssl(c);
}

/* Whether all that was asked for is in brief's power. */
static bool may_be_brief(const struct tls_conn *c)
{
	return c->context->identity && c->light && !c->keeps_binding &&
	       !c->asks_certificate && !c->admits_tls12;
}

enum tls_status tls_handshake(struct tls_conn *c)
{
	if (c->is_failed)
		return TLS_FAILED;
	if (c->is_light)
		return TLS_OK;
	if (!c->ssl && !c->brief && may_be_brief(c)) {
		const struct brief_site site = {
			.context = c->context,
			.tickets = c->tickets,
			.scope = &c->scope,
			.name_fn = c->name_fn,
			.name_arg = c->name_arg,
			.engine = c->engine,
		};

		c->brief = brief_new(&site);
	}
	return c->brief ? shake_briefly(c) : shake_with_libssl(c);
}

void tls_abandon(struct tls_conn *c, enum tls_alert alert)
{
	if (c->is_failed)
		return;
	if (!c->is_encrypted)
		tls_write_alert(&c->out, alert);
	(void)fail(c, "abandoned");
}

/* What light says, in our words. */
static enum tls_status told(struct tls_conn *c, enum light_status status)
{
	switch (status) {
	case LIGHT_OK:
		return TLS_OK;
	case LIGHT_END:
		return TLS_EOF;
	case LIGHT_WANT:
		return c->is_in_eof ? fail(c, "unexpected eof") : TLS_WANT;
	case LIGHT_FAILED:
		break;
	}
	return fail(c, c->light->error);
}

enum tls_status tls_read(struct tls_conn *c, void *out, size_t cap, size_t *n)
{
	int r;

	*n = 0;
	if (c->is_failed)
		return TLS_FAILED;
	if (c->is_light)
		return told(c, light_read(c->light, c->engine, &c->in, &c->out,
					  out, cap, n));
	if (!c->ssl)
		return fail(c, "read before the handshake");
	ERR_clear_error();
	r = SSL_read_ex(c->ssl, out, cap, n);
	if (r == 1) {
		c->pauses = 0;
		return TLS_OK;
	}
	*n = 0;
	return explain(c, r);
}

enum tls_status tls_write(struct tls_conn *c, struct span plain)
{
	size_t n;
	int r;

	if (c->is_failed)
		return TLS_FAILED;
	if (plain.n == 0)
		return TLS_OK;
	if (c->is_light)
		return told(c,
			    light_write(c->light, c->engine, &c->out, plain));
	if (!c->ssl)
		return fail(c, "written before the handshake");
	ERR_clear_error();
	r = SSL_write_ex(c->ssl, plain.p, plain.n, &n);
	if (r == 1 && n == plain.n)
		return TLS_OK;
	return fail(c, "refused by libssl");
}

void tls_close(struct tls_conn *c)
{
	if (c->is_failed)
		return;
	if (c->is_light) {
		light_close(c->light, c->engine, &c->out);
		return;
	}
	if (c->is_closed || !c->ssl || !SSL_is_init_finished(c->ssl))
		return;
	c->is_closed = true;
	ERR_clear_error();
	/* 0: ours is sent, the peer's not yet seen; that is all we want. */
	(void)SSL_shutdown(c->ssl);
	ERR_clear_error();
}

const char *tls_conn_alpn(const struct tls_conn *c)
{
	return c->alpn;
}

const char *tls_conn_server_name(const struct tls_conn *c)
{
	const int type = TLSEXT_NAMETYPE_host_name;
	const char *name = c->ssl ? SSL_get_servername(c->ssl, type) : NULL;

	return name ? name : "";
}

bool tls_conn_is_tls13(const struct tls_conn *c)
{
	return !c->ssl || SSL_version(c->ssl) == TLS1_3_VERSION;
}

const struct tls_peer *tls_conn_peer(const struct tls_conn *c)
{
	return c->peer;
}

bool tls_conn_own_spki(const struct tls_conn *c, struct sha256 *out)
{
	if (!c->context->has_own_spki)
		return false;
	*out = c->context->own_spki;
	return true;
}

bool tls_conn_peer_spki(const struct tls_conn *c, struct sha256 *out)
{
	X509 *peer = c->ssl ? SSL_get0_peer_certificate(c->ssl) : NULL;

	return peer && tls_spki_hash(out, peer);
}

static struct span der_of(X509 *x, struct arena *arena)
{
	int n = i2d_X509(x, NULL);
	unsigned char *der = n > 0 ? arena_new(arena, (size_t)n, 1) : NULL,
		      *at = der;

	if (!der || i2d_X509(x, &at) != n) {
		ERR_clear_error();
		return span_of(NULL, 0);
	}
	return span_of(der, (size_t)n);
}

size_t tls_conn_peer_chain(const struct tls_conn *c, struct span *chain,
			   size_t max, struct arena *arena)
{
	STACK_OF(X509) *sent = c->ssl ? SSL_get_peer_cert_chain(c->ssl) : NULL;
	size_t n = 0;

	for (; n < max && (int)n < sk_X509_num(sent); n++) {
		chain[n] = der_of(sk_X509_value(sent, (int)n), arena);
		if (!chain[n].n)
			return 0;
	}
	return n;
}

bool tls_export(const struct tls_conn *c, uint8_t out[32], const char *label,
		struct span context)
{
	const unsigned char empty = 0, *p = context.n ? context.p : &empty;

	if (c->is_failed || !c->ssl || !SSL_is_init_finished(c->ssl))
		return false;
	if (SSL_export_keying_material(c->ssl, out, 32, label, strlen(label),
				       p, context.n, 1) == 1)
		return true;
	ERR_clear_error();
	return false;
}

const char *tls_conn_error(const struct tls_conn *c)
{
	return c->error ? c->error : "";
}
