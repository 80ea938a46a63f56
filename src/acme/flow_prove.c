#include "acme/flow.h"

#include <string.h>

#include "base/mem.h"

/* newAuthz, one name after the other. */
enum rc say_authz_new(struct acme *a)
{
	flow_call_entry(a, DIRECTORY_NEW_AUTHZ);
	return order_authz_payload(&a->call.payload,
				   &a->order->names.of[a->order->at]);
}

void take_authz_new(struct acme *a, const struct web_answer *answer,
		    int64_t now)
{
	struct order_job *o = a->order;
	struct authz *at = &o->authz[o->at];
	struct span location;

	(void)now;
	*at = (struct authz){ .name = o->names.of[o->at] };
	if (!web_answer_only(answer, "Location", &location) ||
	    !directory_url(at->url, location, a->session.directory_url)) {
		flow_malformed(a, "The CA did not say an authorization's URL.",
			       "RFC 8555 7.4.1");
		return;
	}
	o->authz_count = ++o->at;
	flow_go(a, STEP_AUTHZ_NEW);
	if (o->at == o->names.count) {
		o->at = 0;
		flow_go(a, STEP_AUTHZ_LOOK);
	}
}

enum rc say_authz_look(struct acme *a)
{
	flow_call(a, a->order->authz[a->order->at].url);
	return RC_OK;
}

/* One of the names that were asked for, and as it was (RFC 8555 §7.1.4: for a
 * wildcard 'wildcard' is true, for others it is not). */
static bool is_wanted(const struct names *names, const struct authz *at)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct name *n = &names->of[i];

		if (n->is_wildcard == at->is_wildcard &&
		    n->is_ip == at->name.is_ip &&
		    strcmp(name_base(n), at->name.text) == 0)
			return true;
	}
	return false;
}

/* Reads it in; false, and the job ended, when it is none or has failed. */
static bool read_authz(struct acme *a, const struct web_answer *answer,
		       int64_t now)
{
	struct authz *at = &a->order->authz[a->order->at];
	AUTO(mem_auto_free)
	struct problem *error = mem_new(sizeof(*error));

	if (authz_read(at, error, &a->methods, buf_span(&answer->body),
		       a->session.directory_url) != RC_OK) {
		flow_malformed(a, "The CA's answer is no authorization.",
			       "RFC 8555 7.1.4");
		return false;
	}
	if (!is_wanted(&a->order->names, at)) {
		flow_malformed(a,
			       "The CA's authorization is for a name that was "
			       "not asked for.",
			       "RFC 8555 7.1.4");
		return false;
	}
	if (at->status == AUTHZ_VALID || at->status == AUTHZ_PENDING)
		return true;
	flow_refused(a, error, now);
	if (!error->detail[0])
		flow_why(a, "authorization failed: ", error);
	return false;
}

static bool same_proof(const struct proof *x, const struct proof *y)
{
	return x->type == y->type && strcmp(x->where, y->where) == 0 &&
	       strcmp(x->value, y->value) == 0;
}

/* What was shown before a restart is not forgotten, only looked at again. */
static void add_proof(struct order_job *o, const struct proof *p)
{
	for (size_t i = 0; i < o->proof_count; i++)
		if (same_proof(&o->proof[i], p)) {
			o->proof[i] = *p;
			return;
		}
	if (o->proof_count < NAMES_MAX)
		o->proof[o->proof_count++] = *p;
}

static bool needs_proof(const struct authz *at)
{
	return at->status == AUTHZ_PENDING &&
	       at->challenge.status == CHALLENGE_PENDING;
}

static void all_looked(struct acme *a)
{
	struct order_job *o = a->order;
	bool is_any = false;

	for (size_t i = 0; i < o->authz_count; i++) {
		struct proof p;

		if (!needs_proof(&o->authz[i]))
			continue;
		proof_of(&p, &o->authz[i], &a->account.key, a->account.url);
		add_proof(o, &p);
		is_any = true;
	}
	o->at = 0;
	o->poll_since = 0;
	if (is_any)
		a->is_changed = true; /* stored before they are shown */
	flow_go(a, is_any ? STEP_SHOW : STEP_AUTHZ_POLL);
}

void take_authz_look(struct acme *a, const struct web_answer *answer,
		     int64_t now)
{
	struct order_job *o = a->order;

	if (!read_authz(a, answer, now))
		return;
	if (o->authz[o->at].status == AUTHZ_PENDING &&
	    !o->authz[o->at].is_chosen) {
		flow_end(a, ACME_END_NO_CHALLENGE,
			 "The CA offers none of our ways to prove a name.",
			 "RFC 8555 7.5");
		prove_give_up(a);
		return;
	}
	flow_go(a, STEP_AUTHZ_LOOK);
	if (++o->at == o->authz_count)
		all_looked(a);
}

size_t acme_proof_count(const struct acme *a)
{
	return a->order ? a->order->proof_count : 0;
}

const struct proof *acme_proof(const struct acme *a, size_t i)
{
	return &a->order->proof[i];
}

void acme_shown(struct acme *a, size_t i)
{
	struct order_job *o = a->order;

	if (a->step != STEP_SHOW || i >= o->proof_count)
		return;
	o->proof[i].state = PROOF_SHOWN;
	for (size_t k = 0; k < o->proof_count; k++)
		if (o->proof[k].state != PROOF_SHOWN)
			return;
	o->at = 0;
	flow_go(a, STEP_RESPOND);
}

