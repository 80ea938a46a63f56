#include "certd/issuer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/issuance.h"
#include "certd/sightings.h"
#include "certd/standing.h"
#include "http/fetch.h"
#include "io/clock.h"

enum {
	ARENA_MAX = 16 * 1024 * 1024,
	RETRY_S = 60, /* of what the ledger does not know: accounts, CAA */
	ACCOUNT_AGE_S = 86'400, /* until it is asked for again */
	ROUND_S = 6 * 3'600, /* at the least */
	FOREIGN_MAX = 64 * 1024, /* bytes of a certificate to revoke */
	REASON_CEASED = 5, /* cessationOfOperation, RFC 5280 §5.3.1 */
};

struct issuer {
	struct issuer_options o;
	struct pulse pulse;
	pthread_t thread;
	bool is_running;
	atomic_uint wishes;

	struct vantage vantage;
	struct writer writer;
	struct showing showing;
	struct authority_entry cas[LEDGER_CAS_MAX];
	size_t ca_count;
	struct ledger ledger;
	struct issuance work;

	/* The lock is over what other threads copy. */
	pthread_mutex_t lock;
	struct slot slots[CONFIG_CERTIFICATES_MAX];
	size_t slot_count;
	struct pins pins;
	bool has_pins;
	struct pins_view views[PINS_NAMES_MAX];
	int64_t proved_at; /* when CAA was; 0: not, or not any more */
};

static void enter(struct issuer *i)
{
	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive */
}

static void leave(struct issuer *i)
{
	(void)pthread_mutex_unlock(&i->lock); /* we hold it */
}

/* ---- opening ---- */

static enum rc load_ledger(struct issuer *i, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	enum seal_reason reason;

	buf_init(&json, FORM_SECRET_MAX);
	ledger_init(&i->ledger);
	reason = custody_get(i->o.custody, "ledger", &json);
	if (!reason && ledger_load(&i->ledger, buf_span(&json)))
		reason = (enum seal_reason)FORM_MALFORMED;
	if (!reason || reason == SEAL_ABSENT)
		return RC_OK;
	error_set(error, "ledger: %s", seal_reason_name(reason));
	return RC_DENIED;
}

static enum rc open_cas(struct issuer *i, char error[NODE_ERROR_MAX])
{
	const struct conf_list *list = &i->o.config->authorities;
	const struct config_authority *all = list->items;
	enum rc rc = RC_OK;

	for (size_t k = 0; !rc && k < list->count; k++) {
		const struct ca_options o = {
			.config = &all[k],
			.challenges = &i->o.config->challenges,
			.custody = i->o.custody,
			.audit = i->o.audit,
			.pulse = &i->pulse,
			.log = i->o.log,
		};

		rc = ca_open(&i->cas[k].ca, &o, i->cas[k].why);
		if (rc)
			error_set(error, "authorities[%zu]: %s", k,
				  i->cas[k].why);
		else
			i->ca_count++;
	}
	return rc;
}

static enum rc open_slots(struct issuer *i, char error[NODE_ERROR_MAX])
{
	const struct conf_list *list = &i->o.config->certificates;
	const struct config_certificate *all = list->items;
	enum rc rc = RC_OK;

	for (size_t k = 0; !rc && k < list->count; k++) {
		rc = slot_open(&i->slots[k], &all[k], i->o.custody, error);
		if (rc)
			break;
		i->work.slot_count = ++i->slot_count;
		if (i->slots[k].has_chain)
			rc = issuance_shelve(&i->work, &i->slots[k], error);
		if (!rc && pins_add_names(&i->pins, &all[k].names)) {
			error_set(error, "too many names");
			rc = RC_LIMIT;
		}
	}
	return rc;
}

static void share(struct issuer *i)
{
	i->showing = (struct showing){
		.config = i->o.config,
		.writer = &i->writer,
		.shelf = i->o.shelf,
		.runner = i->o.runner,
		.log = i->o.log,
	};
	i->work = (struct issuance){
		.o = &i->o,
		.pulse = &i->pulse,
		.showing = &i->showing,
		.ledger = &i->ledger,
		.slots = i->slots,
		.lock = &i->lock,
	};
}

