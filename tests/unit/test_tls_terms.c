/* terms: which clients a server takes under them, in each version. */
#include "unit.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "tls/peer.h"
#include "tls/terms.h"
#include "tls/tickets.h"
#include "tls_peer.h"

struct world {
	struct peer_cert ca, other_ca, good, stranger, late;
	struct peer_pem ca_pem, site;
	struct tls_context *context;
};

static void make(struct world *w)
{
	char error[TLS_ERROR_MAX];

	assert_true(peer_cert_make(&w->ca, "ca", NULL, 3600, NULL) &&
		    peer_cert_make(&w->other_ca, "other", NULL, 3600, NULL) &&
		    peer_cert_make(&w->good, "good", &w->ca, 3600, NULL) &&
		    peer_cert_make(&w->stranger, "good", &w->other_ca, 3600, NULL) &&
		    peer_cert_make(&w->late, "good", &w->ca, -60, NULL) &&
		    peer_cert_write(&w->ca_pem, &w->ca) && peer_pem_make(&w->site));
	assert_int_equal(tls_server_new(&w->context, span_str(w->site.chain), span_str(w->site.key),
					NULL, error),
			 RC_OK);
}

static void drop(struct world *w)
{
	peer_cert_free(&w->ca);
	peer_cert_free(&w->other_ca);
	peer_cert_free(&w->good);
	peer_cert_free(&w->stranger);
	peer_cert_free(&w->late);
	tls_context_free(w->context);
}

enum {
	TLS12 = TLS1_2_VERSION,
	TLS13 = TLS1_3_VERSION,
};

enum demand {
	NONE,
	REQUIRED,
	OPTIONAL
};

enum who {
	NOBODY,
	GOOD,
	STRANGER,
	LATE
};

struct row {
	const char *name;
	int version; /* the client's newest */
	bool admits_tls12;
	enum demand demand;
	enum who who;
	bool no_ems;
	const char *suites; /* of TLS 1.2; NULL: libssl's */
	bool is_good;
	int alert; /* that the client saw */
};

/* clang-format off */
static const struct row ROWS[] = {
	{ "tls13", TLS13, true, NONE, NOBODY, false, NULL, true, 0 },
	{ "tls12", TLS12, true, NONE, NOBODY, false, NULL, true, 0 },
	{ "tls12_not_admitted", TLS12, false, NONE, NOBODY, false, NULL, false, 70 },
	{ "tls11", TLS1_1_VERSION, true, NONE, NOBODY, false, "ALL:@SECLEVEL=0", false, 70 },
	{ "tls12_without_ems", TLS12, true, NONE, NOBODY, true, NULL, false, 40 },
	{ "tls13_without_ems", TLS13, true, NONE, NOBODY, true, NULL, true, 0 },
	{ "tls12_cbc", TLS12, true, NONE, NOBODY, false, "ECDHE-ECDSA-AES128-SHA256", false, 40 },
	{ "tls12_ccm", TLS12, true, NONE, NOBODY, false, "ECDHE-ECDSA-AES128-CCM", false, 40 },
	{ "tls12_chacha", TLS12, true, NONE, NOBODY, false, "ECDHE-ECDSA-CHACHA20-POLY1305", true, 0 },
	{ "required_good", TLS13, false, REQUIRED, GOOD, false, NULL, true, 0 },
	{ "required_none", TLS13, false, REQUIRED, NOBODY, false, NULL, false, 116 },
	{ "required_stranger", TLS13, false, REQUIRED, STRANGER, false, NULL, false, 48 },
	{ "required_late", TLS13, false, REQUIRED, LATE, false, NULL, false, 45 },
	{ "required_good_tls12", TLS12, true, REQUIRED, GOOD, false, NULL, true, 0 },
	{ "required_none_tls12", TLS12, true, REQUIRED, NOBODY, false, NULL, false, 40 },
	{ "required_stranger_tls12", TLS12, true, REQUIRED, STRANGER, false, NULL, false, 48 },
	{ "optional_good", TLS13, false, OPTIONAL, GOOD, false, NULL, true, 0 },
	{ "optional_none", TLS13, false, OPTIONAL, NOBODY, false, NULL, true, 0 },
	{ "optional_stranger", TLS13, false, OPTIONAL, STRANGER, false, NULL, false, 48 },
	{ "not_asked", TLS13, false, NONE, GOOD, false, NULL, true, 0 },
};
/* clang-format on */

