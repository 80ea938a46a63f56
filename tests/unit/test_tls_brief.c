/*
 * brief: libssl's clients at the other end, then one of our own that says what
 * no client should.
 */
#include "unit.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "crypto/x25519.h"
#include "tls/conn.h"
#include "tls/schedule.h"
#include "tls_peer.h"

static const struct sha256 scope_a = { { 'a' } }, scope_b = { { 'b' } };
static const char *const HTTP[] = { "h2", "http/1.1", NULL };

struct world {
	struct peer_pem pem;
	struct tls_context *context;
	struct tickets tickets;
	struct engine *engine;
	struct tls_conn *server;
};

static void world_init(struct world *w, const char *const *alpn)
{
	char error[TLS_ERROR_MAX];

	memset(w, 0, sizeof(*w));
	assert_true(peer_pem_make(&w->pem));
	assert_int_equal(tls_server_new(&w->context, span_str(w->pem.chain), span_str(w->pem.key),
					alpn, error),
			 RC_OK);
	tickets_init(&w->tickets, 0);
	w->engine = engine_new();
}

static void world_fini(struct world *w)
{
	tls_conn_free(w->server);
	tls_context_free(w->context);
	engine_free(w->engine);
	ERR_clear_error();
}

/* The next connection; scope NULL: without tickets. */
static void world_open(struct world *w, const struct sha256 *scope)
{
	tls_conn_free(w->server);
	assert_int_equal(tls_conn_new(&w->server, w->context, NULL), RC_OK);
	tls_conn_be_light(w->server, w->engine);
	if (scope)
		assert_true(tls_conn_resume(w->server, &w->tickets, scope));
}

/* -- libssl's clients ------------------------------------------------------- */

/* One flight each way, at the end of which it shows who answered. */
static void first_flight(struct peer_client *p, struct tls_conn *server)
{
	char bytes[4096];
	int n;

	(void)SSL_do_handshake(p->ssl);
	while ((n = BIO_read(p->out, bytes, sizeof(bytes))) > 0)
		assert_int_equal(tls_feed(server, span_of(bytes, (size_t)n)), RC_OK);
	(void)tls_handshake(server);
}

static void assert_says(struct peer_client *p, struct tls_conn *server)
{
	char bytes[64];
	size_t n;
	int m;

	assert_true(SSL_write(p->ssl, "question", 8) == 8);
	while ((m = BIO_read(p->out, bytes, sizeof(bytes))) > 0)
		assert_int_equal(tls_feed(server, span_of(bytes, (size_t)m)), RC_OK);
	assert_int_equal(tls_read(server, bytes, sizeof(bytes), &n), TLS_OK);
	assert_int_equal(n, 8);
	assert_int_equal(tls_write(server, span_str("answer")), TLS_OK);
	BIO_write(p->in, buf_span(tls_output(server)).p, (int)tls_output(server)->n);
	buf_consume(tls_output(server), tls_output(server)->n);
	assert_int_equal(SSL_read(p->ssl, bytes, sizeof(bytes)), 6);
	assert_memory_equal(bytes, "answer", 6);
}

static void each_suite_again_and_again(void **state)
{
	static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
					      "TLS_CHACHA20_POLY1305_SHA256" };
	SSL_SESSION *session;
	struct peer_client p;
	struct world w;
	int i, k;

	(void)state;
	world_init(&w, NULL);
	for (i = 0; i < 3; i++) {
		session = NULL;
		for (k = 0; k < 3; k++) {
			world_open(&w, &scope_a);
			peer_client_init(&p, TLS1_3_VERSION);
			assert_int_equal(SSL_set_ciphersuites(p.ssl, suites[i]), 1);
			if (session)
				assert_int_equal(SSL_set_session(p.ssl, session), 1);
			first_flight(&p, w.server);
			assert_non_null(w.server->brief);
			assert_int_equal(peer_client_pump(&p, w.server), TLS_OK);
			assert_true(tls_conn_is_light(w.server) && !w.server->ssl);
			assert_true(tls_conn_is_brief(w.server));
			assert_says(&p, w.server);
			assert_int_equal(SSL_session_reused(p.ssl), k > 0);
			assert_int_equal(tls_conn_is_resumed(w.server), k > 0);
			assert_string_equal(SSL_get_cipher_name(p.ssl), suites[i]);
			SSL_SESSION_free(session);
			session = SSL_get1_session(p.ssl);
			assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session),
					 TICKETS_EPOCH_S);
			assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
			SSL_set_shutdown(p.ssl, SSL_SENT_SHUTDOWN);
			peer_client_fini(&p);
		}
		SSL_SESSION_free(session);
	}
	world_fini(&w);
}

