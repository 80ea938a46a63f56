/*
 * wanted: the CAA set that holds a name for us alone, and how what is served
 * differs from it.
 *
 * Both 'issue' and 'issuewild' are always in it: with one of them alone, names
 * of the other kind stay open to every CA.
 *
 * Pure; memory only from the arena.
 *
 * Source: RFC 8659 §4.2, §4.3; RFC 8657 §3, §4.
 */
#ifndef POSTERN_DNS_WANTED_H
#define POSTERN_DNS_WANTED_H

#include "dns/caa.h"

enum {
	WANTED_MAX = 32, /* properties */
	WANTED_VALUE_MAX = 1024, /* bytes of one's value */
};

struct wanted_property {
	const char *tag; /* "issue", "issuewild", "iodef"; flags are 0 */
	struct span value; /* in the arena */
};
struct wanted {
	struct wanted_property items[WANTED_MAX];
	size_t count;
};

/* For which certificates the name's pins are good. */
enum wanted_kinds {
	WANTED_NAMES, /* no wildcard: issuewild ";" */
	WANTED_WILDCARDS_TOO,
};

/*
 * One 'issue' per pin and issuer name, with accounturi and validationmethods;
 * for WILDCARDS_TOO the same as 'issuewild', of the methods only those by which
 * wildcards can be had (dns-01, dns-account-01, dns-persist-01); a pin without
 * one gets none.  'iodef' is a URL for reports, or empty.
 *
 * RC_MALFORMED  what no CAA value can hold (RFC 8659 §4.2): a pin without
 *               issuer, account or method, an issuer that is no domain name, a
 *               space or ';' in an account
 * RC_LIMIT      over a bound above, or no room in the arena
 *
 * On failure *out is untouched.
 */
enum rc wanted_make(struct wanted *out, struct arena *arena,
		    const struct caa_pins *pins, enum wanted_kinds kinds,
		    struct span iodef);
/* Writes the RDATA of one, and its value as zone files have it. */
void wanted_rdata(struct wr *w, const struct wanted_property *p);
void wanted_text(struct wr *w, const struct wanted_property *p);

/*
 * The difference to what is served.  Order and the letter case of tags are
 * none; flags, and every byte of a value, are.
 */
struct wanted_drift {
	const struct wanted_property *missing[WANTED_MAX];
	size_t missing_count;
	const struct caa_property *extra[CAA_PROPERTIES_MAX];
	size_t extra_count;
};
void wanted_compare(struct wanted_drift *out, const struct wanted *wanted,
		    const struct caa_set *served);
bool wanted_has_drifted(const struct wanted_drift *d);

#endif
