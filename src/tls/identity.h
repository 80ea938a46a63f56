/*
 * identity: who a server is, in the form in which tls/brief.h says it: its
 * certificates as one handshake message, and a P-256 key that signs.
 *
 * Internal to this room.  May be used by several threads at once.
 *
 * Source: RFC 8446 §4.4.2, §4.4.3.
 */
#ifndef POSTERN_TLS_IDENTITY_H
#define POSTERN_TLS_IDENTITY_H

#include <openssl/ssl.h>

#include "base/span.h"
#include "crypto/digest.h"

enum {
	IDENTITY_SIGNATURE_MAX = 72, /* bytes of a DER ECDSA signature */
	IDENTITY_CHAIN_MAX = 64 * 1024,
};

struct identity;

/* Of a context that has its certificates and key.  NULL: the key is of another
 * kind, or the chain too long.  Returns owned; it keeps what it needs of it. */
struct identity *identity_new(SSL_CTX *ctx);
void identity_free(struct identity *i);

/* The Certificate message, with its header.  Borrowed. */
struct span identity_chain(const struct identity *i);
/* The signature of a server's CertificateVerify, where the messages so far have
 * this hash; *n bytes.  False when libcrypto refuses. */
[[nodiscard]] bool identity_sign(const struct identity *i,
				 uint8_t out[IDENTITY_SIGNATURE_MAX], size_t *n,
				 const struct digest *transcript);

#endif
