#include "tee/snp_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "pki/pem.h"
#include "pki/rsapss.h"
#include "tee/policy.h"
#include "tee/prepare.h"
#include "tee/snp_cert.h"

enum {
	CHAIN_LEN = 2, /* ASK and ARK, as KDS serves them */
	UTC_TEXT = 24,
	TCB_TEXT = 64,
};

/* One verification: what it works with. */
struct run {
	const struct tee_input *in;
	const struct snp_collateral *given;
	const struct tee_policy *policy;
	struct tee_verdict *v;
	struct rsapss_cert vek, ask, ark; /* owned */
	struct rsapss_crl crl; /* owned; zeroed: none was given */
};

static void run_fini(struct run *r)
{
	rsapss_cert_fini(&r->vek);
	rsapss_cert_fini(&r->ask);
	rsapss_cert_fini(&r->ark);
	rsapss_crl_fini(&r->crl);
}

static const char *key_name(const struct run *r)
{
	return r->v->snp.signing_key == SNP_VLEK ? "VLEK" : "VCEK";
}

static enum tee_reason check_given(struct run *r)
{
	const struct {
		const char *name;
		struct span bytes;
		bool is_needed;
	} items[] = {
		{ "VCEK or VLEK certificate", r->given->vek, true },
		{ "ASK and ARK", r->given->chain, true },
		{ "CRL", r->given->crl, !r->policy->snp.allows_no_crl },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (items[i].is_needed && !items[i].bytes.n)
			return refuse(r->v->detail, TEE_COLLATERAL_MISSING,
				      "%s: missing", items[i].name);
	return TEE_OK;
}

static enum tee_reason read_cert(struct run *r, struct rsapss_cert *out,
				 const char *what, struct span der)
{
	enum rc rc = rsapss_cert_read(out, der);

	if (rc)
		return refuse(r->v->detail, TEE_VEK_CERT, "%s: %s", what,
			      rc_name(rc));
	return TEE_OK;
}

static enum tee_reason read_chain(struct run *r)
{
	uint8_t room[CHAIN_LEN * RSAPSS_CERT_MAX];
	struct wr w = WR_ARRAY(room);
	struct span der[CHAIN_LEN];
	enum tee_reason reason;

	if (pem_decode(der, CHAIN_LEN, &w, PEM_CERTIFICATE, r->given->chain))
		return refuse(r->v->detail, TEE_VEK_CHAIN,
			      "ASK and ARK: not two PEM certificates");
	reason = read_cert(r, &r->ask, "chain, certificate 1", der[0]);
	if (!reason)
		reason = read_cert(r, &r->ark, "chain, certificate 2", der[1]);
	if (reason)
		return reason;
	/* Either order; the ARK is the one that names itself. */
	if (rsapss_names_issuer(&r->ask, &r->ask)) {
		struct rsapss_cert other = r->ask;

		r->ask = r->ark;
		r->ark = other;
		der[1] = der[0];
	}
	if (!rsapss_names_issuer(&r->ark, &r->ark))
		return refuse(r->v->detail, TEE_PCK_ROOT,
			      "ASK and ARK: no root certificate");
	reason = read_cert(r, &r->vek, key_name(r), r->given->vek);
	if (reason)
		return reason;
	for (size_t i = 0; i < r->in->anchor_count; i++) {
		const struct tee_anchor *a = &r->in->anchors[i];
		struct sha256 hash;

		sha256_of(&hash, der[1]);
		/* An anchor of quotes has a key, and is none here. */
		if (!span_is_zero(SPAN_ARRAY(a->key.xy)) ||
		    !span_equal(SPAN_ARRAY(hash.b), SPAN_ARRAY(a->certificate)))
			continue;
		(void)snprintf(r->v->anchor, sizeof(r->v->anchor), "%s",
			       a->label);
		r->v->is_simulated = a->is_simulated;
		return TEE_OK;
	}
	return refuse(r->v->detail, TEE_PCK_ROOT,
		      "ARK: it is none of the %zu trust anchors",
		      r->in->anchor_count);
}

/* Who issued whom, under which names, and what each may do. */
static enum tee_reason check_names(struct run *r)
{
	enum snp_signing_key key = r->v->snp.signing_key;
	enum snp_product p = snp_product_of_ark(&r->ark);
	char *detail = r->v->detail;

