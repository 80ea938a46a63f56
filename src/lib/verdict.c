#include "lib/verdict.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/wr.h"
#include "tee/claims.h"
#include "tee/layer.h"

enum postern_tee_layer verdict_layer(enum tee_reason reason)
{
	static const enum postern_tee_layer layers[TEE_LAYER_COUNT] = {
		[TEE_LAYER_NONE] = POSTERN_TEE_LAYER_NONE,
		[TEE_LAYER_EVIDENCE] = POSTERN_TEE_LAYER_EVIDENCE,
		[TEE_LAYER_COLLATERAL] = POSTERN_TEE_LAYER_COLLATERAL,
		[TEE_LAYER_CHAIN] = POSTERN_TEE_LAYER_CHAIN,
		[TEE_LAYER_SIGNATURE] = POSTERN_TEE_LAYER_SIGNATURE,
		[TEE_LAYER_TCB] = POSTERN_TEE_LAYER_TCB,
		[TEE_LAYER_POLICY] = POSTERN_TEE_LAYER_POLICY,
		[TEE_LAYER_BINDING] = POSTERN_TEE_LAYER_BINDING,
		[TEE_LAYER_LOG] = POSTERN_TEE_LAYER_LOG,
	};

	return layers[tee_reason_layer(reason)];
}

enum postern_tee_kind verdict_kind(enum tee_kind kind)
{
	switch (kind) {
	case TEE_KIND_NONE:
		break;
	case TEE_KIND_SGX:
		return POSTERN_TEE_KIND_SGX;
	case TEE_KIND_TDX:
		return POSTERN_TEE_KIND_TDX;
	case TEE_KIND_SNP:
		return POSTERN_TEE_KIND_SNP;
	}
	return POSTERN_TEE_KIND_NONE;
}

size_t verdict_snp_family(uint8_t out[3], const struct snp_report *r)
{
	if (r->version < 3)
		return 0;
	out[0] = r->cpu_family;
	out[1] = r->cpu_model;
	out[2] = r->cpu_stepping;
	return 3;
}

static enum postern_tee_status status_of(enum tee_tcb_status s)
{
	switch (s) {
	case TCB_NONE:
	case TCB_STATUS_COUNT:
		return POSTERN_TEE_STATUS_NONE;
	case TCB_UP_TO_DATE:
		return POSTERN_TEE_UP_TO_DATE;
	case TCB_SW_HARDENING_NEEDED:
		return POSTERN_TEE_SW_HARDENING_NEEDED;
	case TCB_CONFIGURATION_NEEDED:
		return POSTERN_TEE_CONFIGURATION_NEEDED;
	case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return POSTERN_TEE_CONFIGURATION_AND_SW_HARDENING_NEEDED;
	case TCB_OUT_OF_DATE:
		return POSTERN_TEE_OUT_OF_DATE;
	case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
		return POSTERN_TEE_OUT_OF_DATE_CONFIGURATION_NEEDED;
	case TCB_TD_RELAUNCH_ADVISED:
		return POSTERN_TEE_TD_RELAUNCH_ADVISED;
	case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
		return POSTERN_TEE_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;
	case TCB_REVOKED:
		return POSTERN_TEE_REVOKED;
	}
	return POSTERN_TEE_STATUS_NONE;
}

/* Claims are at most 18 today (15 of a TD and 3 of its log; 18 of a report),
 * values at most 64 bytes: none is cut. */
static void add(struct postern_tee_verdict *out, const char *name,
		struct span value)
{
	struct postern_tee_claim *c = &out->claims[out->claim_count];

	if (!value.n)
		return;
	assert(out->claim_count < POSTERN_TEE_CLAIMS_MAX &&
	       value.n <= sizeof(c->value) && strlen(name) < sizeof(c->name));
	memcpy(c->name, name, strlen(name));
	memcpy(c->value, value.p, value.n);
	c->size = value.n;
	out->claim_count++;
}

static void add_u64(struct postern_tee_verdict *out, const char *name,
		    uint64_t number)
{
	uint8_t room[8];
	struct wr w = WR_ARRAY(room);

	wr_be64(&w, number);
	add(out, name, wr_span(&w));
}

