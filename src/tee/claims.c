#include "tee/claims.h"

#include <string.h>

enum {
	SGX_FLAG_DEBUG = 1 << 1, /* ATTRIBUTES.flags, first byte */
	TD_FLAG_DEBUG = 1 << 0, /* TDATTRIBUTES */
};

static void add(struct tee_claims *c, const char *name, struct span value)
{
	c->measurements[c->measurement_count++] =
		(struct tee_measurement){ .name = name, .value = value };
}

static void of_td(struct tee_claims *c, const struct td_report *td)
{
	add(c, "mr_td", td->mr_td);
	add(c, "rtmr0", td->rtmr[0]);
	add(c, "rtmr1", td->rtmr[1]);
	add(c, "rtmr2", td->rtmr[2]);
	add(c, "rtmr3", td->rtmr[3]);
	add(c, "mr_config_id", td->mr_config_id);
	add(c, "mr_owner", td->mr_owner);
	add(c, "mr_owner_config", td->mr_owner_config);
	add(c, "mr_seam", td->mr_seam);
	c->report_data = td->report_data;
	c->is_debug = td->td_attributes & TD_FLAG_DEBUG;
}

static void of_enclave(struct tee_claims *c, const struct enclave_report *e)
{
	add(c, "mr_enclave", e->mr_enclave);
	add(c, "mr_signer", e->mr_signer);
	c->report_data = e->report_data;
	c->is_debug = e->attributes.n && e->attributes.p[0] & SGX_FLAG_DEBUG;
}

static void of_snp(struct tee_claims *c, const struct tee_verdict *v)
{
	const struct snp_report *r = &v->snp;

	add(c, "measurement", r->measurement);
	add(c, "host_data", r->host_data);
	add(c, "id_key_digest", r->id_key_digest);
	add(c, "author_key_digest", r->author_key_digest);
	c->report_data = r->report_data;
	c->is_debug = r->policy & SNP_POLICY_DEBUG;
	if (!span_is_zero(r->chip_id))
		c->platform_id = r->chip_id;
}

void tee_claims_of(struct tee_claims *out, const struct tee_verdict *v)
{
	*out = (struct tee_claims){
		.kind = v->kind,
		.is_simulated = v->is_simulated,
		.tcb_status = v->tcb_status,
		.earliest_issue = v->earliest_issue,
		.earliest_expiry = v->earliest_expiry,
	};
	if (v->kind == TEE_KIND_SNP && v->snp.raw.n)
		of_snp(out, v);
	if (v->kind == TEE_KIND_SNP || !v->quote.version)
		return;
	if (v->quote.tee == QUOTE_TDX)
		of_td(out, &v->quote.td);
	else
		of_enclave(out, &v->quote.enclave);
	if (!span_is_zero(SPAN_ARRAY(v->ppid)))
		out->platform_id = SPAN_ARRAY(v->ppid);
}

struct span tee_claims_measurement(const struct tee_claims *c, const char *name)
{
	for (size_t i = 0; i < c->measurement_count; i++)
		if (strcmp(c->measurements[i].name, name) == 0)
			return c->measurements[i].value;
	return (struct span){ 0 };
}
