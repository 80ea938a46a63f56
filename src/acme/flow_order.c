#include "acme/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	HTTP_CONFLICT = 409,
};

bool acme_has_order(const struct acme *a)
{
	return a->step == STEP_END && a->order && a->order->is_live;
}

bool acme_may_have_issued(const struct acme *a)
{
	return a->order && (a->order->is_live || a->order->is_finalized);
}

const struct names *acme_order_names(const struct acme *a)
{
	return a->order && a->order->is_live ? &a->order->names : NULL;
}

static bool copy(char *out, size_t cap, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (n >= cap)
		return false;
	if (n)
		memcpy(out, s, n);
	out[n] = 0;
	return true;
}

/* A fresh order in place of the last; *a is unchanged on failure. */
static enum rc begin(struct acme *a, const struct order_wish *w,
		     enum order_kind kind, enum step step)
{
	AUTO(mem_auto_free)
	struct order_job *o = mem_new(sizeof(*o));
	enum rc rc;

	if (acme_has_order(a))
		return RC_DENIED;
	if (!w->names->count)
		return RC_MALFORMED;
	o->kind = kind;
	o->is_live = true;
	o->names = *w->names;
	o->not_before = w->not_before;
	o->not_after = w->not_after;
	if (!copy(o->profile, sizeof(o->profile), w->profile) ||
	    !copy(o->replaces, sizeof(o->replaces), w->replaces))
		return RC_MALFORMED;
	rc = flow_start(a, true);
	if (rc)
		return rc;
	free(a->order);
	a->order = STEAL(o);
	a->is_order = true;
	buf_reset(&a->chain);
	flow_go(a, step);
	return RC_OK;
}

enum rc acme_order(struct acme *a, const struct order_wish *w)
{
	const struct directory *d = acme_directory(a);

	if (d && d->has_profiles && w->profile && w->profile[0] &&
	    !directory_has_profile(d, w->profile))
		return RC_UNSUPPORTED;
	return begin(a, w, KIND_ISSUE, STEP_ORDER_NEW);
}

enum rc acme_authorize(struct acme *a, const struct names *names)
{
	const struct order_wish w = { .names = names };

	for (size_t i = 0; i < names->count; i++)
		if (names->of[i].is_wildcard)
			return RC_MALFORMED; /* RFC 8555 §7.4.1 */
	return begin(a, &w, KIND_AUTHORIZE, STEP_AUTHZ_NEW);
}

enum rc acme_revoke_foreign(struct acme *a, struct span certificate,
			    unsigned reason)
{
	AUTO(mem_auto_free)
	struct names *names = mem_new(sizeof(*names));
	const struct order_wish w = { .names = names };
	struct web_cert c;
	enum rc rc;

	if (certificate.n > CERTIFICATE_MAX ||
	    web_parse(&c, certificate) != RC_OK ||
	    certcheck_names(names, &c) != RC_OK)
		return RC_MALFORMED;
	rc = begin(a, &w, KIND_REVOKE, STEP_ORDER_NEW);
	if (rc)
		return rc;
	buf_reset(&a->revoke_der);
	if (!buf_add(&a->revoke_der, certificate))
		return RC_LIMIT; /* not reached: bounded above */
	a->revoke_reason = reason;
	a->revoke_key = NULL;
	return RC_OK;
}

enum rc acme_resume(struct acme *a)
{
	struct order_job *o = a->order;
	enum rc rc;

	if (!acme_has_order(a))
		return RC_DENIED;
	rc = flow_start(a, true);
	if (rc)
		return rc;
	a->is_order = true;
	o->poll_since = 0;
	o->finalize_tries = 0;
	o->at = 0;
	if (o->url[0])
		flow_go(a, STEP_ORDER_LOOK);
	else if (o->kind == KIND_AUTHORIZE)
		flow_go(a, STEP_AUTHZ_NEW);
	else
		flow_go(a, STEP_ORDER_NEW);
	return RC_OK;
}

