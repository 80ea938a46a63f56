#include "tee/verify.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "pki/pem.h"
#include "tee/policy.h"
#include "tee/prepare.h"
#include "tee/snp_verify.h"
#include "tee/tcb.h"

enum {
	PCK_CHAIN_LEN = 3,
	/* What ends a certification of types 1 to 3. */
	TRAILER_LEN = 16 + 2 + 2, /* CPUSVN, PCESVN, PCEID */
	UTC_TEXT = 24,
};

/* One verification: what it works with. */
struct run {
	const struct tee_prepared *p;
	const struct tee_policy *policy;
	struct tee_verdict *v;
	int64_t at;
	struct cert leaf, ca, root; /* views into room */
	uint8_t room[PCK_CHAIN_LEN * CERT_MAX];
};

static const char *utc(char text[UTC_TEXT], int64_t at)
{
	struct wr w = wr_over(text, UTC_TEXT);

	text_utc_write(&w, at);
	wr_u8(&w, 0);
	return wr_done(&w, &(struct span){ 0 }) ? text : "?";
}

/* From 'from' to 'to', both inclusive; the policy's allowance for clocks that
 * differ is only for what is not valid yet. */
static enum tee_reason check_time(struct run *r, const char *what, int64_t from,
				  int64_t to, enum tee_reason not_yet,
				  enum tee_reason expired)
{
	char bound[UTC_TEXT], now[UTC_TEXT];

	if (r->at < from - r->policy->clock_skew_s)
		return refuse(r->v->detail, not_yet,
			      "%s: valid from %s, verified at %s", what,
			      utc(bound, from), utc(now, r->at));
	if (r->at > to)
		return refuse(r->v->detail, expired,
			      "%s: valid until %s, verified at %s", what,
			      utc(bound, to), utc(now, r->at));
	return TEE_OK;
}

/* Without what ends a file or a C string, which is no part of a chain. */
static struct span without_end(struct span pem)
{
	while (pem.n && (pem.p[pem.n - 1] == 0 || pem.p[pem.n - 1] == '\n' ||
			 pem.p[pem.n - 1] == '\r'))
		pem.n--;
	return pem;
}

/* The PEM of the PCK chain, in the quote or beside it. */
static enum tee_reason choose_chain(struct run *r, struct span *pem)
{
	const struct quote *q = &r->v->quote;
	struct span given = r->p->pck_chain;

	if (q->certification_type == QUOTE_CERTIFICATION_CHAIN) {
		*pem = q->certification_data;
		if (given.n &&
		    !span_equal(without_end(given), without_end(*pem)))
			return refuse(r->v->detail, TEE_PCK_PEM,
				      "PCK chain: the quote's differs from the "
				      "collateral's");
		return TEE_OK;
	}
	if (!given.n ||
	    q->certification_type > QUOTE_CERTIFICATION_PPID_RSA3072)
		return refuse(r->v->detail, TEE_QUOTE_CERT_TYPE,
			      "certification type %u: no PCK chain in quote or "
			      "collateral",
			      (unsigned)q->certification_type);
	*pem = given;
	return TEE_OK;
}

static bool is_self_issued(const struct cert *c)
{
	return span_equal(c->issuer, c->subject);
}

/* Three certificates in any order: who issued whom tells which is which. */
static enum tee_reason sort_chain(struct run *r, const struct cert *c)
{
	size_t root = 0, leaf, ca;

	while (root < PCK_CHAIN_LEN && !is_self_issued(&c[root]))
		root++;
	if (root == PCK_CHAIN_LEN)
		return refuse(r->v->detail, TEE_PCK_ROOT,
			      "PCK chain: no root certificate");
	leaf = (root + 1) % PCK_CHAIN_LEN;
	ca = (root + 2) % PCK_CHAIN_LEN;
	if (!cert_names_issuer(&c[leaf], &c[ca])) {
		size_t other = leaf;

		leaf = ca;
		ca = other;
	}
	r->leaf = c[leaf];
	r->ca = c[ca];
	r->root = c[root];
	if (!span_equal(r->root.der, r->p->root.der))
		return refuse(r->v->detail, TEE_PCK_ROOT,
			      "PCK chain: its root is not the trusted one (%s)",
			      r->p->anchor);
	if (!cert_names_issuer(&r->leaf, &r->ca) ||
	    !cert_names_issuer(&r->ca, &r->root) || is_self_issued(&r->ca))
		return refuse(r->v->detail, TEE_PCK_ISSUER,
			      "PCK chain: not leaf, CA and root");
	return TEE_OK;
}

