/* tls: two ends in memory, then one end and a peer that does not play along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "base/mem.h"
#include "tls_peer.h"

static const char ALPN[] = "postern-test/1";
static const char *const HTTP[] = { "h2", "http/1.1", NULL };

static enum rc make_server(struct tls_context **out, const char *chain, const char *key,
			   const char *const *alpn, char error[TLS_ERROR_MAX])
{
	return tls_server_new(out, span_str(chain), span_str(key), alpn, error);
}

struct pair {
	struct tls_context *client_context, *server_context;
	struct tls_conn *client, *server;
};

static void pair_init(struct pair *p, const char *client_alpn, const char *server_alpn)
{
	char error[TLS_ERROR_MAX];

	memset(p, 0, sizeof(*p));
	assert_int_equal(tls_attested_new(&p->client_context, false, client_alpn, error), RC_OK);
	assert_int_equal(tls_attested_new(&p->server_context, true, server_alpn, error), RC_OK);
	assert_int_equal(tls_conn_new(&p->client, p->client_context, "gateway.test"), RC_OK);
	assert_int_equal(tls_conn_new(&p->server, p->server_context, NULL), RC_OK);
	/* Contexts may go first. */
	tls_context_free(p->client_context);
	tls_context_free(p->server_context);
}

static void pair_fini(struct pair *p)
{
	tls_conn_free(p->client);
	tls_conn_free(p->server);
}

/* Moves up to n bytes of what 'from' has to say; how many moved. */
static size_t carry(struct tls_conn *from, struct tls_conn *to, size_t n)
{
	struct buf *out = tls_output(from);

	if (out->n < n)
		n = out->n;
	assert_int_equal(tls_feed(to, span_of(buf_span(out).p, n)), RC_OK);
	buf_consume(out, n);
	return n;
}

/* Shakes hands carrying 'step' bytes at a time. */
static void shake(struct pair *p, size_t step, enum tls_status *client, enum tls_status *server)
{
	size_t moved;

	do {
		*client = tls_handshake(p->client);
		moved = carry(p->client, p->server, step);
		*server = tls_handshake(p->server);
		moved += carry(p->server, p->client, step);
	} while (moved);
	*client = tls_handshake(p->client);
}

static void pair_shaken(struct pair *p)
{
	enum tls_status c, s;

	pair_init(p, ALPN, ALPN);
	shake(p, 65536, &c, &s);
	assert_int_equal(c, TLS_OK);
	assert_int_equal(s, TLS_OK);
}

static void assert_reads(struct tls_conn *c, const char *want)
{
	char bytes[64];
	size_t n;

	assert_int_equal(tls_read(c, bytes, sizeof(bytes), &n), TLS_OK);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(bytes, want, n);
}

static void attested_pair_agrees(void **state)
{
	static const size_t steps[] = { 1, 7, 65536 };
	struct sha256 a, b;
	struct pair p;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		enum tls_status c, s;

		pair_init(&p, ALPN, ALPN);
		assert_int_equal(tls_handshake(p.server), TLS_WANT);
		shake(&p, steps[i], &c, &s);
		assert_int_equal(c, TLS_OK);
		assert_int_equal(s, TLS_OK);
		assert_string_equal(tls_conn_alpn(p.client), ALPN);
		assert_string_equal(tls_conn_alpn(p.server), ALPN);
		assert_string_equal(tls_conn_server_name(p.server), "gateway.test");
		assert_true(tls_conn_own_spki(p.client, &a) && tls_conn_peer_spki(p.server, &b));
		assert_memory_equal(&a, &b, sizeof(a));
		assert_true(tls_conn_own_spki(p.server, &a) && tls_conn_peer_spki(p.client, &b));
		assert_memory_equal(&a, &b, sizeof(a));
		pair_fini(&p);
	}
}

static void exporters_equal_and_separated(void **state)
{
	uint8_t a[32], b[32], c[32];
	struct pair p;

	(void)state;
	pair_init(&p, ALPN, ALPN);
	assert_false(tls_export(p.client, a, "EXPORTER-test", span_str("")));
	pair_fini(&p);
	pair_shaken(&p);
	assert_true(tls_export(p.client, a, "EXPORTER-test", (struct span){ 0 }));
	assert_true(tls_export(p.server, b, "EXPORTER-test", span_str("")));
	assert_memory_equal(a, b, 32);
	assert_true(tls_export(p.server, c, "EXPORTER-test", span_str("x")));
	assert_memory_not_equal(a, c, 32);
	assert_true(tls_export(p.server, c, "EXPORTER-other", span_str("")));
	assert_memory_not_equal(a, c, 32);
	pair_fini(&p);
}

