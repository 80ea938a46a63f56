#include "dns/persist.h"
#include "evidence/check_list.h"
#include "pki/webname.h"

enum {
	OTHERS_ARENA_MAX = 2 * 1024 * 1024,
};

/* The account whose way in is the only one that may be open. */
static struct span account_of(const struct reading *r)
{
	return r->has_core ? r->core.account.uri : r->account_uri;
}

static struct caa_pin pin_of(const struct reading *r)
{
	const struct rules *rules = r->m->rules;

	return (struct caa_pin){
		.issuers = rules->issuers,
		.issuer_count = rules->issuer_count,
		.account = account_of(r),
		.methods = rules->methods,
		.method_count = rules->method_count,
	};
}

static bool has_account(struct finding *f, const struct reading *r)
{
	if (account_of(r).n)
		return true;
	if (r->kind == READING_NONE)
		finding_say(f, CHECK_NOT_SHOWN, "no account is named");
	else
		finding_say(f, CHECK_UNKNOWN, "no account is known");
	return false;
}

/* ---- is it signed? */

static void judge_trust(struct finding *f, const struct reading *r,
			const struct climb *climb, enum dns_trust trust)
{
	switch (trust) {
	case DNS_FAILED:
		finding_say(f, CHECK_UNKNOWN, "a look-up failed");
		break;
	case DNS_BOGUS:
		finding_say(f, CHECK_FAIL,
			    "an answer's signatures are wrong: it is forged, "
			    "or stale");
		break;
	case DNS_INSECURE:
		if (r->m->rules->is_dnssec_optional)
			finding_say(f, CHECK_PASS,
				    "the zone is not signed, which the rules "
				    "let pass");
		else
			finding_say(f, CHECK_UNKNOWN,
				    "the zone is not signed: anybody on the "
				    "way may have answered");
		break;
	case DNS_SECURE:
		finding_say(f, CHECK_PASS, "all %zu levels, up to the root",
			    climb->count);
		break;
	}
}

static enum dns_trust weakest(const struct climb *climb)
{
	enum dns_trust trust = DNS_SECURE;

	for (size_t i = 0; i < climb->answered; i++)
		if (climb->levels[i].trust < trust)
			trust = climb->levels[i].trust;
	return climb->answered == climb->count ? trust : DNS_FAILED;
}

void check_dnssec(struct finding *f, const struct reading *r)
{
	const struct climb *live = r->m->dns.live;

	if (!live)
		finding_say(f, CHECK_UNKNOWN, "DNS was not asked");
	else
		judge_trust(f, r, live, weakest(live));
}

/* ---- who else could get a certificate */

static struct finding_text subject_of(const struct climb_finding *hole)
{
	char name[DNS_NAME_TEXT];
	struct finding_text t;

	dns_name_text(name, &hole->subject);
	t = finding_text(span_str(name));
	return t;
}

static void say_hole(struct finding *f, const struct climb_finding *hole)
{
	if (hole->hole == CAA_HOLE_NONE) {
		finding_say(f, CHECK_UNKNOWN,
			    "what governs %s%s could not be looked up",
			    hole->is_wildcard ? "*." : "",
			    subject_of(hole).text);
		return;
	}
	finding_say(f, CHECK_FAIL, "%s%s: %s (%s)%s%s",
		    hole->is_wildcard ? "*." : "", subject_of(hole).text,
		    caa_hole_name(hole->hole), caa_hole_rule(hole->hole),
		    hole->by ? ": " : "",
		    hole->by ? finding_text(hole->by->value).text : "");
}

/* The first hole that covers the host, refuted before undecided. */
static const struct climb_finding *
worst_of(const struct climb_exclusivity *others)
{
	const struct climb_finding *worst = NULL;

	for (size_t i = 0; i < others->count; i++) {
		const struct climb_finding *hole = &others->findings[i];

		if (hole->covers && (!worst || worst->hole == CAA_HOLE_NONE))
			worst = hole;
	}
	return worst;
}

/* What judge_climb() has to say of one climb, its memory given back after. */
static bool judge_others(struct finding *f, const struct reading *r,
			 const struct climb *climb, bool *is_blocked)
{
	const struct caa_pin pin = pin_of(r);
	const struct caa_pins mine = { &pin, 1 };
	struct climb_exclusivity others;
	const struct climb_finding *hole;

	if (climb_others(&others, climb, &mine)) {
		finding_say(f, CHECK_UNKNOWN, "too many ways in to list");
		return false;
	}
	hole = worst_of(&others);
	if (hole)
		say_hole(f, hole);
	*is_blocked = *is_blocked || others.blocked;
	return !hole;
}