static struct tls_terms *terms_of(const struct world *w, bool admits_tls12, enum demand demand)
{
	struct tls_terms_options o = { .admits_tls12 = admits_tls12,
				       .is_certificate_required = demand == REQUIRED };
	struct tls_terms *t;
	char error[TLS_ERROR_MAX];

	if (demand != NONE)
		o.client_ca_pem = span_str(w->ca_pem.chain);
	assert_int_equal(tls_terms_new(&t, &o, error), RC_OK);
	return t;
}

static void see_alert(const SSL *ssl, int where, int value)
{
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
		*(int *)SSL_get_app_data(ssl) = value & 0xff;
}

static void client_init(struct peer_client *client, const struct row *row, const struct world *w,
			int *alert)
{
	const struct peer_cert *const certs[] = { NULL, &w->good, &w->stranger, &w->late };
	const struct peer_cert *cert = certs[row->who];

	peer_client_init(client, row->version);
	SSL_set_min_proto_version(client->ssl, TLS1_VERSION);
	SSL_set_app_data(client->ssl, alert);
	SSL_set_info_callback(client->ssl, see_alert);
	if (row->no_ems)
		SSL_set_options(client->ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	if (row->suites)
		assert_int_equal(SSL_set_cipher_list(client->ssl, row->suites), 1);
	if (cert)
		assert_true(SSL_use_certificate(client->ssl, cert->x) == 1 &&
			    SSL_use_PrivateKey(client->ssl, cert->key) == 1);
}

static void run(const struct row *row, const struct world *w)
{
	struct tls_terms *t = terms_of(w, row->admits_tls12, row->demand);
	struct peer_client client;
	struct tls_conn *server;
	enum tls_status status;
	int alert = 0;
	char byte;

	assert_int_equal(tls_conn_new(&server, w->context, NULL), RC_OK);
	assert_true(tls_conn_agree(server, t));
	tls_terms_free(t); /* it may go first */
	client_init(&client, row, w, &alert);
	status = peer_client_pump(&client, server);
	(void)SSL_read(client.ssl, &byte, 1);
	if (status != (row->is_good ? TLS_OK : TLS_FAILED) || alert != row->alert)
		fail_msg("%s: status %d, alert %d, %s", row->name, (int)status, alert,
			 tls_conn_error(server));
	if (row->is_good) {
		bool is_told = row->who == GOOD && row->demand != NONE;

		assert_int_equal(tls_conn_is_tls13(server), row->version == TLS13);
		assert_int_equal(tls_conn_peer(server) != NULL, is_told);
		if (is_told)
			assert_string_equal(tls_conn_peer(server)->subject, "CN=good");
		assert_int_equal(tls_write(server, span_str("x")), TLS_OK);
	}
	ERR_clear_error();
	tls_conn_free(server);
	peer_client_fini(&client);
}

static void table_of_clients(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++)
		run(&ROWS[i], &w);
	drop(&w);
}

/* A client that keeps its session. */
struct keeper {
	SSL_CTX *ctx;
	SSL_SESSION *session;
};

/* One connection; whether it was resumed, and what is known of the client. */
static bool visit(struct keeper *k, const struct world *w, bool admits_tls12, enum demand demand,
		  int version, const struct tickets *tickets, bool *has_peer)
{
	static const struct sha256 scope = { { 1 } };
	struct tls_terms *t = terms_of(w, admits_tls12, demand);
	struct peer_client c = { .ctx = k->ctx };
	struct tls_conn *server;
	enum tls_status status;
	bool is_resumed;
	char byte;

	assert_int_equal(tls_conn_new(&server, w->context, NULL), RC_OK);
	assert_true(tls_conn_resume(server, tickets, &scope) && tls_conn_agree(server, t));
	tls_terms_free(t);
	SSL_CTX_set_max_proto_version(k->ctx, version);
	c.ssl = SSL_new(k->ctx);
	c.in = BIO_new(BIO_s_mem());
	c.out = BIO_new(BIO_s_mem());
	SSL_set_bio(c.ssl, c.in, c.out);
	SSL_set_connect_state(c.ssl);
	assert_true(SSL_use_certificate(c.ssl, w->good.x) == 1 &&
		    SSL_use_PrivateKey(c.ssl, w->good.key) == 1);
	if (k->session)
		assert_int_equal(SSL_set_session(c.ssl, k->session), 1);
	status = peer_client_pump(&c, server);
	(void)SSL_read(c.ssl, &byte, 1);
	is_resumed = status == TLS_OK && tls_conn_is_resumed(server);
	*has_peer = tls_conn_peer(server) != NULL;
	assert_int_equal(status, TLS_OK);
	if (*has_peer)
		assert_int_equal(tls_conn_peer(server)->is_resumed, is_resumed);
	SSL_SESSION_free(k->session);
	k->session = SSL_get1_session(c.ssl);
	SSL_shutdown(c.ssl);
	SSL_free(c.ssl);
	tls_conn_free(server);
	return is_resumed;
}