static void data_both_ways_byte_by_byte(void **state)
{
	struct pair p;
	char byte;
	size_t n;

	(void)state;
	pair_shaken(&p);
	assert_int_equal(tls_read(p.server, &byte, 1, &n), TLS_WANT);
	assert_int_equal(tls_write(p.client, span_str("ping")), TLS_OK);
	while (tls_output(p.client)->n > 1) {
		(void)carry(p.client, p.server, 1);
		assert_int_equal(tls_read(p.server, &byte, 1, &n), TLS_WANT);
	}
	(void)carry(p.client, p.server, 1);
	assert_int_equal(tls_read(p.server, &byte, 1, &n), TLS_OK);
	assert_int_equal(byte, 'p');
	assert_reads(p.server, "ing");
	tls_conn_trim(p.server);
	assert_int_equal(tls_write(p.server, span_str("pong")), TLS_OK);
	(void)carry(p.server, p.client, 65536);
	assert_reads(p.client, "pong");
	pair_fini(&p);
}

static void mebibyte_arrives_whole(void **state)
{
	enum {
		N = 1 << 20
	};
	uint8_t *sent = mem_new(N), *got = mem_new(N);
	size_t i, n, at = 0;
	struct pair p;

	(void)state;
	for (i = 0; i < N; i++)
		sent[i] = (uint8_t)(i * 31 + (i >> 8));
	pair_shaken(&p);
	assert_int_equal(tls_write(p.client, span_of(sent, N)), TLS_OK);
	while (carry(p.client, p.server, 100000))
		while (tls_read(p.server, got + at, N - at, &n) == TLS_OK)
			at += n;
	assert_int_equal(at, N);
	assert_memory_equal(sent, got, N);
	pair_fini(&p);
	free(sent);
	free(got);
}

static void half_close_keeps_other_way(void **state)
{
	struct pair p;
	char byte;
	size_t n;

	(void)state;
	pair_shaken(&p);
	tls_close(p.client);
	tls_close(p.client); /* once is enough */
	(void)carry(p.client, p.server, 65536);
	assert_int_equal(tls_read(p.server, &byte, 1, &n), TLS_EOF);
	assert_int_equal(tls_read(p.server, &byte, 1, &n), TLS_EOF);
	assert_int_equal(tls_write(p.server, span_str("late")), TLS_OK);
	(void)carry(p.server, p.client, 65536);
	assert_reads(p.client, "late");
	tls_close(p.server);
	(void)carry(p.server, p.client, 65536);
	assert_int_equal(tls_read(p.client, &byte, 1, &n), TLS_EOF);
	pair_fini(&p);
}

static void truncation_is_failure_not_eof(void **state)
{
	struct pair p;
	char byte;
	size_t n;

	(void)state;
	pair_shaken(&p);
	assert_int_equal(tls_write(p.client, span_str("half")), TLS_OK);
	(void)carry(p.client, p.server, tls_output(p.client)->n - 1);
	tls_feed_eof(p.server);
	assert_int_equal(tls_read(p.server, &byte, 1, &n), TLS_FAILED);
	assert_int_equal(n, 0);
	assert_non_null(strstr(tls_conn_error(p.server), "eof"));
	assert_int_equal(tls_write(p.server, span_str("x")), TLS_FAILED);
	pair_fini(&p);
	/* Between two records, and in the handshake. */
	pair_shaken(&p);
	tls_feed_eof(p.server);
	assert_int_equal(tls_read(p.server, &byte, 1, &n), TLS_FAILED);
	pair_fini(&p);
	pair_init(&p, ALPN, ALPN);
	tls_feed_eof(p.server);
	assert_int_equal(tls_handshake(p.server), TLS_FAILED);
	assert_int_equal(tls_handshake(p.server), TLS_FAILED);
	pair_fini(&p);
}

