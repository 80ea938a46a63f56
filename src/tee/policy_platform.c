#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "tee/policy_rules.h"
#include "tee/prepare.h"

enum {
	HEX_PPID = 2 * 16 + 1,
	LIST_NAME_SHOWN = 40,
};

static const char *const sgx_types[] = {
	[PCK_STANDARD] = "standard",
	[PCK_SCALABLE] = "scalable",
	[PCK_SCALABLE_WITH_INTEGRITY] = "scalable-with-integrity",
};

enum tee_reason policy_family(struct tee_verdict *v, const struct tee_policy *p)
{
	char found[HEX_PPID];

	if (!p->has_families)
		return TEE_OK;
	for (size_t i = 0; i < p->family_count; i++)
		if (span_equal(SPAN_ARRAY(p->families[i].fmspc),
			       SPAN_ARRAY(v->fmspc)))
			return TEE_OK;
	policy_hex(found, sizeof(found), SPAN_ARRAY(v->fmspc));
	return refuse(v->detail, TEE_POLICY_FMSPC,
		      "platforms.fmspc: expected a listed one, found %s",
		      found);
}

enum tee_reason policy_sgx_type(struct tee_verdict *v,
				const struct tee_policy *p)
{
	if (!p->refuses_sgx_type[v->pck.sgx_type])
		return TEE_OK;
	return refuse(v->detail, TEE_POLICY_CONFIGURATION,
		      "platforms.sgx_type: expected a listed one, found %s",
		      sgx_types[v->pck.sgx_type]);
}

enum tee_reason policy_configuration(struct tee_verdict *v,
				     const struct tee_policy *p)
{
	const struct pck_info *pck = &v->pck;
	const struct {
		const char *key;
		bool is_refused, found;
	} rules[] = {
		{ "smt", p->refuses_smt, pck->smt_enabled },
		{ "dynamic", p->refuses_dynamic, pck->dynamic_platform },
		{ "cached_keys", p->refuses_cached_keys, pck->cached_keys },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		/* A Processor CA's certificate does not say. */
		if (!rules[i].is_refused ||
		    (pck->has_platform && !rules[i].found))
			continue;
		return refuse(v->detail, TEE_POLICY_CONFIGURATION,
			      "platforms.%s: expected false in the PCK "
			      "certificate, found %s",
			      rules[i].key,
			      pck->has_platform ? "true" : "nothing");
	}
	return TEE_OK;
}

void policy_list_give(struct policy_list *l, struct arena *arena,
		      struct span text)
{
	struct platform_list list;
	enum tee_reason reason = platforms_read(&list, arena, text, &l->key);

	if (!reason && (strcmp(list.name, l->name) != 0 || list.use != l->use))
		reason = TEE_LIST_MISMATCH;
	if (!reason && list.serial < l->min_serial)
		reason = TEE_LIST_STALE;
	l->state = reason;
	/* Kept also when it is refused, for the refusal to say so. */
	if (reason != TEE_LIST_MALFORMED && reason != TEE_LIST_SIGNATURE)
		l->list = list;
}

/* What is wrong with the list as a whole, whoever asks. */
static enum tee_reason refuse_state(struct tee_verdict *v, size_t i,
				    const struct policy_list *l)
{
	char head[64 + LIST_NAME_SHOWN];
	const struct platform_list *found = &l->list;

	(void)snprintf(head, sizeof(head), "platforms.lists[%zu] (%.*s)", i,
		       LIST_NAME_SHOWN, l->name);
	if (l->state == TEE_LIST_MISMATCH)
		return refuse(v->detail, l->state,
			      "%s: expected use %s and this name, found %s of "
			      "%.*s",
			      head, platform_use_name(l->use),
			      platform_use_name(found->use), LIST_NAME_SHOWN,
			      found->name);
	if (l->state == TEE_LIST_STALE)
		return refuse(v->detail, l->state,
			      "%s: expected serial %u or later, found %u", head,
			      l->min_serial, found->serial);
	if (l->state == TEE_LIST_SIGNATURE)
		return refuse(v->detail, l->state,
			      "%s: expected a signature by its key, found "
			      "another",
			      head);
	return refuse(v->detail, l->state, "%s: expected a list, found %s",
		      head,
		      l->state == TEE_LIST_MISSING ? "none"
						   : "what has not its form");
}