enum rc acme_abandon(struct acme *a)
{
	if (!acme_has_order(a))
		return RC_DENIED;
	a->outcome = (struct acme_outcome){ 0 };
	a->is_order = true;
	flow_end(a, ACME_END_ABANDONED, "The order was given up.", NULL);
	prove_give_up(a);
	return RC_OK;
}

enum rc say_order_new(struct acme *a)
{
	const struct order_job *o = a->order;
	const struct order_wish w = {
		.names = &o->names,
		.profile = o->profile,
		.replaces = o->replaces,
		.not_before = o->not_before,
		.not_after = o->not_after,
	};

	flow_call_entry(a, DIRECTORY_NEW_ORDER);
	/* Without an answer there may be an order: not one more by itself. */
	a->call.is_once = true;
	return order_new_payload(&a->call.payload, &w);
}

/* Reads the order in an answer and goes on by it. */
static void take_order(struct acme *a, const struct web_answer *answer,
		       int64_t now)
{
	AUTO(mem_auto_free)
	struct order_view *v = mem_new(sizeof(*v));

	if (order_read(v, &a->order->names, buf_span(&answer->body),
		       a->session.directory_url) != RC_OK)
		flow_malformed(a, "The CA's answer is no order for our names.",
			       "RFC 8555 7.1.3");
	else
		order_go(a, v, answer, now);
}

void take_order_new(struct acme *a, const struct web_answer *answer,
		    int64_t now)
{
	struct span location;

	if (!web_answer_only(answer, "Location", &location) ||
	    !directory_url(a->order->url, location,
			   a->session.directory_url)) {
		a->order->url[0] = 0;
		flow_malformed(a, "The CA did not say the order's URL.",
			       "RFC 8555 7.4");
		return;
	}
	a->is_changed = true;
	take_order(a, answer, now);
}

/* Some servers say "malformed" for a certificate that was replaced already;
 * RFC 9773 §5 has 409 for it. */
void refuse_order_new(struct acme *a, const struct problem *p, int64_t now)
{
	struct order_job *o = a->order;

	if (o->replaces[0] && (p->type == PROBLEM_ALREADY_REPLACED ||
			       p->status == HTTP_CONFLICT)) {
		o->replaces[0] = 0;
		o->has_dropped_replaces = true;
		a->is_changed = true;
		flow_go(a, STEP_ORDER_NEW);
		return;
	}
	flow_refused(a, p, now);
}

enum rc say_order_look(struct acme *a)
{
	flow_call(a, a->order->url);
	return RC_OK;
}

void take_order_look(struct acme *a, const struct web_answer *answer,
		     int64_t now)
{
	take_order(a, answer, now);
}

static void go_authz(struct acme *a, const struct order_view *v)
{
	struct order_job *o = a->order;

	if (o->authz_count != v->authz_count) {
		memset(o->authz, 0, sizeof(o->authz));
		o->authz_count = v->authz_count;
	}
	for (size_t i = 0; i < v->authz_count; i++) {
		struct authz *at = &o->authz[i];

		if (strcmp(at->url, v->authz[i]) != 0)
			*at = (struct authz){ 0 };
		memcpy(at->url, v->authz[i], sizeof(at->url));
	}
	o->at = 0;
	flow_go(a, STEP_AUTHZ_LOOK);
}

static void go_ready(struct acme *a)
{
	struct order_job *o = a->order;

	o->poll_since = 0;
	if (o->finalize_tries >= FINALIZE_MAX) {
		flow_end(a, ACME_END_TIMEOUT,
			 "The CA does not take the request for the "
			 "certificate.",
			 "RFC 8555 7.4");
		return;
	}
	if (o->kind == KIND_REVOKE)
		flow_go(a, STEP_REVOKE);
	else
		flow_go(a, o->certificate_key ? STEP_FINALIZE : STEP_KEY);
	if (a->step == STEP_FINALIZE && !o->is_finalized) {
		o->is_finalized = true; /* stored before it is said */
		a->is_changed = true;
	}
}