static void flipped_byte_fails_with_alert(void **state)
{
	struct pair p;
	struct buf *out;
	char byte;
	size_t n;

	(void)state;
	pair_shaken(&p);
	assert_int_equal(tls_write(p.client, span_str("data")), TLS_OK);
	out = tls_output(p.client);
	out->p[out->at + out->n - 1] ^= 1;
	(void)carry(p.client, p.server, 65536);
	assert_int_equal(tls_read(p.server, &byte, 1, &n), TLS_FAILED);
	assert_true(tls_output(p.server)->n > 0);
	(void)carry(p.server, p.client, 65536);
	assert_int_equal(tls_read(p.client, &byte, 1, &n), TLS_FAILED);
	assert_non_null(strstr(tls_conn_error(p.client), "bad record mac"));
	pair_fini(&p);
}

static void alpn_mismatch_refused(void **state)
{
	enum tls_status c, s;
	struct pair p;

	(void)state;
	pair_init(&p, "postern-test/2", ALPN);
	shake(&p, 65536, &c, &s);
	assert_int_equal(s, TLS_FAILED);
	assert_int_equal(c, TLS_FAILED);
	assert_non_null(strstr(tls_conn_error(p.client), "no application protocol"));
	pair_fini(&p);
}

/* An attested client in front of a server that has never heard of ALPN. */
static void server_without_alpn_refused(void **state)
{
	char error[TLS_ERROR_MAX];
	struct tls_context *context;
	enum tls_status c, s;
	struct peer_pem pem;
	struct pair p;

	(void)state;
	assert_true(peer_pem_make(&pem));
	pair_init(&p, ALPN, ALPN);
	tls_conn_free(p.server);
	assert_int_equal(make_server(&context, pem.chain, pem.key, NULL, error), RC_OK);
	assert_int_equal(tls_conn_new(&p.server, context, NULL), RC_OK);
	tls_context_free(context);
	shake(&p, 65536, &c, &s);
	assert_int_equal(c, TLS_FAILED);
	assert_non_null(strstr(tls_conn_error(p.client), "application protocol"));
	pair_fini(&p);
}

struct refusal {
	const char *name;
	int max_version;
	bool sends_alpn, has_certificate;
	const char *want; /* in the server's error */
	int alert; /* what the client reads */
};

static const unsigned char WIRE_ALPN[] = "\x0epostern-test/1";

static const struct refusal REFUSALS[] = {
	{ "tls12_refused", TLS1_2_VERSION, true, true, "protocol",
	  SSL_R_TLSV1_ALERT_PROTOCOL_VERSION },
	{ "no_alpn_refused", TLS1_3_VERSION, false, true, "",
	  SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL },
	{ "no_certificate_refused", TLS1_3_VERSION, true, false, "certificate",
	  SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED },
};

/* The first reason in libssl's queue that is an alert from the peer. */
static int alert_seen(struct peer_client *p)
{
	unsigned long e;
	char byte;
	int found = 0;

	(void)SSL_read(p->ssl, &byte, 1);
	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) > SSL_AD_REASON_OFFSET && !found)
			found = ERR_GET_REASON(e);
	return found;
}

static void refuse_one(const struct refusal *r, struct tls_context *context)
{
	struct peer_client client;
	struct tls_conn *server;
	struct peer_pem pem;
	int alert;

	peer_client_init(&client, r->max_version);
	if (r->sends_alpn)
		SSL_set_alpn_protos(client.ssl, WIRE_ALPN, sizeof(WIRE_ALPN) - 1);
	if (r->has_certificate) {
		BIO *b;
		X509 *x;
		EVP_PKEY *k;

		assert_true(peer_pem_make(&pem));
		b = BIO_new_mem_buf(pem.chain, -1);
		x = PEM_read_bio_X509(b, NULL, NULL, NULL);
		BIO_free(b);
		b = BIO_new_mem_buf(pem.key, -1);
		k = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
		BIO_free(b);
		assert_int_equal(SSL_use_certificate(client.ssl, x), 1);
		assert_int_equal(SSL_use_PrivateKey(client.ssl, k), 1);
		X509_free(x);
		EVP_PKEY_free(k);
	}
	assert_int_equal(tls_conn_new(&server, context, NULL), RC_OK);
	ERR_clear_error();
	assert_int_equal(peer_client_pump(&client, server), r->want ? TLS_FAILED : TLS_OK);
	alert = alert_seen(&client);
	if (r->want && !strstr(tls_conn_error(server), r->want))
		fail_msg("%s: %s", r->name, tls_conn_error(server));
	if (alert != r->alert && r->want)
		fail_msg("%s: alert %d, not %d", r->name, alert, r->alert);
	tls_conn_free(server);
	peer_client_fini(&client);
}

