#include <inttypes.h>

#include "tee/policy_rules.h"
#include "tee/prepare.h"

enum {
	HEX_CHIP = 2 * SNP_CHIP_ID_LEN + 1,
};

enum tee_reason policy_snp_guest(struct tee_verdict *v,
				 const struct tee_policy *policy)
{
	const struct snp_policy *p = &policy->snp;
	const uint64_t bits = v->snp.policy;
	const struct {
		const char *rule, *expected;
		bool is_broken;
		enum tee_reason reason;
	} rules[] = {
		{ "GUEST_POLICY.DEBUG", "clear", bits & SNP_POLICY_DEBUG,
		  TEE_POLICY_DEBUG },
		{ "snp.migration_agent: GUEST_POLICY.MIGRATE_MA", "clear",
		  bits & SNP_POLICY_MIGRATE_MA && !p->allows_migration_agent,
		  TEE_POLICY_SNP_GUEST },
		{ "snp.smt: GUEST_POLICY.SMT", "clear",
		  bits & SNP_POLICY_SMT && p->refuses_smt,
		  TEE_POLICY_SNP_GUEST },
		{ "snp.single_socket: GUEST_POLICY.SINGLE_SOCKET", "set",
		  !(bits & SNP_POLICY_SINGLE_SOCKET) &&
			  p->requires_single_socket,
		  TEE_POLICY_SNP_GUEST },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].is_broken)
			return refuse(v->detail, rules[i].reason,
				      "%s: expected %s, found %016" PRIx64,
				      rules[i].rule, rules[i].expected, bits);
	return TEE_OK;
}

enum tee_reason policy_snp_vmpl(struct tee_verdict *v,
				const struct tee_policy *policy)
{
	const struct snp_policy *p = &policy->snp;
	if (v->snp.vmpl == SNP_VMPL_HOST)
		return refuse(v->detail, TEE_POLICY_SNP_VMPL,
			      "snp.vmpl: expected a report that the guest "
			      "asked for, found one of the host's");
	if (v->snp.vmpl > p->vmpl_max)
		return refuse(v->detail, TEE_POLICY_SNP_VMPL,
			      "snp.vmpl: expected at most %" PRIu32
			      ", found %" PRIu32,
			      p->vmpl_max, v->snp.vmpl);
	return TEE_OK;
}

enum tee_reason policy_snp_signer(struct tee_verdict *v,
				  const struct tee_policy *policy)
{
	const struct snp_policy *p = &policy->snp;
	if (v->snp.signing_key == SNP_VLEK && p->refuses_vlek)
		return refuse(v->detail, TEE_POLICY_SNP_SIGNER,
			      "snp.vlek: expected a VCEK, found a VLEK of %s",
			      v->snp_platform.csp_id);
	return TEE_OK;
}

static enum tee_reason check_least(struct tee_verdict *v,
				   const struct snp_tcb *least)
{
	const struct snp_tcb *t = &v->snp_platform.reported;
	const struct {
		const char *part;
		uint8_t least, found;
	} parts[] = {
		{ "fmc", least->fmc, t->fmc },
		{ "bootloader", least->bootloader, t->bootloader },
		{ "tee", least->tee, t->tee },
		{ "snp", least->snp, t->snp },
		{ "microcode", least->microcode, t->microcode },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].found < parts[i].least)
			return refuse(v->detail, TEE_POLICY_SNP_TCB,
				      "snp.min_tcb.%s: expected at least %u, "
				      "found %u",
				      parts[i].part, (unsigned)parts[i].least,
				      (unsigned)parts[i].found);
	return TEE_OK;
}

/* Every entry of this line holds; a line without one is not wanted. */
enum tee_reason policy_snp_tcb(struct tee_verdict *v,
			       const struct tee_policy *policy)
{
	const struct snp_policy *p = &policy->snp;
	enum snp_product product = v->snp_platform.product;
	bool is_listed = !p->has_min_tcb;

	for (size_t i = 0; i < p->min_tcb_count; i++) {
		enum tee_reason reason;

		if (p->min_tcb[i].product != product)
			continue;
		reason = check_least(v, &p->min_tcb[i].least);
		if (reason)
			return reason;
		is_listed = true;
	}
	if (is_listed)
		return TEE_OK;
	return refuse(v->detail, TEE_POLICY_SNP_TCB,
		      "snp.min_tcb: expected a listed product, found %s",
		      snp_product_name(product));
}

/* The entry of this chip that counts longest, or NULL. */
static const struct snp_policy_chip *
find_chip(const struct snp_policy_chip *list, size_t count, struct span id)
{
	const struct snp_policy_chip *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!span_equal(SPAN_ARRAY(list[i].chip_id), id))
			continue;
		if (!list[i].until)
			return &list[i];
		if (!found || list[i].until > found->until)
			found = &list[i];
	}
	return found;
}

static bool counts(const struct snp_policy_chip *entry, int64_t at)
{
	return entry && (!entry->until || at <= entry->until);
}

/* What hides its chip might be any: a list that counts cannot be asked. */
static bool is_masked(const struct tee_verdict *v)
{
	return span_is_zero(v->snp.chip_id);
}

enum tee_reason policy_snp_denied(struct tee_verdict *v,
				  const struct tee_policy *policy)
{
	const struct snp_policy *p = &policy->snp;
	char found[HEX_CHIP];

	if (is_masked(v) && p->denied_count)
		return refuse(v->detail, TEE_POLICY_PLATFORM,
			      "snp.deny: expected a chip id, found it masked");
	if (!counts(find_chip(p->denied, p->denied_count, v->snp.chip_id),
		    v->at))
		return TEE_OK;
	policy_hex(found, sizeof(found), v->snp.chip_id);
	return refuse(v->detail, TEE_POLICY_PLATFORM,
		      "snp.deny: expected a chip not listed, found %s", found);
}

enum tee_reason policy_snp_allowed(struct tee_verdict *v,
				   const struct tee_policy *policy)
{
	const struct snp_policy *p = &policy->snp;
	const struct snp_policy_chip *entry =
		find_chip(p->allowed, p->allowed_count, v->snp.chip_id);
	char found[HEX_CHIP], until[POLICY_UTC_TEXT];

	if (!p->has_allowed)
		return TEE_OK;
	if (v->snp.signing_key == SNP_VLEK)
		return refuse(v->detail, TEE_POLICY_PLATFORM,
			      "snp.allow: expected a chip's own key (VCEK), "
			      "found a VLEK, which proves no chip");
	if (is_masked(v))
		return refuse(v->detail, TEE_POLICY_PLATFORM,
			      "snp.allow: expected a chip id, found it masked");
	if (counts(entry, v->at))
		return TEE_OK;
	policy_hex(found, sizeof(found), v->snp.chip_id);
	if (entry)
		return refuse(v->detail, TEE_POLICY_PLATFORM,
			      "snp.allow: expected a listed chip, found %s, "
			      "listed until %s",
			      found, policy_utc(until, entry->until));
	return refuse(v->detail, TEE_POLICY_PLATFORM,
		      "snp.allow: expected a listed chip, found %s", found);
}
