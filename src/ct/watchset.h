/*
 * watchset: is this certificate one for our names, and if so, whose is it?
 *
 * Looks wide and judges narrow.  Wide: a name counts when any client might take
 * it for one of ours: wildcards of the parent, names of a subtree that is ours,
 * labels with a "*" or with bytes no host has anywhere in them, the common
 * name.  Narrow: a certificate is recognised by the hash of its key and by the
 * hash of the part it shares with its precertificate, by nothing else; serial
 * number, names and key identifiers can be copied.
 *
 * A precertificate is an issuance.  What cannot be read is reported, not
 * skipped: a CA that errs in one thing may have erred in two.
 *
 * Pure; memory bounded by the limits below.
 *
 * Source: RFC 6962 §3.1 (precertificates as issuance); RFC 9525 §6.3
 * (wildcards).
 */
#ifndef POSTERN_CT_WATCHSET_H
#define POSTERN_CT_WATCHSET_H

#include "base/rc.h"
#include "crypto/sha256.h"
#include "ct/logentry.h"
#include "pki/webname.h"

enum {
	WATCHSET_NAMES_MAX = 256,
	WATCHSET_HASHES_MAX = 16384, /* of each kind */
};

/* How far a name reaches. */
enum watchset_scope {
	WATCHSET_NAME, /* this name, and the wildcards that stand for it */
	WATCHSET_SUBTREE, /* and every name below it */
};

struct watchset;
/* Returns owned: watchset_free().  NULL is freed, too. */
struct watchset *watchset_new(void);
void watchset_free(struct watchset *w);
/* For AUTO(). */
void watchset_auto(struct watchset **w);

/* 'name': a host, an IP address as text, or "*." and a host.  RC_MALFORMED:
 * none of those; RC_LIMIT.  A name that is there already is no failure. */
enum rc watchset_add_name(struct watchset *w, struct span name,
			  enum watchset_scope scope);

/* What hashes we know. */
enum watchset_known {
	WATCHSET_OUR_KEY, /* SPKI of the attested key history */
	WATCHSET_ORDERED_KEY, /* the same, and an order for it is under way */
	WATCHSET_OUR_TBS, /* of a certificate that was issued to us */
	WATCHSET_OLDER_TBS, /* of one from before, that was looked at */
	WATCHSET_KNOWN_COUNT,
};
/* RC_LIMIT.  A hash that is there already is no failure. */
enum rc watchset_add(struct watchset *w, enum watchset_known what,
		     const struct sha256 *hash);
/* An order ended: its certificate's hash, if it gave one, has been added. */
void watchset_remove(struct watchset *w, enum watchset_known what,
		     const struct sha256 *hash);

/* Stable names: watchset_class_name(). */
enum watchset_class {
	WATCHSET_EXPECTED, /* our key, and a certificate issued to us */
	WATCHSET_OURS, /* our key, whose order is under way */
	WATCHSET_KNOWN_OLDER, /* another key, known from before */
	WATCHSET_SAME_KEY, /* our key, but nobody ordered this: alarm */
	WATCHSET_FOREIGN, /* another key: alarm */
	WATCHSET_MALFORMED, /* not readable as a certificate: alarm */
	WATCHSET_CLASS_COUNT,
};
const char *watchset_class_name(enum watchset_class class);
bool watchset_is_alarm(enum watchset_class class);

/* Borrows what was looked at. */
struct watchset_hit {
	enum watchset_class class;
	bool is_precert;
	/* MALFORMED: all there is below: a name of ours is in the bytes */
	bool mentions_us;
	struct span matched; /* the certificate's name that counted */
	struct web_cert cert;
	struct sha256 tbs, spki;
};
/*
 * False: nothing of ours, *out untouched.  True for every certificate with a
 * name of ours, and for everything that is no certificate.
 */
bool watchset_look(struct watchset_hit *out, const struct watchset *w,
		   struct span der);
/* The same of a log's entry; judged by what the log's tree holds. */
bool watchset_look_entry(struct watchset_hit *out, const struct watchset *w,
			 const struct logentry *entry);
/* What the hit would be if a name matched: for certificates known to be for us
 * (the one that a server presents). */
enum watchset_class watchset_class_of(const struct watchset *w,
				      const struct sha256 *tbs,
				      const struct sha256 *spki);
/* A name of a certificate, or as a certificate may have it, is near enough to
 * one of ours to count. */
bool watchset_matches(const struct watchset *w, struct span name);

/* Walks the names, in the order they were added. */
bool watchset_name(const struct watchset *w, size_t at, struct span *name,
		   enum watchset_scope *scope);

#endif
