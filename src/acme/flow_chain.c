#include "acme/flow.h"

#include <string.h>

#include "acme/when.h"
#include "base/mem.h"

enum rc say_fetch(struct acme *a)
{
	flow_call(a, a->order->certificate);
	return RC_OK;
}

/* One link-value: <URI> ; parameters.  Takes it and the comma behind it. */
static bool rd_link(struct span *s, struct span *uri, struct span *params)
{
	bool is_quoted = false;
	size_t n = 0;

	while (s->n && (s->p[0] == ' ' || s->p[0] == '\t' || s->p[0] == ','))
		(void)rd_skip(s, 1); /* there is one */
	if (!s->n || s->p[0] != '<' || !rd_skip(s, 1) ||
	    !rd_until(s, uri, '>'))
		return false;
	while (n < s->n && (is_quoted || s->p[n] != ','))
		if (s->p[n++] == '"')
			is_quoted = !is_quoted;
	return rd_n(s, params, n);
}

/* A parameter of it is rel=alternate, quoted or not. */
static bool is_alternate(struct span params)
{
	struct span p;

	while (rd_until(&params, &p, ';')) {
		while (p.n && (p.p[0] == ' ' || p.p[0] == '\t'))
			(void)rd_skip(&p, 1); /* there is one */
		while (p.n && (p.p[p.n - 1] == ' ' || p.p[p.n - 1] == '\t'))
			p.n--;
		if (span_equal_nocase(p, span_str("rel=\"alternate\"")) ||
		    span_equal_nocase(p, span_str("rel=alternate")))
			return true;
	}
	return false;
}

static void add_alternate(struct acme *a, struct span uri)
{
	struct order_job *o = a->order;
	char url[ACME_URL_MAX];

	if (o->alternate_count == ACME_ALTERNATES_MAX ||
	    !directory_url(url, uri, a->session.directory_url) ||
	    strcmp(url, o->certificate) == 0)
		return;
	for (size_t i = 0; i < o->alternate_count; i++)
		if (strcmp(url, o->alternate[i]) == 0)
			return;
	memcpy(o->alternate[o->alternate_count++], url, sizeof(url));
}

/* Of the first chain only: the others' links could go on for ever. */
static void read_alternates(struct acme *a, const struct web_answer *answer)
{
	struct span field, uri, params;

	a->order->alternate_count = 0;
	for (size_t i = 0; web_answer_get(answer, "Link", i, &field); i++)
		while (rd_link(&field, &uri, &params))
			if (is_alternate(params))
				add_alternate(a, uri);
}

/* A chain that is as ordered is kept when it is the first, or, with true, the
 * one that the settings ask for. */
static bool consider(struct acme *a, const struct web_answer *answer,
		     int64_t now, enum certcheck_reason *check)
{
	AUTO(certcheck_fini)
	struct certcheck_chain chain = { 0 };
	struct p256_point key;
	const struct certcheck_query q = {
		.names = &a->order->names,
		.key = &key,
		.now = now,
		.roots = a->roots,
	};
	bool is_wanted;

	p256_private_point(a->order->certificate_key, &key);
	*check = certcheck_read(&chain, buf_span(&answer->body));
	if (*check == CERTCHECK_OK)
		*check = certcheck_judge(&chain, &q);
	if (*check != CERTCHECK_OK)
		return false;
	is_wanted = !a->issuer[0] || certcheck_has_issuer(&chain, a->issuer);
	if (a->chain.n && !is_wanted)
		return false;
	buf_reset(&a->chain);
	if (!buf_add(&a->chain, buf_span(&answer->body))) {
		*check = CERTCHECK_NOT_PEM; /* too large */
		return false;
	}
	return is_wanted;
}

static void end_order(struct acme *a)
{
	a->order->is_live = false;
	a->is_changed = true;
	flow_go(a, STEP_END);
}

static void end_chains(struct acme *a)
{
	if (a->chain.n) {
		a->outcome.end = ACME_END_OK;
		end_order(a);
		return;
	}
	a->outcome.check = a->order->first_check;
	flow_end(a, ACME_END_CERTIFICATE,
		 "The certificate that the CA sent is not what was ordered.",
		 certcheck_rule(a->order->first_check));
	end_order(a);
}

static void next_alternate(struct acme *a)
{
	flow_go(a, STEP_ALTERNATE);
	if (a->order->at == a->order->alternate_count)
		end_chains(a);
}

