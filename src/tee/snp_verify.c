#include "tee/snp_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

/*
 * What follows from the documents alone, each part as far as it was reached;
 * what is wrong with them is said by each verification, in its order.  Nothing
 * here changes once it is made, so threads may share it.
 */
struct tee_prepared_snp {
	bool has_vek, has_chain, has_crl; /* given */
	bool is_pair; /* the chain is PEM of two certificates */
	enum rc first, second, leaf; /* reading them and the VEK */
	struct rsapss_cert vek, ask, ark; /* owned */
	bool has_root;
	size_t anchor_count; /* that were asked */
	char anchor[64]; /* the one that holds the ARK, or "" */
	bool is_simulated;
	bool is_ask_signed, is_vek_signed;
	enum rc list; /* reading the CRL, which is not kept */
	int64_t this_update, next_update;
	bool is_list_of_ark, is_list_signed, lists_ca, lists_vek;
};

/* One verification: what it works with. */
struct run {
	const struct tee_prepared_snp *p;
	const struct tee_policy *policy;
	struct tee_verdict *v;
	int64_t at;
};

static const char *key_name(const struct run *r)
{
	return r->v->snp.signing_key == SNP_VLEK ? "VLEK" : "VCEK";
}

static enum tee_reason check_given(struct run *r)
{
	const struct {
		const char *name;
		bool is_given, is_needed;
	} items[] = {
		{ "VCEK or VLEK certificate", r->p->has_vek, true },
		{ "ASK and ARK", r->p->has_chain, true },
		{ "CRL", r->p->has_crl, !r->policy->snp.allows_no_crl },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (items[i].is_needed && !items[i].is_given)
			return refuse(r->v->detail, TEE_COLLATERAL_MISSING,
				      "%s: missing", items[i].name);
	return TEE_OK;
}

/* ---- the documents */

static void read_crl(struct tee_prepared_snp *p, struct span der)
{
	struct rsapss_crl crl = { 0 };

	p->list = rsapss_crl_read(&crl, der);
	if (p->list)
		return;
	p->this_update = crl.this_update;
	p->next_update = crl.next_update;
	p->is_list_of_ark = rsapss_crl_names_issuer(&crl, &p->ark);
	p->is_list_signed = rsapss_crl_is_signed_by(&crl, &p->ark);
	p->lists_ca = rsapss_crl_lists(&crl, &p->ask) ||
		      rsapss_crl_lists(&crl, &p->ark);
	p->lists_vek = rsapss_crl_lists(&crl, &p->vek);
	rsapss_crl_fini(&crl);
}

static void find_anchor(struct tee_prepared_snp *p, struct span ark,
			const struct tee_anchor *anchors, size_t count)
{
	struct sha256 hash;

	p->anchor_count = count;
	sha256_of(&hash, ark);
	for (size_t i = 0; i < count; i++) {
		/* An anchor of quotes has a key, and is none here. */
		if (!span_is_zero(SPAN_ARRAY(anchors[i].key.xy)) ||
		    !span_equal(SPAN_ARRAY(hash.b),
				SPAN_ARRAY(anchors[i].certificate)))
			continue;
		(void)snprintf(p->anchor, sizeof(p->anchor), "%s",
			       anchors[i].label);
		p->is_simulated = anchors[i].is_simulated;
		return;
	}
}

/* Reads both of the chain; *ark is the DER of the one that names itself. */
static bool read_pair(struct tee_prepared_snp *p, struct span *ark,
		      struct wr *room, struct span pem)
{
	struct span der[CHAIN_LEN];

