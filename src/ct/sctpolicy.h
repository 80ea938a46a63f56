/*
 * sctpolicy: do a certificate's SCTs make it public?
 *
 * Chrome's policy for SCTs inside of certificates: two of them, three for a
 * lifetime above 180 days, each valid and from another log, from at least two
 * operators, and at least one log that is still in good standing.  One rule is
 * stricter: a log that says which certificates it takes does not count for
 * others.
 *
 * Pure.  What is promised is not proved: see ct/treeproof.h for that.
 *
 * Source: Chrome CT policy (googlechrome.github.io/CertificateTransparency);
 * RFC 6962 §3.3.
 */
#ifndef POSTERN_CT_SCTPOLICY_H
#define POSTERN_CT_SCTPOLICY_H

#include "ct/loglist.h"
#include "ct/sct.h"

enum {
	SCTPOLICY_LONG_S = 180 * 86400, /* above it one more is asked for */
	SCTPOLICY_FEW = 2,
	SCTPOLICY_MANY = 3,
	SCTPOLICY_OPERATORS = 2,
	/* Chrome stops enforcing with a list older than this */
	SCTPOLICY_LIST_AGE_S = 70 * 86400,
};

/* Of one SCT.  Stable names: sctpolicy_sct_name(). */
enum sctpolicy_sct {
	SCTPOLICY_SCT_OK,
	SCTPOLICY_SCT_UNKNOWN_LOG,
	SCTPOLICY_SCT_TEST_LOG, /* the list has it for tests only */
	SCTPOLICY_SCT_PENDING_LOG, /* no browser trusts it yet */
	SCTPOLICY_SCT_REJECTED_LOG,
	SCTPOLICY_SCT_AFTER_RETIREMENT, /* made when the log was retired */
	SCTPOLICY_SCT_FUTURE, /* its time is after now */
	SCTPOLICY_SCT_WRONG_INTERVAL, /* the log does not take this expiry */
	SCTPOLICY_SCT_BAD_SIGNATURE, /* also: another issuer's key */
	SCTPOLICY_SCT_COUNT,
};

/* Of the certificate.  Stable names: sctpolicy_reason_name(). */
enum sctpolicy_reason {
	SCTPOLICY_OK,
	SCTPOLICY_NO_SCTS,
	SCTPOLICY_MALFORMED, /* the list cannot be read */
	SCTPOLICY_OLD_LIST, /* the log list is too old to judge by */
	SCTPOLICY_TOO_FEW,
	SCTPOLICY_NO_CURRENT_LOG,
	SCTPOLICY_ONE_OPERATOR,
	SCTPOLICY_REASON_COUNT,
};
const char *sctpolicy_sct_name(enum sctpolicy_sct s);
const char *sctpolicy_reason_name(enum sctpolicy_reason r);
/* The rule behind it. */
const char *sctpolicy_reason_rule(enum sctpolicy_reason r);

struct sctpolicy_one {
	struct sct sct;
	enum sctpolicy_sct state;
	const struct loglist_log *log; /* NULL: unknown */
};
/* Borrows certificate and list. */
struct sctpolicy_verdict {
	enum sctpolicy_reason reason;
	struct sctpolicy_one one[SCT_COUNT_MAX];
	size_t count;
	size_t needed; /* how many distinct logs are asked for */
	size_t valid; /* distinct logs with a valid SCT */
	size_t operators; /* distinct operators of those */
};

/* Fills *out whatever the answer.  'issuer' is whoever's name and key the chain
 * gives for the certificate's issuer; now in unix seconds. */
void sctpolicy_judge(struct sctpolicy_verdict *out,
		     const struct web_cert *cert,
		     const struct web_cert *issuer, const struct loglist *list,
		     int64_t now);

#endif