/* The same scope on purpose: the terms must see to it alone. */
static void sessions_keep_to_the_terms(void **state)
{
	struct tickets tickets;
	struct keeper k = { 0 };
	struct world w;
	bool has_peer;

	(void)state;
	make(&w);
	tickets_init(&tickets, 0);
	k.ctx = SSL_CTX_new(TLS_client_method());
	assert_false(visit(&k, &w, false, REQUIRED, TLS13, &tickets, &has_peer));
	assert_true(has_peer);
	assert_true(visit(&k, &w, false, REQUIRED, TLS13, &tickets, &has_peer));
	assert_true(has_peer);
	/* A session without one is none where one is required. */
	SSL_SESSION_free(k.session);
	k.session = NULL;
	assert_false(visit(&k, &w, false, NONE, TLS13, &tickets, &has_peer));
	assert_false(has_peer);
	assert_false(visit(&k, &w, false, REQUIRED, TLS13, &tickets, &has_peer));
	assert_true(has_peer);
	/* TLS 1.2 has no tickets. */
	SSL_SESSION_free(k.session);
	k.session = NULL;
	assert_false(visit(&k, &w, true, NONE, TLS12, &tickets, &has_peer));
	assert_false(SSL_SESSION_has_ticket(k.session));
	assert_false(visit(&k, &w, true, NONE, TLS12, &tickets, &has_peer));
	SSL_SESSION_free(k.session);
	SSL_CTX_free(k.ctx);
	tickets_wipe(&tickets);
	drop(&w);
}

/* The answer is a warning; who goes on as before is served. */
static void renegotiation_is_refused(void **state)
{
	static const struct row row = { "again", TLS12, true, NONE, NOBODY,
					false, NULL, true, 0 };
	struct peer_client client;
	struct tls_conn *server;
	struct tls_terms *t;
	struct world w;
	char bytes[4096], byte;
	int alert = 0, n;
	size_t got;

	(void)state;
	make(&w);
	t = terms_of(&w, true, NONE);
	assert_int_equal(tls_conn_new(&server, w.context, NULL), RC_OK);
	assert_true(tls_conn_agree(server, t));
	tls_terms_free(t);
	client_init(&client, &row, &w, &alert);
	assert_int_equal(peer_client_pump(&client, server), TLS_OK);
	assert_int_equal(SSL_renegotiate(client.ssl), 1);
	(void)SSL_do_handshake(client.ssl);
	while ((n = BIO_read(client.out, bytes, sizeof(bytes))) > 0)
		assert_int_equal(tls_feed(server, span_of(bytes, (size_t)n)), RC_OK);
	assert_int_equal(tls_read(server, &byte, 1, &got), TLS_WANT);
	BIO_write(client.in, buf_span(tls_output(server)).p, (int)tls_output(server)->n);
	(void)SSL_do_handshake(client.ssl);
	assert_int_equal(alert, 100); /* no_renegotiation */
	assert_int_equal(tls_write(server, span_str("x")), TLS_OK);
	ERR_clear_error();
	tls_conn_free(server);
	peer_client_fini(&client);
	drop(&w);
}

static void bad_authorities_are_refused(void **state)
{
	static const char *const texts[] = {
		"x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", " "
	};
	struct tls_terms *const marker = (struct tls_terms *)state, *t = marker;
	char error[TLS_ERROR_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct tls_terms_options o = { .client_ca_pem = span_str(texts[i]) };

		error[0] = '\0';
		assert_int_equal(tls_terms_new(&t, &o, error), RC_CRYPTO);
		assert_ptr_equal(t, marker);
		assert_true(error[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_clients),
		cmocka_unit_test(sessions_keep_to_the_terms),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(bad_authorities_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