	r->v->snp_platform.product = p;
	if (p == SNP_PRODUCT_UNKNOWN)
		return refuse(detail, TEE_VEK_NAME,
			      "ARK: expected ARK-Milan, ARK-Genoa or "
			      "ARK-Turin, found %s",
			      r->ark.common_name);
	if (!snp_is_intermediate(&r->ask, p, key))
		return refuse(detail, TEE_VEK_NAME,
			      "%s issuer: expected the one of %s, found %s",
			      key_name(r), snp_product_name(p),
			      r->ask.common_name);
	if (strcmp(r->vek.common_name, snp_leaf_name(key)) != 0)
		return refuse(detail, TEE_VEK_NAME,
			      "certificate: expected %s, as the report says, "
			      "found %s",
			      snp_leaf_name(key), r->vek.common_name);
	if (!rsapss_names_issuer(&r->ask, &r->ark) ||
	    !rsapss_names_issuer(&r->vek, &r->ask))
		return refuse(detail, TEE_VEK_ISSUER,
			      "%s: not issued by the given ASK and ARK",
			      key_name(r));
	if (!r->ark.is_ca || !r->ark.may_sign_certs || !r->ask.is_ca ||
	    !r->ask.may_sign_certs || r->vek.is_ca)
		return refuse(detail, TEE_VEK_CA_FLAG,
			      "ARK, ASK and %s: not two CAs and a leaf",
			      key_name(r));
	if (r->vek.key != RSAPSS_KEY_P384)
		return refuse(detail, TEE_VEK_CERT, "%s: its key is not P-384",
			      key_name(r));
	return TEE_OK;
}

static const char *utc(char text[UTC_TEXT], int64_t at)
{
	struct wr w = wr_over(text, UTC_TEXT);

	text_utc_write(&w, at);
	wr_u8(&w, 0);
	return wr_done(&w, &(struct span){ 0 }) ? text : "?";
}

/* Both bounds count; the policy's allowance is for what is not valid yet. */
static enum tee_reason check_dates(struct run *r)
{
	const struct {
		const char *what;
		int64_t from, to;
		enum tee_reason not_yet, expired;
	} items[] = {
		{ key_name(r), r->vek.not_before, r->vek.not_after,
		  TEE_VEK_NOT_YET, TEE_VEK_EXPIRED },
		{ "ASK", r->ask.not_before, r->ask.not_after, TEE_VEK_NOT_YET,
		  TEE_VEK_EXPIRED },
		{ "ARK", r->ark.not_before, r->ark.not_after, TEE_VEK_NOT_YET,
		  TEE_VEK_EXPIRED },
		{ "CRL", r->crl.this_update, r->crl.next_update,
		  TEE_CRL_NOT_YET, TEE_CRL_EXPIRED },
	};
	size_t count = sizeof(items) / sizeof(items[0]) - !r->crl.crl;
	char bound[UTC_TEXT], now[UTC_TEXT];
	int64_t at = r->in->at;

	for (size_t i = 0; i < count; i++) {
		if (at < items[i].from - r->policy->clock_skew_s)
			return refuse(r->v->detail, items[i].not_yet,
				      "%s: valid from %s, verified at %s",
				      items[i].what, utc(bound, items[i].from),
				      utc(now, at));
		if (at > items[i].to)
			return refuse(r->v->detail, items[i].expired,
				      "%s: valid until %s, verified at %s",
				      items[i].what, utc(bound, items[i].to),
				      utc(now, at));
	}
	return TEE_OK;
}

static enum tee_reason read_crl(struct run *r)
{
	enum rc rc;

