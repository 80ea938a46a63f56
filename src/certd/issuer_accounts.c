#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "certd/issuing.h"
#include "http/fetch.h"
#include "io/clock.h"

#define PURPOSE "pinned"

enum {
	ARENA_MAX = 16 * 1024 * 1024,
	ACCOUNT_AGE_S = 86'400, /* until it is asked for again */
};

/* ---- accounts ---- */

/* The directory, before there is a key to ask with. */
static bool read_directory(const struct config_authority *c,
			   struct directory *out)
{
	const struct fetch_options o = { .ca_file = c->ca };
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	char why[FETCH_ERROR_MAX];

	return !web_ask_init(&ask, WEB_GET, span_str(c->directory),
			     DIRECTORY_JSON_MAX) &&
	       fetch(&answer, why, &ask, &o) == FETCH_OK &&
	       answer.status == 200 &&
	       !directory_read(out, buf_span(&answer.body));
}

/*
 * No account was made here; but where CAA names one at this CA, there was one,
 * and making another would not get a certificate, only hide that it is lost.
 */
static bool was_there_one(struct issuer *i, const struct config_authority *c,
			  char error[NODE_ERROR_MAX])
{
	AUTO(mem_auto_free)
	struct directory *d = mem_new(sizeof(*d));
	struct span issuers[DIRECTORY_ISSUERS_MAX];
	char url[ACME_URL_MAX];

	if (!read_directory(c, d)) {
		error_set(error, "%s does not answer", c->directory);
		return true;
	}
	for (size_t k = 0; k < d->issuer_count; k++)
		issuers[k] = span_str(d->issuer[k]);
	for (size_t k = 0; k < i->pins.name_count; k++) {
		const struct pins_name *name = &i->pins.names[k];
		enum pins_trace trace = pins_trace(url, &i->pins, issuers,
						   d->issuer_count, name,
						   &i->vantage);

		if (trace == PINS_TRACE_NONE)
			continue;
		if (trace == PINS_TRACE_UNKNOWN)
			error_set(error,
				  "CAA of %s cannot be looked up, so whether "
				  "there was an account is not known",
				  name->text);
		else
			error_set(error,
				  "CAA of %s names the account %s, which is "
				  "not here: lost? see OPERATIONS.md",
				  name->text, url);
		return true;
	}
	return false;
}

static void say_account(struct issuer *i, const struct authority_entry *e,
			enum ca_standing standing)
{
	const char *directory = ca_config(e->ca)->directory;

	if (standing != CA_READY)
		log_event(i->o.log, LOG_ERROR, "account_not_ready",
			  LSTR("directory", directory),
			  LSTR("standing", ca_standing_name(standing)),
			  LSTR("why", e->why));
	alarm_set(i->o.alarm, standing != CA_READY, "account_not_ready",
		  directory, e->why);
}

static void look_at_account(struct issuer *i, struct authority_entry *e,
			    bool may_replace, int64_t now)
{
	const struct config_authority *c = ca_config(e->ca);
	bool may_make = c->agree;
	enum ca_standing standing;

	if (may_replace && ca_standing(e->ca) == CA_LOST &&
	    ca_forget(e->ca, e->why))
		return;
	if (ca_standing(e->ca) == CA_LOST) {
		say_account(i, e, CA_LOST);
		e->look_at = now + ACCOUNT_AGE_S;
		return;
	}
	e->why[0] = '\0';
	if (!may_make)
		error_set(e->why, "its terms are not agreed to");
	if (may_make && !ca_key(e->ca) && !may_replace &&
	    was_there_one(i, c, e->why))
		may_make = false;
	if (!ca_key(e->ca) && !may_make)
		standing = CA_NEW;
	else
		standing = ca_account(e->ca, may_make, e->why);
	e->look_at = now + (standing == CA_READY ? ACCOUNT_AGE_S
						 : ISSUING_RETRY_S);
	say_account(i, e, standing);
}

/* As the CA says it. */
static bool read_account(struct pins_account *out, struct ca *ca)
{
	struct span issuers[DIRECTORY_ISSUERS_MAX];
	size_t n = ca_issuers(ca, issuers);

	if (n == 0)
		return false;
	*out = (struct pins_account){ .issuer_count = n };
	(void)snprintf(out->url, sizeof(out->url), "%s",
		       acme_account(ca_client(ca))->url);
	for (size_t k = 0; k < n; k++)
		memcpy(out->issuer[k], issuers[k].p, issuers[k].n);
	return true;
}

/* A CA that does not answer has our account all the same: what CAA says of it
 * stays as it is and goes on being watched, as it was known last. */
static void add_account(struct issuer *i, struct ca *ca)
{
	struct pins *p = &i->pins;
	struct pins_account *a = &p->accounts[p->account_count];
	const char *url = acme_account(ca_client(ca))->url;

	if ((ca_standing(ca) == CA_READY && read_account(a, ca)) ||
	    (ca_standing(ca) == CA_ABSENT && url[0] &&
	     pinned_find(a, &i->pinned, url)))
		p->account_count++;
}