static void attested_server_refuses(void **state)
{
	static const struct refusal good = { "whole", TLS1_3_VERSION, true, true, NULL, 0 };
	struct tls_context *context;
	char error[TLS_ERROR_MAX];
	size_t i;

	(void)state;
	assert_int_equal(tls_attested_new(&context, true, ALPN, error), RC_OK);
	refuse_one(&good, context);
	for (i = 0; i < sizeof(REFUSALS) / sizeof(*REFUSALS); i++)
		refuse_one(&REFUSALS[i], context);
	tls_context_free(context);
}

/* The public server: what ALPN comes out for what is offered. */
struct alpn_case {
	const char *name;
	const char *offer; /* length-prefixed; NULL: no extension */
	const char *want; /* NULL: refused */
};

static const struct alpn_case ALPNS[] = {
	{ "none_offered_none_chosen", NULL, "" },
	{ "http1_chosen", "\x08http/1.1", "http/1.1" },
	{ "servers_order_wins", "\x08http/1.1\x02h2", "h2" },
	{ "unknown_refused", "\x03"
			     "ftp",
	  NULL },
};

static void public_server_chooses_alpn(void **state)
{
	struct tls_context *context;
	char error[TLS_ERROR_MAX];
	struct peer_pem pem;
	size_t i;

	(void)state;
	assert_true(peer_pem_make(&pem));
	assert_int_equal(make_server(&context, pem.chain, pem.key, HTTP, error), RC_OK);
	for (i = 0; i < sizeof(ALPNS) / sizeof(*ALPNS); i++) {
		const struct alpn_case *a = &ALPNS[i];
		struct peer_client client;
		struct tls_conn *server;
		struct sha256 spki;
		enum tls_status s;

		peer_client_init(&client, TLS1_3_VERSION);
		if (a->offer)
			SSL_set_alpn_protos(client.ssl, (const unsigned char *)a->offer,
					    (unsigned)strlen(a->offer));
		assert_int_equal(tls_conn_new(&server, context, NULL), RC_OK);
		s = peer_client_pump(&client, server);
		if (s != (a->want ? TLS_OK : TLS_FAILED) ||
		    (a->want && strcmp(a->want, tls_conn_alpn(server)) != 0))
			fail_msg("%s: %d %s", a->name, (int)s, tls_conn_alpn(server));
		assert_true(tls_conn_own_spki(server, &spki));
		assert_false(tls_conn_peer_spki(server, &spki));
		tls_conn_free(server);
		peer_client_fini(&client);
	}
	tls_context_free(context);
}

static void bad_pem_named_and_out_untouched(void **state)
{
	struct tls_context *const marker = (struct tls_context *)state;
	struct tls_context *context = marker;
	struct peer_pem pem, other;
	char error[TLS_ERROR_MAX];
	char broken[4096 + 64];

	assert_true(peer_pem_make(&pem) && peer_pem_make(&other));
	assert_int_equal(make_server(&context, "", pem.key, NULL, error), RC_CRYPTO);
	assert_non_null(strstr(error, "certificate chain: "));
	assert_int_equal(make_server(&context, pem.chain, "x", NULL, error), RC_CRYPTO);
	assert_non_null(strstr(error, "private key: "));
	assert_int_equal(make_server(&context, pem.chain, other.key, NULL, error), RC_CRYPTO);
	assert_non_null(strstr(error, "private key: key values mismatch"));
	snprintf(broken, sizeof(broken), "%s-----BEGIN CERTIFICATE-----\nAAAA\n", pem.chain);
	assert_int_equal(make_server(&context, broken, pem.key, NULL, error), RC_CRYPTO);
	assert_non_null(strstr(error, "certificate chain: "));
	assert_ptr_equal(context, marker);
}