/* The client changes suite and hash between giving and taking. */
static void session_of_another_hash_is_a_full_handshake(void **state)
{
	SSL_SESSION *session;
	struct peer_client p;
	struct world w;

	(void)state;
	world_init(&w, NULL);
	world_open(&w, &scope_a);
	peer_client_init(&p, TLS1_3_VERSION);
	assert_int_equal(SSL_set_ciphersuites(p.ssl, "TLS_AES_256_GCM_SHA384"), 1);
	assert_int_equal(peer_client_pump(&p, w.server), TLS_OK);
	assert_says(&p, w.server);
	session = SSL_get1_session(p.ssl);
	SSL_set_shutdown(p.ssl, SSL_SENT_SHUTDOWN);
	peer_client_fini(&p);
	world_open(&w, &scope_a);
	peer_client_init(&p, TLS1_3_VERSION);
	/* Ours is the client's first; both are there for its session's sake. */
	assert_int_equal(
		SSL_set_ciphersuites(p.ssl, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"), 1);
	assert_int_equal(SSL_set_session(p.ssl, session), 1);
	first_flight(&p, w.server);
	assert_non_null(w.server->brief);
	assert_int_equal(peer_client_pump(&p, w.server), TLS_OK);
	assert_false(tls_conn_is_resumed(w.server));
	assert_says(&p, w.server);
	peer_client_fini(&p);
	SSL_SESSION_free(session);
	world_fini(&w);
}

static void alpn_is_our_first_of_theirs(void **state)
{
	static const struct {
		const char *offer, *want; /* want NULL: refused */
	} rows[] = {
		{ "\x08http/1.1\x02h2", "h2" },
		{ "\x08http/1.1", "http/1.1" },
		{ "", "" },
		{ "\x03"
		  "ftp",
		  NULL },
	};
	struct peer_client p;
	struct world w;
	size_t i;

	(void)state;
	world_init(&w, HTTP);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_open(&w, NULL);
		peer_client_init(&p, TLS1_3_VERSION);
		SSL_set_alpn_protos(p.ssl, (const unsigned char *)rows[i].offer,
				    (unsigned)strlen(rows[i].offer));
		first_flight(&p, w.server);
		assert_int_equal(w.server->brief != NULL, rows[i].want != NULL);
		assert_int_equal(peer_client_pump(&p, w.server),
				 rows[i].want ? TLS_OK : TLS_FAILED);
		if (rows[i].want) {
			const unsigned char *got;
			unsigned n;

			assert_string_equal(tls_conn_alpn(w.server), rows[i].want);
			SSL_get0_alpn_selected(p.ssl, &got, &n);
			assert_true(span_equal_str(span_of(got, n), rows[i].want));
		}
		peer_client_fini(&p);
	}
	world_fini(&w);
}

static void prefer_p256(struct peer_client *p, struct world *w)
{
	char groups[] = "P-256"; /* libssl's macro takes no constant */

	(void)w;
	assert_int_equal(SSL_set1_groups_list(p->ssl, groups), 1);
}

static void need_a_second_hello(struct peer_client *p, struct world *w)
{
	char groups[] = "P-384:X25519";

	(void)w;
	assert_int_equal(SSL_set1_groups_list(p->ssl, groups), 1);
}

static void want_fragments(struct peer_client *p, struct world *w)
{
	(void)w;
	SSL_set_tlsext_max_fragment_length(p->ssl, TLSEXT_max_fragment_length_1024);
}

static void want_binding(struct peer_client *p, struct world *w)
{
	(void)p;
	tls_conn_keep_binding(w->server);
}

static void nothing_else(struct peer_client *p, struct world *w)
{
	(void)p, (void)w;
}

/* What brief does not do is done all the same. */
static void others_have_their_handshake_of_libssl(void **state)
{
	static const struct {
		const char *name;
		void (*fn)(struct peer_client *p, struct world *w);
		bool is_brief, is_light;
	} rows[] = {
		{ "ordinary_is_brief", nothing_else, true, true },
		{ "p256_alone", prefer_p256, false, true },
		{ "hello_retry_request", need_a_second_hello, false, true },
		{ "max_fragment_length", want_fragments, false, false },
		{ "binding", want_binding, false, true },
	};
	struct peer_client p;
	struct world w;
	size_t i;

	(void)state;
	world_init(&w, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_open(&w, &scope_a);
		peer_client_init(&p, TLS1_3_VERSION);
		rows[i].fn(&p, &w);
		first_flight(&p, w.server);
		if ((w.server->brief != NULL) != rows[i].is_brief ||
		    (w.server->ssl != NULL) == rows[i].is_brief)
			fail_msg("%s", rows[i].name);
		if (peer_client_pump(&p, w.server) != TLS_OK ||
		    tls_conn_is_light(w.server) != rows[i].is_light ||
		    tls_conn_is_brief(w.server) != rows[i].is_brief)
			fail_msg("%s", rows[i].name);
		assert_says(&p, w.server);
		peer_client_fini(&p);
	}
	world_fini(&w);
}

/* RFC 6066 §4: who asked for short records, and was told yes, refuses others; the
 * second time by a session that holds it. */
static void answers_keep_to_the_fragments_asked_for(void **state)
{
	SSL_SESSION *session = NULL;
	static uint8_t sent[5000];
	uint8_t got[sizeof(sent)];
	struct peer_client p;
	struct world w;
	size_t n;
	int i, m;

	(void)state;
	world_init(&w, NULL);
	for (i = 0; i < 2; i++) {
		world_open(&w, &scope_a);
		peer_client_init(&p, TLS1_3_VERSION);
		want_fragments(&p, &w);
		if (session)
			assert_int_equal(SSL_set_session(p.ssl, session), 1);
		assert_int_equal(peer_client_pump(&p, w.server), TLS_OK);
		assert_int_equal(tls_conn_is_resumed(w.server), i);
		assert_says(&p, w.server);
		rng_bytes(sent, sizeof(sent));
		assert_int_equal(tls_write(w.server, SPAN_ARRAY(sent)), TLS_OK);
		BIO_write(p.in, buf_span(tls_output(w.server)).p, (int)tls_output(w.server)->n);
		for (n = 0; n < sizeof(got); n += (size_t)m) {
			m = SSL_read(p.ssl, got + n, (int)(sizeof(got) - n));
			assert_true(m > 0 && m <= 1024);
		}
		assert_memory_equal(got, sent, sizeof(sent));
		SSL_SESSION_free(session);
		session = SSL_get1_session(p.ssl);
		SSL_set_shutdown(p.ssl, SSL_SENT_SHUTDOWN);
		peer_client_fini(&p);
	}
	SSL_SESSION_free(session);
	world_fini(&w);
}

/* Tickets of one kind, shown where the other kind is given. */
static void tickets_of_libssl_and_of_ours_do_not_mix(void **state)
{
	void (*const orders[2][2])(struct peer_client *, struct world *) = {
		{ nothing_else, want_fragments },
		{ want_fragments, nothing_else },
	};
	SSL_SESSION *session;
	struct peer_client p;
	struct world w;
	int i, k;

	(void)state;
	world_init(&w, NULL);
	for (i = 0; i < 2; i++) {
		session = NULL;
		for (k = 0; k < 2; k++) {
			world_open(&w, &scope_a);
			peer_client_init(&p, TLS1_3_VERSION);
			orders[i][k](&p, &w);
			if (session)
				assert_int_equal(SSL_set_session(p.ssl, session), 1);
			assert_int_equal(peer_client_pump(&p, w.server), TLS_OK);
			assert_false(tls_conn_is_resumed(w.server));
			assert_says(&p, w.server);
			SSL_SESSION_free(session);
			session = SSL_get1_session(p.ssl);
			assert_true(SSL_SESSION_is_resumable(session));
			SSL_set_shutdown(p.ssl, SSL_SENT_SHUTDOWN);
			peer_client_fini(&p);
		}
		SSL_SESSION_free(session);
	}
	world_fini(&w);
}

static bool only_good(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "good.test") == 0;
}

