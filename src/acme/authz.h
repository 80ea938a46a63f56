/*
 * authz: what an ACME server wants to see before it believes that a name is
 * ours, and the proof of it.
 *
 * Source: RFC 8555 §7.1.4, §7.5, §8 (http-01 §8.3, dns-01 §8.4); RFC 8737 §3
 * (tls-alpn-01); RFC 8738 (addresses); draft-ietf-acme-dns-account-label §3
 * (dns-account-01); draft-ietf-acme-dns-persist §3 (dns-persist-01).
 */
#ifndef POSTERN_ACME_AUTHZ_H
#define POSTERN_ACME_AUTHZ_H

#include "acme/jws.h"
#include "acme/name.h"
#include "acme/problem.h"

enum challenge_type {
	CHALLENGE_DNS_01,
	CHALLENGE_HTTP_01,
	CHALLENGE_TLS_ALPN_01,
	CHALLENGE_DNS_ACCOUNT_01,
	CHALLENGE_DNS_PERSIST_01,
	CHALLENGE_TYPES,
};

enum challenge_status {
	CHALLENGE_PENDING,
	CHALLENGE_PROCESSING,
	CHALLENGE_VALID,
	CHALLENGE_INVALID,
};

enum authz_status {
	AUTHZ_PENDING,
	AUTHZ_VALID,
	AUTHZ_INVALID,
	AUTHZ_DEACTIVATED,
	AUTHZ_EXPIRED,
	AUTHZ_REVOKED,
};

enum {
	CHALLENGE_ISSUERS_MAX = 10, /* draft-ietf-acme-dns-persist §3.1 */
	CHALLENGE_ISSUER_MAX = 254,
	PROOF_WHERE_MAX = 512,
	PROOF_VALUE_MAX = 1024,
};

struct challenge {
	enum challenge_type type;
	enum challenge_status status;
	char url[ACME_URL_MAX];
	char token[JWS_TOKEN_MAX + 1]; /* empty for dns-persist-01 */
	char issuer[CHALLENGE_ISSUERS_MAX][CHALLENGE_ISSUER_MAX];
	size_t issuer_count; /* dns-persist-01: whose record it may be */
};

struct authz {
	char url[ACME_URL_MAX];
	struct name name; /* without "*." */
	bool is_wildcard;
	enum authz_status status;
	bool is_chosen; /* 'challenge' is one of it */
	struct challenge challenge;
};

/* Which ways are open to us, the one we like best first. */
struct authz_methods {
	enum challenge_type of[CHALLENGE_TYPES];
	size_t count;
};

/* What is to be shown where. */
enum proof_state {
	PROOF_WANTED,
	PROOF_SHOWN,
	PROOF_FAILED,
};
struct proof {
	enum challenge_type type;
	enum proof_state state;
	struct name name;
	/*
	 * dns-*: the owner name of a TXT record; http-01: the path of a
	 * resource on port 80; tls-alpn-01: the name asked for on port 443.
	 */
	char where[PROOF_WHERE_MAX];
	/*
	 * dns-01, dns-account-01: the record's text.  Two proofs of one order
	 * can have the same 'where': both texts have to stand there.
	 * http-01: the resource's bytes.  tls-alpn-01: hex of 'digest'.
	 * dns-persist-01: the record that is enough; the caller looks for it
	 * and never writes it.  One with another of the issuers, or a later
	 * persistUntil, does as well.
	 */
	char value[PROOF_VALUE_MAX];
	struct sha256 digest; /* of the key authorization */
	char issuer[CHALLENGE_ISSUERS_MAX][CHALLENGE_ISSUER_MAX];
	size_t issuer_count;
};

/* "dns-01", ... and back; false: no such type. */
const char *challenge_name(enum challenge_type type);
bool challenge_type_of(enum challenge_type *out, struct span name);
/* The way can prove this name: no address by DNS, no wildcard but by DNS. */
bool challenge_can(enum challenge_type type, const struct name *name,
		   bool is_wildcard);

/*
 * Reads an authorization object.  'io' has its URL; where it has a chosen
 * challenge that one is read again, otherwise the first of 'methods' that is
 * offered and can prove the name is chosen, if any.  'error' gets why the
 * chosen challenge failed, if it did.  'base' is the directory's URL.
 *
 * RC_MALFORMED  not such an object, or the chosen challenge is gone from it,
 *               or the name is not the one it had
 *
 * On failure *io and *error are untouched.
 */
enum rc authz_read(struct authz *io, struct problem *error,
		   const struct authz_methods *methods, struct span json,
		   const char *base);

/* The proof for the chosen challenge. */
void proof_of(struct proof *out, const struct authz *a,
	      const struct jws_thumbprint *account_key, const char *account);

#endif
