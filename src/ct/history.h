/*
 * history: every certificate there ever was for some names, which of them can
 * still be used by whom, and from when on nobody's but ours can.
 *
 * Whoever held a name before keeps the certificates for it.  Each certificate
 * found is ours, or legacy: expired, revoked, or live.  The names are safe when
 * the last live one has expired, and not before CAs have forgotten the CAA
 * answers of before the pin.  A relying party that looks at no revocation list
 * is safe only when the revoked ones have expired, too: there are two dates.
 * Without an answer from every source asked there is no date at all.
 *
 * Pure; memory bounded by HISTORY_MAX certificates.
 *
 * Source: CA/Browser Forum Baseline Requirements §3.2.2.8 (CAA answers are good
 * for 8 hours), §4.9.1.1, §4.9.3; RFC 8555 §7.6; RFC 5280 §5.3.1.
 */
#ifndef POSTERN_CT_HISTORY_H
#define POSTERN_CT_HISTORY_H

#include "ct/watchset.h"
#include "pki/webcrl.h"

enum {
	HISTORY_MAX = 4096, /* certificates */
	HISTORY_BYTES_MAX = 64 * 1024 * 1024, /* of DER kept */
	HISTORY_SOURCES_MAX = 16,
	/* BR §3.2.2.8: how long a CA may act on a CAA answer, at least */
	HISTORY_CAA_REUSE_S = 8 * 3600,
	/* BR §1.6.1: a certificate this short need not be revocable */
	HISTORY_SHORT_LIVED_S = 7 * 86400,
};

/* Stable names: history_state_name(). */
enum history_state {
	HISTORY_OURS,
	HISTORY_EXPIRED,
	HISTORY_REVOKED,
	HISTORY_LIVE,
	HISTORY_STATE_COUNT,
};
const char *history_state_name(enum history_state s);

/* What can be done about a live one.  Stable names: history_power_name(). */
enum history_power {
	HISTORY_NOTHING_TO_DO,
	HISTORY_WAIT, /* short-lived: it expires before anybody revokes it */
	HISTORY_BY_ACCOUNT, /* RFC 8555 §7.6: we hold the account */
	HISTORY_BY_KEY, /* RFC 8555 §7.6: we hold its key (class SAME_KEY) */
	HISTORY_BY_CONTROL, /* RFC 8555 §7.6: all its names are ours to prove */
	HISTORY_BY_REPORT, /* BR §4.9.3: ask the CA, with reasons */
	HISTORY_POWER_COUNT,
};
const char *history_power_name(enum history_power p);

/* One issuance: certificate, precertificate, or both. */
struct history_cert {
	struct sha256 tbs, spki, fingerprint; /* fingerprint: of 'der' */
	struct span der; /* the final one where it was seen; borrows history */
	bool has_final, has_precert;
	struct web_cert view; /* of 'der' */
	enum watchset_class class;
	uint64_t logged_at_ms; /* earliest timestamp known; 0: none */
	uint32_t sources; /* bit n: source n has it */
	bool has_crl_answer;
	enum webcrl_answer crl; /* the last answer that was given */
	struct webcrl_entry revoked; /* REVOKED */
	bool is_our_account;
	int64_t pinned_at; /* history_pinned(); 0: as all are */
};

struct history;
/* 'watch' outlives it.  Returns owned: history_free(). */
struct history *history_new(const struct watchset *watch);
void history_free(struct history *h);
/* For AUTO(). */
void history_auto(struct history **h);

/*
 * A certificate or precertificate that source 0..HISTORY_SOURCES_MAX-1 has.
 * One without a name of ours is skipped; one known already is joined with it.
 * RC_MALFORMED: it cannot be read; RC_LIMIT: there are too many.  After both
 * the source counts as failed.
 */
enum rc history_add(struct history *h, unsigned source, struct span der,
		    uint64_t logged_at_ms);
/* A source was asked and told all it knows. */
void history_source_done(struct history *h, unsigned source);
/* A source failed, was cut short, or told something unreadable. */
void history_source_failed(struct history *h, unsigned source);

/* Sorted by notBefore.  Borrows. */
size_t history_count(const struct history *h);
const struct history_cert *history_at(const struct history *h, size_t at);
/* NULL: not known. */
const struct history_cert *history_find(const struct history *h,
					const struct sha256 *tbs);

/* The answer of a revocation list about the certificate with that hash. */
void history_crl(struct history *h, const struct sha256 *tbs,
		 enum webcrl_answer answer, const struct webcrl_entry *entry);
/* We hold the account that ordered it. */
void history_our_account(struct history *h, const struct sha256 *tbs);

/* The names of it were pinned for the first time then, which others of the
 * names that this is about need not have been. */
void history_pinned(struct history *h, const struct sha256 *tbs,
		    int64_t pinned_at);

enum history_state history_state_of(const struct history_cert *c, int64_t now);

/* Which names we can prove control of, and which CA would believe it. */
struct history_means {
	const struct watchset *control; /* subtree scope where it is ours */
	struct span ca_organization; /* issuer's O of our CA; n == 0: none */
	bool can_dns_01; /* wildcards need it */
};
enum history_power history_power_of(const struct history_cert *c,
				    const struct history_means *means,
				    int64_t now);

/* Stable names: history_verdict_name(). */
enum history_verdict {
	HISTORY_SAFE, /* since safe_at, which is past */
	HISTORY_SAFE_LATER, /* from safe_at on */
	HISTORY_INCOMPLETE, /* a source is silent: nobody knows */
	HISTORY_DISAGREE, /* one has a live one that another denies */
	HISTORY_VIOLATED, /* issued to others after the pin held */
	HISTORY_NOT_PINNED, /* a name is not: no date is one */
	HISTORY_VERDICT_COUNT,
};
const char *history_verdict_name(enum history_verdict v);

struct history_summary {
	enum history_verdict verdict;
	size_t count[HISTORY_STATE_COUNT];
	size_t sources_asked, sources_silent;
	size_t violations; /* foreign, logged after pinned_at */
	/* unix seconds; for who looks at revocation lists, and who does not.
	 * 0 with INCOMPLETE and NOT_PINNED */
	int64_t safe_at, safe_at_without_crl;
};
/*
 * 'pinned_at': since when the CAA pin was to be seen everywhere; the reuse time
 * of BR §3.2.2.8 and 'caa_ttl_s' are added here.  0: it is not.
 */
void history_summarize(struct history_summary *out, const struct history *h,
		       int64_t pinned_at, uint32_t caa_ttl_s, int64_t now);

#endif
