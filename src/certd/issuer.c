#include "certd/issuer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/issuing.h"
#include "io/clock.h"

enum {
	ROUND_S = 6 * 3'600, /* at the least */
	FOREIGN_MAX = 64 * 1024, /* bytes of a certificate to revoke */
	REASON_CEASED = 5, /* cessationOfOperation, RFC 5280 §5.3.1 */
};

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
	/* Of a hold the edge may not have heard before we ended. */
	atomic_init(&i->wishes, hold_is_any(o->hold) ? ISSUER_TELL_EDGE
						     : ISSUER_ROUND);
	share(i);
	name_methods(i);
	rc = load_ledger(i, error);
	if (!rc)
		rc = issuing_open_pinned(i, error);
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
		earlier(wake, now + ISSUING_RETRY_S);
		return RC_OK;
	}
	choice = ledger_choose(&i->ledger, directories, n,
			       &(struct ledger_ask){
				       .names = &s->hash,
				       .is_early = slot_is_early(s, now),
			       },
			       now);
	if (choice.at > now || acme_has_order(ca_client(cas[choice.ca]))) {
		earlier(wake, choice.at > now ? choice.at
					      : now + ISSUING_RETRY_S);
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
		earlier(wake, now + ISSUING_RETRY_S);
	if (rc == RC_CLOSED)
		return rc;
	if (slot_due(s) > now)
		earlier(wake, slot_due(s));
	else
		earlier(wake, now + ISSUING_RETRY_S);
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
	if (wishes & ISSUER_SERVE && hold_release(i->o.hold))
		issuance_tell_edge(&i->work);
	if (wishes & ISSUER_TELL_EDGE)
		issuance_tell_edge(&i->work);
	if (wishes & ISSUER_LOOK) {
		issuing_enter(i);
		i->proved_at = 0;
		issuing_leave(i);
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
	issuing_enter(i);
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
	issuing_leave(i);
}

/* Returns when to begin the next; false: the program ends. */
static bool round_once(struct issuer *i, int64_t *wake)
{
	unsigned wishes = atomic_exchange(&i->wishes, 0);
	int64_t now = clock_unix_s();
	bool may_order;
	enum rc rc;

	*wake = now + ROUND_S;
	issuing_accounts(i, wishes, now);
	grant(i, wishes);
	may_order = issuing_pin(i, now);
	if (!may_order)
		earlier(wake, now + ISSUING_RETRY_S);
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
	earlier(wake, issuance_catch_up(&i->work, clock_unix_s()));
	report(i);
	return rc != RC_CLOSED;
}

static void *run(void *arg)
{
	struct issuer *i = arg;
	int64_t wake;

	while (round_once(i, &wake)) {
		int64_t again = i->o.publish(i->o.arg);

		/* Evidence ends although nothing happens. */
		if (again)
			earlier(&wake, again);
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

	issuing_enter(i);
	has = i->has_pins;
	*out = i->pins;
	issuing_leave(i);
	return has;
}

bool issuer_is_pinned(struct issuer *i)
{
	bool is_pinned;

	issuing_enter(i);
	is_pinned = i->proved_at != 0;
	issuing_leave(i);
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

	issuing_enter(i);
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
	issuing_leave(i);
	return ca != NULL;
}

bool issuer_sign(struct issuer *i, struct p256_signature *out,
		 struct span message)
{
	struct ca *ca;

	issuing_enter(i);
	ca = preferred(i);
	if (ca)
		p256_sign(ca_key(ca), out, message);
	issuing_leave(i);
	return ca != NULL;
}

bool issuer_certificate(struct issuer *i, size_t index,
			struct issuer_certificate *out)
{
	bool has = false;

	issuing_enter(i);
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
	issuing_leave(i);
	return has;
}