/* Root and CA were read with the collateral, as a rule. */
static enum rc read_cert(struct cert *out, const struct tee_prepared *p,
			 struct span der)
{
	if (span_equal(der, p->root.der))
		*out = p->root;
	else if (p->has_pck_ca && span_equal(der, p->pck_ca.der))
		*out = p->pck_ca;
	else
		return cert_parse(out, der);
	return RC_OK;
}

static enum tee_reason read_chain(struct run *r)
{
	struct span pem = { 0 }, der[PCK_CHAIN_LEN];
	struct wr w = WR_ARRAY(r->room);
	struct cert c[PCK_CHAIN_LEN];
	enum tee_reason reason = choose_chain(r, &pem);

	if (reason)
		return reason;
	if (pem_decode(der, PCK_CHAIN_LEN, &w, PEM_CERTIFICATE, pem))
		return refuse(r->v->detail, TEE_PCK_PEM,
			      "PCK chain: not three PEM certificates");
	for (size_t i = 0; i < PCK_CHAIN_LEN; i++) {
		enum rc rc = read_cert(&c[i], r->p, der[i]);

		if (rc)
			return refuse(r->v->detail, TEE_PCK_CERT,
				      "PCK chain: certificate %zu: %s", i + 1,
				      rc_name(rc));
	}
	return sort_chain(r, c);
}

/* Types 1 to 3 say which PCK certificate they mean. */
static enum tee_reason check_trailer(struct run *r)
{
	const struct quote *q = &r->v->quote;
	const struct pck_info *pck = &r->v->pck;
	struct span data = q->certification_data, cpu_svn;
	uint16_t pce_svn;
	uint8_t pce_id[2];

	if (q->certification_type == QUOTE_CERTIFICATION_CHAIN)
		return TEE_OK;
	/* Type 1 is opaque: its size is not what the specification says. */
	if (q->certification_type == QUOTE_CERTIFICATION_PPID_CLEAR)
		return TEE_OK;
	if (data.n < TRAILER_LEN || !rd_skip(&data, data.n - TRAILER_LEN) ||
	    !rd_n(&data, &cpu_svn, 16) || !rd_le16(&data, &pce_svn) ||
	    !rd_copy(&data, pce_id, sizeof(pce_id)))
		return refuse(r->v->detail, TEE_QUOTE_CERT_TYPE,
			      "certification type %u: too short",
			      (unsigned)q->certification_type);
	if (!span_equal(cpu_svn, SPAN_ARRAY(pck->cpu_svn)) ||
	    pce_svn != pck->pce_svn ||
	    !span_equal(SPAN_ARRAY(pce_id), SPAN_ARRAY(pck->pce_id)))
		return refuse(
			r->v->detail, TEE_QUOTE_CERT_TYPE,
			"certification type %u: names another PCK certificate",
			(unsigned)q->certification_type);
	return TEE_OK;
}

static enum tee_reason read_platform(struct run *r)
{
	struct tee_verdict *v = r->v;

	if (!pck_parse(&v->pck, r->leaf.sgx))
		return refuse(v->detail, TEE_PCK_EXTENSION,
			      "PCK certificate: SGX extension missing or not "
			      "of its form");
	memcpy(v->fmspc, v->pck.fmspc, sizeof(v->fmspc));
	memcpy(v->ppid, v->pck.ppid, sizeof(v->ppid));
	memcpy(v->platform_instance_id, v->pck.platform_instance_id,
	       sizeof(v->platform_instance_id));
	return check_trailer(r);
}

static enum tee_reason check_chain(struct run *r)
{
	static const char leaf_name[] = "SGX PCK Certificate";
	char *detail = r->v->detail;

	if (!cert_name_has(&r->leaf, leaf_name))
		return refuse(detail, TEE_PCK_NAME,
			      "PCK certificate: common name without \"%s\"",
			      leaf_name);
	if (r->leaf.is_ca)
		return refuse(detail, TEE_PCK_CA_FLAG,
			      "PCK certificate: a CA certificate stands in its "
			      "place");
	return check_pck_ca(detail, &r->ca);
}

static enum tee_reason check_chain_times(struct run *r)
{
	const struct {
		const char *what;
		const struct cert *cert;
	} certs[] = {
		{ "PCK certificate", &r->leaf },
		{ "PCK CA", &r->ca },
		{ "root", &r->root },
	};

