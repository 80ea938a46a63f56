/*
 * terms: what a server agrees to with the clients of a name, beyond TLS 1.3
 * with anybody: TLS 1.2, and certificates of theirs.
 *
 * TLS 1.2 is ECDHE with an AEAD, with the extended master secret (RFC 7627),
 * without renegotiation, compression or resumption: a ticket of TLS 1.2 would
 * open what was recorded to who has its key.
 *
 * Certificates are verified by libcrypto against the given ones, each of which
 * is an anchor, for the purpose of TLS clients, by the clock of now; nothing
 * asks whether they were revoked.  What is refused is refused with an alert.
 *
 * Source: RFC 8446 §4.4.2, §4.3.2; RFC 5246 §7.4.4; RFC 9325 §4.
 */
#ifndef POSTERN_TLS_TERMS_H
#define POSTERN_TLS_TERMS_H

#include "tls/tls.h"

struct tls_terms;

struct tls_terms_options {
	bool admits_tls12;
	struct span client_ca_pem; /* n == 0: no certificate is asked for */
	bool is_certificate_required; /* else a client may have none */
};

/* RC_CRYPTO: client_ca_pem is not one certificate or more; error says why.
 * Returns owned: tls_terms_free().  Connections under them live on. */
enum rc tls_terms_new(struct tls_terms **out,
		      const struct tls_terms_options *options,
		      char error[TLS_ERROR_MAX]);
void tls_terms_free(struct tls_terms *t);

/* A server's connection, made from a context of tls_server_new(), before its
 * first bytes.  False when libssl refuses. */
[[nodiscard]] bool tls_conn_agree(struct tls_conn *c,
				  const struct tls_terms *t);

#endif
