/*
 * domain: how the owner of a domain says which app it leads to: a TXT record
 * whose one character-string is
 *
 *   <id>:<port>
 *
 * at one of the names below.  <id> is an app or instance id (40 hex digits) or
 * an alias, <port> is 1 to 65535; case does not matter, nothing else may stand
 * there.
 *
 * Pure.
 *
 * Source: docs/DESIGN.md §5; RFC 1035 §3.3.14 (TXT).
 */
#ifndef POSTERN_EDGE_DOMAIN_H
#define POSTERN_EDGE_DOMAIN_H

#include "base/span.h"
#include "sni/name.h"

struct domain_target {
	bool id_is_hex;
	uint16_t port;
	char id[NAME_LABEL_MAX + 1]; /* lower case */
};

/* Reads the RDATA of a TXT record.  False, and *out untouched, when it is not
 * exactly the form above. */
bool domain_read(struct domain_target *out, struct span rdata);
bool domain_same(const struct domain_target *a, const struct domain_target *b);

/* Where the record may stand, for www.example.org: */
enum domain_place {
	DOMAIN_OWN, /* _postern.www.example.org */
	DOMAIN_COMPAT, /* _dstack-app-address.www.example.org */
	/* _dstack-app-address-wildcard.example.org: for all names one label
	 * longer than a parent of at least two labels */
	DOMAIN_WILDCARD,
	DOMAIN_PLACES,
};

/* Writes the name to ask for, with a NUL; false when there is none: the name is
 * too long, or has no such parent.  'name' is a host name in lower case. */
bool domain_place_name(char out[NAME_MAX_LEN + 1], enum domain_place place,
		       const char *name);

/* What came of looking a name up. */
enum domain_status {
	DOMAIN_FOUND,
	DOMAIN_NONE, /* no record */
	DOMAIN_MALFORMED, /* a record of another form */
	DOMAIN_AMBIGUOUS, /* records that differ */
	DOMAIN_NOT_SECURE, /* DNSSEC: forged, or unsigned where that counts */
	DOMAIN_FAILED, /* the resolver could not tell */
	DOMAIN_TIMEOUT, /* nor in time */
	DOMAIN_BUSY, /* too many names are being looked up */
	DOMAIN_LIMITED, /* this source asks for too many new names */
};

struct domain_answer {
	enum domain_status status;
	struct domain_target target; /* FOUND */
};

/* A constant word for logs: "domain_unknown", ... */
const char *domain_reason(enum domain_status s);

#endif
