#include "acme/client.h"

#include <stdlib.h>
#include <string.h>

#include "acme/flow.h"
#include "acme/when.h"
#include "base/mem.h"
#include "base/secret.h"

const struct step_ops flow_steps[STEP_COUNT] = {
	[STEP_END] = { .want = ACME_WANT_NOTHING },
	[STEP_REGISTER] = { ACME_WANT_ASK, say_register, take_register,
			    NULL, NULL },
	[STEP_FIND] = { ACME_WANT_ASK, say_find, take_find, refuse_find,
			NULL },
	[STEP_UPDATE] = { ACME_WANT_ASK, say_update, take_update, NULL, NULL },
	[STEP_DEACTIVATE] = { ACME_WANT_ASK, say_deactivate, take_deactivate,
			      NULL, NULL },
	[STEP_KEY_PROBE] = { ACME_WANT_ASK, say_key_probe, take_key_probe,
			     refuse_key_probe, NULL },
	[STEP_KEY_CHANGE] = { ACME_WANT_ASK, say_key_change, take_key_change,
			      refuse_key_change, NULL },
	[STEP_ORDER_NEW] = { ACME_WANT_ASK, say_order_new, take_order_new,
			     refuse_order_new, NULL },
	[STEP_AUTHZ_NEW] = { ACME_WANT_ASK, say_authz_new, take_authz_new,
			     NULL, NULL },
	[STEP_ORDER_LOOK] = { ACME_WANT_ASK, say_order_look, take_order_look,
			      NULL, NULL },
	[STEP_AUTHZ_LOOK] = { ACME_WANT_ASK, say_authz_look, take_authz_look,
			      NULL, NULL },
	[STEP_SHOW] = { .want = ACME_WANT_SHOW },
	[STEP_RESPOND] = { ACME_WANT_ASK, say_respond, take_respond,
			   refuse_respond, NULL },
	[STEP_AUTHZ_POLL] = { ACME_WANT_ASK, say_authz_look, take_authz_poll,
			      NULL, NULL },
	[STEP_HIDE] = { .want = ACME_WANT_HIDE },
	[STEP_KEY] = { .want = ACME_WANT_KEY },
	[STEP_FINALIZE] = { ACME_WANT_ASK, say_finalize, take_finalize,
			    refuse_finalize, lost_finalize },
	[STEP_FETCH] = { ACME_WANT_ASK, say_fetch, take_fetch, NULL, NULL },
	[STEP_ALTERNATE] = { ACME_WANT_ASK, say_alternate, take_alternate,
			     refuse_alternate, refuse_alternate },
	[STEP_DROP] = { ACME_WANT_ASK, say_drop, take_drop, refuse_drop,
			refuse_drop },
	[STEP_REVOKE] = { ACME_WANT_ASK, say_revoke, take_revoke,
			  refuse_revoke, NULL },
	[STEP_RENEWAL] = { ACME_WANT_ASK, say_renewal, take_renewal, NULL,
			   NULL },
};

static bool copy(char *out, size_t cap, const char *s)
{
	size_t n = strlen(s);

	if (!n || n >= cap)
		return false;
	memcpy(out, s, n + 1);
	return true;
}

static bool copy_binding(struct acme *a, const struct acme_settings *s)
{
	if (!s->binding_kid)
		return true;
	if (!s->binding_key.n || s->binding_key.n > sizeof(a->binding_key) ||
	    !copy(a->binding_kid, sizeof(a->binding_kid), s->binding_kid))
		return false;
	memcpy(a->binding_key, s->binding_key.p, s->binding_key.n);
	a->binding_key_len = s->binding_key.n;
	return true;
}

static enum rc copy_settings(struct acme *a, const struct acme_settings *s)
{
	enum rc rc = session_init(&a->session, s->directory);

	if (rc)
		return rc;
	if (s->contact_count > ACCOUNT_CONTACTS_MAX || !copy_binding(a, s) ||
	    (s->issuer && !copy(a->issuer, sizeof(a->issuer), s->issuer)))
		return RC_MALFORMED;
	for (size_t i = 0; i < s->contact_count; i++)
		if (!copy(a->contact[a->contact_count++], ACCOUNT_CONTACT_MAX,
			  s->contacts[i]))
			return RC_MALFORMED;
	a->agrees = s->agrees;
	a->methods = s->methods;
	a->roots = s->roots;
	return RC_OK;
}

enum rc acme_new(struct acme **out, const struct acme_settings *s)
{
	AUTO(acme_auto)
	struct acme *a = mem_new(sizeof(*a));
	enum rc rc;

