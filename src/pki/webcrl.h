/*
 * webcrl: is this certificate revoked, by this revocation list?
 *
 * Any CA's list, whole or one shard of many.  "Not listed" counts only from a
 * list that would have to list it: signed by the certificate's issuer, current,
 * and, where the list says that it is a shard, the one that the certificate
 * itself points to.  Delta and indirect lists and lists for only some reasons
 * cannot answer.  A listed entry counts under the same conditions, since no
 * relying party would heed another list's.
 *
 * No allocation but libcrypto's for the signature; no clock.
 *
 * Source: RFC 5280 §5, §6.3.3; CA/Browser Forum Baseline Requirements §7.2.
 */
#ifndef POSTERN_PKI_WEBCRL_H
#define POSTERN_PKI_WEBCRL_H

#include "base/rc.h"
#include "base/span.h"
#include "pki/web.h"

enum {
	WEBCRL_MAX = 15 * 1024 * 1024, /* bytes of DER we read */
	WEBCRL_REASON_MAX = 10, /* RFC 5280 §5.3.1; 7 is none */
};

/* Spans borrow the bytes given to webcrl_parse(). */
struct webcrl {
	struct span tbs; /* what the signature covers */
	struct span algorithm, signature;
	struct span issuer; /* the Name whole */
	int64_t this_update, next_update; /* unix seconds, both inclusive */
	struct span number; /* content of cRLNumber; n == 0: absent */
	struct span aki; /* key identifier of the issuer; n == 0: absent */
	struct span entries; /* content of revokedCertificates, checked */
	size_t entry_count;
	/* issuingDistributionPoint, RFC 5280 §5.2.5 */
	bool has_idp;
	struct span idp_names; /* fullName's GeneralNames; n == 0: none */
	bool only_users, only_cas, only_attributes, some_reasons;
	bool is_indirect, is_delta;
	bool has_unknown_critical; /* of the list or of an entry */
};

/*
 * RC_OK           *out is filled, every entry was checked
 * RC_MALFORMED    not DER, no nextUpdate, an extension twice, bytes left over
 * RC_UNSUPPORTED  another version than 2
 * RC_LIMIT        larger than WEBCRL_MAX
 *
 * On failure *out is untouched.
 */
enum rc webcrl_parse(struct webcrl *out, struct span der);

/* Stable names: webcrl_answer_name(). */
enum webcrl_answer {
	WEBCRL_NOT_LISTED,
	WEBCRL_REVOKED,
	/* and why there is no answer: */
	WEBCRL_MALFORMED,
	WEBCRL_WRONG_ISSUER, /* another CA's list, or another key of it */
	WEBCRL_BAD_SIGNATURE,
	WEBCRL_PARTIAL, /* delta, indirect, some reasons, unknown critical */
	WEBCRL_OTHER_SHARD, /* not the list the certificate points to */
	WEBCRL_NOT_YET_VALID,
	WEBCRL_STALE, /* nextUpdate is past */
	WEBCRL_ANSWER_COUNT,
};
/* "not_listed", "revoked", "malformed", ... */
const char *webcrl_answer_name(enum webcrl_answer answer);
/* The rule behind it, such as "RFC 5280 6.3.3 b 2". */
const char *webcrl_answer_rule(enum webcrl_answer answer);

/* What a list says of a certificate. */
struct webcrl_entry {
	int64_t revoked_at; /* unix seconds */
	unsigned reason; /* RFC 5280 §5.3.1; 0 when none is given */
};

/*
 * Asks the list 'der' about 'cert', whose issuer is 'issuer' (that it is, with
 * its signature, is the caller's to know), at 'now'.  *entry is filled for
 * WEBCRL_REVOKED and untouched otherwise.
 */
enum webcrl_answer webcrl_ask(struct webcrl_entry *entry, struct span der,
			      const struct web_cert *cert,
			      const struct web_cert *issuer, int64_t now);

/* The entry of this serial number (content octets); false: none. */
bool webcrl_find(struct webcrl_entry *entry, const struct webcrl *c,
		 struct span serial);

/* "unspecified", "keyCompromise", ... as RFC 5280 §5.3.1 has them; "unknown"
 * for others. */
const char *webcrl_reason_name(unsigned reason);

#endif