static void name_methods(struct issuer *i)
{
	const enum challenge_type *ways = i->o.config->challenges.items;

	i->pins.iodef = i->o.config->caa.iodef;
	i->pins.method_count = i->o.config->challenges.count;
	for (size_t k = 0; k < i->pins.method_count; k++)
		i->pins.methods[k] = ways[k];
}

enum rc issuer_new(struct issuer **out, const struct issuer_options *o,
		   char error[NODE_ERROR_MAX])
{
	struct issuer *i = mem_new(sizeof(*i));
	enum rc rc;

	i->o = *o;
	pulse_init(&i->pulse);
	(void)pthread_mutex_init(&i->lock, NULL); /* cannot fail here */
	atomic_init(&i->wishes, 0);
	share(i);
	name_methods(i);
	rc = load_ledger(i, error);
	if (!rc)
		rc = vantage_open(&i->vantage, &o->config->dns, error);
	if (!rc)
		rc = writer_open(&i->writer, &o->config->dns, &i->vantage,
				 error);
	if (!rc)
		rc = open_cas(i, error);
	if (!rc)
		rc = open_slots(i, error);
	if (rc) {
		issuer_free(i);
		return rc;
	}
	*out = i;
	return RC_OK;
}

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
	e->look_at = now + (standing == CA_READY ? ACCOUNT_AGE_S : RETRY_S);
	say_account(i, e, standing);
}

static void add_account(struct pins *p, struct ca *ca)
{
	struct pins_account *a = &p->accounts[p->account_count];
	struct span issuers[DIRECTORY_ISSUERS_MAX];
	size_t n = ca_issuers(ca, issuers);

	if (ca_standing(ca) != CA_READY || n == 0)
		return;
	*a = (struct pins_account){ .issuer_count = n };
	(void)snprintf(a->url, sizeof(a->url), "%s",
		       acme_account(ca_client(ca))->url);
	for (size_t k = 0; k < n; k++)
		memcpy(a->issuer[k], issuers[k].p, issuers[k].n);
	p->account_count++;
}

static void look_at_accounts(struct issuer *i, unsigned wishes, int64_t now)
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
	enter(i);
	i->pins.account_count = 0;
	for (size_t k = 0; k < i->ca_count; k++)
		add_account(&i->pins, i->cas[k].ca);
	i->has_pins = i->pins.account_count > 0;
	if (i->pins.account_count != before)
		i->proved_at = 0;
	leave(i);
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
	enter(i);
	i->views[k] = view;
	leave(i);
	return is_good && !rc;
}

/* True: every name is held, and orders may go out. */
static bool pin_all(struct issuer *i, int64_t now)
{
	bool is_good = i->has_pins;

	if (!i->o.config->caa.pin)
		return true;
	if (i->proved_at)
		return true;
	for (size_t k = 0; i->has_pins && k < i->pins.name_count; k++)
		is_good = pin_one(i, k) && is_good;
	enter(i);
	i->proved_at = is_good ? now : 0;
	leave(i);
	return is_good;
}

/* ---- certificates ---- */

static struct ca *ca_of(struct issuer *i, const char *directory)
{
	for (size_t k = 0; k < i->ca_count; k++)
		if (strcmp(ca_config(i->cas[k].ca)->directory, directory) == 0)
			return i->cas[k].ca;
	return NULL;
}

static void earlier(int64_t *at, int64_t other)
{
	if (other < *at)
		*at = other;
}

static enum rc order_due(struct issuer *i, struct slot *s, int64_t now,
			 int64_t *wake)
{
	const char *directories[LEDGER_CAS_MAX];
	struct ca *cas[LEDGER_CAS_MAX];
	struct ledger_choice choice;
	size_t n = 0;

	for (size_t k = 0; k < i->ca_count; k++) {
		if (ca_standing(i->cas[k].ca) != CA_READY)
			continue;
		cas[n] = i->cas[k].ca;
		directories[n++] = ca_config(i->cas[k].ca)->directory;
	}
	if (n == 0) {
		earlier(wake, now + RETRY_S);
		return RC_OK;
	}
	choice = ledger_choose(&i->ledger, directories, n,
			       &(struct ledger_ask){
				       .names = &s->hash,
				       .is_early = slot_is_early(s, now),
			       },
			       now);
	if (choice.at > now || acme_has_order(ca_client(cas[choice.ca]))) {
		earlier(wake, choice.at > now ? choice.at : now + RETRY_S);
		return RC_OK;
	}
	return issuance_order(&i->work, s, cas[choice.ca]);
}

