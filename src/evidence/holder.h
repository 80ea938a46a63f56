/*
 * holder: an ACME account, and its key's own word for it.
 *
 * A quote over an account's URI alone proves nothing about who holds it: a
 * directory of the operator's making can hand out any URI.  So the statement
 * names directory, URI and key together and is signed with the account's key,
 * which the quote covers with the rest of the core:
 *
 *   postern/acme-account/v1 LF
 *   directory LF
 *   account URI LF
 *   JWK thumbprint (base64url) LF
 *   issued_at (decimal, unix seconds) LF
 *   expires_at LF
 *   SHA-256 of each key's SPKI in use (hex), each with LF
 *
 * It names no verifier, so that it can stand in the core.  Whether the URI is
 * that key's is the CA's to say, by what it issues while CAA pins the URI.
 *
 * Only keys on P-256, the ones we make.  Pure.
 *
 * Source: RFC 7517, RFC 7518 §6.2 (JWK); RFC 7638 (thumbprint); RFC 8555 §7.1.2
 * (account), §7.1.1 (directory); docs/EVIDENCE.md §4.
 */
#ifndef POSTERN_EVIDENCE_HOLDER_H
#define POSTERN_EVIDENCE_HOLDER_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "crypto/p256.h"

enum {
	HOLDER_STATEMENT_MAX = 8 * 1024,
	HOLDER_URI_MAX = 512, /* bytes of a URI */
};

struct holder {
	struct span directory, uri; /* https URIs */
	struct p256_point key;
	struct sha256 thumbprint; /* as stated; holder_thumbprint() is true */
	struct span profile; /* ACME profile; or empty */
	/* challenges allowed, comma separated as in CAA's validationmethods */
	struct span challenges;
	struct p256_signature signature; /* over the statement */
};

/* RFC 7638, of the key's JWK. */
void holder_thumbprint(struct sha256 *out, const struct p256_point *key);

/* The rest of what is stated. */
struct holder_context {
	int64_t issued_at, expires_at;
	const struct sha256 *spki;
	size_t spki_count;
};
/* Appends the statement.  RC_LIMIT: no room. */
enum rc holder_statement(struct buf *out, const struct holder *h,
			 const struct holder_context *context);
/* The thumbprint is the key's, and the signature is over the statement. */
[[nodiscard]] bool holder_is_proved(const struct holder *h,
				    const struct holder_context *context);
/* An https URI of visible ASCII, at most HOLDER_URI_MAX, with a host. */
bool holder_is_uri(struct span uri);
/* The host in such a URI, without port; empty: not such a URI. */
struct span holder_uri_host(struct span uri);

#endif
