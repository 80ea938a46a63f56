#include "cli/quote_snp.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/json.h"
#include "tee/claims.h"

static void set_version(json_t *object, const char *key,
			const struct snp_version *v)
{
	jset(object, key,
	     json_sprintf("%u.%u.%u", (unsigned)v->major, (unsigned)v->minor,
			  (unsigned)v->build));
}

static json_t *guest_policy_of(const struct snp_report *r)
{
	static const struct {
		const char *name;
		uint64_t bit;
	} bits[] = {
		{ "smt", SNP_POLICY_SMT },
		{ "migration_agent", SNP_POLICY_MIGRATE_MA },
		{ "debug", SNP_POLICY_DEBUG },
		{ "single_socket", SNP_POLICY_SINGLE_SOCKET },
		{ "cxl", SNP_POLICY_CXL_ALLOW },
		{ "aes_256_xts", SNP_POLICY_MEM_AES_256_XTS },
		{ "rapl_disabled", SNP_POLICY_RAPL_DIS },
		{ "ciphertext_hiding", SNP_POLICY_CIPHERTEXT_HIDING },
		{ "page_swap_disabled", SNP_POLICY_PAGE_SWAP_DISABLE },
	};
	json_t *p = json_object();

	jset_bits(p, "bits", r->policy);
	jset(p, "abi",
	     json_sprintf("%u.%u", (unsigned)(r->policy >> 8 & 0xff),
			  (unsigned)(r->policy & 0xff)));
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		jset(p, bits[i].name, json_boolean(r->policy & bits[i].bit));
	return p;
}

static json_t *head_of(const struct snp_report *r)
{
	json_t *head = json_object();

	jset(head, "tee", json_string(tee_kind_name(TEE_KIND_SNP)));
	jset(head, "version", json_integer(r->version));
	jset(head, "bytes", json_integer((json_int_t)r->raw.n));
	jset(head, "signed_by",
	     json_string(r->signing_key == SNP_VLEK ? "VLEK" : "VCEK"));
	jset(head, "guest_svn", json_integer(r->guest_svn));
	jset(head, "vmpl",
	     r->vmpl == SNP_VMPL_HOST ? json_string("host")
				      : json_integer(r->vmpl));
	jset(head, "guest_policy", guest_policy_of(r));
	jset_bits(head, "platform_info", r->platform_info);
	jset(head, "author_key", json_boolean(r->author_key_en));
	jset(head, "chip_key_masked", json_boolean(r->mask_chip_key));
	jset_bits(head, "reported_tcb", r->reported_tcb);
	jset_bits(head, "current_tcb", r->current_tcb);
	jset_bits(head, "committed_tcb", r->committed_tcb);
	jset_bits(head, "launch_tcb", r->launch_tcb);
	set_version(head, "firmware", &r->current);
	set_version(head, "firmware_committed", &r->committed);
	jset_hex(head, "chip_id", r->chip_id);
	jset_hex(head, "report_id", r->report_id);
	jset_hex(head, "report_id_ma", r->report_id_ma);
	if (r->version >= 3)
		jset(head, "cpu",
		     json_sprintf("family %02x model %02x stepping %u (%s)",
				  (unsigned)r->cpu_family,
				  (unsigned)r->cpu_model,
				  (unsigned)r->cpu_stepping,
				  snp_product_name(snp_product_of_cpu(
					  r->cpu_family, r->cpu_model))));
	if (r->version >= 5) {
		jset_bits(head, "launch_mitigations", r->launch_mitigations);
		jset_bits(head, "current_mitigations", r->current_mitigations);
	}
	return head;
}

static json_t *measurements_of(const struct snp_report *r)
{
	json_t *m = json_object();

	jset_hex(m, "measurement", r->measurement);
	jset_hex(m, "host_data", r->host_data);
	jset_hex(m, "id_key_digest", r->id_key_digest);
	jset_hex(m, "author_key_digest", r->author_key_digest);
	jset_hex(m, "family_id", r->family_id);
	jset_hex(m, "image_id", r->image_id);
	jset_hex(m, "report_data", r->report_data);
	return m;
}

json_t *quote_snp_report(const struct snp_report *r)
{
	json_t *root = json_object();

	jset(root, "report", head_of(r));
	jset(root, "measurements", measurements_of(r));
	return root;
}