static enum rc tend(struct issuer *i, struct slot *s, bool may_order,
		    int64_t *wake)
{
	struct ca *ca = s->has_chain ? ca_of(i, s->directory) : NULL;
	int64_t now = clock_unix_s();
	enum rc rc = RC_OK;

	if (ca && ca_standing(ca) == CA_READY &&
	    renewal_ask_at(&s->renewal) <= now)
		rc = issuance_ask_renewal(&i->work, s, ca);
	if (rc == RC_CLOSED)
		return rc;
	if (slot_due(s) <= now && may_order)
		rc = order_due(i, s, now, wake);
	else if (slot_due(s) <= now)
		earlier(wake, now + RETRY_S);
	if (rc == RC_CLOSED)
		return rc;
	if (slot_due(s) > now)
		earlier(wake, slot_due(s));
	else
		earlier(wake, now + RETRY_S);
	if (ca && renewal_ask_at(&s->renewal) > now)
		earlier(wake, renewal_ask_at(&s->renewal));
	return RC_OK;
}

static enum rc resume_all(struct issuer *i)
{
	enum rc rc = RC_OK;

	for (size_t k = 0; k < i->ca_count && rc != RC_CLOSED; k++)
		if (ca_standing(i->cas[k].ca) == CA_READY)
			rc = issuance_resume(&i->work, i->cas[k].ca);
	return rc;
}

static void grant(struct issuer *i, unsigned wishes)
{
	for (size_t k = 0; k < i->slot_count; k++) {
		struct slot *s = &i->slots[k];
		struct ca *ca = s->has_chain ? ca_of(i, s->directory) : NULL;

		if (wishes & ISSUER_REVOKE && ca &&
		    issuance_revoke(&i->work, s, ca, REASON_CEASED))
			log_event(i->o.log, LOG_ERROR, "not_revoked",
				  LSTR("name", s->config->names.of[0].text));
		if (wishes & (ISSUER_RENEW | ISSUER_REVOKE))
			s->renew_now = true;
	}
	if (wishes & ISSUER_LOOK) {
		enter(i);
		i->proved_at = 0;
		leave(i);
	}
}

/* Each is asked of every CA: only the one that issued it will. */
static void revoke_foreign(struct issuer *i)
{
	for (size_t at = 0;; at++) {
		AUTO(buf_fini)
		struct buf der = { 0 };
		bool is_revoked = false;

		buf_init(&der, FOREIGN_MAX);
		if (!sightings_foreign(i->o.sightings, at, &der))
			return;
		for (size_t k = 0; k < i->ca_count && !is_revoked; k++)
			is_revoked = ca_standing(i->cas[k].ca) == CA_READY &&
				     !issuance_revoke_foreign(
					     &i->work, buf_span(&der),
					     i->cas[k].ca, REASON_CEASED);
		if (pulse_is_stopping(&i->pulse))
			return;
	}
}

static void report(struct issuer *i)
{
	AUTO(buf_fini)
	struct buf json = { 0 };

	buf_init(&json, STANDING_MAX);
	enter(i);
	if (!standing_accounts(&json, i->cas, i->ca_count))
		shelf_put_status(i->o.shelf, "accounts", buf_span(&json));
	buf_reset(&json);
	if (!standing_certificates(&json, i->slots, i->slot_count))
		shelf_put_status(i->o.shelf, "certificates", buf_span(&json));
	buf_reset(&json);
	if (!standing_caa(&json, &i->pins, i->views))
		shelf_put_status(i->o.shelf, "caa", buf_span(&json));
	buf_reset(&json);
	if (!standing_ledger(&json, &i->ledger, clock_unix_s()))
		shelf_put_status(i->o.shelf, "ledger", buf_span(&json));
	leave(i);
}

