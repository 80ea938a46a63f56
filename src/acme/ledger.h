/*
 * ledger: what was asked of which CA, so that no restart, bug or attacker makes
 * us ask too often: counts against the limits, waits after failures, and which
 * of several CAs is next.
 *
 * A CA counts requests; it does not know that we crashed.  So an order is
 * booked before it is made, and stored.  One that fails stays booked with the
 * CA; with the name set only if a certificate may have come of it.
 *
 * After a failure: 1 minute, 10, 100, then a day, each with up to a quarter
 * more drawn at random; later where the CA says so.  The day is shorter where
 * the certificate ends soon: an eighth of what is left, but 100 minutes.  A
 * name set that failed twice in a row at one CA goes to the next in the
 * caller's order, and so does one that would have to wait there for long.
 *
 * A renewal before its time (the CA says so, by a window in the past) may not
 * take what one in time will need: half of the certificates of a name set are
 * kept for those.
 *
 * Limits on registered domains are not counted (that would need the public
 * suffix list): the CA's own answer, with its Retry-After, is kept instead.
 *
 * Source: RFC 8555 §6.6; the limits are below the published ones of Let's
 * Encrypt (300 orders of an account in 3 h, 5 certificates of one name set in
 * 7 days, 5 failures of a name in an hour).
 */
#ifndef POSTERN_ACME_LEDGER_H
#define POSTERN_ACME_LEDGER_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/sha256.h"

enum {
	LEDGER_CAS_MAX = 8,
	LEDGER_SETS_MAX = 256, /* pairs of a CA and a name set */
	LEDGER_SET_ORDERS = 4, /* in LEDGER_SET_SPAN: one below theirs */
	LEDGER_SET_EARLY = 2, /* of these, before their time */
	LEDGER_SET_SPAN = 7 * 86'400,
	LEDGER_CA_ORDERS = 200, /* in LEDGER_CA_SPAN */
	LEDGER_CA_SPAN = 3 * 3'600,
	LEDGER_SWITCH = 2, /* failures in a row before the next CA is used */
	LEDGER_PATIENCE = 3'600, /* seconds a CA is waited for before that */
	LEDGER_WAIT_MAX = 8 * 86'400, /* whatever a CA says */
	LEDGER_STATE_MAX = 1024 * 1024,
};

struct ledger {
	struct ledger_ca {
		char directory[512]; /* empty: unused */
		int64_t orders[LEDGER_CA_ORDERS]; /* times, a ring */
		size_t order_count;
		int64_t not_before; /* the CA said so, of everything */
	} ca[LEDGER_CAS_MAX];
	struct ledger_set {
		bool is_used;
		uint8_t ca; /* index */
		struct sha256 names; /* names_hash() */
		int64_t orders[LEDGER_SET_ORDERS]; /* times */
		size_t order_count;
		unsigned failures; /* in a row */
		int64_t not_before; /* by the last failure */
		int64_t touched_at;
	} set[LEDGER_SETS_MAX];
};

void ledger_init(struct ledger *l);

/*
 * Mends what a clock that was ahead has left: orders in the future were made
 * now, and no wait is longer than LEDGER_WAIT_MAX from now.  Booking and
 * choosing do it first.
 */
void ledger_heed_clock(struct ledger *l, int64_t now);

/* Which order is meant.  Borrows. */
struct ledger_ask {
	const struct sha256 *names; /* names_hash() */
	/* renewal_is_early(): it could wait.  If it has to, it is to be asked
	 * for again at renewal_by_lifetime(), when it is early no more */
	bool is_early;
};

/*
 * When the next order for these names may go to this CA: a time that is past,
 * or one to wait for.  Pure question.
 */
int64_t ledger_order_at(const struct ledger *l, const char *directory,
			const struct ledger_ask *ask);

/*
 * When an order that is under way may be gone on with: as above, without our
 * own limits of orders, for it is booked already and asks for no other.
 */
int64_t ledger_resume_at(const struct ledger *l, const char *directory,
			 const struct sha256 *names);

/*
 * Books an order that is about to be made; store the ledger before it is.
 * RC_DENIED: not before ledger_order_at().  RC_LIMIT: more CAs than fit.
 */
enum rc ledger_book(struct ledger *l, const char *directory,
		    const struct ledger_ask *ask, int64_t now);

/* How an order, or one that was gone on with, failed. */
struct ledger_failure {
	int64_t retry_at; /* the CA said so; 0: it did not */
	int64_t deadline; /* end of the certificate in use; 0: there is none */
	bool whole_ca; /* the CA is ill or busy, whatever the names */
	bool may_have_issued; /* acme_may_have_issued(), or nobody knows */
	uint64_t random; /* a fresh number */
};
void ledger_failed(struct ledger *l, const char *directory,
		   const struct sha256 *names, const struct ledger_failure *f,
		   int64_t now);
void ledger_succeeded(struct ledger *l, const char *directory,
		      const struct sha256 *names, int64_t now);

/*
 * Which of the CAs, in the order of preference, is to be asked, and when: the
 * first that has not failed LEDGER_SWITCH times in a row for these names and
 * need not be waited for longer than LEDGER_PATIENCE, else the one that may be
 * asked first.
 */
struct ledger_choice {
	size_t ca; /* index into what was given */
	int64_t at;
};
struct ledger_choice ledger_choose(struct ledger *l,
				   const char *const *directories,
				   size_t count, const struct ledger_ask *ask,
				   int64_t now);

/* The wait after so many failures in a row, without its jitter. */
int64_t ledger_pause(unsigned failures);

/* JSON.  RC_MALFORMED: not what ledger_save() writes; *out is untouched. */
enum rc ledger_save(const struct ledger *l, struct buf *out);
enum rc ledger_load(struct ledger *out, struct span state);

#endif
