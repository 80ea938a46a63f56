#include "certd/issuance.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"
#include "io/clock.h"

static void failed_event(struct issuance *i, const char *event,
			 const struct slot *s, const char *why)
{
	log_event(i->o->log, LOG_ERROR, event,
		  LSTR("names", s ? s->config->names.of[0].text : ""),
		  LSTR("why", why));
}

/* ---- what is done again ---- */

enum {
	RETRY_FIRST_S = 2,
	RETRY_MAX_S = 600,
};

static void again(struct issuance_retry *r, bool is_done)
{
	int64_t wait = RETRY_MAX_S;

	if (is_done) {
		*r = (struct issuance_retry){ 0 };
		return;
	}
	if (r->failures < 9 && RETRY_FIRST_S << r->failures < RETRY_MAX_S)
		wait = RETRY_FIRST_S << r->failures;
	r->failures++;
	r->at = clock_unix_s() + wait;
}

void issuance_tell_edge(struct issuance *i)
{
	char error[NODE_ERROR_MAX] = "";
	enum rc rc = showing_tell_edge(i->showing, error);

	if (rc)
		failed_event(i, "edge_not_told", NULL, error);
	alarm_set(i->o->alarm, rc != RC_OK, "edge_not_told", i->o->config->edge,
		  error);
	again(&i->edge, !rc);
}

static enum rc save_ledger(struct issuance *i)
{
	AUTO(buf_fini)
	struct buf json = { 0 };

	buf_init(&json, LEDGER_STATE_MAX);
	if (ledger_save(i->ledger, &json) ||
	    custody_put(i->o->custody, "ledger", buf_span(&json)))
		return RC_SYS;
	return RC_OK;
}

/* Everything that could not be sealed, or is to be: a full disk must not cost
 * a certificate, nor be forgotten. */
static void seal_all(struct issuance *i)
{
	bool is_done = true;

	for (size_t k = 0; k < i->slot_count; k++) {
		struct slot *s = &i->slots[k];

		if (s->is_unsealed)
			(void)slot_save(s, i->o->custody); /* it knows */
		if (s->is_unbooked)
			s->is_unbooked = custody_issued(i->o->custody, &s->spki,
							&s->tbs, s->not_after,
							s->issued_at) != RC_OK;
		is_done = is_done && !s->is_unsealed && !s->is_unbooked;
	}
	if (i->is_ledger_unsealed)
		i->is_ledger_unsealed = save_ledger(i) != RC_OK;
	is_done = is_done && !i->is_ledger_unsealed;
	alarm_set(i->o->alarm, !is_done, "not_sealed", "",
		  "a certificate that is served, or what was ordered, could "
		  "not be sealed: a restart would not know it");
	again(&i->seal, is_done);
}

static int64_t sooner(int64_t at, const struct issuance_retry *r)
{
	return r->at && r->at < at ? r->at : at;
}

int64_t issuance_catch_up(struct issuance *i, int64_t now)
{
	if (i->edge.at && i->edge.at <= now)
		issuance_tell_edge(i);
	if (i->seal.at && i->seal.at <= now)
		seal_all(i);
	return sooner(sooner(INT64_MAX, &i->edge), &i->seal);
}

enum rc issuance_shelve(struct issuance *i, struct slot *s,
			char error[NODE_ERROR_MAX])
{
	struct p256_private *key = NULL;
	enum seal_reason reason =
		custody_key_by_spki(i->o->custody, &key, &s->spki);
	char *pem;

	if (reason) {
		error_set(error, "key of the certificate: %s",
			  seal_reason_name(reason));
		return RC_DENIED;
	}
	pem = p256_private_to_pem(key);
	p256_private_free(key);
	shelf_put_certificate(i->o->shelf, (size_t)(s - i->slots),
			      &s->config->names, buf_span(&s->chain), pem);
	secret_wipe(pem, strlen(pem));
	free(pem);
	return RC_OK;
}

/* ---- what the client asks of us ---- */

struct errand {
	struct issuance *i;
	struct slot *s;
};

