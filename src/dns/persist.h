/*
 * persist: the record of dns-persist-01, with which a domain's owner lets one
 * account of one CA prove control for as long as it stands:
 *
 *   _validation-persist.www.example.org. TXT
 *       "ca.example; accounturi=https://ca.example/acct/1"
 *
 * Nobody needs a credential of the DNS provider to renew, and whoever holds
 * that account's key can issue: such records are audited as CAA sets are.
 *
 * Pure.
 *
 * Source: draft-ietf-acme-dns-persist-02; RFC 8659 §4.2 (the grammar).
 */
#ifndef POSTERN_DNS_PERSIST_H
#define POSTERN_DNS_PERSIST_H

#include "base/rc.h"
#include "dns/caa.h"
#include "dns/name.h"

#define PERSIST_LABEL "_validation-persist"

/* Spans borrow the text that was read. */
struct persist {
	struct span issuer; /* never empty */
	struct span account; /* accounturi, never empty */
	bool is_wildcard; /* policy=wildcard: subdomains and wildcards too */
	bool has_until;
	uint64_t until; /* persistUntil, seconds since 1970 */
};

/*
 * Reads the text of one TXT record, its strings joined.  RC_MALFORMED, *out
 * untouched: the grammar, no issuer, no accounturi, a parameter twice (letter
 * case ignored), persistUntil that is no decimal number.  Parameters of other
 * names, and policies of other values, are skipped as the draft says.
 */
enum rc persist_read(struct persist *out, struct span text);
/* Writes one; read back it gives the same. */
void persist_write(struct wr *w, const struct persist *p);

/* Whether the record lets 'account' of 'issuer' have the name, or its wildcard
 * and subdomains, at time 'now'. */
bool persist_permits(const struct persist *p, const struct caa_pin *pin,
		     bool for_wildcard, int64_t now);
/*
 * One that somebody beside the pins can use: another CA or account, whether or
 * not it has run out.  A text that is no such record is none (CAs skip it).
 */
bool persist_is_foreign(struct span text, const struct caa_pins *mine);

#endif
