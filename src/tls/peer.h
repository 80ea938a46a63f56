/*
 * peer: what a client's certificate says of it, once it was verified: words
 * that an application behind us may decide by.
 *
 * A word that could be read in two ways is none: a common name that is there
 * twice, or holds a byte that is not printable ASCII.
 *
 * Source: RFC 5280 §4.1.2.6; RFC 2253 (the subject as text).
 */
#ifndef POSTERN_TLS_PEER_H
#define POSTERN_TLS_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct x509_st;

enum {
	TLS_PEER_NAME_MAX = 64, /* ub-common-name, RFC 5280 appendix A.1 */
	TLS_PEER_SUBJECT_MAX = 512,
};

struct tls_peer {
	uint8_t sha256[32]; /* of the certificate's DER */
	char common_name[TLS_PEER_NAME_MAX + 1]; /* "" none */
	/* Printable ASCII, other bytes and quotes escaped by "\\"; "": it would
	 * be longer than TLS_PEER_SUBJECT_MAX. */
	char subject[TLS_PEER_SUBJECT_MAX + 1];
	/* It was shown when the session began, not in this connection. */
	bool is_resumed;
};

/* False when libcrypto refuses; *out is untouched then. */
[[nodiscard]] bool tls_peer_read(struct tls_peer *out,
				 const struct x509_st *certificate);

#endif