	if (!r->given->crl.n)
		return TEE_OK;
	rc = rsapss_crl_read(&r->crl, r->given->crl);
	if (rc)
		return refuse(r->v->detail, TEE_CRL_MALFORMED, "CRL: %s",
			      rc_name(rc));
	if (!rsapss_crl_names_issuer(&r->crl, &r->ark))
		return refuse(r->v->detail, TEE_CRL_ISSUER,
			      "CRL: not issued by the ARK");
	r->v->snp_platform.has_crl = true;
	return TEE_OK;
}

/* The verdict's dates: the CRL's are short, of certificates the end counts. */
static void note_dates(struct run *r)
{
	const int64_t ends[] = { r->vek.not_after, r->ask.not_after,
				 r->ark.not_after };
	int64_t first = ends[0];

	for (size_t i = 1; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] < first)
			first = ends[i];
	r->v->earliest_issue = r->vek.not_before;
	if (r->crl.crl) {
		r->v->earliest_issue = r->crl.this_update;
		if (r->crl.next_update < first)
			first = r->crl.next_update;
	}
	r->v->earliest_expiry = first;
}

static enum tee_reason check_signatures(struct run *r)
{
	char *detail = r->v->detail;

	/* The anchor is the whole ARK certificate. */
	if (!rsapss_is_signed_by(&r->ask, &r->ark))
		return refuse(detail, TEE_VEK_SIGNATURE,
			      "%s issuer: signature is wrong", key_name(r));
	if (!rsapss_is_signed_by(&r->vek, &r->ask))
		return refuse(detail, TEE_VEK_SIGNATURE,
			      "%s: signature is wrong", key_name(r));
	if (!r->crl.crl)
		return TEE_OK;
	if (!rsapss_crl_is_signed_by(&r->crl, &r->ark))
		return refuse(detail, TEE_CRL_SIGNATURE,
			      "CRL: signature is wrong");
	if (rsapss_crl_lists(&r->crl, &r->ask) ||
	    rsapss_crl_lists(&r->crl, &r->ark))
		return refuse(detail, TEE_VEK_CA_REVOKED,
			      "%s issuer: listed in the CRL", key_name(r));
	/* AMD gives all VCEKs the serial number 0: listed, it means all. */
	if (rsapss_crl_lists(&r->crl, &r->vek))
		return refuse(detail, TEE_VEK_REVOKED, "%s: listed in the CRL",
			      key_name(r));
	return TEE_OK;
}

static const char *tcb_text(char text[TCB_TEXT], const struct snp_tcb *t)
{
	(void)snprintf(text, TCB_TEXT, "%u.%u.%u.%u.%u", (unsigned)t->fmc,
		       (unsigned)t->bootloader, (unsigned)t->tee,
		       (unsigned)t->snp, (unsigned)t->microcode);
	return text;
}

/* The report's TCBs, in the layout of the line that the certificates say. */
static enum tee_reason read_tcbs(struct run *r)
{
	const struct snp_report *s = &r->v->snp;
	struct snp_platform *f = &r->v->snp_platform;
	const struct {
		const char *name;
		struct snp_tcb *to;
		uint64_t from;
	} tcbs[] = {
		{ "reported", &f->reported, s->reported_tcb },
		{ "current", &f->current, s->current_tcb },
		{ "committed", &f->committed, s->committed_tcb },
		{ "launch", &f->launch, s->launch_tcb },
	};

	for (size_t i = 0; i < sizeof(tcbs) / sizeof(tcbs[0]); i++)
		if (!snp_tcb_read(tcbs[i].to, f->product, tcbs[i].from))
			return refuse(r->v->detail, TEE_SNP_RESERVED,
				      "report: %s TCB %016" PRIx64
				      ": reserved bits of %s are set",
				      tcbs[i].name, tcbs[i].from,
				      snp_product_name(f->product));
	return TEE_OK;
}

static enum tee_reason check_product(struct run *r, const char *product_name)
{
	const struct snp_report *s = &r->v->snp;
	enum snp_product p = r->v->snp_platform.product;