	for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
		enum tee_reason reason =
			check_time(r, certs[i].what, certs[i].cert->not_before,
				   certs[i].cert->not_after, TEE_PCK_NOT_YET,
				   TEE_PCK_EXPIRED);

		if (reason)
			return reason;
	}
	return TEE_OK;
}

static void note_dates(struct tee_verdict *v, int64_t issued, int64_t expires)
{
	if (!v->earliest_issue || issued < v->earliest_issue)
		v->earliest_issue = issued;
	if (!v->earliest_expiry || expires < v->earliest_expiry)
		v->earliest_expiry = expires;
}

/* What verdict and policy want to know of the collateral's dates. */
static void note_collateral(struct run *r)
{
	const struct tee_prepared *p = r->p;
	struct tee_verdict *v = r->v;

	v->is_simulated = p->is_simulated;
	memcpy(v->anchor, p->anchor, sizeof(v->anchor));
	v->tcb_evaluation = p->tcb.evaluation;
	v->qe_evaluation = p->qe.evaluation;
	note_dates(v, p->tcb.issued_at, p->tcb.expires_at);
	note_dates(v, p->qe.issued_at, p->qe.expires_at);
	note_dates(v, p->pck_crl.this_update, p->pck_crl.next_update);
	v->monthly_issue = v->earliest_issue;
	v->root_crl_issue = p->root_crl.this_update;
	note_dates(v, p->root_crl.this_update, p->root_crl.next_update);
	/* Certificates are issued once for years: only their end matters. */
	note_dates(v, v->earliest_issue, p->tcb_signer.not_after);
	note_dates(v, v->earliest_issue, p->qe_signer.not_after);
}

static enum tee_reason check_collateral_times(struct run *r)
{
	const struct tee_prepared *p = r->p;
	const struct {
		const char *what;
		int64_t from, to;
		enum tee_reason not_yet, expired;
	} items[] = {
		{ "TCB info", p->tcb.issued_at, p->tcb.expires_at,
		  TEE_COLLATERAL_NOT_YET, TEE_COLLATERAL_EXPIRED },
		{ "QE identity", p->qe.issued_at, p->qe.expires_at,
		  TEE_COLLATERAL_NOT_YET, TEE_COLLATERAL_EXPIRED },
		{ "TCB info signer", p->tcb_signer.not_before,
		  p->tcb_signer.not_after, TEE_COLLATERAL_NOT_YET,
		  TEE_COLLATERAL_EXPIRED },
		{ "QE identity signer", p->qe_signer.not_before,
		  p->qe_signer.not_after, TEE_COLLATERAL_NOT_YET,
		  TEE_COLLATERAL_EXPIRED },
		{ "root CRL", p->root_crl.this_update, p->root_crl.next_update,
		  TEE_CRL_NOT_YET, TEE_CRL_EXPIRED },
		{ "PCK CRL", p->pck_crl.this_update, p->pck_crl.next_update,
		  TEE_CRL_NOT_YET, TEE_CRL_EXPIRED },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		enum tee_reason reason =
			check_time(r, items[i].what, items[i].from, items[i].to,
				   items[i].not_yet, items[i].expired);

		if (reason)
			return reason;
	}
	return TEE_OK;
}

static const char *tee_name(enum quote_tee tee)
{
	return tee == QUOTE_TDX ? "TDX" : "SGX";
}

static void hex_text(char *out, size_t cap, struct span b)
{
	struct wr w = wr_over(out, cap);

	text_hex(&w, b);
	wr_u8(&w, 0);
	if (!wr_done(&w, &(struct span){ 0 }))
		out[0] = 0;
}

/* The collateral is this platform's. */
static enum tee_reason check_match(struct run *r)
{
	const struct tee_prepared *p = r->p;
	const struct tee_verdict *v = r->v;
	char expected[32], found[32];

	if (p->tcb.tee != v->quote.tee)
		return refuse(r->v->detail, TEE_COLLATERAL_TEE,
			      "TCB info: quote is %s, document is %s",
			      tee_name(v->quote.tee), tee_name(p->tcb.tee));
	if (p->qe.tee != v->quote.tee)
		return refuse(r->v->detail, TEE_COLLATERAL_TEE,
			      "QE identity: quote is %s, document is %s",
			      tee_name(v->quote.tee), tee_name(p->qe.tee));
	hex_text(expected, sizeof(expected), SPAN_ARRAY(v->pck.fmspc));
	hex_text(found, sizeof(found), SPAN_ARRAY(p->tcb.fmspc));
	if (strcmp(expected, found) != 0)
		return refuse(r->v->detail, TEE_FMSPC,
			      "FMSPC: platform has %s, TCB info %s", expected,
			      found);
	hex_text(expected, sizeof(expected), SPAN_ARRAY(v->pck.pce_id));
	hex_text(found, sizeof(found), SPAN_ARRAY(p->tcb.pce_id));
	if (strcmp(expected, found) != 0)
		return refuse(r->v->detail, TEE_PCEID,
			      "PCEID: platform has %s, TCB info %s", expected,
			      found);
	if (!crl_names_issuer(&p->pck_crl, &r->ca))
		return refuse(
			r->v->detail, TEE_CRL_ISSUER,
			"PCK CRL: not issued by the PCK certificate's CA");
	return TEE_OK;
}