/* Where it fails the next round is here again. */
static void keep_pinned(struct issuer *i)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct pinned now = { .count = i->pins.account_count };

	for (size_t k = 0; k < now.count; k++)
		now.of[k] = i->pins.accounts[k];
	if (!now.count || pinned_equal(&now, &i->pinned))
		return;
	buf_init(&json, PINNED_STATE_MAX);
	if (pinned_write(&json, &now) ||
	    custody_put(i->o.custody, PURPOSE, buf_span(&json)))
		log_event(i->o.log, LOG_ERROR, "pinned_not_sealed");
	else
		i->pinned = now;
}

enum rc issuing_open_pinned(struct issuer *i, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	enum seal_reason reason;

	buf_init(&json, PINNED_STATE_MAX);
	reason = custody_get(i->o.custody, PURPOSE, &json);
	if (!reason && pinned_read(&i->pinned, buf_span(&json)))
		reason = (enum seal_reason)FORM_MALFORMED;
	if (!reason || reason == SEAL_ABSENT)
		return RC_OK;
	error_set(error, PURPOSE ": %s", seal_reason_name(reason));
	return RC_DENIED;
}

void issuing_accounts(struct issuer *i, unsigned wishes, int64_t now)
{
	size_t before = i->pins.account_count;

	for (size_t k = 0; k < i->ca_count; k++) {
		struct authority_entry *e = &i->cas[k];

		if (e->look_at <= now || wishes & ISSUER_NEW_ACCOUNT)
			look_at_account(i, e, wishes & ISSUER_NEW_ACCOUNT,
					now);
		if (wishes & ISSUER_CHANGE_KEY &&
		    ca_change_key(e->ca, e->why))
			log_event(i->o.log, LOG_ERROR, "key_not_changed",
				  LSTR("why", e->why));
	}
	issuing_enter(i);
	i->pins.account_count = 0;
	for (size_t k = 0; k < i->ca_count; k++)
		add_account(i, i->cas[k].ca);
	i->has_pins = i->pins.account_count > 0;
	if (i->pins.account_count != before)
		i->proved_at = 0;
	issuing_leave(i);
	keep_pinned(i);
}

/* ---- CAA ---- */

static void say_pinned(struct issuer *i, const struct pins_name *name)
{
	audit_event(i->o.audit, "caa_written",
		    { "name", span_str(name->text) },
		    { "account", span_str(i->pins.accounts[0].url) });
}

static bool pin_one(struct issuer *i, size_t k)
{
	const struct pins_name *name = &i->pins.names[k];
	AUTO(arena_fini)
	struct arena arena;
	struct pins_view view;
	char error[NODE_ERROR_MAX] = "";
	bool changed = false, is_good;
	enum rc rc = RC_OK;

	if (i->o.config->caa.pin && writer_may_write(&i->writer))
		rc = pins_write(&i->pins, name, &i->writer, &changed, error);
	if (changed)
		say_pinned(i, name);
	arena_init(&arena, ARENA_MAX);
	if (!rc)
		rc = vantage_refresh(&i->vantage, error);
	pins_look(&view, NULL, &i->pins, name, &i->vantage, &arena);
	is_good = view.state == PINS_HELD || view.state == PINS_ABOVE;
	if (!is_good && !writer_may_write(&i->writer))
		pins_say_wanted(&view, &i->pins, name);
	if (rc)
		(void)snprintf(view.why, sizeof(view.why), "%s", error);
	log_event(i->o.log, is_good && !rc ? LOG_INFO : LOG_WARN, "caa",
		  LSTR("name", name->text),
		  LSTR("state", pins_state_name(view.state)),
		  LSTR("trust", dns_trust_name(view.trust)),
		  LSTR("why", view.why), LSTR("rule", view.rule));
	alarm_set(i->o.alarm, !is_good || rc, "caa_not_pinned", name->text,
		  view.why);
	alarm_set(i->o.alarm, view.state == PINS_ABOVE, "caa_above_open",
		  name->text, view.why);
	/* A set that not every server shows is not in force yet. */
	since_saw(i->o.since, name->text,
		  is_good && rc ? PINS_UNKNOWN : view.state, clock_unix_s());
	issuing_enter(i);
	i->views[k] = view;
	issuing_leave(i);
	return is_good && !rc;
}

bool issuing_pin(struct issuer *i, int64_t now)
{
	bool is_good = i->has_pins;

	if (!i->o.config->caa.pin)
		return true;
	if (i->proved_at)
		return true;
	for (size_t k = 0; i->has_pins && k < i->pins.name_count; k++)
		is_good = pin_one(i, k) && is_good;
	issuing_enter(i);
	i->proved_at = is_good ? now : 0;
	issuing_leave(i);
	return is_good;
}
