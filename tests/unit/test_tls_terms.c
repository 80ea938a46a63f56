/* terms: which clients a server takes under them, in each version. */
#include "unit.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
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

/* A client's side of TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, with no libssl to give up. */
struct sender {
	uint8_t keys[16 + 16 + 4 + 4]; /* RFC 5246 §6.3, without MAC keys */
	uint64_t number;
};

static void sender_init(struct sender *s, SSL *ssl)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	uint8_t master[48], seed[13 + 32 + 32] = "key expansion";
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, sizeof(master)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
		OSSL_PARAM_construct_end(),
	};

	assert_int_equal(SSL_SESSION_get_master_key(SSL_get_session(ssl), master, 48), 48);
	assert_int_equal(SSL_get_server_random(ssl, seed + 13, 32), 32);
	assert_int_equal(SSL_get_client_random(ssl, seed + 45, 32), 32);
	assert_int_equal(EVP_KDF_derive(ctx, s->keys, sizeof(s->keys), params), 1);
	s->number = 1; /* Finished was the first */
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* A record, RFC 5288 §3: the explicit nonce is its number. */
static void send_record(struct sender *s, struct tls_conn *to, uint8_t type, struct span plain)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t record[64], ad[13], nonce[12];
	struct wr w = WR_ARRAY(record), a = WR_ARRAY(ad);
	int n;

	wr_be64(&a, s->number);
	wr_u8(&a, type);
	wr_be16(&a, TLS12);
	wr_be16(&a, (uint16_t)plain.n);
	memcpy(nonce, s->keys + 32, 4);
	memcpy(nonce + 4, ad, 8);
	wr_u8(&w, type);
	wr_be16(&w, TLS12);
	wr_be16(&w, (uint16_t)(8 + plain.n + 16));
	wr_be64(&w, s->number++);
	assert_true(EVP_EncryptInit_ex2(ctx, EVP_aes_128_gcm(), s->keys, nonce, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, NULL, &n, ad, sizeof(ad)) == 1 &&
		    EVP_EncryptUpdate(ctx, record + w.n, &n, plain.p, (int)plain.n) == 1 &&
		    EVP_EncryptFinal_ex(ctx, record, &n) == 1 &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16,
					record + w.n + plain.n) == 1);
	EVP_CIPHER_CTX_free(ctx);
	assert_int_equal(tls_feed(to, span_of(record, w.n + plain.n + 16)), RC_OK);
}

/* Without data between them it is cut off; with data it may go on. */
static void renegotiation_flood_is_refused(void **state)
{
	static const struct row row = { "flood", TLS12, true, NONE, NOBODY, false,
					"ECDHE-ECDSA-AES128-GCM-SHA256", true, 0 };
	static const uint8_t hello[] = { 1, 0, 0, 0 };

	(void)state;
	for (int has_data = 0; has_data < 2; has_data++) {
		struct peer_client client;
		struct sender sender;
		struct tls_conn *server;
		struct tls_terms *t;
		struct world w;
		int alert = 0;
		char bytes[8];
		size_t got;

		make(&w);
		t = terms_of(&w, true, NONE);
		assert_int_equal(tls_conn_new(&server, w.context, NULL), RC_OK);
		assert_true(tls_conn_agree(server, t));
		tls_terms_free(t);
		client_init(&client, &row, &w, &alert);
		assert_int_equal(peer_client_pump(&client, server), TLS_OK);
		sender_init(&sender, client.ssl);
		for (int i = 0; i < 500; i++) {
			send_record(&sender, server, 22, SPAN_ARRAY(hello));
			if (has_data) {
				send_record(&sender, server, 23, span_str("x"));
				assert_int_equal(tls_read(server, bytes, 8, &got), TLS_OK);
			}
		}
		assert_int_equal(tls_read(server, bytes, 8, &got),
				 has_data ? TLS_WANT : TLS_FAILED);
		if (!has_data) {
			assert_string_equal(tls_conn_error(server),
					    "too many records without data");
			/* It stopped at once: not a reply to each. */
			assert_true(tls_output(server)->n < 36 * 33);
		}
		ERR_clear_error();
		tls_conn_free(server);
		peer_client_fini(&client);
		drop(&w);
	}
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
		cmocka_unit_test(renegotiation_flood_is_refused),
		cmocka_unit_test(bad_authorities_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