static void name_is_minded(void **state)
{
	char names[2][16] = { "bad.test", "good.test" };
	struct peer_client p;
	struct world w;
	int i;

	(void)state;
	world_init(&w, NULL);
	for (i = 0; i < 2; i++) {
		world_open(&w, NULL);
		tls_conn_mind_name(w.server, only_good, NULL);
		peer_client_init(&p, TLS1_3_VERSION);
		SSL_set_tlsext_host_name(p.ssl, names[i]);
		first_flight(&p, w.server);
		assert_int_equal(w.server->brief != NULL, i);
		assert_int_equal(peer_client_pump(&p, w.server), i ? TLS_OK : TLS_FAILED);
		peer_client_fini(&p);
	}
	world_fini(&w);
}

/* More certificates than a record holds. */
static void long_chain_in_several_records(void **state)
{
	char *chain = mem_new(64 * 1024), error[TLS_ERROR_MAX];
	struct peer_client p;
	struct world w;
	size_t n, i, count = 100;

	(void)state;
	world_init(&w, NULL);
	n = strlen(w.pem.chain);
	assert_true(n * count < 64 * 1024);
	for (i = 0; i < count; i++)
		memcpy(chain + n * i, w.pem.chain, n);
	tls_context_free(w.context);
	assert_int_equal(tls_server_new(&w.context, span_str(chain), span_str(w.pem.key), NULL,
					error),
			 RC_OK);
	world_open(&w, NULL);
	peer_client_init(&p, TLS1_3_VERSION);
	first_flight(&p, w.server);
	assert_non_null(w.server->brief);
	assert_true(tls_output(w.server)->n > RECORD_PLAIN_MAX);
	assert_int_equal(peer_client_pump(&p, w.server), TLS_OK);
	assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(p.ssl)), count);
	assert_says(&p, w.server);
	peer_client_fini(&p);
	free(chain);
	world_fini(&w);
}

/* -- a client of our own ---------------------------------------------------- */

struct mini {
	struct key32 secret;
	struct digest transcript;
	struct schedule schedule;
	struct record_half to, from; /* handshake, then the data's from it */
	struct light data; /* its keys: in is what we read */
	uint8_t finished[4 + DIGEST_MAX]; /* what we owe */
	size_t finished_len;
	uint8_t resumption[DIGEST_MAX];
	enum engine_suite suite;
	uint16_t code;
	bool is_resumed;
	uint16_t psk_index;
};

struct psk {
	const char *identity; /* NULL: the ticket */
	bool is_broken; /* its binder */
};

struct hello_options {
	uint16_t code; /* 0: 0x1301 */
	bool without_dhe; /* psk_ke alone */
	struct span ticket;
	const uint8_t *key; /* of the ticket */
	enum digest_kind hash;
	struct psk psks[8];
	size_t psk_count;
	bool is_short_session; /* no session id */
	bool without_algorithms;
	bool has_bad_share; /* of low order */
};

static void mini_init(struct mini *m, uint16_t code)
{
	memset(m, 0, sizeof(*m));
	m->code = code ? code : 0x1301;
	m->suite = m->code == 0x1301   ? ENGINE_AES_128_GCM
		   : m->code == 0x1302 ? ENGINE_AES_256_GCM
				       : ENGINE_CHACHA20;
	x25519_generate(&m->secret);
	digest_init(&m->transcript, record_hash(m->suite));
}

static void write_psks(struct wr *w, const struct hello_options *o, size_t *binders_len)
{
	struct wr_mark all, list;
	size_t i, hash = digest_len(o->hash);

	wr_be16(w, 41);
	all = wr_open(w, 2);
	list = wr_open(w, 2);
	for (i = 0; i < o->psk_count; i++) {
		wr_vec16(w, o->psks[i].identity ? span_str(o->psks[i].identity) : o->ticket);
		wr_be32(w, 0);
	}
	wr_close(w, list);
	list = wr_open(w, 2);
	for (i = 0; i < o->psk_count; i++) {
		wr_u8(w, (uint8_t)hash);
		wr_zero(w, hash);
	}
	wr_close(w, list);
	wr_close(w, all);
	*binders_len = o->psk_count * (1 + hash);
}

