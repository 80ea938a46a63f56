/*
 * directory: where an ACME server is and what it says about itself.
 *
 * Source: RFC 8555 §7.1.1; RFC 9773 §4.1 (renewalInfo);
 *         draft-ietf-acme-profiles §3 (meta.profiles).
 */
#ifndef POSTERN_ACME_DIRECTORY_H
#define POSTERN_ACME_DIRECTORY_H

#include <stdbool.h>

#include "base/rc.h"
#include "base/span.h"

enum {
	ACME_URL_MAX = 512, /* with its NUL, of any URL an ACME server gives */
	DIRECTORY_ISSUERS_MAX = 8,
	DIRECTORY_ISSUER_MAX = 254,
	DIRECTORY_PROFILES_MAX = 16,
	DIRECTORY_PROFILE_MAX = 64,
	DIRECTORY_JSON_MAX = 64 * 1024,
};

enum directory_entry {
	DIRECTORY_NEW_NONCE,
	DIRECTORY_NEW_ACCOUNT,
	DIRECTORY_NEW_ORDER,
	DIRECTORY_REVOKE_CERT,
	DIRECTORY_KEY_CHANGE,
	DIRECTORY_NEW_AUTHZ, /* optional: empty when not offered */
	DIRECTORY_RENEWAL_INFO, /* optional */
	DIRECTORY_ENTRIES,
};

struct directory {
	char url[DIRECTORY_ENTRIES][ACME_URL_MAX];
	char terms[ACME_URL_MAX]; /* empty: none */
	char website[ACME_URL_MAX];
	bool needs_binding; /* externalAccountRequired */
	/* caaIdentities: what to write into CAA records */
	char issuer[DIRECTORY_ISSUERS_MAX][DIRECTORY_ISSUER_MAX];
	size_t issuer_count;
	bool has_profiles; /* it says which ones there are */
	char profile[DIRECTORY_PROFILES_MAX][DIRECTORY_PROFILE_MAX];
	size_t profile_count;
};

/*
 * RC_MALFORMED  not JSON, an entry RFC 8555 wants is missing, or a member has
 *               a type or length that it cannot have
 * RC_LIMIT      larger than DIRECTORY_JSON_MAX, or too many issuers
 *
 * Profiles beyond the bound are left out.  On failure *out is untouched.
 */
enum rc directory_read(struct directory *out, struct span json);

/* Every entry is what directory_url() takes from this directory's URL. */
bool directory_keeps_to(const struct directory *d, const char *base);

bool directory_has_profile(const struct directory *d, const char *name);

/*
 * Copies a URL the server gave: absolute, no blanks or controls, and https
 * unless 'base' (the directory's own) is not.  False: it is not that.
 */
bool directory_url(char out[ACME_URL_MAX], struct span url, const char *base);

#endif