static void add_u32(struct postern_tee_verdict *out, const char *name,
		    uint32_t number)
{
	uint8_t room[4];
	struct wr w = WR_ARRAY(room);

	wr_be32(&w, number);
	add(out, name, wr_span(&w));
}

static void add_u16(struct postern_tee_verdict *out, const char *name,
		    uint16_t number)
{
	uint8_t room[2];
	struct wr w = WR_ARRAY(room);

	wr_be16(&w, number);
	add(out, name, wr_span(&w));
}

static void add_td(struct postern_tee_verdict *out, const struct td_report *td)
{
	static const char *const rtmr[QUOTE_RTMR_COUNT] = {
		"rtmr0",
		"rtmr1",
		"rtmr2",
		"rtmr3",
	};

	add(out, "mr_td", td->mr_td);
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		add(out, rtmr[i], td->rtmr[i]);
	add(out, "mr_config_id", td->mr_config_id);
	add(out, "mr_owner", td->mr_owner);
	add(out, "mr_owner_config", td->mr_owner_config);
	add(out, "mr_seam", td->mr_seam);
	add(out, "mr_signer_seam", td->mr_signer_seam);
	add(out, "mr_service_td", td->mr_service_td);
	add_u64(out, "td_attributes", td->td_attributes);
	add_u64(out, "xfam", td->xfam);
	add(out, "tee_tcb_svn", td->tee_tcb_svn);
	add(out, "tee_tcb_svn2", td->tee_tcb_svn2);
}

static void add_enclave(struct postern_tee_verdict *out,
			const struct enclave_report *e)
{
	add(out, "mr_enclave", e->mr_enclave);
	add(out, "mr_signer", e->mr_signer);
	add_u16(out, "isv_prod_id", e->isv_prod_id);
	add_u16(out, "isv_svn", e->isv_svn);
	add(out, "attributes", e->attributes);
	add(out, "cpu_svn", e->cpu_svn);
}

static void add_snp(struct postern_tee_verdict *out,
		    const struct tee_verdict *v)
{
	const struct snp_report *r = &v->snp;

	static_assert(SNP_NAME_MAX <= POSTERN_TEE_VALUE_MAX);
	add(out, "measurement", r->measurement);
	add(out, "host_data", r->host_data);
	add(out, "id_key_digest", r->id_key_digest);
	add(out, "author_key_digest", r->author_key_digest);
	add(out, "family_id", r->family_id);
	add(out, "image_id", r->image_id);
	add(out, "report_id", r->report_id);
	add(out, "report_id_ma", r->report_id_ma);
	add(out, "product", span_str(v->snp_platform.product_name));
	add(out, "cloud", span_str(v->snp_platform.csp_id));
	add_u64(out, "guest_policy", r->policy);
	add_u64(out, "platform_info", r->platform_info);
	add_u32(out, "guest_svn", r->guest_svn);
	add_u32(out, "vmpl", r->vmpl);
	add_u64(out, "reported_tcb", r->reported_tcb);
	add_u64(out, "current_tcb", r->current_tcb);
	add_u64(out, "committed_tcb", r->committed_tcb);
	add_u64(out, "launch_tcb", r->launch_tcb);
}

static void add_identity(struct postern_tee_verdict *out,
			 const struct eventlog_identity *id)
{
	if (id->has_app_id)
		add(out, "app_id", SPAN_ARRAY(id->app_id));
	if (id->has_instance_id)
		add(out, "instance_id", SPAN_ARRAY(id->instance_id));
	if (id->has_manifest_hash)
		add(out, "manifest_hash", SPAN_ARRAY(id->manifest_hash));
}

static void give_tcb(struct postern_tee_verdict *out,
		     const struct tee_verdict *v)
{
	static_assert((int)POSTERN_TEE_ADVISORIES_MAX ==
		      (int)TEE_ADVISORIES_MAX);
	static_assert(sizeof(out->advisories) == sizeof(v->advisories));

	out->tcb_status = status_of(v->tcb_status);
	out->platform_status = status_of(v->platform_status);
	out->module_status = status_of(v->module_status);
	out->qe_status = status_of(v->qe_status);
	out->tcb_date = v->tcb_date;
	out->behind_since = v->behind_since;
	memcpy(out->advisories, v->advisories, sizeof(out->advisories));
	out->advisory_count = v->advisory_count;
	out->collateral_issued_at = v->earliest_issue;
	out->collateral_expires_at = v->earliest_expiry;
	out->tcb_evaluation = v->tcb_evaluation;
	out->qe_evaluation = v->qe_evaluation;
}