static enum tee_reason check_list(struct tee_verdict *v,
				  const struct tee_policy *p, size_t i)
{
	const struct policy_list *l = &p->lists[i];
	char bound[POLICY_UTC_TEXT];

	if (l->state)
		return refuse_state(v, i, l);
	if (v->at < l->list.issued_at - p->clock_skew_s)
		return refuse(v->detail, TEE_LIST_NOT_YET,
			      "platforms.lists[%zu] (%.*s): expected one in "
			      "force, found one from %s",
			      i, LIST_NAME_SHOWN, l->name,
			      policy_utc(bound, l->list.issued_at));
	if (v->at > l->list.expires_at)
		return refuse(v->detail, TEE_LIST_EXPIRED,
			      "platforms.lists[%zu] (%.*s): expected one in "
			      "force, found one until %s",
			      i, LIST_NAME_SHOWN, l->name,
			      policy_utc(bound, l->list.expires_at));
	return TEE_OK;
}

enum tee_reason policy_lists(struct tee_verdict *v, const struct tee_policy *p)
{
	for (size_t i = 0; i < p->list_count; i++) {
		enum tee_reason reason = check_list(v, p, i);

		if (reason)
			return reason;
	}
	return TEE_OK;
}

static bool is_meant(const struct platform *entry, const struct tee_verdict *v)
{
	return span_equal(SPAN_ARRAY(entry->ppid), SPAN_ARRAY(v->ppid)) &&
	       (span_is_zero(SPAN_ARRAY(entry->instance)) ||
		span_equal(SPAN_ARRAY(entry->instance),
			   SPAN_ARRAY(v->platform_instance_id)));
}

/* The entry of this platform that counts longest, or NULL. */
static const struct platform *find(const struct platform *list, size_t count,
				   const struct tee_verdict *v)
{
	const struct platform *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!is_meant(&list[i], v))
			continue;
		if (!found || !list[i].until ||
		    (found->until && list[i].until > found->until))
			found = &list[i];
	}
	return found;
}

static bool is_over(const struct platform *entry, int64_t at)
{
	return entry->until && at > entry->until;
}

enum tee_reason policy_denied(struct tee_verdict *v, const struct tee_policy *p)
{
	const struct platform *e = find(p->denied, p->denied_count, v);
	char ppid[HEX_PPID];

	policy_hex(ppid, sizeof(ppid), SPAN_ARRAY(v->ppid));
	if (e && !is_over(e, v->at))
		return refuse(v->detail, TEE_POLICY_PLATFORM,
			      "platforms.deny: expected a ppid not listed, "
			      "found %s",
			      ppid);
	for (size_t i = 0; i < p->list_count; i++) {
		const struct policy_list *l = &p->lists[i];

		if (l->state || l->use != PLATFORM_DENY)
			continue;
		e = find(l->list.platforms, l->list.count, v);
		if (e && !is_over(e, v->at))
			return refuse(v->detail, TEE_POLICY_PLATFORM,
				      "platforms.lists[%zu] (%.*s): expected a "
				      "ppid not listed, found %s",
				      i, LIST_NAME_SHOWN, l->name, ppid);
	}
	return TEE_OK;
}

/* What the policy demands of the list's entries. */
static bool counts(const struct policy_list *l, const struct platform *e)
{
	return e->level >= l->min_level &&
	       (!l->operator||(e->operator&&
			       strcmp(l->operator, e->operator) == 0));
}

static bool is_allowed_by(const struct policy_list *l,
			  const struct tee_verdict *v)
{
	for (size_t i = 0; i < l->list.count; i++) {
		const struct platform *e = &l->list.platforms[i];

		if (is_meant(e, v) && counts(l, e) && !is_over(e, v->at))
			return true;
	}
	return false;
}

static bool has_allow_list(const struct tee_policy *p)
{
	for (size_t i = 0; i < p->list_count; i++)
		if (p->lists[i].use == PLATFORM_ALLOW)
			return true;
	return p->has_allowed;
}

enum tee_reason policy_allowed(struct tee_verdict *v,
			       const struct tee_policy *p)
{
	const struct platform *e = find(p->allowed, p->allowed_count, v);
	const char *rule = p->has_allowed ? "allow" : "lists";
	char ppid[HEX_PPID], until[POLICY_UTC_TEXT];

	if (!has_allow_list(p) || (e && !is_over(e, v->at)))
		return TEE_OK;
	for (size_t i = 0; i < p->list_count; i++)
		if (!p->lists[i].state && p->lists[i].use == PLATFORM_ALLOW &&
		    is_allowed_by(&p->lists[i], v))
			return TEE_OK;
	policy_hex(ppid, sizeof(ppid), SPAN_ARRAY(v->ppid));
	if (e)
		return refuse(v->detail, TEE_POLICY_PLATFORM,
			      "platforms.allow: expected a listed ppid, found "
			      "%s, listed until %s",
			      ppid, policy_utc(until, e->until));
	return refuse(v->detail, TEE_POLICY_PLATFORM,
		      "platforms.%s: expected a listed ppid, found %s", rule,
		      ppid);
}