static enum rc show(void *arg, const struct proof *p,
		    char error[NODE_ERROR_MAX])
{
	struct errand *e = arg;
	enum rc rc = showing_show(e->i->showing, p, error);

	log_event(e->i->o->log, rc ? LOG_WARN : LOG_INFO, "challenge_shown",
		  LSTR("type", challenge_name(p->type)),
		  LSTR("where", p->where), LSTR("result", rc_name(rc)),
		  LSTR("why", error));
	return rc;
}

static void hide(void *arg, const struct proof *p)
{
	struct errand *e = arg;

	showing_hide(e->i->showing, p);
}

/* Key first: made, quoted and sealed before a request for it is signed. */
static enum rc give_key(void *arg, struct p256_private **out,
			const char *thumbprint, char error[NODE_ERROR_MAX])
{
	struct errand *e = arg;
	enum seal_reason reason;

	if (!thumbprint[0])
		return custody_key_new(e->i->o->custody, out, e->s->id, error);
	reason = custody_key_by_thumbprint(e->i->o->custody, out, thumbprint);
	if (!reason)
		return RC_OK;
	error_set(error, "key of the order: %s", seal_reason_name(reason));
	return RC_DENIED;
}

static struct ca_help help_of(struct errand *e)
{
	return (struct ca_help){
		.arg = e,
		.show = show,
		.hide = hide,
		.key = give_key,
	};
}

/* ---- the end of an order ---- */

static void audit_issued(struct issuance *i, const struct slot *s)
{
	char spki[65] = "", tbs[65] = "";
	struct wr a = wr_over(spki, 64), b = wr_over(tbs, 64);

	text_hex(&a, SPAN_ARRAY(s->spki.b));
	text_hex(&b, SPAN_ARRAY(s->tbs.b));
	audit_event(i->o->audit, "certificate_issued",
		    { "name", span_str(s->config->names.of[0].text) },
		    { "directory", span_str(s->directory) },
		    { "spki", span_str(spki) }, { "tbs", span_str(tbs) });
}

/*
 * Evidence first, then the edge: who sees the new certificate finds it in the
 * evidence.  What cannot be sealed now is served all the same, and sealed
 * later: the CA would count another order.
 */
static enum rc take_chain(struct issuance *i, struct slot *s, struct ca *ca)
{
	struct acme *client = ca_client(ca);
	char error[NODE_ERROR_MAX] = "";
	int64_t now = clock_unix_s();
	enum rc rc;

	(void)pthread_mutex_lock(i->lock);
	rc = slot_take(s, acme_chain(client), ca_config(ca)->directory,
		       i->o->custody, now, error);
	(void)pthread_mutex_unlock(i->lock);
	if (rc == RC_OK || rc == RC_SYS) {
		rc = custody_issued(i->o->custody, &s->spki, &s->tbs,
				    s->not_after, now);
		s->is_unbooked = rc == RC_SYS;
	}
	if (rc == RC_OK || rc == RC_SYS)
		rc = issuance_shelve(i, s, error);
	if (rc) {
		failed_event(i, "certificate_not_kept", s,
			     error[0] ? error : rc_name(rc));
		return rc;
	}
	ledger_succeeded(i->ledger, s->directory, &s->hash, now);
	audit_issued(i, s);
	i->is_ledger_unsealed = true;
	seal_all(i);
	(void)i->o->publish(i->o->arg); /* the round asks when to, again */
	issuance_tell_edge(i);
	return RC_OK;
}

static bool is_of_ca(const struct acme_outcome *o)
{
	return o->end == ACME_END_UNREACHABLE ||
	       (o->end == ACME_END_REFUSED && o->problem.status >= 500);
}