/* The certificate that was verified with the collateral. */
static bool is_prepared_ca(const struct run *r)
{
	return r->p->has_pck_ca && span_equal(r->ca.der, r->p->pck_ca.der);
}

static enum tee_reason check_chain_signatures(struct run *r)
{
	const struct tee_prepared *p = r->p;
	char *detail = r->v->detail;

	if (!is_prepared_ca(r)) {
		enum tee_reason reason = verify_pck_ca(detail, p, &r->ca);

		if (reason)
			return reason;
	}
	if (!p256_verify(&r->ca.key, &r->leaf.signature, r->leaf.tbs))
		return refuse(detail, TEE_PCK_SIGNATURE,
			      "PCK certificate: signature is wrong");
	if (crl_lists(&p->pck_crl, r->leaf.serial))
		return refuse(detail, TEE_PCK_REVOKED,
			      "PCK certificate: listed in the PCK CRL");
	return TEE_OK;
}

/* Copies fixed bytes of the quote into the forms that p256 takes. */
static struct p256_signature signature_of(struct span rs)
{
	struct p256_signature out = { 0 };

	memcpy(out.rs, rs.p, sizeof(out.rs));
	return out;
}

static enum tee_reason check_qe(struct run *r)
{
	const struct quote *q = &r->v->quote;
	const struct p256_signature sig = signature_of(q->qe_report_signature);
	const struct span bound[] = { q->attestation_key, q->qe_auth_data };
	const char *field = "";
	struct sha256 hash;
	struct span data = q->qe_report.report_data, first;
	enum tee_reason reason;

	if (!p256_verify(&r->leaf.key, &sig, q->qe_report.raw))
		return refuse(r->v->detail, TEE_QE_SIGNATURE,
			      "QE report: not signed by the PCK key");
	sha256_parts(&hash, bound, 2);
	if (!rd_n(&data, &first, sizeof(hash.b)) ||
	    !span_equal(first, SPAN_ARRAY(hash.b)) || !span_is_zero(data))
		return refuse(r->v->detail, TEE_QE_HASH,
			      "QE report: its data is not the hash of the "
			      "attestation key");
	reason = qeidentity_check(&field, &r->p->qe, &q->qe_report);
	if (reason == TEE_QE_DEBUG)
		return refuse(r->v->detail, reason,
			      "QE report: a debug enclave");
	if (reason)
		return refuse(r->v->detail, reason,
			      "QE report: %s is not that of the QE identity",
			      field);
	return TEE_OK;
}

static enum tee_reason check_quote_signature(struct run *r)
{
	const struct quote *q = &r->v->quote;
	const struct p256_signature sig = signature_of(q->signature);
	struct p256_point at;

	memcpy(at.xy, q->attestation_key.p, sizeof(at.xy));
	if (p256_verify(&at, &sig, q->signed_region))
		return TEE_OK;
	if (!p256_is_point(&at))
		return refuse(r->v->detail, TEE_QUOTE_KEY,
			      "attestation key: not a point of P-256");
	return refuse(r->v->detail, TEE_QUOTE_SIGNATURE,
		      "quote: not signed by the attestation key");
}

static enum tee_reason check_module(struct run *r)
{
	const char *field = "";
	enum tee_reason reason = TEE_OK;

	if (r->v->quote.tee == QUOTE_TDX)
		reason = tcb_check_module(&field, &r->p->tcb, &r->v->quote.td);
	if (reason)
		return refuse(r->v->detail, reason,
			      "TDX module: %s is not that of the TCB info",
			      field);
	return TEE_OK;
}

/* Layer 1: nothing here is a matter of taste. */
static enum tee_reason check_crypto(struct run *r)
{
	static enum tee_reason (*const steps[])(struct run *) = {
		read_chain,
		check_chain,
		read_platform,
		check_chain_times,
		check_collateral_times,
		check_match,
		check_chain_signatures,
		check_qe,
		check_quote_signature,
		check_module,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		enum tee_reason reason = steps[i](r);