static void go_invalid(struct acme *a, const struct order_view *v, int64_t now)
{
	if (v->has_error) {
		flow_refused(a, &v->error, now);
		return;
	}
	flow_end(a, ACME_END_REFUSED, "The CA made the order invalid.",
		 "RFC 8555 7.1.6");
	prove_give_up(a);
}

void order_go(struct acme *a, const struct order_view *v,
	      const struct web_answer *answer, int64_t now)
{
	struct order_job *o = a->order;

	memcpy(o->finalize, v->finalize, sizeof(o->finalize));
	memcpy(o->certificate, v->certificate, sizeof(o->certificate));
	/* A restart came between proving and hiding. */
	if (o->proof_count && v->status != ORDER_PENDING &&
	    v->status != ORDER_INVALID) {
		a->after_hide = STEP_ORDER_LOOK;
		flow_go(a, STEP_HIDE);
		return;
	}
	switch (v->status) {
	case ORDER_PENDING:
		if (!o->all_valid) {
			go_authz(a, v);
			return;
		}
		[[fallthrough]];
	case ORDER_PROCESSING:
		flow_go(a, STEP_ORDER_LOOK);
		(void)flow_poll(a, answer, now); /* the job may have ended */
		return;
	case ORDER_READY:
		go_ready(a);
		return;
	case ORDER_VALID:
		if (o->kind == KIND_ISSUE && o->certificate_key)
			flow_go(a, STEP_FETCH);
		else
			go_ready(a);
		return;
	case ORDER_INVALID:
		go_invalid(a, v, now);
		return;
	}
}

enum rc acme_use_certificate_key(struct acme *a,
				 const struct p256_private *key)
{
	struct order_job *o = a->order;
	struct jws_thumbprint thumb;
	struct p256_point at;

	if (a->step != STEP_KEY)
		return RC_DENIED;
	p256_private_point(key, &at);
	jws_thumbprint(&thumb, &at);
	if (strcmp(thumb.text, a->account.key.text) == 0 ||
	    (o->is_finalized && strcmp(thumb.text, o->key.text) != 0))
		return RC_DENIED;
	o->key = thumb;
	o->certificate_key = key;
	a->is_changed = true;
	/* An order that was finalized before a restart: how is it now? */
	if (o->is_finalized)
		flow_go(a, STEP_ORDER_LOOK);
	else
		go_ready(a);
	return RC_OK;
}

const char *acme_certificate_key(const struct acme *a)
{
	return a->order ? a->order->key.text : "";
}

enum rc say_finalize(struct acme *a)
{
	AUTO(buf_fini)
	struct buf csr = { 0 };
	struct request_name names[NAMES_MAX];
	enum rc rc;

	buf_init(&csr, REQUEST_DER_MAX);
	names_request(names, &a->order->names);
	rc = request_make(&csr, a->order->certificate_key, names,
			  a->order->names.count);
	if (rc)
		return rc;
	a->order->finalize_tries++;
	flow_call(a, a->order->finalize);
	a->call.is_once = true;
	return order_finalize_payload(&a->call.payload, buf_span(&csr));
}

static void look_again(struct acme *a, const struct web_answer *answer,
		       int64_t now)
{
	flow_go(a, STEP_ORDER_LOOK);
	(void)flow_poll(a, answer, now); /* the job may have ended */
}

void take_finalize(struct acme *a, const struct web_answer *answer,
		   int64_t now)
{
	take_order(a, answer, now);
	/* As if it had not been asked: not again without a pause. */
	if (a->step == STEP_FINALIZE)
		look_again(a, answer, now);
}

void refuse_finalize(struct acme *a, const struct problem *p, int64_t now)
{
	if (p->type != PROBLEM_ORDER_NOT_READY) {
		flow_refused(a, p, now);
		return;
	}
	/* Not yet, or not any more: the order says which. */
	look_again(a, NULL, now);
}

/* It may have arrived: the order says so. */
void lost_finalize(struct acme *a, const struct problem *p, int64_t now)
{
	(void)p;
	look_again(a, NULL, now);
}
