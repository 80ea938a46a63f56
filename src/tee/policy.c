#include "tee/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "tee/prepare.h"

enum {
	SGX_FLAG_DEBUG = 1 << 1, /* ATTRIBUTES.flags, first byte */
	HEX_MR = 2 * QUOTE_MR_LEN + 1,
	HEX_PPID = 2 * 16 + 1,
	UTC_TEXT = 24,
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

const struct tee_policy tee_policy_default = {
	.accepts_status = { [TCB_UP_TO_DATE] = true },
};

static const char *const register_names[POLICY_REGISTER_COUNT] = {
	[POLICY_MR_TD] = "mr_td",
	[POLICY_RTMR0] = "rtmr0",
	[POLICY_RTMR1] = "rtmr1",
	[POLICY_RTMR2] = "rtmr2",
	[POLICY_RTMR3] = "rtmr3",
	[POLICY_MR_CONFIG_ID] = "mr_config_id",
	[POLICY_MR_OWNER] = "mr_owner",
	[POLICY_MR_OWNER_CONFIG] = "mr_owner_config",
	[POLICY_MR_SEAM] = "mr_seam",
};

const char *policy_register_name(enum policy_register r)
{
	return register_names[r];
}

static struct span register_of(const struct td_report *td,
			       enum policy_register r)
{
	switch (r) {
	case POLICY_MR_TD:
		return td->mr_td;
	case POLICY_RTMR0:
	case POLICY_RTMR1:
	case POLICY_RTMR2:
	case POLICY_RTMR3:
		return td->rtmr[r - POLICY_RTMR0];
	case POLICY_MR_CONFIG_ID:
		return td->mr_config_id;
	case POLICY_MR_OWNER:
		return td->mr_owner;
	case POLICY_MR_OWNER_CONFIG:
		return td->mr_owner_config;
	case POLICY_MR_SEAM:
		return td->mr_seam;
	}
	return (struct span){ 0 };
}

/* While the grace runs, what the status is but for being out of date. */
static enum tee_tcb_status counted_status(const struct tee_verdict *v,
					  const struct tee_policy *p)
{
	enum tee_tcb_status rest = v->platform_status;

	if (!p->grace_s ||
	    (v->tcb_status != TCB_OUT_OF_DATE &&
	     v->tcb_status != TCB_OUT_OF_DATE_CONFIGURATION_NEEDED) ||
	    !v->behind_since || v->at - v->behind_since > p->grace_s)
		return v->tcb_status;
	if (rest == TCB_OUT_OF_DATE)
		rest = TCB_UP_TO_DATE;
	if (rest == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED)
		rest = TCB_CONFIGURATION_NEEDED;
	return rest;
}

static const char *utc(char text[UTC_TEXT], int64_t at)
{
	struct wr w = wr_over(text, UTC_TEXT);

	text_utc_write(&w, at);
	wr_u8(&w, 0);
	return wr_done(&w, &(struct span){ 0 }) ? text : "?";
}

static enum tee_reason check_status(struct tee_verdict *v,
				    const struct tee_policy *p)
{
	char since[UTC_TEXT];
	char accepted[TEE_DETAIL_MAX / 2];
	struct wr w = WR_ARRAY(accepted);
	struct span list;

	/* Whatever the table says: see the header. */
	if (v->tcb_status == TCB_REVOKED || v->tcb_status == TCB_NONE)
		return refuse(v->detail, TEE_TCB_REVOKED,
			      "tcb.accept: found %s",
			      tee_tcb_status_name(v->tcb_status));
	if (p->accepts_status[v->tcb_status] ||
	    p->accepts_status[counted_status(v, p)])
		return TEE_OK;
	for (unsigned s = 0; s < TCB_STATUS_COUNT; s++)
		if (p->accepts_status[s])
			wr_printf(&w, "%s%s", w.n ? ", " : "",
				  tee_tcb_status_name((enum tee_tcb_status)s));
	if (!wr_done(&w, &list))
		list = span_str("several");
	if (p->grace_s && v->behind_since)
		return refuse(v->detail, TEE_TCB_STATUS,
			      "tcb.accept: expected %.*s, found %s since %s",
			      (int)list.n, (const char *)list.p,
			      tee_tcb_status_name(v->tcb_status),
			      utc(since, v->behind_since));
	return refuse(v->detail, TEE_TCB_STATUS,
		      "tcb.accept: expected %.*s, found %s", (int)list.n,
		      (const char *)list.p, tee_tcb_status_name(v->tcb_status));
}

static enum tee_reason check_advisories(struct tee_verdict *v,
					const struct tee_policy *p)
{
	for (size_t i = 0; p->has_advisories && i < v->advisory_count; i++) {
		size_t at = 0;

		while (at < p->advisory_count &&
		       strcmp(p->advisories[at], v->advisories[i]) != 0)
			at++;
		if (at == p->advisory_count)
			return refuse(v->detail, TEE_POLICY_ADVISORY,
				      "tcb.advisories: %s is not listed",
				      v->advisories[i]);
	}
	return TEE_OK;
}

static enum tee_reason check_evaluation(struct tee_verdict *v,
					const struct tee_policy *p)
{
	uint32_t found = v->tcb_evaluation < v->qe_evaluation
				 ? v->tcb_evaluation
				 : v->qe_evaluation;

	if (found >= p->min_evaluation)
		return TEE_OK;
	return refuse(v->detail, TEE_POLICY_EVALUATION,
		      "tcb.min_evaluation: expected at least %u, found %u",
		      p->min_evaluation, found);
}

static void hex_short(char out[HEX_PPID], struct span id)
{
	struct wr w = wr_over(out, HEX_PPID - 1);

	text_hex(&w, id);
	out[wr_span(&w).n] = 0;
}

static enum tee_reason check_family(struct tee_verdict *v,
				    const struct tee_policy *p)
{
	char found[HEX_PPID];

	for (size_t i = 0; i < p->family_count; i++)
		if (span_equal(SPAN_ARRAY(p->families[i].fmspc),
			       SPAN_ARRAY(v->fmspc)))
			return TEE_OK;
	if (!p->has_families)
		return TEE_OK;
	hex_short(found, SPAN_ARRAY(v->fmspc));
	return refuse(v->detail, TEE_POLICY_FMSPC,
		      "platforms.fmspc: expected a listed one, found %s",
		      found);
}

/* The entry of this platform that counts longest, or NULL. */
static const struct policy_platform *
find_platform(const struct policy_platform *list, size_t count,
	      const struct tee_verdict *v)
{
	const struct policy_platform *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!span_equal(SPAN_ARRAY(list[i].ppid), SPAN_ARRAY(v->ppid)))
			continue;
		if (!found || !list[i].until ||
		    (found->until && list[i].until > found->until))
			found = &list[i];
	}
	return found;
}

