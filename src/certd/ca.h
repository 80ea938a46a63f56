/*
 * ca: one certification authority with our account there: the ACME client with
 * its state under seal, and its requests performed.
 *
 * An account is made once.  Where its key is missing, was rolled back or is
 * another instance's, or where the CA no longer knows it, nothing is made in
 * its place: CAA records pin the old one, and only a person can say what became
 * of it.  docs/OPERATIONS.md has the runbook.
 *
 * Blocks; the issuer's thread.
 */
#ifndef POSTERN_CERTD_CA_H
#define POSTERN_CERTD_CA_H

#include "acme/client.h"
#include "certd/config.h"
#include "certd/custody.h"
#include "certd/pulse.h"

/* What the jobs want of others.  Each may be NULL where no job needs it. */
struct ca_help {
	void *arg;
	/* As writer_show(), of any type. */
	enum rc (*show)(void *arg, const struct proof *p,
			char error[NODE_ERROR_MAX]);
	void (*hide)(void *arg, const struct proof *p);
	/* The certificate's key; owned by *out.  'thumbprint': the one that was
	 * used before, or "". */
	enum rc (*key)(void *arg, struct p256_private **out,
		       const char *thumbprint, char error[NODE_ERROR_MAX]);
};

struct ca_options {
	const struct config_authority *config;
	const struct conf_list *challenges;
	struct custody *custody;
	struct audit *audit;
	struct pulse *pulse;
	const struct log *log;
};

struct ca;

/* RC_SYS, RC_MALFORMED, RC_DENIED: error says what. */
enum rc ca_open(struct ca **out, const struct ca_options *o,
		char error[NODE_ERROR_MAX]);
void ca_close(struct ca *ca);

const struct config_authority *ca_config(const struct ca *ca);
struct acme *ca_client(struct ca *ca);

enum ca_standing {
	CA_NEW, /* no account was ever made */
	CA_READY, /* the account is there, with a URL */
	CA_LOST, /* it was there, and must not be made again */
	CA_ABSENT, /* the CA does not answer; later */
};
/*
 * Makes sure of the account: finds it, or makes it where 'may_make'.  error
 * says why it is not CA_READY.
 */
enum ca_standing ca_account(struct ca *ca, bool may_make,
			    char error[NODE_ERROR_MAX]);
/*
 * A person said that the account is lost: forgets all of it, so that another is
 * made.  error says why that cannot be done.
 */
enum rc ca_forget(struct ca *ca, char error[NODE_ERROR_MAX]);
/* What ca_account() said last. */
enum ca_standing ca_standing(const struct ca *ca);
const char *ca_standing_name(enum ca_standing s);
/* Its issuer names for CAA (caaIdentities); 0: the CA was not heard yet. */
size_t ca_issuers(const struct ca *ca, struct span out[DIRECTORY_ISSUERS_MAX]);

/*
 * Drives the job that was asked for of ca_client() to its end.  RC_CLOSED: the
 * program ends; the job goes on at the next start.  Another failure is one of
 * ours (the state could not be sealed, there is no key): nothing was asked
 * after that, and the job was broken off where it was; error says why.  In any
 * case but RC_CLOSED acme_outcome() says how it ended.
 */
enum rc ca_drive(struct ca *ca, const struct ca_help *help,
		 char error[NODE_ERROR_MAX]);
/* The account's key, for signatures of ours.  NULL: none.  Borrowed. */
const struct p256_private *ca_key(const struct ca *ca);

/*
 * Puts the account under a new key (RFC 8555 §7.3.5).  RC_SYS: the CA may have
 * it already, and then ca_key() is the new one; what could not be sealed is put
 * right by the next start or the next change.  One that was interrupted is
 * finished by ca_account().
 */
enum rc ca_change_key(struct ca *ca, char error[NODE_ERROR_MAX]);

#endif