	if (!snp_is_of_line(product_name, p))
		return refuse(r->v->detail, TEE_VEK_PRODUCT,
			      "%s: expected a product of %s, found %s",
			      key_name(r), snp_product_name(p), product_name);
	if (s->version >= 3 &&
	    snp_product_of_cpu(s->cpu_family, s->cpu_model) != p)
		return refuse(r->v->detail, TEE_VEK_PRODUCT,
			      "report: expected a processor of %s, found "
			      "family %02x model %02x",
			      snp_product_name(p), (unsigned)s->cpu_family,
			      (unsigned)s->cpu_model);
	return TEE_OK;
}

/* The chip's name begins the field, and nothing follows it. */
static enum tee_reason check_chip(struct run *r, struct span hw_id)
{
	struct span id = r->v->snp.chip_id, start;

	if (r->v->snp.signing_key == SNP_VLEK)
		return TEE_OK; /* the key is the cloud's, not a chip's */
	if (span_is_zero(id))
		return refuse(r->v->detail, TEE_VEK_CHIP,
			      "report: expected the VCEK's chip, found none: "
			      "its platform masks the chip id");
	if (!rd_n(&id, &start, hw_id.n) || !span_equal(start, hw_id) ||
	    !span_is_zero(id))
		return refuse(r->v->detail, TEE_VEK_CHIP,
			      "report: its chip is not the VCEK's");
	return TEE_OK;
}

static enum tee_reason check_platform(struct run *r)
{
	struct snp_platform *f = &r->v->snp_platform;
	char expected[TCB_TEXT], found[TCB_TEXT];
	struct snp_extensions e;
	const char *field = "";
	enum tee_reason reason;

	if (!snp_extensions_read(&e, &field, &r->vek, f->product,
				 r->v->snp.signing_key))
		return refuse(r->v->detail, TEE_VEK_EXTENSION,
			      "%s: extension %s missing or not of its form",
			      key_name(r), field);
	memcpy(f->product_name, e.product_name, sizeof(f->product_name));
	memcpy(f->csp_id, e.csp_id, sizeof(f->csp_id));
	reason = check_product(r, e.product_name);
	if (!reason)
		reason = read_tcbs(r);
	if (!reason)
		reason = check_chip(r, e.hw_id);
	if (reason)
		return reason;
	if (snp_tcb_pack(f->product, &e.tcb) != r->v->snp.reported_tcb)
		return refuse(r->v->detail, TEE_VEK_TCB,
			      "report: its TCB is not the %s's: expected %s, "
			      "found %s (fmc.bootloader.tee.snp.microcode)",
			      key_name(r), tcb_text(expected, &e.tcb),
			      tcb_text(found, &f->reported));
	return TEE_OK;
}

static enum tee_reason check_report(struct run *r)
{
	const struct snp_report *s = &r->v->snp;

	if (!p384_verify(&r->vek.point, &s->signature, s->signed_region))
		return refuse(r->v->detail, TEE_SNP_SIGNATURE,
			      "report: not signed by the %s", key_name(r));
	return TEE_OK;
}

static enum tee_reason check_crypto(struct run *r)
{
	static enum tee_reason (*const steps[])(struct run *) = {
		check_given,
		read_chain,
		check_names,
		read_crl,
		check_dates,
		check_signatures,
		check_platform,
		check_report,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		enum tee_reason reason = steps[i](r);

		if (reason)
			return reason;
	}
	note_dates(r);
	return TEE_OK;
}

void snp_verify(struct tee_verdict *v, const struct tee_input *in)
{
	static const struct snp_collateral nothing = { 0 };
	AUTO(run_fini)
	struct run r = {
		.in = in,
		.given = in->collateral ? &in->collateral->snp : &nothing,
		.policy = in->policy ? in->policy : &tee_policy_default,
		.v = v,
	};

	memset(v, 0, sizeof(*v));
	v->kind = TEE_KIND_SNP;
	v->at = in->at;
	v->reason = snp_parse(&v->snp, in->quote);
	if (v->reason) {
		(void)refuse(v->detail, v->reason, "report: not of its form");
		return;
	}
	v->reason = check_crypto(&r);
	v->is_verified = v->reason == TEE_OK;
	if (!v->reason)
		v->reason = policy_check(v, r.policy);
}
