/*
 * issuer: the thread that has accounts, pins names, orders certificates and
 * renews them.  Straight-line, blocking code: rare work is worth plain code.
 *
 * A round: make sure of the accounts; write and prove CAA; go on with what a
 * crash interrupted; order what is due; ask when the others are to be renewed;
 * sleep until the first of all that.
 */
#ifndef POSTERN_CERTD_ISSUER_H
#define POSTERN_CERTD_ISSUER_H

#include "certd/alarm.h"
#include "certd/ca.h"
#include "certd/hold.h"
#include "certd/pins.h"
#include "certd/showing.h"
#include "certd/since.h"
#include "certd/slot.h"

struct issuer_options {
	const struct config *config;
	const struct log *log;
	struct custody *custody;
	struct audit *audit;
	struct alarm *alarm;
	struct shelf *shelf;
	struct runner *runner;
	struct sightings *sightings;
	struct hold *hold;
	struct since *since;
	/* Something that evidence tells of may have changed: publish it, now,
	 * and before the edge is told.  Returns when to call it again though
	 * nothing has changed; 0: no need. */
	int64_t (*publish)(void *arg);
	void *arg;
};

struct issuer;

/* Opens all that it needs and puts sealed certificates on the shelf; no thread
 * yet.  error says what fails. */
enum rc issuer_new(struct issuer **out, const struct issuer_options *o,
		   char error[NODE_ERROR_MAX]);
enum rc issuer_start(struct issuer *i);
/* Ends the thread; what it was doing goes on at the next start. */
void issuer_free(struct issuer *i);

/* From any thread; done by and by. */
enum issuer_wish {
	ISSUER_ROUND = 0, /* a round, which publishes what is new */
	ISSUER_RENEW = 1, /* all certificates, now */
	ISSUER_CHANGE_KEY = 2, /* of every account */
	ISSUER_NEW_ACCOUNT = 4, /* although CAA names one that is lost */
	ISSUER_REVOKE = 8, /* what is served, and then get another */
	ISSUER_LOOK = 16, /* at CAA again */
	ISSUER_REVOKE_FOREIGN = 32, /* all that the monitor has found */
	ISSUER_SERVE = 64, /* what is held back; see certd/hold.h */
	ISSUER_TELL_EDGE = 128, /* that something has changed */
};
void issuer_ask(struct issuer *i, enum issuer_wish wish);

/* What others need of it; copies.  False: nothing yet. */
bool issuer_pins(struct issuer *i, struct pins *out);
/* All of them were written and proved, and nothing has asked for that anew. */
bool issuer_is_pinned(struct issuer *i);
struct issuer_account {
	char directory[ACME_URL_MAX], url[ACME_URL_MAX];
	const char *profile; /* of the configuration, or NULL */
	struct p256_point key;
};
/* The account of the preferred CA that is ready. */
bool issuer_account(struct issuer *i, struct issuer_account *out);
/* Signs with that account's key.  False: there is none. */
bool issuer_sign(struct issuer *i, struct p256_signature *out,
		 struct span message);
/* A copy of one certificate's chain.  False: none is there. */
struct issuer_certificate {
	const struct names *names;
	struct buf chain; /* the caller's: buf_fini() */
	struct sha256 spki, tbs;
	int64_t not_before, not_after;
};
bool issuer_certificate(struct issuer *i, size_t index,
			struct issuer_certificate *out);

#endif