static void book_failure(struct issuance *i, struct slot *s, struct ca *ca)
{
	const struct acme_outcome *o = acme_outcome(ca_client(ca));
	struct ledger_failure f = {
		.retry_at = o->retry_at,
		.deadline = s->has_chain ? s->not_after : 0,
		.whole_ca = is_of_ca(o),
		.may_have_issued = acme_may_have_issued(ca_client(ca)),
	};

	rng_bytes(&f.random, sizeof(f.random));
	ledger_failed(i->ledger, ca_config(ca)->directory, &s->hash, &f,
		      clock_unix_s());
	log_event(i->o->log, LOG_ERROR, "order_failed",
		  LSTR("names", s->config->names.of[0].text),
		  LSTR("directory", ca_config(ca)->directory),
		  LSTR("end", acme_end_name(o->end)),
		  LSTR("problem", problem_name(o->problem.type)),
		  LSTR("why", o->why), LSTR("detail", o->problem.detail),
		  LSTR("rule", o->rule ? o->rule : ""));
	audit_event(i->o->audit, "order_failed",
		    { "name", span_str(s->config->names.of[0].text) },
		    { "directory", span_str(ca_config(ca)->directory) },
		    { "end", span_str(acme_end_name(o->end)) },
		    { "why", span_str(o->why) });
	(void)save_ledger(i); /* the next one fails where this does */
}

static enum rc finish(struct issuance *i, struct slot *s, struct ca *ca)
{
	const struct acme_outcome *o = acme_outcome(ca_client(ca));
	bool is_ok = o->end == ACME_END_OK;
	enum rc rc = RC_DENIED;

	s->has_failed = !is_ok;
	if (is_ok)
		rc = take_chain(i, s, ca);
	else
		book_failure(i, s, ca);
	alarm_set(i->o->alarm, rc != RC_OK, "no_certificate",
		  s->config->names.of[0].text, is_ok ? rc_name(rc) : o->why);
	return rc;
}

static enum rc drive(struct issuance *i, struct slot *s, struct ca *ca)
{
	struct errand errand = { .i = i, .s = s };
	const struct ca_help help = help_of(&errand);
	char error[NODE_ERROR_MAX] = "";
	enum rc rc = ca_drive(ca, &help, error);

	if (rc == RC_CLOSED)
		return rc;
	/* Also when it was over and only its end could not be sealed: the
	 * certificate is there, or the failure is to be booked. */
	if (rc)
		failed_event(i, "order_stopped", s, error);
	return finish(i, s, ca);
}

static struct slot *slot_for(struct issuance *i, const struct names *names)
{
	for (size_t k = 0; k < i->slot_count; k++)
		if (names_equal(&i->slots[k].config->names, names))
			return &i->slots[k];
	return NULL;
}

/* Its names are configured no more. */
static enum rc abandon(struct issuance *i, struct ca *ca)
{
	struct errand errand = { .i = i };
	const struct ca_help help = help_of(&errand);
	char error[NODE_ERROR_MAX] = "";
	enum rc rc = acme_abandon(ca_client(ca));

	return rc ? rc : ca_drive(ca, &help, error);
}

enum rc issuance_resume(struct issuance *i, struct ca *ca)
{
	struct acme *client = ca_client(ca);
	struct slot *s;
	enum rc rc;

	if (!acme_has_order(client))
		return RC_OK;
	s = slot_for(i, acme_order_names(client));
	if (!s)
		return abandon(i, ca);
	ledger_heed_clock(i->ledger, clock_unix_s());
	if (s->has_failed &&
	    ledger_resume_at(i->ledger, ca_config(ca)->directory, &s->hash) >
		    clock_unix_s())
		return RC_OK;
	log_event(i->o->log, LOG_INFO, "order_resumed",
		  LSTR("names", s->config->names.of[0].text));
	rc = acme_resume(client);
	return rc ? rc : drive(i, s, ca);
}

static enum rc not_made(struct issuance *i, struct slot *s, enum rc rc)
{
	failed_event(i, "order_not_made", s, rc_name(rc));
	alarm_set(i->o->alarm, true, "no_certificate",
		  s->config->names.of[0].text, rc_name(rc));
	return rc;
}

static enum rc book(struct issuance *i, struct slot *s, const char *directory)
{
	const int64_t now = clock_unix_s();
	const struct ledger_ask ask = {
		.names = &s->hash,
		.is_early = slot_is_early(s, now),
	};
	enum rc rc = ledger_book(i->ledger, directory, &ask, now);

	return rc ? rc : save_ledger(i);
}