static json_t *tcb_of(const struct snp_tcb *t, enum snp_product p)
{
	json_t *o = json_object();

	if (p == SNP_TURIN)
		jset(o, "fmc", json_integer(t->fmc));
	jset(o, "bootloader", json_integer(t->bootloader));
	jset(o, "tee", json_integer(t->tee));
	jset(o, "snp", json_integer(t->snp));
	jset(o, "microcode", json_integer(t->microcode));
	return o;
}

/* What the certificates and the report agree on. */
static json_t *platform_of(const struct tee_verdict *v)
{
	const struct snp_platform *f = &v->snp_platform;
	struct tee_claims c;
	json_t *p = json_object();

	tee_claims_of(&c, v);
	jset(p, "line", json_string(snp_product_name(f->product)));
	jset_text_if_any(p, "product", f->product_name);
	if (c.platform_id.n)
		jset_hex(p, "chip_id", c.platform_id);
	else
		jset(p, "chip_id", json_null());
	jset_text_if_any(p, "cloud", f->csp_id);
	jset(p, "reported_tcb", tcb_of(&f->reported, f->product));
	jset(p, "current_tcb", tcb_of(&f->current, f->product));
	jset(p, "committed_tcb", tcb_of(&f->committed, f->product));
	jset(p, "launch_tcb", tcb_of(&f->launch, f->product));
	return p;
}

static json_t *collateral_of(const struct tee_verdict *v)
{
	json_t *c = json_object();

	jset_time(c, "earliest_issue", v->earliest_issue);
	jset_time(c, "earliest_expiry", v->earliest_expiry);
	jset(c, "crl", json_boolean(v->snp_platform.has_crl));
	return c;
}

json_t *quote_snp_verdict(const struct tee_verdict *v)
{
	json_t *root = json_object();

	jset(root, "accepted", json_boolean(v->reason == TEE_OK));
	jset(root, "reason", json_string(tee_reason_name(v->reason)));
	jset(root, "detail", json_string(v->detail));
	jset(root, "verified", json_boolean(v->is_verified));
	jset(root, "simulated", json_boolean(v->is_simulated));
	jset(root, "anchor", json_string(v->anchor));
	jset_time(root, "at", v->at);
	jset(root, "tcb_status", json_null()); /* AMD publishes none */
	jset(root, "advisories", json_array());
	jset(root, "image", json_string(v->image));
	jset(root, "collateral",
	     v->is_verified ? collateral_of(v) : json_null());
	jset(root, "platform", v->is_verified ? platform_of(v) : json_null());
	if (!v->snp.raw.n)
		return root;
	jset(root, "report", head_of(&v->snp));
	jset(root, "measurements", measurements_of(&v->snp));
	return root;
}

static void say_date(struct wr *w, int64_t at)
{
	char text[24];
	struct wr whole = WR_ARRAY(text);

	text_utc_write(&whole, at);
	wr_bytes(w, span_of(text, strlen("YYYY-MM-DD")));
}

static void say_chain(struct wr *w, const struct tee_verdict *v)
{
	const struct snp_platform *f = &v->snp_platform;

	wr_printf(w, "%s of %s",
		  v->snp.signing_key == SNP_VLEK ? "VLEK" : "VCEK",
		  f->csp_id[0] ? f->csp_id : f->product_name);
	if (v->is_simulated)
		wr_str(w, ", under a SIMULATED root");
	else
		wr_printf(w, ", under %s", v->anchor);
}

bool quote_snp_say_held(struct wr *w, const struct tee_verdict *v,
			enum tee_layer layer)
{
	switch (layer) {
	case TEE_LAYER_EVIDENCE:
		wr_printf(w, "SEV-SNP report, version %u, VMPL %u",
			  v->snp.version, v->snp.vmpl);
		return true;
	case TEE_LAYER_COLLATERAL:
		wr_str(w, v->snp_platform.has_crl ? "CRL" : "NO CRL");
		wr_str(w, ", all valid until ");
		say_date(w, v->earliest_expiry);
		return true;
	case TEE_LAYER_CHAIN:
		say_chain(w, v);
		return true;
	case TEE_LAYER_SIGNATURE:
		wr_str(w, "report");
		return true;
	case TEE_LAYER_NONE:
	case TEE_LAYER_TCB:
	case TEE_LAYER_POLICY:
	case TEE_LAYER_BINDING:
	case TEE_LAYER_LOG:
	case TEE_LAYER_COUNT:
		break;
	}
	return false;
}
