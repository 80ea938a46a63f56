#include "tls/context.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tls/identity.h"
#include "tls/tickets.h"

/* libssl's macros take lists as char *, which these lend them. */
#define GROUPS_HYBRID "X25519MLKEM768:X25519:P-256"
#define GROUPS_CLASSIC "X25519:P-256"
/* Of TLS 1.2, where it is admitted: RFC 9325 §4.2, with ChaCha20. */
#define SUITES_TLS12 \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SIGALG_P256 "ECDSA+SHA256" /* ecdsa_secp256r1_sha256 in TLS 1.3 */

void tls_drain_errors(char out[TLS_ERROR_MAX], const char *fallback)
{
	struct wr w = wr_over(out, TLS_ERROR_MAX - 1);
	const char *data, *reason;
	size_t room;
	int flags;
	unsigned long e;

	while ((e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
		reason = ERR_reason_error_string(e);
		if (w.n > 0)
			wr_str(&w, "; ");
		wr_str(&w, reason ? reason : "unnamed error");
		if ((flags & ERR_TXT_STRING) && data[0] != '\0') {
			wr_str(&w, ": ");
			wr_str(&w, data);
		}
		/* What did not fit is left out; the cause came first. */
		w.over = false;
	}
	if (w.n == 0) {
		room = strlen(fallback);
		wr_bytes(&w, span_of(fallback, room < w.cap ? room : w.cap));
	}
	out[w.n] = '\0';
}

bool tls_spki_hash(struct sha256 *out, const X509 *certificate)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

	if (n <= 0) {
		ERR_clear_error();
		return false;
	}
	sha256_of(out, span_of(der, (size_t)n));
	OPENSSL_free(der);
	return true;
}

void tls_context_ref(struct tls_context *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
		return;
	identity_free(c->identity);
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->bio);
	EVP_CIPHER_free(c->ticket_cipher);
	free(c);
}

static void context_auto(struct tls_context **c)
{
	tls_context_free(*c);
}