/* Fills the binders in (RFC 8446 §4.2.11.2). */
static void bind(const struct hello_options *o, uint8_t *message, size_t n, size_t binders_len)
{
	uint8_t key[DIGEST_MAX], value[DIGEST_MAX];
	size_t hash = digest_len(o->hash), i, at = n - binders_len;
	struct schedule s;
	struct digest d;

	schedule_begin(&s, o->hash, span_of(o->key, hash));
	digest_init(&d, o->hash);
	schedule_derive(&s, key, "res binder", &d);
	digest_add(&d, span_of(message, n - binders_len - 2));
	schedule_finished(value, o->hash, key, &d);
	for (i = 0; i < o->psk_count; i++, at += 1 + hash) {
		memcpy(message + at + 1, value, hash);
		message[at + 1] ^= o->psks[i].is_broken;
	}
}

static void mini_hello(struct mini *m, struct world *w, const struct hello_options *o)
{
	uint8_t bytes[4096], share[32] = { 0 }; /* zero is of low order */
	struct wr out = WR_ARRAY(bytes);
	struct wr_mark record, message, extensions;
	size_t binders_len = 0;

	if (!o->has_bad_share)
		x25519_public(share, &m->secret);
	wr_u8(&out, 22);
	wr_be16(&out, 0x0301);
	record = wr_open(&out, 2);
	wr_u8(&out, 1);
	message = wr_open(&out, 3);
	wr_be16(&out, 0x0303);
	wr_zero(&out, 32);
	wr_u8(&out, o->is_short_session ? 0 : 32);
	wr_zero(&out, o->is_short_session ? 0 : 32);
	wr_be16(&out, 2);
	wr_be16(&out, m->code);
	wr_be16(&out, 0x0100);
	extensions = wr_open(&out, 2);
	wr_bytes(&out, span_of("\0\x2b\0\3\2\3\4", 7));
	wr_bytes(&out, span_of("\0\x0a\0\4\0\2\0\x1d", 8));
	wr_bytes(&out, span_of("\0\x33\0\x26\0\x24\0\x1d\0\x20", 10));
	wr_bytes(&out, SPAN_ARRAY(share));
	if (!o->without_algorithms)
		wr_bytes(&out, span_of("\0\x0d\0\4\0\2\4\3", 8));
	wr_bytes(&out, span_of(o->without_dhe ? "\0\x2d\0\2\1\0" : "\0\x2d\0\2\1\1", 6));
	if (o->psk_count > 0)
		write_psks(&out, o, &binders_len);
	wr_close(&out, extensions);
	wr_close(&out, message);
	wr_close(&out, record);
	assert_false(out.over);
	if (o->psk_count > 0)
		bind(o, bytes + 5, out.n - 5, binders_len);
	digest_add(&m->transcript, span_of(bytes + 5, out.n - 5));
	assert_int_equal(tls_feed(w->server, wr_span(&out)), RC_OK);
}

static void see_server_hello(struct mini *m, struct span message, const uint8_t *psk)
{
	struct span s = message, body, session, extensions, extension;
	struct key32 shared;
	uint16_t type, code, group;
	uint8_t share[32];

	digest_add(&m->transcript, message);
	assert_true(rd_skip(&s, 1) && rd_vec24(&s, &body) && rd_end(&s) && rd_skip(&body, 34) &&
		    rd_vec8(&body, &session) && rd_be16(&body, &code) && code == m->code &&
		    rd_skip(&body, 1) && rd_vec16(&body, &extensions) && rd_end(&body));
	while (!rd_end(&extensions)) {
		assert_true(rd_be16(&extensions, &type) && rd_vec16(&extensions, &extension));
		if (type == 51)
			assert_true(rd_be16(&extension, &group) && rd_vec16(&extension, &session) &&
				    rd_copy(&session, share, 32));
		if (type == 41)
			m->is_resumed = rd_be16(&extension, &m->psk_index);
	}
	schedule_begin(&m->schedule, record_hash(m->suite),
		       span_of(psk, m->is_resumed ? digest_len(record_hash(m->suite)) : 0));
	assert_true(x25519_shared(&shared, &m->secret, share));
	schedule_next(&m->schedule, SPAN_ARRAY(shared.b));
}

static void derive(struct mini *m, struct record_half *half, const char *label)
{
	schedule_derive(&m->schedule, half->secret, label, &m->transcript);
	half->secret_len = digest_len(m->transcript.kind);
	assert_true(record_start(half, m->suite, 0));
}

/* The server's messages, decrypted; its Finished is verified. */
static void see_flight(struct mini *m, struct span messages)
{
	uint8_t want[DIGEST_MAX], type;
	struct span at = messages, message, body;

	while (!rd_end(&messages)) {
		at = messages;
		assert_true(rd_u8(&messages, &type) && rd_vec24(&messages, &body));
		message = span_of(at.p, at.n - messages.n);
		if (type == 20) {
			schedule_finished(want, m->transcript.kind, m->from.secret, &m->transcript);
			assert_int_equal(body.n, digest_len(m->transcript.kind));
			assert_memory_equal(body.p, want, body.n);
		}
		digest_add(&m->transcript, message);
	}
	assert_int_equal(type, 20);
}

