/*
 * A stranger's bytes to a server whose handshake is brief, and the first record
 * of them to one whose handshake is libssl's.
 *
 * Promised: brief takes up no hello that libssl refuses, but for what is wrong
 * where a server need not look: in extensions that it may ignore (decode_error),
 * and in a share of P-256 beside X25519's; what it takes up it answers; no
 * handshake is completed without a key; a failure stays one and says why.
 */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/conn.h"
#include "tls/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	ILLEGAL_PARAMETER = 47,
	DECODE_ERROR = 50,
	P256 = 0x0017,
};

static const char *const ALPN[] = { "h2", "http/1.1", NULL };

struct server {
	struct tls_context *context;
	struct tickets tickets;
	struct engine *engine;
};

static struct tls_context *make_context(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *b = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	char chain[4096], pem[2048], error[TLS_ERROR_MAX];
	struct tls_context *c;
	int n, m;

	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 1l << 30);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	PEM_write_bio_X509(b, x);
	PEM_write_bio_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL);
	n = BIO_read(b, chain, sizeof(chain));
	m = BIO_read(k, pem, sizeof(pem));
	if (n <= 0 || m <= 0 ||
	    tls_server_new(&c, span_of(chain, (size_t)n), span_of(pem, (size_t)m), ALPN, error) ||
	    !c->identity)
		abort();
	BIO_free(b);
	BIO_free(k);
	X509_free(x);
	EVP_PKEY_free(key);
	return c;
}

/* Made once a process; a fuzzer may keep it. */
static struct server *server(void)
{
	static struct server kept;

	if (!kept.context) {
		kept.context = make_context();
		kept.engine = engine_new();
		tickets_init(&kept.tickets, 0);
	}
	return &kept;
}

static struct tls_conn *open_conn(struct server *s, bool is_light)
{
	static const struct sha256 scope = { { 1 } };
	struct tls_conn *c;

	if (tls_conn_new(&c, s->context, NULL) || !tls_conn_resume(c, &s->tickets, &scope))
		abort();
	if (is_light)
		tls_conn_be_light(c, s->engine);
	return c;
}

/* The alert in clear that a connection ended with; -1: none. */
static int alert_of(struct tls_conn *c)
{
	struct span s = buf_span(tls_output(c));

	return s.n == 7 && s.p[0] == RECORD_ALERT ? s.p[6] : -1;
}

/* How long the first record is, whole; 0: it is not. */
static size_t first_record(const uint8_t *data, size_t n)
{
	size_t len = n < 5 ? 0 : 5 + ((size_t)data[3] << 8 | data[4]);

	return len <= n ? len : 0;
}

/* Where libssl may find fault with what brief has no need to look at. */
static bool may_differ(int alert, struct span hello)
{
	struct offer o = { 0 };

	return alert == DECODE_ERROR ||
	       (alert == ILLEGAL_PARAMETER && rd_skip(&hello, RECORD_HEADER_LEN) &&
		offer_read(&o, hello) && offer_lists(o.groups, P256));
}

static void compare(struct server *s, struct tls_conn *brief, struct span hello)
{
	struct tls_conn *other = open_conn(s, false);

	if (tls_feed(other, hello) || !brief_has_spoken(brief->brief))
		abort();
	if (tls_handshake(other) == TLS_FAILED && !may_differ(alert_of(other), hello)) {
		fprintf(stderr, "libssl: %s, alert %d\n", tls_conn_error(other), alert_of(other));
		abort();
	}
	tls_conn_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct server *s = server();
	struct tls_conn *c = open_conn(s, true);
	size_t first = first_record(data, n);
	enum tls_status status;

	if (first > 0) {
		if (tls_feed(c, span_of(data, first)))
			abort();
		status = tls_handshake(c);
		if (status == TLS_OK)
			abort();
		if (c->brief && status == TLS_WANT)
			compare(s, c, span_of(data, first));
	}
	if (tls_feed(c, span_of(data + first, n - first)) == RC_OK &&
	    tls_handshake(c) == TLS_OK)
		abort();
	tls_feed_eof(c);
	if (tls_handshake(c) != TLS_FAILED || tls_conn_error(c)[0] == '\0')
		abort();
	tls_conn_free(c);
	return 0;
}