	call_init(&a->call);
	buf_init(&a->chain, ACME_CHAIN_MAX);
	buf_init(&a->revoke_der, CERTIFICATE_MAX);
	rc = copy_settings(a, s);
	if (rc)
		return rc;
	*out = STEAL(a);
	return RC_OK;
}

void acme_free(struct acme *a)
{
	if (!a)
		return;
	call_fini(&a->call);
	web_ask_fini(&a->ask);
	buf_fini(&a->chain);
	buf_fini(&a->revoke_der);
	free(a->order);
	secret_wipe(a->binding_key, sizeof(a->binding_key));
	free(a);
}

void acme_auto(struct acme **a)
{
	acme_free(*a);
}

void acme_use_account_key(struct acme *a, const struct p256_private *key)
{
	a->key = key;
}

void flow_go(struct acme *a, enum step next)
{
	a->step = next;
	a->is_said = false;
	a->is_asked = false;
	a->call.tries = 0;
	a->call.bad_nonces = 0;
	a->call.is_once = false;
}

static void set_text(char *out, size_t cap, const char *text)
{
	size_t n = strlen(text);

	if (n >= cap)
		n = cap - 1;
	memcpy(out, text, n);
	out[n] = 0;
}

void flow_end(struct acme *a, enum acme_end end, const char *why,
	      const char *rule)
{
	a->outcome.end = end;
	a->outcome.rule = rule;
	if (why)
		set_text(a->outcome.why, sizeof(a->outcome.why), why);
	flow_go(a, STEP_END);
}

void flow_why(struct acme *a, const char *prefix, const struct problem *p)
{
	struct wr w = wr_over(a->outcome.why, sizeof(a->outcome.why) - 1);

	wr_printf(&w, "%s%s: ", prefix, problem_name(p->type));
	if (!w.over) {
		size_t room = w.cap - w.n, n = strlen(p->detail);

		wr_bytes(&w, span_of(p->detail, n < room ? n : room));
	}
	a->outcome.why[wr_span(&w).n] = 0;
}

void flow_refused(struct acme *a, const struct problem *p, int64_t now)
{
	const bool by_account = a->call.auth == CALL_ACCOUNT;

	(void)now;
	a->outcome.problem = *p;
	a->outcome.retry_at = p->retry_at;
	if (p->type == PROBLEM_ACCOUNT_DOES_NOT_EXIST && by_account) {
		a->account.status = ACCOUNT_LOST;
		a->is_changed = true;
		flow_end(a, ACME_END_ACCOUNT,
			 "The CA no longer knows our account. CAA records pin "
			 "it, so no other one is made by itself: restore the "
			 "account's key, or register anew and change the pins.",
			 "RFC 8555 7.3");
	} else {
		flow_why(a, "", p);
		flow_end(a, ACME_END_REFUSED, NULL, "RFC 8555 6.7");
	}
	if (a->is_order)
		prove_give_up(a);
}

void flow_malformed(struct acme *a, const char *what, const char *rule)
{
	flow_end(a, ACME_END_MALFORMED, what, rule);
	if (a->is_order)
		prove_give_up(a);
}

void flow_call(struct acme *a, const char *url)
{
	struct call *c = &a->call;

	call_fini(c);
	call_init(c);
	c->auth = CALL_ACCOUNT;
	c->key = a->key;
	memcpy(c->kid, a->account.url, sizeof(c->kid));
	memcpy(c->url, url, strlen(url) + 1);
}

void flow_call_entry(struct acme *a, enum directory_entry entry)
{
	flow_call(a, "");
	a->call.entry = entry;
}

bool flow_poll(struct acme *a, const struct web_answer *answer, int64_t now)
{
	struct order_job *o = a->order;
	int64_t at = answer ? when_retry(answer, now) : 0;
	int64_t pause = POLL_FIRST;

	if (!o->poll_since) {
		o->poll_since = now;
		o->polls = 0;
	}
	if (now - o->poll_since > POLL_LIMIT) {
		flow_end(a, ACME_END_TIMEOUT,
			 "The CA did not decide within an hour.",
			 "RFC 8555 7.5.1");
		return false;
	}
	for (unsigned i = 0; i < o->polls && pause < POLL_MAX; i++)
		pause *= 2;
	o->polls++;
	if (at <= now)
		at = now + (pause < POLL_MAX ? pause : POLL_MAX);
	if (at > now + POLL_LIMIT)
		at = now + POLL_LIMIT;
	a->wait_until = at;
	flow_go(a, a->step);
	return true;
}

/* The step's request, or the time to wait for; ends the job if it cannot be
 * written. */
static enum acme_want ask(struct acme *a, int64_t now)
{
	int64_t wait_until = 0;
	enum rc rc = RC_OK;

