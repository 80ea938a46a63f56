#include "tee/policy_rules.h"
#include "tee/prepare.h"

enum {
	SGX_FLAG_DEBUG = 1 << 1, /* ATTRIBUTES.flags, first byte */
	HEX_MR = 2 * QUOTE_MR_LEN + 1,
};

/* TDATTRIBUTES, Intel TDX Module 1.5 ABI. */
#define TD_DEBUG UINT64_C(1)
#define TD_LASS (UINT64_C(1) << 27)
#define TD_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define TD_MIGRATABLE (UINT64_C(1) << 29)
#define TD_PKS (UINT64_C(1) << 30)
#define TD_KEY_LOCKER (UINT64_C(1) << 31)
#define TD_TPA (UINT64_C(1) << 62)
#define TD_PERFMON (UINT64_C(1) << 63)
#define TD_KNOWN (TD_DEBUG | TD_LASS | TD_SEPT_VE_DISABLE | TD_MIGRATABLE | \
		  TD_PKS | TD_KEY_LOCKER | TD_TPA | TD_PERFMON)

/* XFAM: x87 and SSE are always there. */
#define XFAM_REQUIRED UINT64_C(3)

static bool is_tdx(const struct tee_verdict *v)
{
	return v->quote.tee == QUOTE_TDX;
}

enum tee_reason policy_debug(struct tee_verdict *v, const struct tee_policy *p)
{
	uint64_t bits = v->quote.td.td_attributes;

	(void)p; /* no policy accepts these */
	if (is_tdx(v) && bits & TD_DEBUG)
		return refuse(v->detail, TEE_POLICY_DEBUG,
			      "TDATTRIBUTES.DEBUG: expected clear, found set "
			      "(%016llx)",
			      (unsigned long long)bits);
	if (v->quote.tee == QUOTE_SGX &&
	    v->quote.enclave.attributes.p[0] & SGX_FLAG_DEBUG)
		return refuse(v->detail, TEE_POLICY_DEBUG,
			      "ATTRIBUTES.DEBUG: expected clear, found set");
	return TEE_OK;
}

enum tee_reason policy_reserved(struct tee_verdict *v,
				const struct tee_policy *p)
{
	uint64_t unknown = v->quote.td.td_attributes & ~TD_KNOWN;

	(void)p; /* no policy accepts these */
	if (!is_tdx(v) || !unknown)
		return TEE_OK;
	return refuse(v->detail, TEE_POLICY_ATTRIBUTES,
		      "TDATTRIBUTES reserved bits: expected clear, found "
		      "%016llx",
		      (unsigned long long)unknown);
}

enum tee_reason policy_attributes(struct tee_verdict *v,
				  const struct tee_policy *p)
{
	const struct {
		const char *key, *name;
		uint64_t bit;
		bool is_free; /* the policy does not mind */
		bool is_wanted;
	} rules[] = {
		{ "sept_ve_disable", "SEPT_VE_DISABLE", TD_SEPT_VE_DISABLE,
		  p->allows_sept_ve, true },
		{ "migratable", "MIGRATABLE", TD_MIGRATABLE,
		  p->allows_migratable, false },
		{ "perfmon", "PERFMON", TD_PERFMON, !p->refuses_perfmon,
		  false },
		{ "pks", "PKS", TD_PKS, !p->refuses_pks, false },
		{ "key_locker", "KL", TD_KEY_LOCKER, !p->refuses_key_locker,
		  false },
	};
	uint64_t bits = v->quote.td.td_attributes;

	for (size_t i = 0;
	     is_tdx(v) && i < sizeof(rules) / sizeof(rules[0]); i++) {
		bool is_set = bits & rules[i].bit;

		if (rules[i].is_free || is_set == rules[i].is_wanted)
			continue;
		return refuse(v->detail, TEE_POLICY_ATTRIBUTES,
			      "td.%s: expected %s %s, found %s "
			      "(TDATTRIBUTES %016llx)",
			      rules[i].key, rules[i].name,
			      rules[i].is_wanted ? "set" : "clear",
			      is_set ? "set" : "clear",
			      (unsigned long long)bits);
	}
	return TEE_OK;
}

enum tee_reason policy_service_td(struct tee_verdict *v,
				  const struct tee_policy *p)
{
	struct span found = v->quote.td.mr_service_td;
	char hex[HEX_MR];

	if (!is_tdx(v) || span_is_zero(found) || p->allows_service_td)
		return TEE_OK;
	policy_hex(hex, sizeof(hex), found);
	return refuse(v->detail, TEE_POLICY_ATTRIBUTES,
		      "td.service_td: expected MR_SERVICETD zero, found %s",
		      hex);
}

enum tee_reason policy_xfam(struct tee_verdict *v, const struct tee_policy *p)
{
	uint64_t allowed = p->has_xfam ? p->xfam : POLICY_XFAM;
	uint64_t found = v->quote.td.xfam;

	if (!is_tdx(v))
		return TEE_OK;
	if ((found & XFAM_REQUIRED) != XFAM_REQUIRED)
		return refuse(v->detail, TEE_POLICY_XFAM,
			      "XFAM bits 0 and 1: expected set, found %016llx",
			      (unsigned long long)found);
	if (found & ~allowed)
		return refuse(v->detail, TEE_POLICY_XFAM,
			      "td.xfam: expected no bits but %016llx, found "
			      "%016llx",
			      (unsigned long long)allowed,
			      (unsigned long long)found);
	return TEE_OK;
}

enum tee_reason policy_module(struct tee_verdict *v, const struct tee_policy *p)
{
	struct span found = v->quote.td.mr_seam;
	char hex[HEX_MR];

	if (!is_tdx(v) || !p->has_modules)
		return TEE_OK;
	for (size_t i = 0; i < p->module_count; i++)
		if (span_equal(found, SPAN_ARRAY(p->modules[i].mr_seam)))
			return TEE_OK;
	policy_hex(hex, sizeof(hex), found);
	return refuse(v->detail, TEE_POLICY_MODULE,
		      "td.modules: expected a listed mr_seam, found %s", hex);
}