	p->is_pair = pem_decode(der, CHAIN_LEN, room, PEM_CERTIFICATE, pem) ==
		     RC_OK;
	if (!p->is_pair)
		return false;
	p->first = rsapss_cert_read(&p->ask, der[0]);
	if (!p->first)
		p->second = rsapss_cert_read(&p->ark, der[1]);
	if (p->first || p->second)
		return false;
	*ark = der[1];
	/* Either order. */
	if (rsapss_names_issuer(&p->ask, &p->ask)) {
		struct rsapss_cert other = p->ask;

		p->ask = p->ark;
		p->ark = other;
		*ark = der[0];
	}
	p->has_root = rsapss_names_issuer(&p->ark, &p->ark);
	return p->has_root;
}

static void read_documents(struct tee_prepared_snp *p,
			   const struct snp_collateral *c,
			   const struct tee_anchor *anchors, size_t count)
{
	uint8_t room[CHAIN_LEN * RSAPSS_CERT_MAX];
	struct wr w = WR_ARRAY(room);
	struct span ark;

	p->has_vek = c->vek.n;
	p->has_chain = c->chain.n;
	p->has_crl = c->crl.n;
	if (!p->has_vek || !read_pair(p, &ark, &w, c->chain))
		return;
	p->leaf = rsapss_cert_read(&p->vek, c->vek);
	if (p->leaf)
		return;
	find_anchor(p, ark, anchors, count);
	if (!p->anchor[0])
		return;
	/* The anchor is the whole ARK certificate. */
	p->is_ask_signed = rsapss_is_signed_by(&p->ask, &p->ark);
	p->is_vek_signed = rsapss_is_signed_by(&p->vek, &p->ask);
	if (p->has_crl)
		read_crl(p, c->crl);
}

struct tee_prepared_snp *tee_prepare_snp(const struct snp_collateral *c,
					 const struct tee_anchor *anchors,
					 size_t count)
{
	struct tee_prepared_snp *p = mem_new(sizeof(*p));

	read_documents(p, c, anchors, count);
	return p;
}

static void prepared_fini(struct tee_prepared_snp *p)
{
	rsapss_cert_fini(&p->vek);
	rsapss_cert_fini(&p->ask);
	rsapss_cert_fini(&p->ark);
}

void tee_prepared_snp_free(struct tee_prepared_snp *p)
{
	if (!p)
		return;
	prepared_fini(p);
	free(p);
}

/* ---- a report */

static enum tee_reason refuse_cert(struct run *r, const char *what, enum rc rc)
{
	return refuse(r->v->detail, TEE_VEK_CERT, "%s: %s", what, rc_name(rc));
}

static enum tee_reason check_chain(struct run *r)
{
	const struct tee_prepared_snp *p = r->p;

	if (!p->is_pair)
		return refuse(r->v->detail, TEE_VEK_CHAIN,
			      "ASK and ARK: not two PEM certificates");
	if (p->first)
		return refuse_cert(r, "chain, certificate 1", p->first);
	if (p->second)
		return refuse_cert(r, "chain, certificate 2", p->second);
	if (!p->has_root)
		return refuse(r->v->detail, TEE_PCK_ROOT,
			      "ASK and ARK: no root certificate");
	if (p->leaf)
		return refuse_cert(r, key_name(r), p->leaf);
	if (!p->anchor[0])
		return refuse(r->v->detail, TEE_PCK_ROOT,
			      "ARK: it is none of the %zu trust anchors",
			      p->anchor_count);
	memcpy(r->v->anchor, p->anchor, sizeof(r->v->anchor));
	r->v->is_simulated = p->is_simulated;
	return TEE_OK;
}

/* Who issued whom, under which names, and what each may do. */
static enum tee_reason check_names(struct run *r)
{
	enum snp_signing_key key = r->v->snp.signing_key;
	enum snp_product p = snp_product_of_ark(&r->p->ark);
	char *detail = r->v->detail;

	r->v->snp_platform.product = p;
	if (p == SNP_PRODUCT_UNKNOWN)
		return refuse(detail, TEE_VEK_NAME,
			      "ARK: expected ARK-Milan, ARK-Genoa or "
			      "ARK-Turin, found %s",
			      r->p->ark.common_name);
	if (!snp_is_intermediate(&r->p->ask, p, key))
		return refuse(detail, TEE_VEK_NAME,
			      "%s issuer: expected the one of %s, found %s",
			      key_name(r), snp_product_name(p),
			      r->p->ask.common_name);
	if (strcmp(r->p->vek.common_name, snp_leaf_name(key)) != 0)
		return refuse(detail, TEE_VEK_NAME,
			      "certificate: expected %s, as the report says, "
			      "found %s",
			      snp_leaf_name(key), r->p->vek.common_name);
	if (!rsapss_names_issuer(&r->p->ask, &r->p->ark) ||
	    !rsapss_names_issuer(&r->p->vek, &r->p->ask))
		return refuse(detail, TEE_VEK_ISSUER,
			      "%s: not issued by the given ASK and ARK",
			      key_name(r));
	if (!r->p->ark.is_ca || !r->p->ark.may_sign_certs || !r->p->ask.is_ca ||
	    !r->p->ask.may_sign_certs || r->p->vek.is_ca)
		return refuse(detail, TEE_VEK_CA_FLAG,
			      "ARK, ASK and %s: not two CAs and a leaf",
			      key_name(r));
	if (r->p->vek.key != RSAPSS_KEY_P384)
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
		{ key_name(r), r->p->vek.not_before, r->p->vek.not_after,
		  TEE_VEK_NOT_YET, TEE_VEK_EXPIRED },
		{ "ASK", r->p->ask.not_before, r->p->ask.not_after,
		  TEE_VEK_NOT_YET, TEE_VEK_EXPIRED },
		{ "ARK", r->p->ark.not_before, r->p->ark.not_after,
		  TEE_VEK_NOT_YET, TEE_VEK_EXPIRED },
		{ "CRL", r->p->this_update, r->p->next_update,
		  TEE_CRL_NOT_YET, TEE_CRL_EXPIRED },
	};
	size_t count = sizeof(items) / sizeof(items[0]) - !r->p->has_crl;
	char bound[UTC_TEXT], now[UTC_TEXT];
	int64_t at = r->at;

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

static enum tee_reason check_crl(struct run *r)
{
	const struct tee_prepared_snp *p = r->p;

