/*
 * flow: inside of the client: its jobs as steps.  Only client, state and the
 * flow_*.c include this.
 *
 * A step either says something to the CA (say fills the call, take reads the
 * answer, refuse and lost are for when it did not go well), or waits for the
 * caller.  Every one of them ends by calling flow_go() or flow_end().
 */
#ifndef POSTERN_ACME_FLOW_H
#define POSTERN_ACME_FLOW_H

#include "acme/client.h"

enum step {
	STEP_END,
	/* accounts */
	STEP_REGISTER,
	STEP_FIND,
	STEP_UPDATE,
	STEP_DEACTIVATE,
	STEP_KEY_PROBE, /* which key counts after a change nobody finished */
	STEP_KEY_CHANGE,
	/* orders */
	STEP_ORDER_NEW,
	STEP_AUTHZ_NEW, /* newAuthz of each name */
	STEP_ORDER_LOOK,
	STEP_AUTHZ_LOOK, /* each authorization */
	STEP_SHOW, /* the caller */
	STEP_RESPOND, /* each challenge */
	STEP_AUTHZ_POLL, /* each authorization, until it is decided */
	STEP_HIDE, /* the caller; then 'after_hide' */
	STEP_KEY, /* the caller */
	STEP_FINALIZE,
	STEP_FETCH,
	STEP_ALTERNATE, /* each other chain */
	STEP_DROP, /* each authorization left over by a failure */
	/* by themselves */
	STEP_REVOKE,
	STEP_RENEWAL,
	STEP_COUNT,
};

enum order_kind {
	KIND_ISSUE,
	KIND_AUTHORIZE,
	KIND_REVOKE, /* §7.6: prove, then revoke */
};

enum {
	POLL_FIRST = 1, /* seconds between looks; doubles */
	POLL_MAX = 60,
	POLL_LIMIT = 3'600, /* and then it is a timeout */
	FINALIZE_MAX = 4, /* tries at a request that comes to nothing */
	CERTIFICATE_MAX = 64 * 1024, /* DER to revoke */
};

struct order_job {
	enum order_kind kind;
	bool is_live; /* part of the state */
	struct names names;
	char profile[ACME_PROFILE_MAX], replaces[ORDER_REPLACES_MAX];
	int64_t not_before, not_after;
	bool has_dropped_replaces;
	char url[ACME_URL_MAX], finalize[ACME_URL_MAX];
	char certificate[ACME_URL_MAX];
	size_t authz_count;
	struct authz authz[NAMES_MAX];
	size_t proof_count;
	struct proof proof[NAMES_MAX];
	size_t at; /* which of the list the step is at */
	bool all_valid; /* every authorization was */
	bool has_refusal; /* a challenge was refused: outcome.problem */
	struct jws_thumbprint key; /* of the certificate; empty: none yet */
	bool is_finalized; /* a request may have reached the CA */
	const struct p256_private *certificate_key;
	unsigned polls;
	int64_t poll_since; /* 0: not polling */
	unsigned finalize_tries;
	size_t alternate_count;
	char alternate[ACME_ALTERNATES_MAX][ACME_URL_MAX];
	enum certcheck_reason first_check;
};

struct acme {
	char contact[ACCOUNT_CONTACTS_MAX][ACCOUNT_CONTACT_MAX];
	size_t contact_count;
	bool agrees;
	char binding_kid[ACCOUNT_CONTACT_MAX];
	uint8_t binding_key[ACCOUNT_BINDING_KEY_MAX];
	size_t binding_key_len;
	struct authz_methods methods;
	char issuer[DIRECTORY_ISSUER_MAX];
	const struct path_roots *roots;

	struct session session;
	struct call call;
	struct web_ask ask;
	bool is_said; /* the call is the step's */
	bool is_asked; /* 'ask' waits for its answer */

	struct account account;
	const struct p256_private *key, *new_key;

	enum step step, after_hide;
	bool is_order; /* the job is that of 'order' */
	bool is_changed; /* to be stored */
	int64_t wait_until;
	struct acme_outcome outcome;

	struct order_job *order; /* NULL: there never was one */
	struct buf chain;
	struct buf revoke_der;
	unsigned revoke_reason;
	const struct p256_private *revoke_key; /* NULL: as the account */
	char renewal_id[ORDER_REPLACES_MAX];
	struct renewal_window window;
	bool has_window;
};

