/*
 * path: is a certificate good for a host at a time, under these roots?
 *
 * Builds a chain from the certificates given, in whatever order, and validates
 * it through libcrypto: signatures, dates, constraints, name constraints, key
 * sizes, the purpose "TLS server", unknown critical extensions.  The host is
 * compared by pki/webname.h.  Revocation (pki/webcrl.h) and Certificate
 * Transparency (room ct) are not looked at, and nothing is fetched.
 *
 * Straight-line code for the control plane; allocates.  No clock: the time is
 * given.
 *
 * Source: RFC 5280 §6; RFC 9525.
 */
#ifndef POSTERN_PKI_PATH_H
#define POSTERN_PKI_PATH_H

#include "base/rc.h"
#include "base/span.h"

enum {
	PATH_OTHERS_MAX = 16, /* certificates beside the leaf */
	PATH_CHAIN_MAX = 10, /* of a chain, leaf and root included */
	PATH_ROOTS_MAX = 1000,
};

/* Trust anchors.  Read-only once filled: any number of threads. */
struct path_roots;
/* Returns owned: path_roots_free().  NULL is freed, too. */
struct path_roots *path_roots_new(void);
void path_roots_free(struct path_roots *r);
/* For AUTO(). */
void path_roots_auto(struct path_roots **r);
/*
 * One certificate in DER; a PEM file of one or more, with any text between
 * them.  RC_MALFORMED: not a certificate, or no PEM block; RC_LIMIT: over
 * PATH_ROOTS_MAX.  Those before the one at fault stay.
 */
enum rc path_roots_add_der(struct path_roots *r, struct span der);
enum rc path_roots_add_pem(struct path_roots *r, struct span pem);
size_t path_roots_count(const struct path_roots *r);

/* Stable names: path_reason_name(). */
enum path_reason {
	PATH_OK,
	PATH_MALFORMED, /* a certificate given cannot be read */
	PATH_NO_ROOT, /* no chain leads to one of the roots */
	PATH_BAD_SIGNATURE,
	PATH_NOT_YET_VALID,
	PATH_EXPIRED, /* already in the last second, as libcrypto has it */
	PATH_NOT_A_CA, /* something other than a CA issued, or too deep */
	PATH_WRONG_PURPOSE, /* not for TLS servers */
	PATH_NAME_NOT_PERMITTED, /* name constraints of a CA forbid it */
	PATH_WRONG_HOST, /* no subjectAltName stands for the host */
	PATH_WEAK, /* a key or digest below 112 bits of security */
	PATH_UNKNOWN_CRITICAL, /* a critical extension nobody knows; also a
				  precertificate */
	PATH_INVALID, /* what else libcrypto objects to */
	PATH_REASON_COUNT,
};
/* "ok", "malformed", "no_root", ... */
const char *path_reason_name(enum path_reason reason);
/* The rule behind it, such as "RFC 5280 6.1.3". */
const char *path_reason_rule(enum path_reason reason);

struct path_query {
	struct span leaf; /* DER */
	const struct span *others; /* DER; intermediates, roots, anything */
	size_t other_count; /* up to PATH_OTHERS_MAX; more is PATH_MALFORMED */
	const struct path_roots *roots;
	struct span host; /* n == 0: no name is asked for */
	int64_t at; /* unix seconds */
};

struct path_verdict {
	enum path_reason reason;
	size_t depth; /* of the certificate at fault; 0 is the leaf */
	/* PATH_OK and PATH_WRONG_HOST: the chain in DER, leaf first, root last;
	 * borrows what the query borrows.  Otherwise empty. */
	struct span chain[PATH_CHAIN_MAX];
	size_t chain_count;
};

/* Fills *out whatever the answer; the reason alone says whether to trust. */
void path_validate(struct path_verdict *out, const struct path_query *in);

#endif
