#include "certd/standing.h"

#include "json/jwrite.h"

/* Texts of strangers may be no UTF-8. */
static void write_ascii(struct jwrite *j, const char *key, const char *text)
{
	char safe[NODE_ERROR_MAX];
	size_t n = 0;

	for (; *text && n < sizeof(safe); text++)
		safe[n++] = *text < ' ' || *text > '~' ? '?' : *text;
	jwrite_text(j, key, span_of(safe, n));
}

enum rc standing_accounts(struct buf *out, const struct authority_entry *cas,
			  size_t count)
{
	struct jwrite j = jwrite_to(out);

	jwrite_array(&j, NULL);
	for (size_t i = 0; i < count; i++) {
		const struct account *a =
			acme_account(ca_client(cas[i].ca));

		jwrite_object(&j, NULL);
		jwrite_str(&j, "directory", ca_config(cas[i].ca)->directory);
		jwrite_str(&j, "standing",
			   ca_standing_name(ca_standing(cas[i].ca)));
		write_ascii(&j, "url", a->url);
		jwrite_str(&j, "thumbprint", a->key.text);
		write_ascii(&j, "why", cas[i].why);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

static void write_slot(struct jwrite *j, const struct slot *s)
{
	jwrite_object(j, NULL);
	jwrite_array(j, "names");
	for (size_t i = 0; i < s->config->names.count; i++)
		jwrite_str(j, NULL, s->config->names.of[i].text);
	jwrite_end(j);
	jwrite_bool(j, "there", s->has_chain);
	if (s->has_chain) {
		jwrite_str(j, "directory", s->directory);
		jwrite_hex(j, "spki", SPAN_ARRAY(s->spki.b));
		jwrite_hex(j, "tbs", SPAN_ARRAY(s->tbs.b));
		jwrite_utc(j, "issued_at", s->issued_at);
		jwrite_utc(j, "not_after", s->not_after);
		jwrite_utc(j, "renew_at", slot_due(s));
	}
	jwrite_end(j);
}

enum rc standing_certificates(struct buf *out, const struct slot *slots,
			      size_t count)
{
	struct jwrite j = jwrite_to(out);

	jwrite_array(&j, NULL);
	for (size_t i = 0; i < count; i++)
		write_slot(&j, &slots[i]);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

enum rc standing_caa(struct buf *out, const struct pins *pins,
		     const struct pins_view *views)
{
	struct jwrite j = jwrite_to(out);

	jwrite_array(&j, NULL);
	for (size_t i = 0; i < pins->name_count; i++) {
		jwrite_object(&j, NULL);
		jwrite_str(&j, "name", pins->names[i].text);
		jwrite_str(&j, "state", pins_state_name(views[i].state));
		jwrite_str(&j, "trust", dns_trust_name(views[i].trust));
		jwrite_bool(&j, "disagree", views[i].disagree);
		write_ascii(&j, "why", views[i].why);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

enum rc standing_ledger(struct buf *out, const struct ledger *l, int64_t now)
{
	struct jwrite j = jwrite_to(out);

	jwrite_array(&j, NULL);
	for (size_t i = 0; i < LEDGER_CAS_MAX; i++) {
		const struct ledger_ca *ca = &l->ca[i];
		uint64_t count = 0;

		if (!ca->directory[0])
			continue;
		for (size_t k = 0; k < LEDGER_CA_ORDERS; k++)
			if (ca->orders[k] > now - LEDGER_CA_SPAN)
				count++;
		jwrite_object(&j, NULL);
		jwrite_str(&j, "directory", ca->directory);
		jwrite_number(&j, "orders", count);
		jwrite_number(&j, "orders_max", LEDGER_CA_ORDERS);
		if (ca->not_before > now)
			jwrite_utc(&j, "not_before", ca->not_before);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}
