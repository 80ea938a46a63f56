/*
 * context: what connections of one kind share: keys, certificates, versions,
 * groups, ALPN.  Internal to this room: others use tls/tls.h.
 */
#ifndef POSTERN_TLS_CONTEXT_H
#define POSTERN_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "tls/tls.h"

enum {
	TLS_ALPN_WIRE_MAX = 64, /* bytes of a protocol list as sent */
};

struct identity;

struct tls_context {
	atomic_uint refs; /* the maker's and one a connection */
	SSL_CTX *ssl;
	BIO_METHOD *bio; /* tls.c's, over the buffers of a connection */
	EVP_CIPHER *ticket_cipher; /* NULL: no tickets */
	bool is_server;
	/* What tls/brief.h needs of it; NULL: libssl shakes its hands. */
	struct identity *identity;
	bool has_hybrid; /* libssl knows X25519MLKEM768 */
	bool needs_alpn; /* both sides must agree on one */
	/* Length-prefixed names in our order; alpn_len 0: ALPN is ignored. */
	unsigned char alpn[TLS_ALPN_WIRE_MAX];
	unsigned alpn_len;
	/* SHA-256 of our own SubjectPublicKeyInfo. */
	struct sha256 own_spki;
	bool has_own_spki;
};

void tls_context_ref(struct tls_context *c);

/* The methods of a BIO whose data is a struct tls_conn; NULL without memory. */
BIO_METHOD *tls_bio_method(void);

/* libssl's callback for the keys of tickets: tls_conn_resume(). */
int tls_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
		   EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_sealing);
/* libssl's key log callback: tls_conn_be_light().  Nothing is logged. */
void tls_see_secret(const SSL *ssl, const char *line);
/* Sets HMAC-SHA-256 up. */
bool tls_ticket_mac(EVP_MAC_CTX *mac, const struct key32 *key);

/* libssl's callback for a session that a ticket held: whether the name's terms
 * take it, tls_conn_agree(). */
SSL_TICKET_RETURN tls_take_session(SSL *ssl, SSL_SESSION *session,
				   const unsigned char *key_name, size_t n,
				   SSL_TICKET_STATUS status, void *arg);
/* libssl's ClientHello callback: a hello of TLS 1.2, tls/terms.h. */
int tls_see_hello(SSL *ssl, int *alert, void *arg);

/* Each certificate of a PEM text in turn, which fn borrows; false when fn says
 * so, or something is broken. */
[[nodiscard]] bool tls_each_certificate(struct span pem,
					bool (*fn)(void *arg, X509 *x),
					void *arg);

/* libssl's servername callback: tls_conn_mind_name(). */
int tls_check_name(SSL *ssl, int *alert, void *arg);

/*
 * Takes everything from this thread's OpenSSL error queue and writes it as one
 * line, the first cause first; 'fallback' when the queue is empty.
 */
void tls_drain_errors(char out[TLS_ERROR_MAX], const char *fallback);

/* SHA-256 over the certificate's SubjectPublicKeyInfo in DER. */
bool tls_spki_hash(struct sha256 *out, const X509 *certificate);

#endif