		if (reason)
			return reason;
	}
	return TEE_OK;
}

/* The union of the parts' advisories, each once; false when too many. */
static bool unite_advisories(struct tee_verdict *v, const struct tcb_answer *a)
{
	for (size_t part = 0; part < TCB_PARTS; part++) {
		const struct level *l = a->parts[part];

		for (size_t i = 0; l && i < l->advisory_count; i++) {
			size_t at = 0;

			while (at < v->advisory_count &&
			       strcmp(v->advisories[at], l->advisories[i]) != 0)
				at++;
			if (at == TEE_ADVISORIES_MAX)
				return false;
			if (at < v->advisory_count)
				continue;
			(void)snprintf(v->advisories[at], TEE_ADVISORY_LEN,
				       "%s", l->advisories[i]);
			v->advisory_count++;
		}
	}
	return true;
}

/* Layer 2. */
static enum tee_reason check_tcb(struct run *r)
{
	static_assert((int)ADVISORY_LEN < (int)TEE_ADVISORY_LEN);
	struct tee_verdict *v = r->v;
	const struct quote *q = &v->quote;
	const struct tcb_platform platform = {
		.pck = &v->pck,
		.td = q->tee == QUOTE_TDX ? &q->td : NULL,
		.qe_isv_svn = q->qe_report.isv_svn,
	};
	struct tcb_answer a;
	enum tee_reason reason =
		tcb_evaluate(&a, &r->p->tcb, &r->p->qe, &platform);

	if (reason == TEE_TCB_NOT_SUPPORTED)
		return refuse(v->detail, reason,
			      "TCB: the platform reaches no level");
	if (reason == TEE_QE_SVN)
		return refuse(v->detail, reason,
			      "TCB: the QE's SVN %u reaches no level",
			      (unsigned)q->qe_report.isv_svn);
	if (reason)
		return refuse(v->detail, reason,
			      "TCB: the TDX module's SVN reaches no level or "
			      "its version is not known");
	v->tcb_status = a.status;
	v->platform_status = a.platform;
	v->module_status = a.module;
	v->qe_status = a.qe;
	v->tcb_date = a.date;
	v->behind_since = a.behind_since;
	if (!unite_advisories(v, &a))
		return refuse(v->detail, TEE_COLLATERAL_MALFORMED,
			      "TCB: more than %d advisories",
			      TEE_ADVISORIES_MAX);
	if (a.status == TCB_REVOKED)
		return refuse(v->detail, TEE_TCB_REVOKED,
			      "TCB: Intel revoked it");
	return TEE_OK;
}

void tee_verify_prepared(struct tee_verdict *v, const struct tee_prepared *p,
			 struct span quote, const struct tee_policy *policy,
			 int64_t at)
{
	struct run r = {
		.p = p,
		.policy = policy ? policy : &tee_policy_default,
		.v = v,
		.at = at,
	};

	memset(v, 0, sizeof(*v));
	v->kind = tee_kind_of(quote);
	v->at = at;
	v->reason = quote_parse(&v->quote, quote);
	if (v->reason) {
		(void)refuse(v->detail, v->reason, "quote: not of its form");
		return;
	}
	note_collateral(&r);
	v->reason = check_crypto(&r);
	v->is_verified = v->reason == TEE_OK;
	if (!v->reason)
		v->reason = check_tcb(&r);
	if (!v->reason)
		v->reason = policy_check(v, r.policy);
}

void tee_verify(struct tee_verdict *v, const struct tee_input *in)
{
	struct tee_prepared *p = NULL;
	struct quote q;
	enum tee_reason reason;

	if (tee_kind_of(in->quote) == TEE_KIND_SNP) {
		snp_verify(v, in);
		return;
	}
	memset(v, 0, sizeof(*v));
	v->kind = tee_kind_of(in->quote);
	v->at = in->at;
	/* Before any work for collateral: strangers send the quote. */
	v->reason = quote_parse(&q, in->quote);
	if (v->reason) {
		(void)refuse(v->detail, v->reason, "quote: not of its form");
		return;
	}
	reason = tee_prepare(&p, v->detail, in->collateral, in->anchors,
			     in->anchor_count);
	if (reason) {
		v->quote = q;
		v->reason = reason;
		return;
	}
	tee_verify_prepared(v, p, in->quote, in->policy, in->at);
	tee_prepared_free(p);
}