struct step_ops {
	enum acme_want want; /* ACME_WANT_ASK, or what the caller has to do */
	enum rc (*say)(struct acme *a);
	void (*take)(struct acme *a, const struct web_answer *answer,
		     int64_t now);
	/* NULL: flow_refused() */
	void (*refuse)(struct acme *a, const struct problem *p, int64_t now);
	/* NULL: the job ends ACME_END_UNREACHABLE */
	void (*lost)(struct acme *a, const struct problem *p, int64_t now);
};
extern const struct step_ops flow_steps[STEP_COUNT];

/*
 * Begins a job: forgets how the last one ended.  RC_DENIED: another one is
 * under way, there is no account key, or, with 'needs_account', no valid
 * account under that key.
 */
enum rc flow_start(struct acme *a, bool needs_account);
/* The next step; nothing is asked yet. */
void flow_go(struct acme *a, enum step next);
/* The job ends: 'why' is a sentence, 'rule' may be NULL. */
void flow_end(struct acme *a, enum acme_end end, const char *why,
	      const char *rule);
/* The CA refused: by what it says. */
void flow_refused(struct acme *a, const struct problem *p, int64_t now);
void flow_malformed(struct acme *a, const char *what, const char *rule);

/* A call by the account, POST-as-GET of 'url' until a payload is written. */
void flow_call(struct acme *a, const char *url);
void flow_call_entry(struct acme *a, enum directory_entry entry);
/* Looks again later; false, and the job ended, when that was too often. */
bool flow_poll(struct acme *a, const struct web_answer *answer, int64_t now);
/* A problem in a sentence: "caa: detail". */
void flow_why(struct acme *a, const char *prefix, const struct problem *p);

/* The steps, by the file they are in. */
#define STEP_SAY(name) enum rc name(struct acme *a)
#define STEP_TAKE(name) \
	void name(struct acme *a, const struct web_answer *answer, int64_t now)
#define STEP_REFUSE(name) \
	void name(struct acme *a, const struct problem *p, int64_t now)

/* flow_account.c */
STEP_SAY(say_register);
STEP_TAKE(take_register);
STEP_SAY(say_find);
STEP_TAKE(take_find);
STEP_REFUSE(refuse_find);
STEP_SAY(say_update);
STEP_TAKE(take_update);
STEP_SAY(say_deactivate);
STEP_TAKE(take_deactivate);
STEP_SAY(say_key_probe);
STEP_TAKE(take_key_probe);
STEP_REFUSE(refuse_key_probe);
STEP_SAY(say_key_change);
STEP_TAKE(take_key_change);
STEP_REFUSE(refuse_key_change);

/* flow_order.c */
STEP_SAY(say_order_new);
STEP_TAKE(take_order_new);
STEP_REFUSE(refuse_order_new);
STEP_SAY(say_order_look);
STEP_TAKE(take_order_look);
STEP_SAY(say_finalize);
STEP_TAKE(take_finalize);
STEP_REFUSE(refuse_finalize);
STEP_REFUSE(lost_finalize);
/* Where an order stands decides what is next. */
void order_go(struct acme *a, const struct order_view *v,
	      const struct web_answer *answer, int64_t now);

/* flow_prove.c */
STEP_SAY(say_authz_new);
STEP_TAKE(take_authz_new);
STEP_SAY(say_authz_look);
STEP_TAKE(take_authz_look);
STEP_SAY(say_respond);
STEP_TAKE(take_respond);
STEP_REFUSE(refuse_respond);
STEP_TAKE(take_authz_poll);
STEP_SAY(say_drop);
STEP_TAKE(take_drop);
STEP_REFUSE(refuse_drop);
/* All of them are proven: what the order was for comes next. */
void prove_done(struct acme *a);
/* Takes what is shown away and then ends the job (its outcome is set). */
void prove_give_up(struct acme *a);

/* flow_chain.c */
STEP_SAY(say_fetch);
STEP_TAKE(take_fetch);
STEP_SAY(say_alternate);
STEP_TAKE(take_alternate);
STEP_REFUSE(refuse_alternate);
STEP_SAY(say_revoke);
STEP_TAKE(take_revoke);
STEP_REFUSE(refuse_revoke);
STEP_SAY(say_renewal);
STEP_TAKE(take_renewal);

#endif
