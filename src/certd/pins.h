/*
 * pins: the CAA records that hold our names for our accounts alone: made,
 * written before anything is ordered, proved by our own evaluation, and watched
 * afterwards through every resolver.
 *
 * 'issue' and 'issuewild' are written both, always, with accounturi and
 * validationmethods.  What stands above, and whose wildcard would cover a name
 * of ours, is not ours to write: it is looked at and reported.
 *
 * Blocks.  A struct pins is one thread's; the watch has its own.
 *
 * Source: RFC 8659; RFC 8657.
 */
#ifndef POSTERN_CERTD_PINS_H
#define POSTERN_CERTD_PINS_H

#include "certd/writer.h"

enum {
	PINS_NAMES_MAX = 64,
	PINS_ACCOUNTS_MAX = LEDGER_CAS_MAX,
	PINS_WHY_MAX = 512,
};

/* An account that may issue.  Plain data, copied between threads. */
struct pins_account {
	char url[ACME_URL_MAX];
	char issuer[DIRECTORY_ISSUERS_MAX][DIRECTORY_ISSUER_MAX];
	size_t issuer_count;
};
/* A name whose set is ours to write. */
struct pins_name {
	char text[NAME_MAX_LEN + 1]; /* without "*." */
	/* Which certificates are wanted: for text, for *.text. */
	bool has_plain, has_wildcard;
};
struct pins {
	struct pins_account accounts[PINS_ACCOUNTS_MAX];
	size_t account_count;
	struct pins_name names[PINS_NAMES_MAX];
	size_t name_count;
	enum challenge_type methods[CHALLENGE_TYPES];
	size_t method_count;
	const char *iodef;
};

/* The names of certificates; RC_LIMIT: over PINS_NAMES_MAX.  Addresses have no
 * CAA and are left out. */
enum rc pins_add_names(struct pins *p, const struct names *names);

/* How a name stands in the DNS. */
enum pins_state {
	PINS_HELD, /* nobody else can get a certificate that covers it */
	PINS_ABOVE, /* its own set is right; a wildcard above it is not ours */
	PINS_DRIFTED, /* its own set is not what we want */
	PINS_BLOCKED, /* it would not let ourselves */
	PINS_UNKNOWN, /* it cannot be looked up */
};
const char *pins_state_name(enum pins_state s);

struct pins_view {
	enum pins_state state;
	enum dns_trust trust;
	bool disagree; /* resolvers see different sets */
	char why[PINS_WHY_MAX]; /* of all but HELD; for a person */
	const char *rule;
};

/*
 * Looks at what is wanted of one name, with every resolver.  The first climb of
 * the last that was looked at goes to 'climb' (may be NULL), in the arena.
 */
void pins_look(struct pins_view *out, struct climb *climb,
	       const struct pins *p, const struct pins_name *name,
	       struct vantage *v, struct arena *arena);

/* One hash of where the set is that governs a name, and of its records. */
void pins_hash(struct sha256 *out, const struct climb *climb,
	       const struct pins_name *name, struct arena *arena);

/* The set that is wanted at one name; as wanted_make(). */
enum rc pins_wanted(struct wanted *out, struct arena *arena,
		    const struct pins *p, const struct pins_name *name);
/* Adds to v->why the records that somebody has to make, as lines of a zone file
 * have them; what does not fit is left out. */
void pins_say_wanted(struct pins_view *v, const struct pins *p,
		     const struct pins_name *name);
/* Writes the set of one name; as writer_caa(). */
enum rc pins_write(const struct pins *p, const struct pins_name *name,
		   struct writer *w, bool *changed, char error[NODE_ERROR_MAX]);

/* What CAA of a name tells of an account that was here before. */
enum pins_trace {
	PINS_TRACE_NONE, /* every resolver knows: no other account is named */
	PINS_TRACE_OTHER, /* one names another account */
	PINS_TRACE_UNKNOWN, /* a resolver has no answer that can be trusted */
};

/*
 * Looks for an account at one of these issuers, other than ours, in the set
 * that governs a name: the trace of an account that was lost.  Every resolver
 * is asked, for whoever took the account away may also keep one of them
 * silent.  PINS_TRACE_OTHER: its URL is copied.
 */
enum pins_trace pins_trace(char url[ACME_URL_MAX], const struct pins *p,
			   const struct span *issuers, size_t issuer_count,
			   const struct pins_name *name, struct vantage *v);

#endif