/* Takes the server's first flight, and has everything ready for ours. */
static void mini_take(struct mini *m, struct world *w, const uint8_t *psk)
{
	struct buf *out = tls_output(w->server);
	struct span s = buf_span(out), at, header, body;
	uint8_t messages[8192], type, n_ccs = 0;
	size_t n = 0;

	while (!rd_end(&s)) {
		at = s;
		assert_true(rd_u8(&s, &type) && rd_skip(&s, 2) && rd_vec16(&s, &body));
		header = span_of(at.p, 5);
		if (type == 22) {
			see_server_hello(m, body, psk);
			derive(m, &m->to, "c hs traffic");
			derive(m, &m->from, "s hs traffic");
		} else if (type == 20) {
			n_ccs++;
		} else {
			struct span plain = span_of(messages + n, body.n - 16);

			assert_int_equal(type, 23);
			assert_true(record_open(&m->from, m->suite, w->engine, messages + n, header,
						body));
			assert_true(record_unpad(&plain, &type) && type == 22);
			n += plain.n;
		}
	}
	assert_true(n_ccs <= 1);
	buf_consume(out, out->n);
	see_flight(m, span_of(messages, n));
	m->finished_len = 4 + digest_len(m->transcript.kind);
	m->finished[0] = 20;
	m->finished[3] = (uint8_t)(m->finished_len - 4);
	schedule_finished(m->finished + 4, m->transcript.kind, m->to.secret, &m->transcript);
	schedule_next(&m->schedule, span_of(NULL, 0));
	derive(m, &m->data.out, "c ap traffic");
	derive(m, &m->data.in, "s ap traffic");
	m->data.suite = m->suite;
	digest_add(&m->transcript, span_of(m->finished, m->finished_len));
	schedule_derive(&m->schedule, m->resumption, "res master", &m->transcript);
}

static void mini_seal(struct mini *m, struct world *w, enum record_type type, struct span plain)
{
	assert_true(record_seal(&m->to, m->suite, w->engine, tls_input(w->server), type, plain));
}

/* The alert of the server's one record, under the keys of data; -1: nothing. */
static int mini_alert(struct mini *m, struct world *w)
{
	struct span s = buf_span(tls_output(w->server)), header = span_of(s.p, 5), plain;
	uint8_t bytes[64], type, level = 0, alert = 0;

	if (s.n == 0)
		return -1;
	assert_true(rd_skip(&s, 5) && s.n < sizeof(bytes));
	assert_true(record_open(&m->data.in, m->suite, w->engine, bytes, header, s));
	plain = span_of(bytes, s.n - 16);
	assert_true(record_unpad(&plain, &type) && type == RECORD_ALERT);
	assert_true(rd_u8(&plain, &level) && level == 2 && rd_u8(&plain, &alert));
	return alert;
}

/* A whole handshake to the point where the client's Finished is due. */
static void mini_begin(struct mini *m, struct world *w, const struct hello_options *o)
{
	world_open(w, &scope_a);
	mini_init(m, o->code);
	mini_hello(m, w, o);
	assert_int_equal(tls_handshake(w->server), TLS_WANT);
	assert_non_null(w->server->brief);
	mini_take(m, w, o->key);
}

/* What may come where the Finished is due, each a letter:
 * F it; X a longer one; f its first three bytes; r the rest; w a wrong one; L one of another
 * length; l its header with a length that is not the hash's; C another message;
 * x a byte more; 0 an empty message; P padding; D data; A an alert; a the same
 * in clear; c change_cipher_spec; k one with another byte; H a handshake record
 * in clear; m a record that was changed; s one too short; t a header that says
 * too much; T too much plain text; v a record of another version. */
static void say(struct mini *m, struct world *w, char what)
{
	static uint8_t long_text[RECORD_PLAIN_MAX + 64];
	struct span whole = span_of(m->finished, m->finished_len);
	struct buf *in = tls_input(w->server);
	uint8_t bytes[64];
	size_t n = in->n;

	memcpy(bytes, m->finished, m->finished_len);
	switch (what) {
	case 'F':
		mini_seal(m, w, RECORD_HANDSHAKE, whole);
		break;
	case 'f':
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(bytes, 3));
		break;
	case 'r':
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(bytes + 3, whole.n - 3));
		break;
	case 'w':
		bytes[whole.n - 1] ^= 1;
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(bytes, whole.n));
		break;
	case 'L':
		bytes[3]--;
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(bytes, whole.n - 1));
		break;
	case 'l':
		bytes[1] = 1;
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(bytes, 4));
		break;
	case 'C':
		bytes[0] = 11;
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(bytes, 1));
		break;
	case 'X':
		bytes[3]++;
		[[fallthrough]];
	case 'x':
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(bytes, whole.n + 1));
		break;
	case '0':
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(NULL, 0));
		break;
	case 'P':
		mini_seal(m, w, (enum record_type)0, span_of(NULL, 0));
		break;
	case 'D':
		mini_seal(m, w, RECORD_DATA, span_str("early"));
		break;
	case 'A':
		mini_seal(m, w, RECORD_ALERT, span_of("\2\x2a", 2));
		break;
	case 'a':
		assert_true(buf_add(in, span_of("\x15\3\3\0\2\2\x2a", 7)));
		break;
	case 'c':
		assert_true(buf_add(in, span_of("\x14\3\3\0\1\1", 6)));
		break;
	case 'k':
		assert_true(buf_add(in, span_of("\x14\3\3\0\1\2", 6)));
		break;
	case 'H':
		assert_true(buf_add(in, span_of("\x16\3\3\0\4\x14\0\0\0", 9)));
		break;
	case 'm':
		mini_seal(m, w, RECORD_HANDSHAKE, whole);
		in->p[in->at + n + 7] ^= 1;
		break;
	case 's':
		assert_true(buf_add(in, span_of("\x17\3\3\0\x10"
						"0123456789abcdef",
						21)));
		break;
	case 't':
		assert_true(buf_add(in, span_of("\x17\3\3\x41\x01", 5)));
		break;
	case 'T':
		mini_seal(m, w, RECORD_HANDSHAKE, span_of(long_text, RECORD_PLAIN_MAX + 1));
		break;
	case 'v':
		mini_seal(m, w, RECORD_HANDSHAKE, whole);
		in->p[in->at + n + 2] = 1;
		break;
	default:
		fail_msg("no such thing: %c", what);
	}
}