	if (!p->has_crl)
		return TEE_OK;
	if (p->list)
		return refuse(r->v->detail, TEE_CRL_MALFORMED, "CRL: %s",
			      rc_name(p->list));
	if (!p->is_list_of_ark)
		return refuse(r->v->detail, TEE_CRL_ISSUER,
			      "CRL: not issued by the ARK");
	r->v->snp_platform.has_crl = true;
	return TEE_OK;
}

/* The verdict's dates: the CRL's are short, of certificates the end counts. */
static void note_dates(struct run *r)
{
	const int64_t ends[] = { r->p->vek.not_after, r->p->ask.not_after,
				 r->p->ark.not_after };
	int64_t first = ends[0];

	for (size_t i = 1; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] < first)
			first = ends[i];
	r->v->earliest_issue = r->p->vek.not_before;
	if (r->p->has_crl) {
		r->v->earliest_issue = r->p->this_update;
		if (r->p->next_update < first)
			first = r->p->next_update;
	}
	r->v->earliest_expiry = first;
}

static enum tee_reason check_signatures(struct run *r)
{
	char *detail = r->v->detail;

	if (!r->p->is_ask_signed)
		return refuse(detail, TEE_VEK_SIGNATURE,
			      "%s issuer: signature is wrong", key_name(r));
	if (!r->p->is_vek_signed)
		return refuse(detail, TEE_VEK_SIGNATURE,
			      "%s: signature is wrong", key_name(r));
	if (!r->p->has_crl)
		return TEE_OK;
	if (!r->p->is_list_signed)
		return refuse(detail, TEE_CRL_SIGNATURE,
			      "CRL: signature is wrong");
	if (r->p->lists_ca)
		return refuse(detail, TEE_VEK_CA_REVOKED,
			      "%s issuer: listed in the CRL", key_name(r));
	/* AMD gives all VCEKs the serial number 0: listed, it means all. */
	if (r->p->lists_vek)
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

	if (!snp_extensions_read(&e, &field, &r->p->vek, f->product,
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

	if (!p384_verify(&r->p->vek.point, &s->signature, s->signed_region))
		return refuse(r->v->detail, TEE_SNP_SIGNATURE,
			      "report: not signed by the %s", key_name(r));
	return TEE_OK;
}

static enum tee_reason check_crypto(struct run *r)
{
	static enum tee_reason (*const steps[])(struct run *) = {
		check_given,
		check_chain,
		check_names,
		check_crl,
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

void tee_verify_prepared_snp(struct tee_verdict *v,
			     const struct tee_prepared_snp *p,
			     struct span report,
			     const struct tee_policy *policy, int64_t at)
{
	struct run r = {
		.p = p,
		.policy = policy ? policy : &tee_policy_default,
		.v = v,
		.at = at,
	};

	memset(v, 0, sizeof(*v));
	v->kind = TEE_KIND_SNP;
	v->at = at;
	v->reason = snp_parse(&v->snp, report);
	if (v->reason) {
		(void)refuse(v->detail, v->reason, "report: not of its form");
		return;
	}
	v->reason = check_crypto(&r);
	v->is_verified = v->reason == TEE_OK;
	if (!v->reason)
		v->reason = policy_check(v, r.policy);
}

void snp_verify(struct tee_verdict *v, const struct tee_input *in)
{
	AUTO(prepared_fini)
	struct tee_prepared_snp p = { 0 };
	struct snp_report report;

	/* Before any work for documents: strangers send the report. */
	if (in->collateral && snp_parse(&report, in->quote) == TEE_OK)
		read_documents(&p, &in->collateral->snp, in->anchors,
			       in->anchor_count);
	tee_verify_prepared_snp(v, &p, in->quote, in->policy, in->at);
}
