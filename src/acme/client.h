/*
 * client: the ACME client of one CA and one account.
 *
 * One job at a time, asked for with one of the functions below, then driven by
 * a loop of the caller's:
 *
 *	for (;;) switch (acme_next(a, now)) {
 *	case ACME_WANT_STORE: acme_save(), write it durably; break;
 *	case ACME_WANT_ASK:   perform acme_ask(), then acme_answer(); break;
 *	case ACME_WANT_WAIT:  sleep until acme_wait_until(); break;
 *	case ACME_WANT_SHOW:  show every acme_proof(), say acme_shown(); break;
 *	case ACME_WANT_HIDE:  take them away, say acme_hidden(); break;
 *	case ACME_WANT_KEY:   acme_use_certificate_key(); break;
 *	case ACME_WANT_NOTHING: acme_outcome() says how it ended; return;
 *	}
 *
 * Whatever would be lost with the process has to be stored before the next
 * request leaves: acme_next() gives ACME_WANT_STORE until it is.  A process
 * killed at any moment begins again with acme_load() and acme_resume(): it
 * finds its order again, or, killed between asking for one and storing where
 * it is, makes it a second time.  An account is never made twice: its key is
 * stored by the caller before it is registered, and the same key gets the same
 * account.  An account that the CA no longer knows is ACCOUNT_LOST, for good.
 *
 * Pure: no I/O, no clock, no randomness but that of ECDSA.  'now' is wall
 * time in unix seconds.  Not thread-safe; one struct acme, one thread.
 *
 * Source: RFC 8555; RFC 8737; RFC 8738; RFC 9773.
 */
#ifndef POSTERN_ACME_CLIENT_H
#define POSTERN_ACME_CLIENT_H

#include "acme/account.h"
#include "acme/authz.h"
#include "acme/certcheck.h"
#include "acme/order.h"
#include "acme/renewal.h"
#include "acme/session.h"

enum {
	ACME_STATE_MAX = 512 * 1024,
	ACME_ALTERNATES_MAX = 8,
	ACME_CHAIN_MAX = 256 * 1024, /* bytes of PEM */
	ACME_PROFILE_MAX = DIRECTORY_PROFILE_MAX,
};

struct acme;

/* Copied. */
struct acme_settings {
	const char *directory; /* URL */
	const char *contacts[ACCOUNT_CONTACTS_MAX];
	size_t contact_count;
	bool agrees; /* to the terms of service */
	/* external account binding; kid NULL: none */
	const char *binding_kid;
	struct span binding_key;
	/* ways to prove a name, the preferred one first */
	struct authz_methods methods;
	/* commonName of the issuer of the topmost certificate wanted, or of
	 * any in the chain; NULL: the chain the CA gives by default */
	const char *issuer;
	/* if given, every chain downloaded has to lead to one; borrowed */
	const struct path_roots *roots;
};

/*
 * Returns owned: acme_free().  RC_MALFORMED: the directory is no URL, or a
 * contact or the binding is empty or too long.
 */
enum rc acme_new(struct acme **out, const struct acme_settings *s);
void acme_free(struct acme *a);
/* For AUTO(). */
void acme_auto(struct acme **a);

/* The account's key.  Borrowed until acme_free(). */
void acme_use_account_key(struct acme *a, const struct p256_private *key);

/*
 * State of before, as acme_save() wrote it, into a client just made: account
 * and the order under way, if there is one: see acme_resume().
 *
 * RC_MALFORMED    not what acme_save() writes
 * RC_UNSUPPORTED  of a version we do not know
 * RC_DENIED       of another CA than the settings name
 *
 * On failure the client is as before.
 */
enum rc acme_load(struct acme *a, struct span state);
/*
 * Appends the state, and takes it for stored.  It holds no secret.  RC_LIMIT:
 * it does not fit.
 */
enum rc acme_save(struct acme *a, struct buf *out);

/*
 * The jobs.  RC_DENIED: another one is under way, the account is in no state
 * for it, or it has no key.  Then nothing is changed.
 *
 * acme_register() makes the account, or finds the one the key has already;
 * acme_find() only finds.  Where the account has a URL both make sure that it
 * is still there; that the CA has another one for the key is ACME_END_ACCOUNT.
 */
enum rc acme_register(struct acme *a);
enum rc acme_find(struct acme *a);
/* Tells the CA the contacts and the agreement of the settings. */
enum rc acme_update(struct acme *a);
enum rc acme_deactivate(struct acme *a);
/*
 * Puts the account under another key.  Both are borrowed until the end; both
 * must be stored before, and the old one until ACME_END_OK, when 'new_key' is
 * the account's.  After a restart in between, acme_key_change_pending() is
 * true and this has to be called again with the same two keys before anything
 * else: it finds out which of the two counts.
 */
enum rc acme_change_key(struct acme *a, const struct p256_private *new_key);
bool acme_key_change_pending(const struct acme *a);

/*
 * Orders a certificate.  'profile', 'replaces', times: see order_wish.  A
 * profile that the directory does not name is RC_UNSUPPORTED where the
 * directory is known, ACME_END_REFUSED later.
 */
enum rc acme_order(struct acme *a, const struct order_wish *w);
/*
 * Proves control of the names alone, without a certificate (§7.4.1), where the
 * CA offers it; ACME_END_UNSUPPORTED where not.
 */
enum rc acme_authorize(struct acme *a, const struct names *names);
/*
 * An order is under way that no job works on: one just loaded, or one that
 * stopped because the CA could not be reached, was busy or did not decide, or
 * because the caller broke it off.
 * acme_resume() goes on with it; while there is one, acme_order(),
 * acme_authorize() and acme_revoke_foreign() are RC_DENIED.
 */