enum {
	NO_ALERT = -1
};

static const struct {
	const char *name, *said;
	enum tls_status want;
	int alert;
	const char *error;
} SECOND_FLIGHTS[] = {
	{ "finished_is_the_end", "F", TLS_OK, 0, NULL },
	{ "finished_in_two_records", "fr", TLS_OK, 0, NULL },
	{ "ccs_before_it", "cF", TLS_OK, 0, NULL },
	{ "four_ccs_before_it", "ccccF", TLS_OK, 0, NULL },
	{ "half_a_finished_wants_more", "f", TLS_WANT, 0, NULL },
	{ "fifth_ccs_refused", "cccccF", TLS_FAILED, 10, "a record that is not encrypted" },
	{ "ccs_of_another_byte_refused", "kF", TLS_FAILED, 10, "a record that is not encrypted" },
	{ "ccs_within_finished_refused", "fcr", TLS_FAILED, 10, "a record that is not encrypted" },
	{ "handshake_in_clear_refused", "H", TLS_FAILED, 10, "a record that is not encrypted" },
	{ "wrong_finished_refused", "w", TLS_FAILED, 51, "finished does not verify" },
	{ "short_finished_refused", "L", TLS_FAILED, 50, "malformed finished" },
	{ "finished_refused_by_its_header", "l", TLS_FAILED, 50, "malformed finished" },
	{ "long_finished_refused", "X", TLS_FAILED, 50, "malformed finished" },
	{ "another_message_refused", "C", TLS_FAILED, 10, "unexpected handshake message" },
	{ "more_than_finished_refused", "x", TLS_FAILED, 10, "more than a finished" },
	{ "empty_message_refused", "0", TLS_FAILED, 10, "an empty message" },
	{ "padding_alone_refused", "P", TLS_FAILED, 10, "a record of padding" },
	{ "data_before_it_refused", "D", TLS_FAILED, 10, "unexpected type of record" },
	{ "alert_ends_it", "A", TLS_FAILED, NO_ALERT, "peer sent an alert" },
	{ "alert_in_clear_ends_it", "a", TLS_FAILED, NO_ALERT, "peer sent an alert" },
	{ "alert_in_clear_after_keys_refused", "fa", TLS_FAILED, 10,
	  "a record that is not encrypted" },
	{ "changed_record_refused", "m", TLS_FAILED, 20, "bad record mac" },
	{ "short_record_refused", "s", TLS_FAILED, 20, "bad record mac" },
	{ "record_of_another_version_refused", "v", TLS_FAILED, 20, "bad record mac" },
	{ "long_record_refused_by_its_header", "t", TLS_FAILED, 22, "record too long" },
	{ "long_text_refused", "T", TLS_FAILED, 22, "record too long" },
};

static void second_flights(void **state)
{
	static const uint16_t codes[] = { 0x1301, 0x1302, 0x1303 };
	enum tls_status status;
	struct world w;
	struct mini m;
	size_t i, k;

	(void)state;
	world_init(&w, NULL);
	for (i = 0; i < sizeof(SECOND_FLIGHTS) / sizeof(SECOND_FLIGHTS[0]); i++) {
		const struct hello_options o = { .code = codes[i % 3] };
		const char *name = SECOND_FLIGHTS[i].name;
		const char *error = SECOND_FLIGHTS[i].error;

		mini_begin(&m, &w, &o);
		for (k = 0; SECOND_FLIGHTS[i].said[k]; k++)
			say(&m, &w, SECOND_FLIGHTS[i].said[k]);
		status = tls_handshake(w.server);
		if (status != SECOND_FLIGHTS[i].want)
			fail_msg("%s: %d", name, (int)status);
		if (status != TLS_FAILED)
			continue;
		if (strcmp(tls_conn_error(w.server), error) != 0)
			fail_msg("%s: %s", name, tls_conn_error(w.server));
		if (mini_alert(&m, &w) != SECOND_FLIGHTS[i].alert)
			fail_msg("%s: alert", name);
		/* It stays so. */
		assert_int_equal(tls_handshake(w.server), TLS_FAILED);
	}
	world_fini(&w);
}

/* What comes behind the Finished is data, and stays for who reads it. */
static void data_right_behind(void **state)
{
	const struct hello_options o = { 0 };
	char bytes[16];
	struct world w;
	struct mini m;
	size_t n;

	(void)state;
	world_init(&w, NULL);
	mini_begin(&m, &w, &o);
	say(&m, &w, 'F');
	assert_true(record_seal(&m.data.out, m.suite, w.engine, tls_input(w.server), RECORD_DATA,
				span_str("hello")));
	assert_int_equal(tls_handshake(w.server), TLS_OK);
	assert_int_equal(tls_read(w.server, bytes, sizeof(bytes), &n), TLS_OK);
	assert_int_equal(n, 5);
	assert_memory_equal(bytes, "hello", 5);
	world_fini(&w);
}