	/* What is said has URLs of the directory in it. */
	if (!a->is_said && session_is_ready(&a->session, now)) {
		rc = flow_steps[a->step].say(a);
		a->is_said = true;
	}
	if (!rc)
		rc = session_ask(&a->session, &a->call, &a->ask, now,
				 &wait_until);
	if (rc == RC_UNSUPPORTED) {
		flow_end(a, ACME_END_UNSUPPORTED,
			 "The CA's directory does not offer this.",
			 "RFC 8555 7.1.1");
		return acme_next(a, now);
	}
	if (rc) {
		flow_malformed(a, "A request could not be written.", NULL);
		return acme_next(a, now);
	}
	a->wait_until = wait_until;
	if (wait_until > now)
		return ACME_WANT_WAIT;
	a->is_asked = true;
	return ACME_WANT_ASK;
}

enum acme_want acme_next(struct acme *a, int64_t now)
{
	if (a->is_changed)
		return ACME_WANT_STORE;
	if (flow_steps[a->step].want != ACME_WANT_ASK)
		return flow_steps[a->step].want;
	if (a->is_asked)
		return ACME_WANT_ASK;
	if (a->wait_until > now)
		return ACME_WANT_WAIT;
	a->wait_until = 0;
	return ask(a, now);
}

const struct web_ask *acme_ask(const struct acme *a)
{
	return &a->ask;
}

int64_t acme_wait_until(const struct acme *a)
{
	return a->wait_until;
}

/* An order whose URL we never learned cannot be gone on with. */
static void forget_nameless(struct acme *a)
{
	if (a->is_order && !a->order->url[0] && !a->order->proof_count)
		a->order->is_live = false;
}

void acme_break_off(struct acme *a, const char *why)
{
	if (a->step == STEP_END)
		return;
	flow_end(a, ACME_END_BROKEN_OFF, why, NULL);
	a->wait_until = 0;
	forget_nameless(a);
}

static void lost(struct acme *a, const struct problem *p, int64_t now)
{
	if (flow_steps[a->step].lost) {
		flow_steps[a->step].lost(a, p, now);
		return;
	}
	a->outcome.problem = *p;
	a->outcome.retry_at = p->retry_at;
	flow_end(a, ACME_END_UNREACHABLE,
		 "The CA gave no answer that could be used.", NULL);
	forget_nameless(a);
}

void acme_answer(struct acme *a, const struct web_answer *answer, int64_t now)
{
	const struct step_ops *ops = &flow_steps[a->step];
	AUTO(mem_auto_free)
	struct problem *p = mem_new(sizeof(*p));

	if (!a->is_asked)
		return;
	a->is_asked = false;
	switch (session_answer(&a->session, &a->call, answer, now, p)) {
	case SESSION_AGAIN:
		return;
	case SESSION_ANSWERED:
		ops->take(a, answer, now);
		return;
	case SESSION_REFUSED:
		if (ops->refuse)
			ops->refuse(a, p, now);
		else
			flow_refused(a, p, now);
		return;
	case SESSION_UNREACHABLE:
		lost(a, p, now);
		return;
	}
}

const char *acme_end_name(enum acme_end end)
{
	static const char *const names[] = {
		[ACME_END_NONE] = "none",
		[ACME_END_OK] = "ok",
		[ACME_END_REFUSED] = "refused",
		[ACME_END_UNREACHABLE] = "unreachable",
		[ACME_END_MALFORMED] = "malformed",
		[ACME_END_UNSUPPORTED] = "unsupported",
		[ACME_END_PROOF] = "proof",
		[ACME_END_NO_CHALLENGE] = "no_challenge",
		[ACME_END_TIMEOUT] = "timeout",
		[ACME_END_CERTIFICATE] = "certificate",
		[ACME_END_ACCOUNT] = "account",
		[ACME_END_ABANDONED] = "abandoned",
		[ACME_END_BROKEN_OFF] = "broken_off",
	};

	return names[end];
}

const struct acme_outcome *acme_outcome(const struct acme *a)
{
	return &a->outcome;
}

const struct account *acme_account(const struct acme *a)
{
	return &a->account;
}

const struct directory *acme_directory(const struct acme *a)
{
	return a->session.has_directory ? &a->session.directory : NULL;
}

struct span acme_chain(const struct acme *a)
{
	return buf_span(&a->chain);
}

const struct renewal_window *acme_window(const struct acme *a)
{
	return a->has_window ? &a->window : NULL;
}

bool acme_dropped_replaces(const struct acme *a)
{
	return a->order && a->order->has_dropped_replaces;
}
