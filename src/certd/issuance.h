/*
 * issuance: one order from its booking to the shelf, and what goes on with one
 * after a crash; asking when to renew; revocation.  Parts of the issuer, in
 * its thread.
 */
#ifndef POSTERN_CERTD_ISSUANCE_H
#define POSTERN_CERTD_ISSUANCE_H

#include "certd/issuer.h"

/* Something that is tried again, ever more rarely. */
struct issuance_retry {
	int64_t at; /* 0: it is not to be tried */
	unsigned failures;
};

/* What the parts of the issuer share. */
struct issuance {
	const struct issuer_options *o;
	struct pulse *pulse;
	struct showing *showing;
	struct ledger *ledger;
	struct slot *slots;
	size_t slot_count;
	/* Held while slots or accounts are changed: others read them. */
	pthread_mutex_t *lock;
	struct issuance_retry edge; /* has not heard of what changed */
	struct issuance_retry seal; /* of slots, key history and ledger */
	bool is_ledger_unsealed;
};

/* Goes on with the order that the CA's client has under way, if any.
 * RC_CLOSED: the program ends. */
enum rc issuance_resume(struct issuance *i, struct ca *ca);
/*
 * Orders a certificate for the slot from this CA.  RC_OK: it is on the shelf;
 * RC_CLOSED: the program ends; otherwise it failed, and the ledger knows.
 */
enum rc issuance_order(struct issuance *i, struct slot *s, struct ca *ca);
/* Asks the CA when it wants the slot's certificate renewed. */
enum rc issuance_ask_renewal(struct issuance *i, struct slot *s,
			     struct ca *ca);
enum rc issuance_revoke(struct issuance *i, struct slot *s, struct ca *ca,
			unsigned reason);
/*
 * Revokes a certificate that somebody else got for names of ours, after proving
 * to the CA that they are ours (RFC 8555 §7.6).  RC_DENIED: it would not.
 */
enum rc issuance_revoke_foreign(struct issuance *i, struct span der,
				struct ca *ca, unsigned reason);
/* Puts what the slot has on the shelf.  RC_DENIED: its key is not readable. */
enum rc issuance_shelve(struct issuance *i, struct slot *s,
			char error[NODE_ERROR_MAX]);

/* Tells the edge that something on the shelf has changed; later, again, where
 * it does not hear. */
void issuance_tell_edge(struct issuance *i);
/* Does again what failed and whose time it is: telling the edge, sealing.
 * Returns when something is to be done again; INT64_MAX: nothing. */
int64_t issuance_catch_up(struct issuance *i, int64_t now);

#endif