static void cut_anywhere(void **state)
{
	struct buf *out;
	struct span s, byte;
	struct peer_client p;
	struct world w;
	char bytes[4096];
	int n, i;

	(void)state;
	world_init(&w, NULL);
	world_open(&w, &scope_a);
	peer_client_init(&p, TLS1_3_VERSION);
	out = tls_output(w.server);
	for (i = 0; i < 3; i++) {
		(void)SSL_do_handshake(p.ssl);
		n = BIO_read(p.out, bytes, sizeof(bytes));
		for (s = span_of(bytes, n > 0 ? (size_t)n : 0); rd_n(&s, &byte, 1);) {
			assert_int_equal(tls_feed(w.server, byte), RC_OK);
			assert_int_not_equal(tls_handshake(w.server), TLS_FAILED);
		}
		BIO_write(p.in, buf_span(out).p, (int)out->n);
		buf_consume(out, out->n);
	}
	assert_int_equal(tls_handshake(w.server), TLS_OK);
	assert_null(w.server->ssl);
	assert_says(&p, w.server);
	peer_client_fini(&p);
	world_fini(&w);
}

static void end_of_the_stream(void **state)
{
	const struct hello_options o = { 0 };
	struct world w;
	struct mini m;

	(void)state;
	world_init(&w, NULL);
	/* Before anything, within the hello, and where the Finished is due. */
	world_open(&w, NULL);
	tls_feed_eof(w.server);
	assert_int_equal(tls_handshake(w.server), TLS_FAILED);
	world_open(&w, NULL);
	assert_int_equal(tls_feed(w.server, span_of("\x16\3\1\1", 4)), RC_OK);
	assert_int_equal(tls_handshake(w.server), TLS_WANT);
	tls_feed_eof(w.server);
	assert_int_equal(tls_handshake(w.server), TLS_FAILED);
	mini_begin(&m, &w, &o);
	say(&m, &w, 'f');
	tls_feed_eof(w.server);
	assert_int_equal(tls_handshake(w.server), TLS_FAILED);
	assert_string_equal(tls_conn_error(w.server), "unexpected eof");
	world_fini(&w);
}

/* libssl's to refuse, each with an alert of its own. */
static void hellos_that_libssl_refuses(void **state)
{
	static const struct {
		const char *name;
		struct hello_options options;
		uint8_t alert;
	} rows[] = {
		{ "no_signature_that_we_have", { .without_algorithms = true }, 109 },
		{ "share_of_low_order", { .has_bad_share = true }, 47 },
	};
	struct world w;
	struct mini m;
	size_t i;

	(void)state;
	world_init(&w, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span s;

		world_open(&w, &scope_a);
		mini_init(&m, 0);
		mini_hello(&m, &w, &rows[i].options);
		if (tls_handshake(w.server) != TLS_FAILED || w.server->brief)
			fail_msg("%s", rows[i].name);
		s = buf_span(tls_output(w.server));
		if (s.n != 7 || s.p[0] != 21)
			fail_msg("%s: %zu bytes", rows[i].name, s.n);
	}
	world_fini(&w);
}

static void no_ccs_where_nobody_asked(void **state)
{
	const struct hello_options o = { .is_short_session = true };
	struct world w;
	struct mini m;
	struct span s;
	uint16_t n;

	(void)state;
	world_init(&w, NULL);
	world_open(&w, NULL);
	mini_init(&m, 0);
	mini_hello(&m, &w, &o);
	assert_int_equal(tls_handshake(w.server), TLS_WANT);
	s = buf_span(tls_output(w.server));
	assert_true(rd_skip(&s, 3) && rd_be16(&s, &n) && rd_skip(&s, n));
	assert_int_equal(s.p[0], RECORD_DATA);
	world_fini(&w);
}

/* -- sessions --------------------------------------------------------------- */

struct kept {
	uint8_t ticket[TICKETS_NAME_LEN + 256], psk[DIGEST_MAX];
	size_t ticket_len;
};

/* A handshake whose ticket is kept; false when there was none. */
static bool keep(struct kept *out, struct world *w, const struct hello_options *o)
{
	uint8_t bytes[512], type;
	struct span s, header, plain, body, nonce = { 0 }, ticket = { 0 };
	struct mini m;

	mini_begin(&m, w, o);
	say(&m, w, 'F');
	assert_int_equal(tls_handshake(w->server), TLS_OK);
	s = buf_span(tls_output(w->server));
	header = span_of(s.p, 5);
	if (s.n == 0)
		return false;
	assert_true(rd_skip(&s, 5));
	assert_true(record_open(&m.data.in, m.suite, w->engine, bytes, header, s));
	plain = span_of(bytes, s.n - 16);
	assert_true(record_unpad(&plain, &type) && type == RECORD_HANDSHAKE);
	assert_true(rd_u8(&plain, &type) && type == 4 && rd_vec24(&plain, &body) && rd_end(&plain));
	assert_true(rd_skip(&body, 8) && rd_vec8(&body, &nonce) && rd_vec16(&body, &ticket));
	out->ticket_len = ticket.n;
	memcpy(out->ticket, ticket.p, ticket.n);
	schedule_expand(out->psk, digest_len(m.transcript.kind), m.transcript.kind, m.resumption,
			"resumption", nonce);
	return true;
}