/* True: the climb leaves nothing open; *is_blocked: not even for us. */
static bool judge_climb(struct finding *f, const struct reading *r,
			const struct climb *climb, bool *is_blocked)
{
	struct climb own = *climb;
	struct arena arena;
	bool holds;

	arena_init(&arena, OTHERS_ARENA_MAX);
	own.arena = &arena;
	holds = judge_others(f, r, &own, is_blocked);
	arena_fini(&arena);
	return holds;
}

void check_caa(struct finding *f, const struct reading *r)
{
	const struct material_dns *dns = &r->m->dns;
	bool is_blocked = false;

	if (!has_account(f, r))
		return;
	if (!dns->live) {
		finding_say(f, CHECK_UNKNOWN, "DNS was not asked");
		return;
	}
	if (!judge_climb(f, r, dns->live, &is_blocked) ||
	    (dns->proved && !judge_climb(f, r, dns->proved, &is_blocked)))
		return;
	finding_say(f, CHECK_PASS, "only by account %s%s",
		    finding_text(account_of(r)).text,
		    is_blocked ? "; a critical property that CAs do not know "
				 "stops all of them: renewal will fail"
			       : "");
}

/* ---- the proof in the evidence */

/* An entry of the core for the host, or for a wildcard that covers it, by which
 * others may issue; NULL: none. */
static const struct core_caa *stated_open(const struct reading *r)
{
	for (size_t i = 0; r->has_core && i < r->core.caa_count; i++)
		if (!r->core.caa[i].is_exclusive &&
		    webname_matches(r->core.caa[i].name, r->m->host))
			return &r->core.caa[i];
	return NULL;
}

static void judge_proof(struct finding *f, const struct reading *r,
			const struct climb *proved)
{
	enum dns_trust trust = weakest(proved);

	if (trust == DNS_SECURE && proved->is_wildcard)
		finding_say(f, CHECK_PASS,
			    "all %zu levels, up to the root, of the wildcard "
			    "only: the name's own set is not proved",
			    proved->count);
	else
		judge_trust(f, r, proved, trust);
}

void check_caa_proof(struct finding *f, const struct reading *r)
{
	const struct material_dns *dns = &r->m->dns;
	const struct core_caa *open = stated_open(r);

	if (r->kind != READING_CORE)
		finding_say(f, CHECK_NOT_SHOWN, "no proof is shown");
	else if (open)
		finding_say(f, CHECK_FAIL,
			    "the service itself says that others may issue "
			    "for %s",
			    finding_text(open->name).text);
	else if (dns->is_proof_refused)
		finding_say(f, CHECK_FAIL,
			    "it is of another name, broken, or run out");
	else if (!dns->proved || !dns->proved->count)
		finding_say(f, CHECK_UNKNOWN, "there is no proof");
	else
		judge_proof(f, r, dns->proved);
}

/* ---- records that validate strangers for ever */

void check_persist(struct finding *f, const struct reading *r)
{
	const struct material_txt *txt = &r->m->dns.persist;
	const struct caa_pin pin = pin_of(r);
	const struct caa_pins mine = { &pin, 1 };
	struct span alias = r->m->dns.challenge;

	if (!has_account(f, r))
		return;
	if (!txt->was_asked || txt->trust == DNS_FAILED) {
		finding_say(f, CHECK_UNKNOWN, "DNS was not asked");
		return;
	}
	if (txt->trust == DNS_BOGUS) {
		finding_say(f, CHECK_FAIL, "the answer's signatures are wrong");
		return;
	}
	for (size_t i = 0; i < txt->count; i++) {
		if (!persist_is_foreign(txt->texts[i], &mine))
			continue;
		finding_say(f, CHECK_FAIL, "a record lets in \"%s\"",
			    finding_text(txt->texts[i]).text);
		return;
	}
	if (txt->trust == DNS_INSECURE && !r->m->rules->is_dnssec_optional) {
		finding_say(f, CHECK_UNKNOWN,
			    "the answer is not signed: a record may be kept "
			    "from us");
		return;
	}
	finding_say(f, CHECK_PASS, "none%s%s%s",
		    alias.n ? "; challenges are answered at " : "",
		    alias.n ? finding_text(alias).text : "",
		    alias.n ? ", which CAA's account pin makes harmless" : "");
}