static void give_platform(struct postern_tee_verdict *out,
			  const struct tee_verdict *v)
{
	static_assert(sizeof(v->ppid) <= sizeof(out->platform_id));
	static_assert(sizeof(v->fmspc) <= sizeof(out->family));
	static_assert(sizeof(v->platform_instance_id) ==
		      sizeof(out->platform_instance_id));

	memcpy(out->platform_id, v->ppid, sizeof(v->ppid));
	out->platform_id_size = sizeof(v->ppid);
	memcpy(out->platform_instance_id, v->platform_instance_id,
	       sizeof(out->platform_instance_id));
	memcpy(out->family, v->fmspc, sizeof(v->fmspc));
	out->family_size = sizeof(v->fmspc);
}

static void give_chip(struct postern_tee_verdict *out,
		      const struct snp_report *r, struct span chip)
{
	static_assert(SNP_CHIP_ID_LEN <= sizeof(out->platform_id));
	assert(chip.n <= sizeof(out->platform_id));
	if (chip.n)
		memcpy(out->platform_id, chip.p, chip.n);
	out->platform_id_size = chip.n;
	out->family_size = verdict_snp_family(out->family, r);
}

static void give_verified(struct postern_tee_verdict *out,
			  const struct tee_verdict *v,
			  const struct eventlog_identity *identity)
{
	const struct quote *q = &v->quote;
	bool is_snp = v->kind == TEE_KIND_SNP;
	struct tee_claims c;

	tee_claims_of(&c, v);
	out->verified = 1;
	out->kind = verdict_kind(v->kind);
	out->version = is_snp ? v->snp.version : q->version;
	out->debug = c.is_debug;
	memcpy(out->report_data, c.report_data.p, sizeof(out->report_data));
	give_tcb(out, v);
	static_assert(sizeof(v->image) == sizeof(out->image));
	memcpy(out->image, v->image, sizeof(out->image));
	if (is_snp) {
		give_chip(out, &v->snp, c.platform_id);
		add_snp(out, v);
		return;
	}
	give_platform(out, v);
	if (q->tee == QUOTE_TDX)
		add_td(out, &q->td);
	else
		add_enclave(out, &q->enclave);
	add_identity(out, identity);
}

/* To a caller whose struct may be older or newer than ours. */
static void hand_over(struct postern_tee_verdict *to,
		      const struct postern_tee_verdict *from)
{
	const size_t size = to->size;
	const size_t n = size < sizeof(*from) ? size : sizeof(*from);

	memset(to, 0, size);
	memcpy(to, from, n);
	to->size = size;
}

void verdict_give(struct postern_tee_verdict *out, const struct tee_verdict *v,
		  const struct eventlog_identity *identity)
{
	struct postern_tee_verdict full = {
		.accepted = v->reason == TEE_OK,
		.reason = tee_reason_name(v->reason),
		.layer = verdict_layer(v->reason),
		.simulated = v->is_simulated,
		.at = v->at,
	};

	static_assert(sizeof(full.detail) >= sizeof(v->detail));
	static_assert(sizeof(full.anchor) == sizeof(v->anchor));
	(void)snprintf(full.detail, sizeof(full.detail), "%s", v->detail);
	(void)snprintf(full.anchor, sizeof(full.anchor), "%s", v->anchor);
	if (v->is_verified)
		give_verified(&full, v, identity);
	hand_over(out, &full);
}

void verdict_unusable(struct postern_tee_verdict *out, const char *why)
{
	struct postern_tee_verdict full = { .reason = VERDICT_UNUSABLE };

	(void)snprintf(full.detail, sizeof(full.detail), "%s", why);
	hand_over(out, &full);
}
