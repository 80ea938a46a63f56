/*
 * jws: how an ACME request is signed: flattened JSON, ES256, with the key
 * itself or the account's URL in its protected header; key thumbprints and
 * what is made of them; the HMAC that binds an account to one elsewhere.
 *
 * Writes only: a client never reads a JWS.
 *
 * Source: RFC 7515 §7.2.2 (flattened), §3.1; RFC 7517 §4; RFC 7518 §3.2, §3.4,
 * §6.2; RFC 7638 §3 (thumbprint); RFC 8555 §6.2, §7.3.4, §7.3.5, §8.1.
 */
#ifndef POSTERN_ACME_JWS_H
#define POSTERN_ACME_JWS_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/p256.h"
#include "crypto/sha256.h"

enum {
	/* base64url of 32 bytes */
	JWS_HASH_LEN = 43,
	/* A token is base64url (RFC 8555 §8.3); ours are at most so long. */
	JWS_TOKEN_MAX = 256,
	JWS_AUTHORIZATION_MAX = JWS_TOKEN_MAX + 1 + JWS_HASH_LEN,
	JWS_MAX = 256 * 1024,
};

struct jws_thumbprint {
	char text[JWS_HASH_LEN + 1];
};

struct jws_head {
	struct span url;
	struct span nonce; /* n == 0: none (a JWS inside another) */
	struct span kid; /* n == 0: the key itself is named */
};

/*
 * Appends the JWS to *out.  An empty payload is the one of POST-as-GET.
 *
 * RC_LIMIT      it does not fit
 * RC_MALFORMED  a text of the header is not UTF-8
 *
 * On failure *out is unchanged.
 */
enum rc jws_sign(struct buf *out, const struct jws_head *head,
		 const struct p256_private *key, struct span payload);

/*
 * Appends the external account binding: HS256 with 'mac_key' over the
 * account's key.  Failures as above.
 */
enum rc jws_bind(struct buf *out, struct span url, struct span kid,
		 struct span mac_key, const struct p256_point *account);

/* The public key as a JWK, its members in the order of RFC 7638 §3. */
void jws_jwk(struct wr *w, const struct p256_point *key);
void jws_thumbprint(struct jws_thumbprint *out, const struct p256_point *key);

/* token "." thumbprint (RFC 8555 §8.1). */
void jws_authorization(struct wr *w, struct span token,
		       const struct jws_thumbprint *account);
/* base64url of a hash, as dns-01 wants it of the above. */
void jws_hash_text(char out[JWS_HASH_LEN + 1], const struct sha256 *hash);

#endif
