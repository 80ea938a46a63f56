/*
 * tls_peer: what the tests of TLS need beside our own ends: a certificate made
 * on the spot, and a plain libssl client over memory that can be told to
 * misbehave.
 */
#ifndef POSTERN_TESTS_TLS_PEER_H
#define POSTERN_TESTS_TLS_PEER_H

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/tls.h"

struct peer_pem {
	char chain[4096], key[2048];
};

/* A P-256 key and its self-signed certificate, as PEM texts. */
static inline bool peer_pem_make(struct peer_pem *out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *b = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	X509_NAME *name = X509_get_subject_name(x);
	int n, m;

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	PEM_write_bio_X509(b, x);
	PEM_write_bio_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL);
	memset(out, 0, sizeof(*out));
	n = BIO_read(b, out->chain, sizeof(out->chain) - 1);
	m = BIO_read(k, out->key, sizeof(out->key) - 1);
	BIO_free(b);
	BIO_free(k);
	X509_free(x);
	EVP_PKEY_free(key);
	return n > 0 && m > 0;
}

struct peer_cert {
	X509 *x;
	EVP_PKEY *key;
};

static inline void peer_cert_free(struct peer_cert *c)
{
	X509_free(c->x);
	EVP_PKEY_free(c->key);
}

/* One extension of it, as openssl.cnf writes it. */
static inline bool peer_extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool is_good = e && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return is_good;
}

/*
 * A P-256 certificate of 'issuer' (NULL: of itself) that ends in so many
 * seconds; with names, "DNS:a.test,DNS:b.test", or without (NULL).
 */
static inline bool peer_cert_make(struct peer_cert *out, const char *common_name,
				  const struct peer_cert *issuer, long seconds, const char *names)
{
	struct peer_cert c = { X509_new(), EVP_EC_gen("P-256") };
	X509_NAME *name = X509_get_subject_name(c.x);

	*out = c;
	ASN1_INTEGER_set(X509_get_serialNumber(c.x), 7);
	X509_gmtime_adj(X509_getm_notBefore(c.x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(c.x), seconds);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1,
				   -1, 0);
	X509_set_version(c.x, X509_VERSION_3);
	X509_set_issuer_name(c.x, issuer ? X509_get_subject_name(issuer->x) : name);
	X509_set_pubkey(c.x, c.key);
	return (!names || peer_extend(c.x, NID_subject_alt_name, names)) &&
	       (issuer || peer_extend(c.x, NID_basic_constraints, "critical,CA:TRUE")) &&
	       X509_sign(c.x, issuer ? issuer->key : c.key, EVP_sha256()) > 0;
}

/* As PEM texts. */
static inline bool peer_cert_write(struct peer_pem *out, const struct peer_cert *c)
{
	BIO *b = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	int n, m;

	PEM_write_bio_X509(b, c->x);
	PEM_write_bio_PrivateKey(k, c->key, NULL, NULL, 0, NULL, NULL);
	memset(out, 0, sizeof(*out));
	n = BIO_read(b, out->chain, sizeof(out->chain) - 1);
	m = BIO_read(k, out->key, sizeof(out->key) - 1);
	BIO_free(b);
	BIO_free(k);
	return n > 0 && m > 0;
}

/* A libssl client whose bytes we carry. */
struct peer_client {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
};

static inline void peer_client_init(struct peer_client *p, int max_version)
{
	p->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(p->ctx, max_version);
	p->ssl = SSL_new(p->ctx);
	p->in = BIO_new(BIO_s_mem());
	p->out = BIO_new(BIO_s_mem());
	SSL_set_bio(p->ssl, p->in, p->out);
	SSL_set_connect_state(p->ssl);
}

static inline void peer_client_fini(struct peer_client *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
}

/* Carries everything both ways until nothing moves; the server's last status. */
static inline enum tls_status peer_client_pump(struct peer_client *p, struct tls_conn *server)
{
	enum tls_status status = TLS_WANT;
	struct buf *out = tls_output(server);
	char bytes[4096];
	int n, i;

	for (i = 0; i < 20; i++) {
		(void)SSL_do_handshake(p->ssl);
		while ((n = BIO_read(p->out, bytes, sizeof(bytes))) > 0)
			if (tls_feed(server, span_of(bytes, (size_t)n)))
				return TLS_FAILED;
		status = tls_handshake(server);
		BIO_write(p->in, buf_span(out).p, (int)out->n);
		buf_consume(out, out->n);
	}
	return status;
}

#endif