/* What another chain cannot change: it has the same leaf. */
static bool is_of_leaf(enum certcheck_reason r)
{
	return r != CERTCHECK_OK && r != CERTCHECK_BROKEN_CHAIN &&
	       r != CERTCHECK_NO_ROOT && r != CERTCHECK_NOT_PEM;
}

void take_fetch(struct acme *a, const struct web_answer *answer, int64_t now)
{
	struct order_job *o = a->order;

	buf_reset(&a->chain);
	read_alternates(a, answer);
	o->at = 0;
	if (consider(a, answer, now, &o->first_check) ||
	    is_of_leaf(o->first_check))
		end_chains(a);
	else
		next_alternate(a);
}

enum rc say_alternate(struct acme *a)
{
	flow_call(a, a->order->alternate[a->order->at]);
	return RC_OK;
}

void take_alternate(struct acme *a, const struct web_answer *answer,
		    int64_t now)
{
	enum certcheck_reason check;

	a->order->at++;
	if (consider(a, answer, now, &check))
		end_chains(a);
	else
		next_alternate(a);
}

void refuse_alternate(struct acme *a, const struct problem *p, int64_t now)
{
	(void)p;
	(void)now;
	a->order->at++;
	next_alternate(a);
}

enum rc acme_revoke(struct acme *a, struct span certificate, unsigned reason,
		    const struct p256_private *certificate_key)
{
	struct web_cert c;
	enum rc rc;

	if (certificate.n > CERTIFICATE_MAX ||
	    web_parse(&c, certificate) != RC_OK)
		return RC_MALFORMED;
	/* The foreign certificate of an order that waits is kept there. */
	if (acme_has_order(a) && a->order->kind == KIND_REVOKE)
		return RC_DENIED;
	rc = flow_start(a, !certificate_key);
	if (rc)
		return rc;
	buf_reset(&a->revoke_der);
	if (!buf_add(&a->revoke_der, certificate))
		return RC_LIMIT; /* not reached: bounded above */
	a->revoke_reason = reason;
	a->revoke_key = certificate_key;
	flow_go(a, STEP_REVOKE);
	return RC_OK;
}

enum rc say_revoke(struct acme *a)
{
	flow_call_entry(a, DIRECTORY_REVOKE_CERT);
	if (a->revoke_key) {
		a->call.auth = CALL_KEY;
		a->call.key = a->revoke_key;
	}
	return order_revoke_payload(&a->call.payload, buf_span(&a->revoke_der),
				    a->revoke_reason);
}

static void revoked(struct acme *a)
{
	flow_end(a, ACME_END_OK, NULL, NULL);
	if (a->is_order)
		end_order(a);
}

void take_revoke(struct acme *a, const struct web_answer *answer, int64_t now)
{
	(void)answer;
	(void)now;
	revoked(a);
}

void refuse_revoke(struct acme *a, const struct problem *p, int64_t now)
{
	if (p->type == PROBLEM_ALREADY_REVOKED)
		revoked(a);
	else
		flow_refused(a, p, now);
}

enum rc acme_ask_renewal(struct acme *a, struct span certificate)
{
	struct web_cert c;

	if (web_parse(&c, certificate) != RC_OK)
		return RC_MALFORMED;
	if (a->step != STEP_END)
		return RC_DENIED;
	if (!renewal_id(a->renewal_id, &c))
		return RC_UNSUPPORTED;
	a->outcome = (struct acme_outcome){ 0 };
	a->is_order = false;
	a->has_window = false;
	flow_go(a, STEP_RENEWAL);
	return RC_OK;
}

enum rc say_renewal(struct acme *a)
{
	const char *base = a->session.directory.url[DIRECTORY_RENEWAL_INFO];
	char url[ACME_URL_MAX];
	struct wr w = wr_over(url, sizeof(url) - 1);
	struct span text;

	if (!base[0])
		return RC_UNSUPPORTED;
	wr_printf(&w, "%s%s%s", base,
		  base[strlen(base) - 1] == '/' ? "" : "/", a->renewal_id);
	if (!wr_done(&w, &text))
		return RC_LIMIT;
	url[text.n] = 0;
	flow_call(a, url);
	a->call.auth = CALL_GET;
	return RC_OK;
}

void take_renewal(struct acme *a, const struct web_answer *answer, int64_t now)
{
	if (renewal_read(&a->window, buf_span(&answer->body)) != RC_OK) {
		flow_end(a, ACME_END_MALFORMED,
			 "The CA's answer has no window to renew in.",
			 "RFC 9773 4.2");
		return;
	}
	a->window.retry_at = when_retry(answer, now);
	a->has_window = true;
	flow_end(a, ACME_END_OK, NULL, NULL);
}