/* Returns when to begin the next; false: the program ends. */
static bool round_once(struct issuer *i, int64_t *wake)
{
	unsigned wishes = atomic_exchange(&i->wishes, 0);
	int64_t now = clock_unix_s();
	bool may_order;
	enum rc rc;

	*wake = now + ROUND_S;
	look_at_accounts(i, wishes, now);
	grant(i, wishes);
	may_order = pin_all(i, now);
	if (!may_order)
		earlier(wake, now + RETRY_S);
	report(i);
	rc = may_order ? resume_all(i) : RC_OK;
	if (may_order && wishes & ISSUER_REVOKE_FOREIGN)
		revoke_foreign(i);
	else /* then it is still wished for */
		(void)atomic_fetch_or(&i->wishes,
				      wishes & ISSUER_REVOKE_FOREIGN);
	for (size_t k = 0; k < i->slot_count && rc != RC_CLOSED; k++)
		rc = tend(i, &i->slots[k], may_order, wake);
	for (size_t k = 0; k < i->ca_count; k++)
		earlier(wake, i->cas[k].look_at);
	report(i);
	return rc != RC_CLOSED;
}

static void *run(void *arg)
{
	struct issuer *i = arg;
	int64_t wake;

	while (round_once(i, &wake)) {
		i->o.publish(i->o.arg);
		if (!pulse_wait(&i->pulse, wake * 1000))
			break;
	}
	return NULL;
}

enum rc issuer_start(struct issuer *i)
{
	if (pthread_create(&i->thread, NULL, run, i) != 0)
		return RC_SYS;
	i->is_running = true;
	return RC_OK;
}

void issuer_free(struct issuer *i)
{
	if (!i)
		return;
	if (i->is_running) {
		pulse_stop(&i->pulse);
		(void)pthread_join(i->thread, NULL);
	}
	for (size_t k = 0; k < i->slot_count; k++)
		slot_fini(&i->slots[k]);
	for (size_t k = 0; k < i->ca_count; k++)
		ca_close(i->cas[k].ca);
	writer_close(&i->writer);
	vantage_close(&i->vantage);
	(void)pthread_mutex_destroy(&i->lock); /* nobody holds it */
	pulse_fini(&i->pulse);
	free(i);
}

void issuer_ask(struct issuer *i, enum issuer_wish wish)
{
	(void)atomic_fetch_or(&i->wishes, (unsigned)wish);
	pulse_poke(&i->pulse);
}

/* ---- copies for others ---- */

bool issuer_pins(struct issuer *i, struct pins *out)
{
	bool has;

	enter(i);
	has = i->has_pins;
	*out = i->pins;
	leave(i);
	return has;
}

bool issuer_is_pinned(struct issuer *i)
{
	bool is_pinned;

	enter(i);
	is_pinned = i->proved_at != 0;
	leave(i);
	return is_pinned;
}

static struct ca *preferred(struct issuer *i)
{
	for (size_t k = 0; k < i->ca_count; k++)
		if (ca_standing(i->cas[k].ca) == CA_READY)
			return i->cas[k].ca;
	return NULL;
}

bool issuer_account(struct issuer *i, struct issuer_account *out)
{
	struct ca *ca;

	enter(i);
	ca = preferred(i);
	if (ca) {
		const struct config_authority *c = ca_config(ca);

		*out = (struct issuer_account){ .profile = c->profile };
		(void)snprintf(out->directory, sizeof(out->directory), "%s",
			       c->directory);
		(void)snprintf(out->url, sizeof(out->url), "%s",
			       acme_account(ca_client(ca))->url);
		p256_private_point(ca_key(ca), &out->key);
	}
	leave(i);
	return ca != NULL;
}

bool issuer_sign(struct issuer *i, struct p256_signature *out,
		 struct span message)
{
	struct ca *ca;

	enter(i);
	ca = preferred(i);
	if (ca)
		p256_sign(ca_key(ca), out, message);
	leave(i);
	return ca != NULL;
}

bool issuer_certificate(struct issuer *i, size_t index,
			struct issuer_certificate *out)
{
	bool has = false;

	enter(i);
	if (index < i->slot_count && i->slots[index].has_chain) {
		const struct slot *s = &i->slots[index];

		*out = (struct issuer_certificate){
			.names = &s->config->names,
			.spki = s->spki,
			.tbs = s->tbs,
			.not_before = s->not_before,
			.not_after = s->not_after,
		};
		buf_init(&out->chain, ACME_CHAIN_MAX);
		has = buf_add(&out->chain, buf_span(&s->chain));
	}
	leave(i);
	return has;
}