static bool is_over(const struct policy_platform *entry, int64_t at)
{
	return entry->until && at > entry->until;
}

static enum tee_reason check_platform(struct tee_verdict *v,
				      const struct tee_policy *p)
{
	const struct policy_platform *denied =
		find_platform(p->denied, p->denied_count, v);
	const struct policy_platform *allowed =
		find_platform(p->allowed, p->allowed_count, v);
	char found[HEX_PPID], until[UTC_TEXT];

	hex_short(found, SPAN_ARRAY(v->ppid));
	if (denied && !is_over(denied, v->at))
		return refuse(v->detail, TEE_POLICY_PLATFORM,
			      "platforms.deny: expected a ppid not listed, "
			      "found %s",
			      found);
	if (!p->has_allowed || (allowed && !is_over(allowed, v->at)))
		return TEE_OK;
	if (allowed)
		return refuse(v->detail, TEE_POLICY_PLATFORM,
			      "platforms.allow: expected a listed ppid, found "
			      "%s, listed until %s",
			      found, utc(until, allowed->until));
	return refuse(v->detail, TEE_POLICY_PLATFORM,
		      "platforms.allow: expected a listed ppid, found %s",
		      found);
}

static enum tee_reason refuse_attributes(struct tee_verdict *v,
					 const char *rule, const char *expected,
					 uint64_t found)
{
	return refuse(v->detail, TEE_POLICY_ATTRIBUTES,
		      "%s: expected %s, found %016llx", rule, expected,
		      (unsigned long long)found);
}