enum rc issuance_order(struct issuance *i, struct slot *s, struct ca *ca)
{
	const char *directory = ca_config(ca)->directory;
	bool replaces = s->has_chain && !s->renewal.is_replaced &&
			strcmp(s->directory, directory) == 0;
	const struct order_wish wish = {
		.names = &s->config->names,
		.profile = ca_config(ca)->profile,
		.replaces = replaces ? s->renewal.id : NULL,
	};
	/* Nothing is asked before drive(): what cannot begin is not booked. */
	enum rc rc = acme_order(ca_client(ca), &wish);

	if (rc)
		return not_made(i, s, rc);
	rc = book(i, s, directory);
	if (rc) {
		acme_break_off(ca_client(ca), "The order was not booked.");
		(void)finish(i, s, ca); /* it failed */
		return rc;
	}
	audit_event(i->o->audit, "order",
		    { "name", span_str(s->config->names.of[0].text) },
		    { "directory", span_str(directory) });
	return drive(i, s, ca);
}

enum rc issuance_ask_renewal(struct issuance *i, struct slot *s, struct ca *ca)
{
	AUTO(certcheck_fini)
	struct certcheck_chain room = { 0 };
	const struct ca_help none = { 0 };
	struct acme *client = ca_client(ca);
	char error[NODE_ERROR_MAX] = "";
	uint64_t random;
	struct span leaf;
	enum rc rc;

	if (!slot_leaf(s, &room, &leaf))
		return RC_MALFORMED;
	rc = acme_ask_renewal(client, leaf);
	if (!rc)
		rc = ca_drive(ca, &none, error);
	if (rc == RC_CLOSED)
		return rc;
	rng_bytes(&random, sizeof(random));
	if (!rc && acme_outcome(client)->end == ACME_END_OK)
		renewal_take(&s->renewal, acme_window(client), clock_unix_s(),
			     random);
	else
		renewal_miss(&s->renewal, acme_outcome(client)->retry_at,
			     clock_unix_s());
	return slot_save(s, i->o->custody);
}

enum rc issuance_revoke(struct issuance *i, struct slot *s, struct ca *ca,
			unsigned reason)
{
	AUTO(certcheck_fini)
	struct certcheck_chain room = { 0 };
	const struct ca_help none = { 0 };
	char error[NODE_ERROR_MAX] = "";
	struct span leaf;
	enum rc rc;

	if (!slot_leaf(s, &room, &leaf))
		return RC_DENIED;
	rc = acme_revoke(ca_client(ca), leaf, reason, NULL);
	if (!rc)
		rc = ca_drive(ca, &none, error);
	if (!rc && acme_outcome(ca_client(ca))->end != ACME_END_OK)
		rc = RC_DENIED;
	audit_event(i->o->audit, "revoke",
		    { "name", span_str(s->config->names.of[0].text) },
		    { "result", span_str(rc_name(rc)) },
		    { "why", span_str(acme_outcome(ca_client(ca))->why) });
	return rc;
}

enum rc issuance_revoke_foreign(struct issuance *i, struct span der,
				struct ca *ca, unsigned reason)
{
	struct errand errand = { .i = i };
	const struct ca_help help = {
		.arg = &errand,
		.show = show,
		.hide = hide,
	};
	struct acme *client = ca_client(ca);
	char error[NODE_ERROR_MAX] = "", hex[65] = "";
	struct wr w = wr_over(hex, 64);
	struct sha256 fingerprint;
	enum rc rc = acme_revoke_foreign(client, der, reason);

	if (!rc)
		rc = ca_drive(ca, &help, error);
	if (!rc && acme_outcome(client)->end != ACME_END_OK)
		rc = RC_DENIED;
	sha256_of(&fingerprint, der);
	text_hex(&w, SPAN_ARRAY(fingerprint.b));
	audit_event(i->o->audit, "revoke_foreign",
		    { "certificate", span_str(hex) },
		    { "directory", span_str(ca_config(ca)->directory) },
		    { "result", span_str(rc_name(rc)) },
		    { "why", span_str(acme_outcome(client)->why) });
	return rc;
}
