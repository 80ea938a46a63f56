/*
 * problem: what an ACME server refuses, why, and what can be done about it.
 *
 * Source: RFC 7807 §3.1; RFC 8555 §6.7, §6.7.1 (subproblems); RFC 9773 §7.4
 * (alreadyReplaced); draft-ietf-acme-profiles §5 (invalidProfile).
 */
#ifndef POSTERN_ACME_PROBLEM_H
#define POSTERN_ACME_PROBLEM_H

#include "acme/directory.h"
#include "acme/name.h"
#include "json/jtree.h"
#include "web/exchange.h"

enum problem_type {
	PROBLEM_OTHER, /* a type we do not know, or no problem document */
	PROBLEM_ACCOUNT_DOES_NOT_EXIST,
	PROBLEM_ALREADY_REPLACED,
	PROBLEM_ALREADY_REVOKED,
	PROBLEM_BAD_CSR,
	PROBLEM_BAD_NONCE,
	PROBLEM_BAD_PUBLIC_KEY,
	PROBLEM_BAD_REVOCATION_REASON,
	PROBLEM_BAD_SIGNATURE_ALGORITHM,
	PROBLEM_CAA,
	PROBLEM_COMPOUND,
	PROBLEM_CONNECTION,
	PROBLEM_DNS,
	PROBLEM_EXTERNAL_ACCOUNT_REQUIRED,
	PROBLEM_INCORRECT_RESPONSE,
	PROBLEM_INVALID_CONTACT,
	PROBLEM_INVALID_PROFILE,
	PROBLEM_MALFORMED,
	PROBLEM_ORDER_NOT_READY,
	PROBLEM_RATE_LIMITED,
	PROBLEM_REJECTED_IDENTIFIER,
	PROBLEM_SERVER_INTERNAL,
	PROBLEM_TLS,
	PROBLEM_UNAUTHORIZED,
	PROBLEM_UNSUPPORTED_CONTACT,
	PROBLEM_UNSUPPORTED_IDENTIFIER,
	PROBLEM_USER_ACTION_REQUIRED,
	PROBLEM_TYPES,
};

/* What has to happen before the same thing is tried again. */
enum problem_cure {
	CURE_RESEND, /* nothing: send it again with another nonce */
	CURE_DONE, /* nothing: it is as we wanted it */
	CURE_DROP_REPLACES, /* order again, not as a replacement */
	CURE_LOOK, /* ask how the order stands */
	CURE_WAIT, /* time, as long as the server says or the ledger */
	CURE_PROOF, /* the name's DNS or server, then a new order */
	CURE_CAA, /* the CAA records */
	CURE_SETTINGS, /* what we ask for: names, profile, contact, reason */
	CURE_PERSON, /* somebody who agrees, or signs up, at the CA */
	CURE_ACCOUNT, /* somebody who knows what became of the account */
	CURE_OURS, /* a mistake of this program */
};

enum {
	PROBLEM_TYPE_MAX = 128,
	PROBLEM_DETAIL_MAX = 512,
	PROBLEM_SUBS_MAX = 16,
};

struct subproblem {
	enum problem_type type;
	char identifier[NAME_MAX_LEN + 1]; /* empty: of none */
	char detail[PROBLEM_DETAIL_MAX];
};

struct problem {
	enum problem_type type;
	unsigned status; /* of HTTP; 0: it stood inside an object */
	int64_t retry_at; /* unix seconds; 0: not said */
	/* Texts are printable ASCII: what else came is escaped, and cut. */
	char uri[PROBLEM_TYPE_MAX]; /* its type as sent */
	char detail[PROBLEM_DETAIL_MAX];
	char instance[ACME_URL_MAX]; /* where to agree to new terms, etc. */
	size_t sub_count; /* further ones are left out */
	struct subproblem sub[PROBLEM_SUBS_MAX];
};

/* The short name, "badNonce"; "other" for PROBLEM_OTHER. */
const char *problem_name(enum problem_type type);
enum problem_cure problem_cure(enum problem_type type);
/* "wait", ... */
const char *problem_cure_name(enum problem_cure cure);
/*
 * The same for the whole problem: of its subproblems, when it is a compound
 * one, the one that takes most; of one without a known type by its status.
 */
enum problem_cure problem_cure_of(const struct problem *p);

/* Reads an answer that is not a success, whatever its body is. */
void problem_of_answer(struct problem *out, const struct web_answer *a,
		       int64_t now);
/* The same of an "error" member; a NULL or other value gives OTHER. */
void problem_of_tree(struct problem *out, const struct jtree *error);

#endif
