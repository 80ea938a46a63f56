/*
 * name: what a certificate is for: host names, wildcards, addresses; and the
 * set of them that one order has.
 *
 * A name has one spelling here: lower case, A-labels, no dot at the end, a
 * wildcard only as the whole first label; addresses as inet_ntop() writes
 * them.  So two sets are the same exactly when their bytes are.
 *
 * Source: RFC 8555 §7.1.4, §9.7.7 (dns); RFC 8738 §3, §6 (ip); RFC 5890
 * §2.3.1 (LDH labels); RFC 5952 (text of IPv6).
 */
#ifndef POSTERN_ACME_NAME_H
#define POSTERN_ACME_NAME_H

#include "base/rc.h"
#include "base/wr.h"
#include "crypto/sha256.h"
#include "pki/request.h"

enum {
	NAME_MAX_LEN = 253,
	NAMES_MAX = REQUEST_NAMES_MAX,
};

struct name {
	char text[NAME_MAX_LEN + 1]; /* "*." included */
	bool is_ip;
	bool is_wildcard;
	uint8_t ip[16];
	uint8_t ip_len; /* 4 or 16; 0: a host name */
};

/* Sorted by their text, none twice. */
struct names {
	size_t count;
	struct name of[NAMES_MAX];
};

/* RC_MALFORMED: neither a host name, a wildcard nor an address. */
enum rc name_read(struct name *out, struct span text);
/* An identifier of the protocol: "dns" or "ip" and its value, no wildcard. */
enum rc name_of_identifier(struct name *out, struct span type,
			   struct span value);
/* "dns" or "ip". */
const char *name_type(const struct name *n);
/* Without the "*." of a wildcard. */
const char *name_base(const struct name *n);

/* RC_MALFORMED as above, or the name is there already; RC_LIMIT: too many. */
enum rc names_put(struct names *set, struct span text);
/* The name in the set, or NULL. */
const struct name *names_get(const struct names *set, const char *text);
bool names_equal(const struct names *a, const struct names *b);
/* SHA-256 of the names, one a line: what the ledger knows the set by. */
void names_hash(const struct names *set, struct sha256 *out);
/* The same names for pki/request; they borrow the set. */
void names_request(struct request_name out[NAMES_MAX], const struct names *set);
struct request_name name_request(const struct name *n);

/*
 * The name a tls-alpn-01 server is asked for: the host name itself, of an
 * address its name in the reverse tree (RFC 8738 §6).
 */
void name_sni(struct wr *w, const struct name *n);

#endif