static enum tee_reason check_td(struct tee_verdict *v,
				const struct tee_policy *p)
{
	const struct td_report *td = &v->quote.td;
	uint64_t bits = td->td_attributes;

	if (bits & TD_DEBUG)
		return refuse(v->detail, TEE_POLICY_DEBUG,
			      "TDATTRIBUTES.DEBUG: expected clear, found set "
			      "(%016llx)",
			      (unsigned long long)bits);
	if (bits & ~TD_KNOWN)
		return refuse_attributes(v, "TDATTRIBUTES reserved bits",
					 "clear", bits);
	if (!(bits & TD_SEPT_VE_DISABLE) && !p->allows_sept_ve)
		return refuse_attributes(v, "TDATTRIBUTES.SEPT_VE_DISABLE",
					 "set", bits);
	if (bits & TD_MIGRATABLE && !p->allows_migratable)
		return refuse_attributes(v, "TDATTRIBUTES.MIGRATABLE", "clear",
					 bits);
	if (!span_is_zero(td->mr_service_td) && !p->allows_migratable)
		return refuse(
			v->detail, TEE_POLICY_ATTRIBUTES,
			"MR_SERVICETD: expected zero, found a service TD");
	return TEE_OK;
}

static void hex_mr(char out[HEX_MR], struct span mr)
{
	struct wr w = wr_over(out, HEX_MR - 1);

	text_hex(&w, mr);
	out[wr_span(&w).n] = 0;
}

/* The first pinned register that differs; POLICY_REGISTER_COUNT: none does. */
static size_t image_differs(const struct policy_image *image,
			    const struct td_report *td)
{
	for (size_t r = 0; r < POLICY_REGISTER_COUNT; r++)
		if (image->is_pinned[r] &&
		    !span_equal(register_of(td, (enum policy_register)r),
				SPAN_ARRAY(image->value[r])))
			return r;
	return POLICY_REGISTER_COUNT;
}

/* Says how the image that agrees furthest differs. */
static enum tee_reason refuse_images(struct tee_verdict *v,
				     const struct tee_policy *p)
{
	const struct policy_image *nearest = NULL;
	char expected[HEX_MR], found[HEX_MR];
	size_t at = 0;

	for (size_t i = 0; i < p->image_count; i++) {
		size_t r = image_differs(&p->images[i], &v->quote.td);

		if (nearest && r <= at)
			continue;
		nearest = &p->images[i];
		at = r;
	}
	if (!nearest)
		return refuse(v->detail, TEE_POLICY_MEASUREMENT,
			      "images: the list is empty");
	hex_mr(expected, SPAN_ARRAY(nearest->value[at]));
	hex_mr(found, register_of(&v->quote.td, (enum policy_register)at));
	return refuse(v->detail, TEE_POLICY_MEASUREMENT,
		      "images.%.16s.%s: expected %s, found %s", nearest->name,
		      register_names[at], expected, found);
}

static enum tee_reason check_images(struct tee_verdict *v,
				    const struct tee_policy *p)
{
	if (!p->has_images)
		return TEE_OK;
	if (v->quote.tee != QUOTE_TDX)
		return refuse(v->detail, TEE_POLICY_MEASUREMENT,
			      "images: expected a TDX quote, found SGX");
	for (size_t i = 0; i < p->image_count; i++)
		if (image_differs(&p->images[i], &v->quote.td) ==
		    POLICY_REGISTER_COUNT) {
			(void)snprintf(v->image, sizeof(v->image), "%s",
				       p->images[i].name);
			return TEE_OK;
		}
	return refuse_images(v, p);
}

static enum tee_reason check_enclave(struct tee_verdict *v)
{
	if (v->quote.enclave.attributes.p[0] & SGX_FLAG_DEBUG)
		return refuse(v->detail, TEE_POLICY_DEBUG,
			      "ATTRIBUTES.DEBUG: expected clear, found set");
	return TEE_OK;
}

enum tee_reason policy_check(struct tee_verdict *v, const struct tee_policy *p)
{
	enum tee_reason reason;

	reason = v->quote.tee == QUOTE_TDX ? check_td(v, p) : check_enclave(v);
	if (!reason)
		reason = check_status(v, p);
	if (!reason)
		reason = check_advisories(v, p);
	if (!reason)
		reason = check_evaluation(v, p);
	if (!reason)
		reason = check_family(v, p);
	if (!reason)
		reason = check_platform(v, p);
	if (!reason && v->is_simulated && p->refuses_simulated)
		reason = refuse(v->detail, TEE_POLICY_SIMULATED,
				"simulated: expected Intel's anchor, found %s",
				v->anchor);
	return reason ? reason : check_images(v, p);
}
