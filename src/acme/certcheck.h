/*
 * certcheck: is what a CA sent the certificate that was ordered?
 *
 * A chain of another key, without a name, expired or for something else would
 * take the site down, or worse; few clients look.
 *
 * Source: RFC 8555 §7.4.2 (download), §9.1 (media type); RFC 5280 §4.2.1.6,
 * §4.2.1.12.
 */
#ifndef POSTERN_ACME_CERTCHECK_H
#define POSTERN_ACME_CERTCHECK_H

#include "acme/name.h"
#include "base/buf.h"
#include "pki/path.h"
#include "pki/web.h"

enum {
	CERTCHECK_CHAIN_MAX = PATH_CHAIN_MAX,
	CERTCHECK_PEM_MAX = 256 * 1024,
	CERTCHECK_CLOCK_SKEW = 3'600, /* seconds notBefore may be ahead */
};

enum certcheck_reason {
	CERTCHECK_OK,
	CERTCHECK_NOT_PEM, /* not one certificate after another */
	CERTCHECK_NOT_CERTIFICATE, /* a block is no X.509 certificate */
	CERTCHECK_WRONG_KEY,
	CERTCHECK_MISSING_NAME,
	CERTCHECK_EXTRA_NAME,
	CERTCHECK_NOT_YET_VALID,
	CERTCHECK_EXPIRED,
	CERTCHECK_WRONG_PURPOSE, /* not for TLS servers */
	CERTCHECK_IS_CA,
	CERTCHECK_IS_PRECERTIFICATE,
	CERTCHECK_BROKEN_CHAIN, /* a certificate did not issue the one before */
	CERTCHECK_NO_ROOT, /* it leads to none of the roots */
	CERTCHECK_REASONS,
};

/* "ok", "not_pem", ... and the rule behind it. */
const char *certcheck_name(enum certcheck_reason r);
const char *certcheck_rule(enum certcheck_reason r);

/* The certificates of a chain.  Spans borrow 'room'. */
struct certcheck_chain {
	struct span der[CERTCHECK_CHAIN_MAX];
	struct web_cert cert[CERTCHECK_CHAIN_MAX];
	size_t count;
	struct buf room; /* certcheck_fini() */
};
/* CERTCHECK_OK, _NOT_PEM or _NOT_CERTIFICATE; then *out is empty. */
enum certcheck_reason certcheck_read(struct certcheck_chain *out,
				     struct span pem);
/* For AUTO(). */
void certcheck_fini(struct certcheck_chain *c);

struct certcheck_query {
	const struct names *names;
	const struct p256_point *key;
	int64_t now;
	const struct path_roots *roots; /* NULL: the chain's own links only */
};
enum certcheck_reason certcheck_judge(const struct certcheck_chain *c,
				      const struct certcheck_query *q);

/* Some certificate of the chain was issued by this commonName. */
bool certcheck_has_issuer(const struct certcheck_chain *c, const char *cn);

/*
 * The names of a certificate, as far as ACME knows such: RC_MALFORMED when one
 * is neither, RC_LIMIT when there are too many or none.
 */
enum rc certcheck_names(struct names *out, const struct web_cert *c);

#endif