static void alert_record_is_seven_bytes(void **state)
{
	static const uint8_t want[] = { 21, 3, 3, 0, 2, 2, 112 };
	struct buf b, small;

	(void)state;
	buf_init(&b, 64);
	tls_write_alert(&b, TLS_ALERT_UNRECOGNIZED_NAME);
	assert_int_equal(b.n, sizeof(want));
	assert_memory_equal(buf_span(&b).p, want, sizeof(want));
	buf_fini(&b);
	buf_init(&small, 6);
	tls_write_alert(&small, TLS_ALERT_UNRECOGNIZED_NAME);
	assert_int_equal(small.n, 0);
	buf_fini(&small);
}

static void feed_and_output_are_bounded(void **state)
{
	static uint8_t zero[TLS_INPUT_MAX / 4];
	enum tls_status s = TLS_OK;
	struct pair p;
	int i;

	(void)state;
	pair_shaken(&p);
	for (i = 0; i < TLS_INPUT_MAX / (int)sizeof(zero); i++)
		assert_int_equal(tls_feed(p.server, SPAN_ARRAY(zero)), RC_OK);
	assert_int_equal(tls_feed_room(p.server), 0);
	assert_int_equal(tls_feed(p.server, span_of(zero, 1)), RC_LIMIT);
	for (i = 0; i < 65 && s == TLS_OK; i++)
		s = tls_write(p.client, SPAN_ARRAY(zero));
	assert_int_equal(s, TLS_FAILED);
	assert_string_equal(tls_conn_error(p.client), "output over its bound");
	assert_true(tls_output(p.client)->n <= TLS_OUTPUT_MAX);
	pair_fini(&p);
}

/* A plain client of the public server that asks for "a.test"; with is_retried
 * its first key share is one that the server does not take. */
static void client_new(struct peer_client *client, struct tls_conn **server, bool is_retried)
{
	/* libssl's macros take them as char *. */
	char name[] = "a.test", groups[] = "P-384:P-256";
	struct tls_context *context;
	char error[TLS_ERROR_MAX];
	struct peer_pem pem;

	assert_true(peer_pem_make(&pem));
	assert_int_equal(make_server(&context, pem.chain, pem.key, NULL, error), RC_OK);
	assert_int_equal(tls_conn_new(server, context, NULL), RC_OK);
	tls_context_free(context);
	peer_client_init(client, TLS1_3_VERSION);
	assert_int_equal(SSL_set_tlsext_host_name(client->ssl, name), 1);
	if (is_retried)
		assert_int_equal(SSL_set1_groups_list(client->ssl, groups), 1);
}

/* The same, shaken. */
static void client_init(struct peer_client *client, struct tls_conn **server)
{
	client_new(client, server, false);
	assert_int_equal(peer_client_pump(client, *server), TLS_OK);
}

/* The client's records, not yet fed. */
static void feed_all(struct peer_client *client, struct tls_conn *server)
{
	char bytes[4096];
	int n;

	while ((n = BIO_read(client->out, bytes, sizeof(bytes))) > 0)
		assert_int_equal(tls_feed(server, span_of(bytes, (size_t)n)), RC_OK);
}

static void update_keys(struct peer_client *client, int count, int kind)
{
	while (count-- > 0) {
		assert_int_equal(SSL_key_update(client->ssl, kind), 1);
		assert_int_equal(SSL_do_handshake(client->ssl), 1);
	}
}

static void key_update_flood_refused(void **state)
{
	static const int kinds[] = { SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED };
	struct peer_client client;
	struct tls_conn *server;
	char byte;
	size_t i, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		client_init(&client, &server);
		update_keys(&client, 500, kinds[i]);
		feed_all(&client, server);
		assert_int_equal(tls_read(server, &byte, 1, &n), TLS_FAILED);
		assert_string_equal(tls_conn_error(server), "too many records without data");
		/* It stopped at once: not a reply to each. */
		assert_true(tls_output(server)->n < 33 * 32);
		tls_conn_free(server);
		peer_client_fini(&client);
	}
}