static void sessions(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct psk psks[8];
		size_t count;
		int want; /* the index resumed; -1: full; -2: refused */
		const struct sha256 *scope;
		bool without_dhe;
	} rows[] = {
		{ "ours_is_resumed", { { 0 } }, 1, 0, &scope_a, false },
		{ "second_is_ours", { { "other", 0 }, { 0 } }, 2, 1, &scope_a, false },
		{ "fourth_is_ours", { { "a1", 0 }, { "a2", 0 }, { "a3", 0 }, { 0 } }, 4, 3,
		  &scope_a, false },
		{ "fifth_is_not_looked_at",
		  { { "a1", 0 }, { "a2", 0 }, { "a3", 0 }, { "a4", 0 }, { 0 } }, 5, -1,
		  &scope_a, false },
		{ "other_is_a_full_handshake", { { "other", 0 } }, 1, -1, &scope_a, false },
		{ "wrong_binder_refused", { { NULL, 1 } }, 1, -2, &scope_a, false },
		{ "wrong_binder_of_another_does_not_matter", { { "other", 1 }, { 0 } }, 2, 1,
		  &scope_a, false },
		{ "another_scope_is_a_full_handshake", { { 0 } }, 1, -1, &scope_b, false },
		{ "without_tickets_here_too", { { 0 } }, 1, -1, NULL, false },
		{ "psk_without_exchange_is_a_full_handshake", { { 0 } }, 1, -1, &scope_a, true },
	};
	/* clang-format on */
	const struct hello_options first = { 0 };
	struct kept kept;
	struct world w;
	struct mini m;
	size_t i;

	(void)state;
	world_init(&w, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hello_options o = { .without_dhe = rows[i].without_dhe,
					   .key = kept.psk,
					   .psk_count = rows[i].count };
		enum tls_status status;

		assert_true(keep(&kept, &w, &first));
		o.ticket = span_of(kept.ticket, kept.ticket_len);
		memcpy(o.psks, rows[i].psks, sizeof(o.psks));
		world_open(&w, rows[i].scope);
		mini_init(&m, 0);
		mini_hello(&m, &w, &o);
		status = tls_handshake(w.server);
		if (status != (rows[i].want == -2 ? TLS_FAILED : TLS_WANT))
			fail_msg("%s: %d", rows[i].name, (int)status);
		if (status == TLS_FAILED) {
			assert_memory_equal(buf_span(tls_output(w.server)).p, "\x15\3\3\0\2\2\x33",
					    7);
			continue;
		}
		mini_take(&m, &w, kept.psk);
		if (m.is_resumed != (rows[i].want >= 0) ||
		    (m.is_resumed && m.psk_index != rows[i].want))
			fail_msg("%s: %d", rows[i].name, m.is_resumed);
		say(&m, &w, 'F');
		assert_int_equal(tls_handshake(w.server), TLS_OK);
		assert_int_equal(tls_conn_is_resumed(w.server), rows[i].want >= 0);
		/* A ticket again, for who can use it. */
		assert_int_equal(tls_output(w.server)->n > 0,
				 rows[i].scope && !rows[i].without_dhe);
	}
	world_fini(&w);
}

/* Who knows the ticket and not its key. */
static void ticket_alone_is_no_session(void **state)
{
	static const uint8_t wrong[DIGEST_MAX] = { 1 };
	const struct hello_options first = { 0 };
	struct hello_options o = { .key = wrong, .psk_count = 1 };
	struct kept kept;
	struct world w;
	struct mini m;

	(void)state;
	world_init(&w, NULL);
	assert_true(keep(&kept, &w, &first));
	o.ticket = span_of(kept.ticket, kept.ticket_len);
	world_open(&w, &scope_a);
	mini_init(&m, 0);
	mini_hello(&m, &w, &o);
	assert_int_equal(tls_handshake(w.server), TLS_FAILED);
	assert_string_equal(tls_conn_error(w.server), "binder does not verify");
	world_fini(&w);
}

/* A resumed client needs no algorithm of ours: no certificate is shown. */
static void resumed_without_algorithms(void **state)
{
	const struct hello_options first = { 0 };
	struct hello_options o = { .psk_count = 1, .without_algorithms = true };
	struct kept kept;
	struct world w;
	struct mini m;

	(void)state;
	world_init(&w, NULL);
	assert_true(keep(&kept, &w, &first));
	o.ticket = span_of(kept.ticket, kept.ticket_len);
	o.key = kept.psk;
	world_open(&w, &scope_a);
	mini_init(&m, 0);
	mini_hello(&m, &w, &o);
	assert_int_equal(tls_handshake(w.server), TLS_WANT);
	mini_take(&m, &w, kept.psk);
	assert_true(m.is_resumed);
	say(&m, &w, 'F');
	assert_int_equal(tls_handshake(w.server), TLS_OK);
	world_fini(&w);
}

/* Given up while hands are shaken. */
static void abandoned(void **state)
{
	const struct hello_options o = { 0 };
	struct world w;
	struct mini m;

	(void)state;
	world_init(&w, NULL);
	world_open(&w, NULL);
	tls_abandon(w.server, TLS_ALERT_INTERNAL_ERROR);
	assert_int_equal(tls_output(w.server)->n, 7);
	mini_begin(&m, &w, &o);
	tls_abandon(w.server, TLS_ALERT_INTERNAL_ERROR);
	assert_int_equal(tls_output(w.server)->n, 0);
	assert_int_equal(tls_handshake(w.server), TLS_FAILED);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_suite_again_and_again),
		cmocka_unit_test(session_of_another_hash_is_a_full_handshake),
		cmocka_unit_test(alpn_is_our_first_of_theirs),
		cmocka_unit_test(others_have_their_handshake_of_libssl),
		cmocka_unit_test(answers_keep_to_the_fragments_asked_for),
		cmocka_unit_test(tickets_of_libssl_and_of_ours_do_not_mix),
		cmocka_unit_test(name_is_minded),
		cmocka_unit_test(long_chain_in_several_records),
		cmocka_unit_test(second_flights),
		cmocka_unit_test(data_right_behind),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(end_of_the_stream),
		cmocka_unit_test(hellos_that_libssl_refuses),
		cmocka_unit_test(no_ccs_where_nobody_asked),
		cmocka_unit_test(sessions),
		cmocka_unit_test(ticket_alone_is_no_session),
		cmocka_unit_test(resumed_without_algorithms),
		cmocka_unit_test(abandoned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