bool acme_has_order(const struct acme *a);
/*
 * The last order, or the one that waits, may have made the CA issue, whether we
 * have the certificate or not.
 */
bool acme_may_have_issued(const struct acme *a);
/* Its names; NULL: there is none. */
const struct names *acme_order_names(const struct acme *a);
enum rc acme_resume(struct acme *a);
/* Gives it up instead: has what is shown taken away, then ends. */
enum rc acme_abandon(struct acme *a);

/*
 * Revokes a certificate (DER): as the account that it was issued to, or, with
 * a key, as the owner of the certificate's key.  A certificate revoked already
 * is ACME_END_OK.  'reason' is of RFC 5280 §5.3.1.
 */
enum rc acme_revoke(struct acme *a, struct span certificate, unsigned reason,
		    const struct p256_private *certificate_key);
/*
 * Revokes a certificate issued to somebody else for our names (§7.6): proves
 * control of every name in it by an order that is never finalized, then asks.
 * RC_MALFORMED: not a certificate, or one without names we can prove.
 */
enum rc acme_revoke_foreign(struct acme *a, struct span certificate,
			    unsigned reason);

/* Asks when a certificate should be renewed; acme_window() is the answer. */
enum rc acme_ask_renewal(struct acme *a, struct span certificate);

enum acme_want {
	ACME_WANT_NOTHING,
	ACME_WANT_STORE,
	ACME_WANT_ASK,
	ACME_WANT_WAIT,
	ACME_WANT_SHOW,
	ACME_WANT_HIDE,
	ACME_WANT_KEY,
};

enum acme_want acme_next(struct acme *a, int64_t now);
/*
 * The caller cannot do what is wanted: the job ends at once, wherever it is,
 * with ACME_END_BROKEN_OFF.  'why' is copied.  An order that the CA has given
 * us waits, as one that stopped: acme_has_order().  Nothing is forgotten that
 * was to be stored: the next job begins with it.  Harmless when no job is under
 * way.
 */
void acme_break_off(struct acme *a, const char *why);

/* ACME_WANT_ASK: the request, until acme_answer(). */
const struct web_ask *acme_ask(const struct acme *a);
/* Its answer; NULL: none came. */
void acme_answer(struct acme *a, const struct web_answer *answer, int64_t now);
int64_t acme_wait_until(const struct acme *a);

/* ACME_WANT_SHOW, ACME_WANT_HIDE: what is to be shown, or taken away. */
size_t acme_proof_count(const struct acme *a);
const struct proof *acme_proof(const struct acme *a, size_t i);
/* It can be seen from everywhere (its propagation was checked). */
void acme_shown(struct acme *a, size_t i);
/* It cannot be shown: the job ends with ACME_END_PROOF.  'why' is copied. */
void acme_not_shown(struct acme *a, size_t i, const char *why);
/* All of them are gone, or left behind for good. */
void acme_hidden(struct acme *a);

/*
 * ACME_WANT_KEY: the key for the certificate, stored by the caller before.
 * Borrowed until the job ends.  After a restart: the key whose thumbprint
 * acme_certificate_key() says (empty: none was used yet).  RC_DENIED: another
 * key than the one already sent to the CA, the account's key, or not asked
 * for.
 */
enum rc acme_use_certificate_key(struct acme *a,
				 const struct p256_private *key);
const char *acme_certificate_key(const struct acme *a);

/* How the last job ended; settled once acme_next() gives ACME_WANT_NOTHING. */
enum acme_end {
	ACME_END_NONE, /* it has not, or there was none */
	ACME_END_OK,
	ACME_END_REFUSED, /* the CA: see 'problem' and problem_cure_of() */
	ACME_END_UNREACHABLE, /* no usable answer, several times */
	ACME_END_MALFORMED, /* an answer that is not what the RFC says */
	ACME_END_UNSUPPORTED, /* the CA does not offer it */
	ACME_END_PROOF, /* the caller could not show a proof */
	ACME_END_NO_CHALLENGE, /* none of our ways is offered for a name */
	ACME_END_TIMEOUT, /* the CA did not decide */
	ACME_END_CERTIFICATE, /* what it issued is not what we asked for */
	ACME_END_ACCOUNT, /* the account is lost or another: see 'why' */
	ACME_END_ABANDONED, /* by the caller */
	ACME_END_BROKEN_OFF, /* by acme_break_off() */
};
struct acme_outcome {
	enum acme_end end;
	struct problem problem;
	enum certcheck_reason check; /* ACME_END_CERTIFICATE */
	char why[512]; /* a sentence for a person; empty when OK */
	const char *rule; /* the rule behind it, "RFC 8555 7.4"; may be NULL */
	int64_t retry_at; /* not before, as far as the CA said; 0: not said */
};
/* "none", "ok", "refused", ... */
const char *acme_end_name(enum acme_end end);
const struct acme_outcome *acme_outcome(const struct acme *a);

const struct account *acme_account(const struct acme *a);
/* What the CA says of itself; NULL until it was read. */
const struct directory *acme_directory(const struct acme *a);
/* The chain of an order that ended well: PEM, the leaf first. */
struct span acme_chain(const struct acme *a);
/* The answer to acme_ask_renewal(). */
const struct renewal_window *acme_window(const struct acme *a);
/* The order ran again without 'replaces' (RFC 9773 §5, alreadyReplaced). */
bool acme_dropped_replaces(const struct acme *a);

#endif