static void key_updates_with_data_between_welcome(void **state)
{
	struct peer_client client;
	struct tls_conn *server;
	char byte;
	size_t n;
	int i;

	(void)state;
	client_init(&client, &server);
	for (i = 0; i < 20; i++) {
		update_keys(&client, 32, SSL_KEY_UPDATE_REQUESTED);
		assert_int_equal(SSL_write(client.ssl, "x", 1), 1);
		feed_all(&client, server);
		assert_int_equal(tls_read(server, &byte, 1, &n), TLS_OK);
		assert_int_equal(byte, 'x');
	}
	tls_conn_free(server);
	peer_client_fini(&client);
}

struct minder {
	int calls, refuse_at;
};

static bool mind(void *arg, const char *name)
{
	struct minder *m = arg;

	assert_string_equal(name, "a.test");
	return ++m->calls != m->refuse_at;
}

struct name_case {
	const char *name;
	bool is_retried;
	int refuse_at, calls;
	enum tls_status want;
};

static const struct name_case NAMES[] = {
	{ "agreed", false, 0, 1, TLS_OK },
	{ "refused", false, 1, 1, TLS_FAILED },
	{ "agreed_twice_with_a_retry", true, 0, 2, TLS_OK },
	{ "second_hello_refused", true, 2, 2, TLS_FAILED },
};

static void name_is_minded_in_each_hello(void **state)
{
	struct peer_client client;
	struct tls_conn *server;
	struct minder m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++) {
		const struct name_case *n = &NAMES[i];

		m = (struct minder){ .refuse_at = n->refuse_at };
		client_new(&client, &server, n->is_retried);
		tls_conn_mind_name(server, mind, &m);
		ERR_clear_error();
		if (peer_client_pump(&client, server) != n->want || m.calls != n->calls)
			fail_msg("%s: %d calls, %s", n->name, m.calls, tls_conn_error(server));
		if (n->want == TLS_FAILED &&
		    alert_seen(&client) != SSL_AD_REASON_OFFSET + TLS_ALERT_UNRECOGNIZED_NAME)
			fail_msg("%s: no alert", n->name);
		tls_conn_free(server);
		peer_client_fini(&client);
	}
}

/* One flight from the client and what the server says to it. */
static void one_flight(struct peer_client *client, struct tls_conn *server)
{
	(void)SSL_do_handshake(client->ssl);
	feed_all(client, server);
	assert_int_equal(tls_handshake(server), TLS_WANT);
}

static void abandoned_says_so_in_clear_only(void **state)
{
	static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, TLS_ALERT_USER_CANCELED };
	struct peer_client client;
	struct tls_conn *server;
	struct buf *out;
	size_t before;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		client_new(&client, &server, i == 1);
		one_flight(&client, server);
		out = tls_output(server);
		before = out->n;
		assert_true(before > 0);
		tls_abandon(server, TLS_ALERT_USER_CANCELED);
		assert_int_equal(tls_handshake(server), TLS_FAILED);
		/* The ServerHello is out, or a HelloRetryRequest. */
		assert_int_equal(out->n - before, i == 1 ? sizeof(alert) : 0);
		if (i == 1)
			assert_memory_equal(buf_span(out).p + before, alert, sizeof(alert));
		tls_abandon(server, TLS_ALERT_USER_CANCELED);
		assert_int_equal(out->n - before, i == 1 ? sizeof(alert) : 0);
		tls_conn_free(server);
		peer_client_fini(&client);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attested_pair_agrees),
		cmocka_unit_test(exporters_equal_and_separated),
		cmocka_unit_test(data_both_ways_byte_by_byte),
		cmocka_unit_test(mebibyte_arrives_whole),
		cmocka_unit_test(half_close_keeps_other_way),
		cmocka_unit_test(truncation_is_failure_not_eof),
		cmocka_unit_test(flipped_byte_fails_with_alert),
		cmocka_unit_test(alpn_mismatch_refused),
		cmocka_unit_test(server_without_alpn_refused),
		cmocka_unit_test(attested_server_refuses),
		cmocka_unit_test(public_server_chooses_alpn),
		cmocka_unit_test(bad_pem_named_and_out_untouched),
		cmocka_unit_test(alert_record_is_seven_bytes),
		cmocka_unit_test(feed_and_output_are_bounded),
		cmocka_unit_test(key_update_flood_refused),
		cmocka_unit_test(name_is_minded_in_each_hello),
		cmocka_unit_test(abandoned_says_so_in_clear_only),
		cmocka_unit_test(key_updates_with_data_between_welcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