void acme_not_shown(struct acme *a, size_t i, const char *why)
{
	struct order_job *o = a->order;

	if (a->step != STEP_SHOW || i >= o->proof_count)
		return;
	o->proof[i].state = PROOF_FAILED;
	flow_end(a, ACME_END_PROOF, why, "RFC 8555 8");
	prove_give_up(a);
}

enum rc say_respond(struct acme *a)
{
	struct order_job *o = a->order;

	while (o->at < o->authz_count && !needs_proof(&o->authz[o->at]))
		o->at++;
	if (o->at == o->authz_count) {
		o->at = 0;
		flow_go(a, STEP_AUTHZ_POLL);
		return say_authz_look(a);
	}
	flow_call(a, o->authz[o->at].challenge.url);
	return buf_add(&a->call.payload, span_str("{}")) ? RC_OK : RC_LIMIT;
}

void take_respond(struct acme *a, const struct web_answer *answer, int64_t now)
{
	struct order_job *o = a->order;

	(void)answer;
	(void)now;
	o->at++;
	flow_go(a, STEP_RESPOND);
	for (size_t i = o->at; i < o->authz_count; i++)
		if (needs_proof(&o->authz[i]))
			return;
	o->at = 0;
	flow_go(a, STEP_AUTHZ_POLL);
}

/* A second try of ours whose first one did arrive is refused, too: the
 * authorization decides. */
void refuse_respond(struct acme *a, const struct problem *p, int64_t now)
{
	if (p->type != PROBLEM_MALFORMED) {
		flow_refused(a, p, now);
		return;
	}
	a->outcome.problem = *p;
	a->order->has_refusal = true;
	take_respond(a, NULL, now);
}

void take_authz_poll(struct acme *a, const struct web_answer *answer,
		     int64_t now)
{
	struct order_job *o = a->order;

	if (!read_authz(a, answer, now))
		return;
	if (o->authz[o->at].status == AUTHZ_PENDING) {
		if (o->has_refusal && needs_proof(&o->authz[o->at])) {
			struct problem p = a->outcome.problem;

			flow_refused(a, &p, now);
		} else if (!flow_poll(a, answer, now)) {
			prove_give_up(a);
		}
		return;
	}
	o->poll_since = 0;
	flow_go(a, STEP_AUTHZ_POLL);
	if (++o->at == o->authz_count)
		prove_done(a);
}

void prove_done(struct acme *a)
{
	struct order_job *o = a->order;

	a->outcome.problem = (struct problem){ 0 };
	o->all_valid = true;
	if (o->proof_count) {
		a->after_hide = STEP_ORDER_LOOK;
		flow_go(a, STEP_HIDE);
	} else {
		flow_go(a, STEP_ORDER_LOOK);
	}
	if (o->kind != KIND_AUTHORIZE)
		return;
	a->outcome.end = ACME_END_OK;
	if (o->proof_count) {
		a->after_hide = STEP_END;
		return;
	}
	o->is_live = false;
	a->is_changed = true;
	flow_go(a, STEP_END);
}

/* What is left to do after a failure: hide, give back, forget. */
static void drop(struct acme *a)
{
	struct order_job *o = a->order;

	o->at = 0;
	while (o->at < o->authz_count &&
	       o->authz[o->at].status != AUTHZ_PENDING)
		o->at++;
	if (o->at < o->authz_count && a->outcome.end != ACME_END_ACCOUNT &&
	    a->outcome.end != ACME_END_ABANDONED) {
		flow_go(a, STEP_DROP);
		return;
	}
	o->is_live = false;
	a->is_changed = true;
	flow_go(a, STEP_END);
}

/* The CA is busy, and the order is as good as before. */
static bool is_kept(const struct acme *a)
{
	return a->order->url[0] && a->outcome.end == ACME_END_REFUSED &&
	       problem_cure_of(&a->outcome.problem) == CURE_WAIT &&
	       a->outcome.problem.status;
}

void prove_give_up(struct acme *a)
{
	if (is_kept(a))
		return;
	if (!a->order->proof_count) {
		drop(a);
		return;
	}
	a->after_hide = STEP_DROP;
	flow_go(a, STEP_HIDE);
}

void acme_hidden(struct acme *a)
{
	struct order_job *o = a->order;

	if (a->step != STEP_HIDE)
		return;
	o->proof_count = 0;
	a->is_changed = true;
	if (a->after_hide == STEP_DROP) {
		drop(a);
		return;
	}
	if (a->after_hide == STEP_END)
		o->is_live = false;
	flow_go(a, a->after_hide);
}

enum rc say_drop(struct acme *a)
{
	flow_call(a, a->order->authz[a->order->at].url);
	a->call.is_once = true;
	return order_deactivate_payload(&a->call.payload);
}

/* Whether the CA takes it back or not: it was a courtesy. */
static void next_drop(struct acme *a)
{
	a->order->authz[a->order->at].status = AUTHZ_DEACTIVATED;
	drop(a);
}

void take_drop(struct acme *a, const struct web_answer *answer, int64_t now)
{
	(void)answer;
	(void)now;
	next_drop(a);
}

void refuse_drop(struct acme *a, const struct problem *p, int64_t now)
{
	(void)p;
	(void)now;
	next_drop(a);
}