/* The first of our protocols that the client offers (RFC 7301 §3.2). */
static int select_alpn(SSL *ssl, const unsigned char **out,
		       unsigned char *out_len, const unsigned char *in,
		       unsigned int in_len, void *arg)
{
	const struct tls_context *c = arg;
	struct span ours = span_of(c->alpn, c->alpn_len);
	struct span list, want, offer;

	(void)ssl;
	while (rd_vec8(&ours, &want)) {
		list = span_of(in, in_len);
		while (rd_vec8(&list, &offer)) {
			if (!span_equal(want, offer))
				continue;
			*out = offer.p;
			*out_len = (unsigned char)offer.n;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/*
 * A hello without the ALPN extension never reaches select_alpn(), so its
 * absence is refused here where it is required.
 */
static int require_alpn(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *extension;
	size_t n;

	(void)arg;
	if (SSL_client_hello_get0_ext(
		    ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
		    &extension, &n) == 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = TLS_ALERT_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static bool write_alpn(struct tls_context *c, const char *const *names)
{
	struct wr w = WR_ARRAY(c->alpn);
	struct span all;

	for (; names && *names; names++)
		wr_vec8(&w, span_str(*names));
	if (!wr_done(&w, &all))
		return false;
	c->alpn_len = (unsigned)all.n;
	return true;
}

static bool set_alpn(struct tls_context *c, const char *const *names)
{
	if (!write_alpn(c, names))
		return false;
	if (c->alpn_len == 0)
		return true;
	if (c->is_server) {
		SSL_CTX_set_alpn_select_cb(c->ssl, select_alpn, c);
		if (c->needs_alpn)
			SSL_CTX_set_client_hello_cb(c->ssl, require_alpn, NULL);
		return true;
	}
	/* The one function here that returns 0 for success. */
	return SSL_CTX_set_alpn_protos(c->ssl, c->alpn, c->alpn_len) == 0;
}

/* What all contexts have in common. */
static bool set_common(struct tls_context *c)
{
	char hybrid[] = GROUPS_HYBRID, classic[] = GROUPS_CLASSIC;
	SSL_CTX *s = c->ssl;

	SSL_CTX_set_options(s, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
				       SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(s, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(s, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(s, 0) != 1 ||
	    SSL_CTX_set_max_early_data(s, 0) != 1)
		return false;
	/* Where libssl does not know the hybrid it refuses the whole list. */
	c->has_hybrid = SSL_CTX_set1_groups_list(s, hybrid) == 1;
	if (c->has_hybrid)
		return true;
	ERR_clear_error();
	return SSL_CTX_set1_groups_list(s, classic) == 1;
}

static struct tls_context *context_new(bool is_server)
{
	struct tls_context *c = mem_new(sizeof(*c));

	atomic_init(&c->refs, 1);
	c->is_server = is_server;
	if (is_server)
		c->ssl = SSL_CTX_new(TLS_server_method());
	else
		c->ssl = SSL_CTX_new(TLS_client_method());
	c->bio = tls_bio_method();
	if (c->ssl && c->bio && set_common(c) &&
	    SSL_CTX_set_tlsext_servername_callback(c->ssl, tls_check_name) == 1)
		return c;
	tls_context_free(c);
	return NULL;
}

/* A key file is never prompted for: an encrypted one is refused. */
static int no_passphrase(char *buffer, int n, int is_writing, void *arg)
{
	(void)buffer, (void)n, (void)is_writing, (void)arg;
	return -1;
}

static BIO *bio_over(struct span pem)
{
	if (pem.n > INT32_MAX)
		return NULL;
	return BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
}

static void bio_auto(BIO **b)
{
	(void)BIO_free(*b); /* cannot fail on memory */
}

static void x509_auto(X509 **x)
{
	X509_free(*x);
}

static void pkey_auto(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

/* The end of the PEM text is the one error that is no failure. */
static bool is_pem_end(void)
{
	unsigned long e = ERR_peek_last_error();

	if (ERR_GET_LIB(e) != ERR_LIB_PEM ||
	    ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

static bool use_leaf(struct tls_context *c, X509 *leaf)
{
	c->has_own_spki = tls_spki_hash(&c->own_spki, leaf);
	return c->has_own_spki && SSL_CTX_use_certificate(c->ssl, leaf) == 1;
}

bool tls_each_certificate(struct span pem, bool (*fn)(void *arg, X509 *x),
			  void *arg)
{
	BIO *b AUTO(bio_auto) = bio_over(pem);

	while (b) {
		X509 *next AUTO(x509_auto) =
			PEM_read_bio_X509(b, NULL, no_passphrase, NULL);

		if (!next)
			return is_pem_end();
		if (!fn(arg, next))
			return false;
	}
	return false;
}

/* The leaf comes first. */
static bool use_next(void *arg, X509 *x)
{
	struct tls_context *c = arg;

	if (!c->has_own_spki)
		return use_leaf(c, x);
	return SSL_CTX_add1_chain_cert(c->ssl, x) == 1;
}

static bool use_chain(struct tls_context *c, struct span pem)
{
	return tls_each_certificate(pem, use_next, c) && c->has_own_spki;
}

bool tls_context_each_name(const struct tls_context *c, tls_each_name_fn *fn,
			   void *arg)
{
	int critical, i;
	GENERAL_NAMES *names = X509_get_ext_d2i(
		SSL_CTX_get0_certificate(c->ssl), NID_subject_alt_name,
		&critical, NULL);
	bool is_good = names || critical == -1; /* -1: there is none */

	for (i = 0; is_good && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *s = g->d.dNSName;

		if (g->type != GEN_DNS)
			continue;
		is_good = fn(arg,
			     span_of(ASN1_STRING_get0_data(s),
				     (size_t)ASN1_STRING_length(s)));
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return is_good;
}

static bool use_key(struct tls_context *c, struct span pem)
{
	BIO *b AUTO(bio_auto) = bio_over(pem);
	EVP_PKEY *key AUTO(pkey_auto) = NULL;

	if (!b)
		return false;
	key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
	return key && SSL_CTX_use_PrivateKey(c->ssl, key) == 1 &&
	       SSL_CTX_check_private_key(c->ssl) == 1;
}

static enum rc refuse(char error[TLS_ERROR_MAX], const char *what)
{
	char why[TLS_ERROR_MAX];
	struct wr w = wr_over(error, TLS_ERROR_MAX - 1);

	tls_drain_errors(why, "refused by libssl");
	wr_str(&w, what);
	wr_str(&w, ": ");
	wr_bytes(&w, span_of(why, strnlen(why, w.cap - w.n)));
	error[w.n] = '\0';
	return RC_CRYPTO;
}

bool tls_ticket_mac(EVP_MAC_CTX *mac, const struct key32 *key)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_init(mac, key->b, sizeof(key->b), params) == 1;
}

/* None is given until a connection says so. */
static bool allow_tickets(struct tls_context *c)
{
	SSL_CTX_set_keylog_callback(c->ssl, tls_see_secret);
	c->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	SSL_CTX_clear_options(c->ssl, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_timeout(c->ssl, TICKETS_EPOCH_S); /* the old one */
	return c->ticket_cipher &&
	       SSL_CTX_set_session_ticket_cb(c->ssl, NULL, tls_take_session,
					     NULL) == 1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(c->ssl, tls_ticket_key) ==
		       1;
}

enum rc tls_server_new(struct tls_context **out, struct span chain_pem,
		       struct span key_pem, const char *const *alpn,
		       char error[TLS_ERROR_MAX])
{
	struct tls_context *c AUTO(context_auto) = NULL;

	ERR_clear_error();
	c = context_new(true);
	if (!c || !set_alpn(c, alpn) || !allow_tickets(c) ||
	    SSL_CTX_set_cipher_list(c->ssl, SUITES_TLS12) != 1)
		return refuse(error, "context");
	SSL_CTX_set_client_hello_cb(c->ssl, tls_see_hello, NULL);
	if (!use_chain(c, chain_pem))
		return refuse(error, "certificate chain");
	if (!use_key(c, key_pem))
		return refuse(error, "private key");
	c->identity = identity_new(c->ssl);
	*out = STEAL(c);
	return RC_OK;
}

/* What the peer's certificate proves comes from its evidence. */
static int accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)store, (void)arg;
	return 1;
}

/* Nobody looks at these times: all of TLS 1.3's past to X.509's end. */
static bool set_validity(X509 *x)
{
	return ASN1_TIME_set_string(X509_getm_notBefore(x),
				    "20180801000000Z") == 1 &&
	       ASN1_TIME_set_string(X509_getm_notAfter(x),
				    "99991231235959Z") == 1;
}

static bool set_serial(X509 *x)
{
	uint64_t serial;

	return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x),
				       serial >> 1 | 1) == 1;
}

static bool self_sign(X509 *x, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	       set_validity(x) &&
	       X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_ASC,
		       (const unsigned char *)"postern", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1 &&
	       X509_set_pubkey(x, key) == 1 &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

static bool make_identity(struct tls_context *c)
{
	EVP_PKEY *key AUTO(pkey_auto) = EVP_EC_gen("P-256");
	X509 *x AUTO(x509_auto) = X509_new();

	return key && x && self_sign(x, key) && use_leaf(c, x) &&
	       SSL_CTX_use_PrivateKey(c->ssl, key) == 1;
}

enum rc tls_attested_new(struct tls_context **out, bool is_server,
			 const char *alpn, char error[TLS_ERROR_MAX])
{
	const char *const names[] = { alpn, NULL };
	char sigalg[] = SIGALG_P256;
	struct tls_context *c AUTO(context_auto) = NULL;

	ERR_clear_error();
	c = context_new(is_server);
	if (!c)
		return refuse(error, "context");
	c->needs_alpn = true;
	if (!set_alpn(c, names))
		return refuse(error, "protocol name");
	if (!make_identity(c))
		return refuse(error, "fresh identity");
	SSL_CTX_set_verify(
		c->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		NULL);
	SSL_CTX_set_cert_verify_callback(c->ssl, accept_any, NULL);
	SSL_CTX_set_max_cert_list(c->ssl, TLS_PEER_CERT_MAX);
	/* The peer's key is P-256 as ours is. */
	if (SSL_CTX_set1_sigalgs_list(c->ssl, sigalg) != 1)
		return refuse(error, "signature algorithm");
	*out = STEAL(c);
	return RC_OK;
}

enum rc tls_client_new(struct tls_context **out, const char *const *alpn,
		       char error[TLS_ERROR_MAX])
{
	struct tls_context *c AUTO(context_auto) = NULL;

	ERR_clear_error();
	c = context_new(false);
	if (!c)
		return refuse(error, "context");
	if (alpn && !set_alpn(c, alpn))
		return refuse(error, "protocol name");
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(c->ssl, accept_any, NULL);
	SSL_CTX_set_max_cert_list(c->ssl, TLS_PEER_CHAIN_MAX);
	*out = STEAL(c);
	return RC_OK;
}
