#include "tee/prepare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/sha256.h"
#include "pki/crl_form.h"
#include "pki/pem.h"

enum {
	/* CRLs, certificates, parsed levels of one set of collateral */
	ARENA_MAX = 8 * 1024 * 1024,
	SIGNER_CHAIN_LEN = 2,
	PCK_CHAIN_MAX = 64 * 1024,
};

enum tee_reason refuse(char detail[TEE_DETAIL_MAX], enum tee_reason reason,
		       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(detail, TEE_DETAIL_MAX, format, args); /* may be cut */
	va_end(args);
	return reason;
}

/* A copy that lives as long as the prepared collateral. */
static bool keep(struct span *out, struct tee_prepared *p, struct span s)
{
	char *copy = s.n ? arena_dup(&p->arena, s) : NULL;

	*out = span_of(copy, copy ? s.n : 0);
	return copy || !s.n;
}

static enum tee_reason check_complete(char *detail,
				      const struct tee_collateral *c)
{
	const struct {
		const char *name;
		struct span bytes;
	} items[] = {
		{ "root CRL", c->root_crl },
		{ "PCK CRL", c->pck_crl },
		{ "TCB info", c->tcb_info },
		{ "TCB info issuer chain", c->tcb_info_chain },
		{ "QE identity", c->qe_identity },
		{ "QE identity issuer chain", c->qe_identity_chain },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (!items[i].bytes.n)
			return refuse(detail, TEE_COLLATERAL_MISSING,
				      "%s: missing", items[i].name);
	return TEE_OK;
}

/* Exactly signer (or CA) and root, in either order. */
static bool read_pair(struct cert *signer, struct cert *root,
		      struct tee_prepared *p, struct span pem)
{
	struct span der[SIGNER_CHAIN_LEN];
	uint8_t room[SIGNER_CHAIN_LEN * CERT_MAX];
	struct wr w = WR_ARRAY(room);
	struct cert c[SIGNER_CHAIN_LEN];
	size_t signer_at;

	if (pem_decode(der, SIGNER_CHAIN_LEN, &w, PEM_CERTIFICATE, pem))
		return false;
	for (size_t i = 0; i < SIGNER_CHAIN_LEN; i++)
		if (!keep(&der[i], p, der[i]) || cert_parse(&c[i], der[i]))
			return false;
	signer_at = cert_names_issuer(&c[0], &c[0]) ? 1 : 0;
	*signer = c[signer_at];
	*root = c[1 - signer_at];
	return true;
}

/* The anchor that holds this key, or NULL. */
static const struct tee_anchor *find_anchor(const struct p256_point *key,
					    const struct tee_anchor *anchors,
					    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal(SPAN_ARRAY(key->xy),
			       SPAN_ARRAY(anchors[i].key.xy)))
			return &anchors[i];
	return NULL;
}

static enum tee_reason check_root(struct tee_prepared *p, char *detail,
				  const struct tee_anchor *anchors,
				  size_t count)
{
	const struct cert *root = &p->root;
	const struct tee_anchor *anchor =
		find_anchor(&root->key, anchors, count);
	struct sha256 hash;

	if (!anchor || !p256_is_point(&root->key))
		return refuse(
			detail, TEE_PCK_ROOT,
			"collateral: its root is none of the %zu trust anchors",
			count);
	(void)snprintf(p->anchor, sizeof(p->anchor), "%s", anchor->label);
	p->is_simulated = anchor->is_simulated;
	if (!cert_names_issuer(root, root) || !root->is_ca ||
	    !(root->key_usage & CERT_USE_CERT_SIGN) ||
	    !(root->key_usage & CERT_USE_CRL_SIGN))
		return refuse(
			detail, TEE_SIGNER_CHAIN,
			"root: not a self-issued CA for certificates and CRLs");
	/* The key is the anchor; this makes the rest of the certificate
	 * unforgeable too, and quotes must hold the same bytes. */
	sha256_of(&hash, root->der);
	if (!span_equal(SPAN_ARRAY(hash.b), SPAN_ARRAY(anchor->certificate)) &&
	    !p256_verify(&root->key, &root->signature, root->tbs))
		return refuse(detail, TEE_SIGNER_CHAIN,
			      "root: its self-signature is wrong");
	return TEE_OK;
}

static enum tee_reason check_signer(const struct tee_prepared *p, char *detail,
				    const char *what, const struct cert *signer)
{
	static const char name[] = "SGX TCB Signing";

	if (!cert_name_has(signer, name))
		return refuse(detail, TEE_SIGNER_CHAIN,
			      "%s signer: common name without \"%s\"", what,
			      name);
	if (!cert_names_issuer(signer, &p->root))
		return refuse(detail, TEE_SIGNER_CHAIN,
			      "%s signer: not issued by the root", what);
	if (signer->is_ca)
		return refuse(detail, TEE_SIGNER_CHAIN,
			      "%s signer: a CA certificate signs documents",
			      what);
	if (!p256_verify(&p->root.key, &signer->signature, signer->tbs))
		return refuse(detail, TEE_SIGNER_CHAIN,
			      "%s signer: signature is wrong", what);
	return TEE_OK;
}

static enum tee_reason read_signers(struct tee_prepared *p, char *detail,
				    const struct tee_collateral *c,
				    const struct tee_anchor *anchors,
				    size_t count)
{
	enum tee_reason reason;
	struct cert root;

	if (!read_pair(&p->tcb_signer, &p->root, p, c->tcb_info_chain))
		return refuse(detail, TEE_SIGNER_CHAIN,
			      "TCB info issuer chain: not two certificates");
	reason = check_root(p, detail, anchors, count);
	if (!reason)
		reason = check_signer(p, detail, "TCB info", &p->tcb_signer);
	if (reason)
		return reason;
	if (span_equal(c->qe_identity_chain, c->tcb_info_chain)) {
		p->qe_signer = p->tcb_signer;
		return TEE_OK;
	}
	if (!read_pair(&p->qe_signer, &root, p, c->qe_identity_chain))
		return refuse(detail, TEE_SIGNER_CHAIN,
			      "QE identity issuer chain: not two certificates");
	if (!span_equal(root.der, p->root.der))
		return refuse(
			detail, TEE_PCK_ROOT,
			"QE identity issuer chain: not the TCB info's root");
	return check_signer(p, detail, "QE identity", &p->qe_signer);
}

/* A list's DER, kept.  What has no form of a list is kept as it is, and DER,
 * too: here its length is nobody's but its own. */
static enum rc keep_crl(struct span *der, struct tee_prepared *p,
			struct span list)
{
	enum crl_form form = crl_form_of(list);
	uint8_t *room;
	struct wr w;
	enum rc rc;

	if (form != CRL_FORM_PEM && form != CRL_FORM_HEX)
		return keep(der, p, list) ? RC_OK : RC_LIMIT;
	/* No form is shorter than what it stands for. */
	room = arena_new(&p->arena, list.n, 1);
	if (!room)
		return RC_LIMIT;
	w = wr_over(room, list.n);
	rc = crl_form_decode(&w, list);
	if (!rc)
		*der = wr_span(&w);
	return rc;
}

static enum tee_reason read_crl(struct crl *out, struct tee_prepared *p,
				char *detail, const char *what,
				struct span list)
{
	struct span der;
	enum rc rc = keep_crl(&der, p, list);

	if (!rc)
		rc = crl_parse(out, der);
	if (rc)
		return refuse(detail, TEE_CRL_MALFORMED, "%s: %s", what,
			      rc_name(rc));
	return TEE_OK;
}

enum tee_reason check_pck_ca(char detail[TEE_DETAIL_MAX], const struct cert *ca)
{
	static const char name[] = "CA";

	if (!cert_name_has(ca, name))
		return refuse(detail, TEE_PCK_NAME,
			      "PCK CA: common name without \"%s\"", name);
	if (!ca->is_ca || !(ca->key_usage & CERT_USE_CERT_SIGN) ||
	    !(ca->key_usage & CERT_USE_CRL_SIGN))
		return refuse(detail, TEE_PCK_CA_FLAG,
			      "PCK CA: not a CA for certificates and CRLs");
	return TEE_OK;
}

enum tee_reason verify_pck_ca(char detail[TEE_DETAIL_MAX],
			      const struct tee_prepared *p,
			      const struct cert *ca)
{
	if (!p256_verify(&p->root.key, &ca->signature, ca->tbs))
		return refuse(detail, TEE_PCK_SIGNATURE,
			      "PCK CA: signature is wrong");
	if (crl_lists(&p->root_crl, ca->serial))
		return refuse(detail, TEE_PCK_CA_REVOKED,
			      "PCK CA: listed in the root CRL");
	if (!p256_is_point(&ca->key))
		return refuse(detail, TEE_PCK_SIGNATURE,
			      "PCK CA: its key is not a point of P-256");
	if (!p256_verify(&ca->key, &p->pck_crl.signature, p->pck_crl.tbs))
		return refuse(detail, TEE_CRL_SIGNATURE,
			      "PCK CRL: signature is wrong");
	return TEE_OK;
}

/* The PCK CRL and its issuer, where the collateral has that too. */
static enum tee_reason read_pck_ca(struct tee_prepared *p, char *detail,
				   struct span pem)
{
	struct cert root;
	enum tee_reason reason;

	if (!pem.n)
		return TEE_OK;
	if (!read_pair(&p->pck_ca, &root, p, pem))
		return refuse(detail, TEE_CRL_ISSUER,
			      "PCK CRL issuer chain: not two certificates");
	if (!span_equal(root.der, p->root.der))
		return refuse(
			detail, TEE_PCK_ROOT,
			"PCK CRL issuer chain: not the TCB info's root");
	if (!cert_names_issuer(&p->pck_ca, &p->root))
		return refuse(detail, TEE_PCK_ISSUER,
			      "PCK CA: not issued by the root");
	reason = check_pck_ca(detail, &p->pck_ca);
	if (!reason && !crl_names_issuer(&p->pck_crl, &p->pck_ca))
		reason = refuse(detail, TEE_CRL_ISSUER,
				"PCK CRL: not issued by its issuer chain's CA");
	if (!reason)
		reason = verify_pck_ca(detail, p, &p->pck_ca);
	p->has_pck_ca = !reason;
	return reason;
}

static enum tee_reason read_root_crl(struct tee_prepared *p, char *detail,
				     const struct tee_collateral *c)
{
	enum tee_reason reason;

	reason = read_crl(&p->root_crl, p, detail, "root CRL", c->root_crl);
	if (reason)
		return reason;
	if (!crl_names_issuer(&p->root_crl, &p->root))
		return refuse(detail, TEE_CRL_ISSUER,
			      "root CRL: not issued by the root");
	if (!p256_verify(&p->root.key, &p->root_crl.signature,
			 p->root_crl.tbs))
		return refuse(detail, TEE_CRL_SIGNATURE,
			      "root CRL: signature is wrong");
	if (crl_lists(&p->root_crl, p->tcb_signer.serial) ||
	    crl_lists(&p->root_crl, p->qe_signer.serial))
		return refuse(
			detail, TEE_SIGNER_REVOKED,
			"TCB signing certificate: listed in the root CRL");
	return TEE_OK;
}

static enum tee_reason read_crls(struct tee_prepared *p, char *detail,
				 const struct tee_collateral *c)
{
	enum tee_reason reason = read_root_crl(p, detail, c);

	if (!reason)
		reason = read_crl(&p->pck_crl, p, detail, "PCK CRL",
				  c->pck_crl);
	return reason ? reason : read_pck_ca(p, detail, c->pck_crl_chain);
}

/* The signed slice of a document, its signature checked. */
static enum tee_reason read_document(struct span *object, char *detail,
				     const char *what, const char *name,
				     struct span text,
				     const struct cert *signer)
{
	struct p256_signature signature;

	if (!document_split(object, &signature, text, name))
		return refuse(detail, TEE_COLLATERAL_MALFORMED,
			      "%s: not {\"%s\":{...},\"signature\":\"...\"}",
			      what, name);
	if (!p256_verify(&signer->key, &signature, *object))
		return refuse(detail, TEE_COLLATERAL_SIGNATURE,
			      "%s: signature is wrong", what);
	return TEE_OK;
}

static enum tee_reason refuse_content(char *detail, enum tee_reason reason,
				      const char *what)
{
	return refuse(detail, reason, "%s: %s", what,
		      reason == TEE_TCB_UNRECOGNIZED
			      ? "a tcbStatus that is not known"
			      : "a member is missing or not of its form");
}

static enum tee_reason read_documents(struct tee_prepared *p, char *detail,
				      const struct tee_collateral *c)
{
	struct span object;
	enum tee_reason reason;

	reason = read_document(&object, detail, "TCB info", "tcbInfo",
			       c->tcb_info, &p->tcb_signer);
	if (reason)
		return reason;
	reason = tcbinfo_parse(&p->tcb, &p->arena, object);
	if (reason)
		return refuse_content(detail, reason, "TCB info");
	reason = read_document(&object, detail, "QE identity",
			       "enclaveIdentity", c->qe_identity,
			       &p->qe_signer);
	if (reason)
		return reason;
	reason = qeidentity_parse(&p->qe, &p->arena, object);
	if (reason)
		return refuse_content(detail, reason, "QE identity");
	if (c->pck_chain.n > PCK_CHAIN_MAX ||
	    !keep(&p->pck_chain, p, c->pck_chain))
		return refuse(detail, TEE_PCK_PEM,
			      "PCK chain of the collateral: too large");
	return TEE_OK;
}

static struct tee_prepared *prepared_new(void)
{
	struct tee_prepared *p = mem_new(sizeof(*p));

	arena_init(&p->arena, ARENA_MAX);
	return p;
}

static void auto_prepared(struct tee_prepared **p)
{
	tee_prepared_free(*p);
}

enum tee_reason tee_prepare(struct tee_prepared **out,
			    char detail[TEE_DETAIL_MAX],
			    const struct tee_collateral *c,
			    const struct tee_anchor *anchors, size_t count)
{
	AUTO(auto_prepared)
	struct tee_prepared *p = prepared_new();
	enum tee_reason reason = check_complete(detail, c);

	if (!reason)
		reason = read_signers(p, detail, c, anchors, count);
	if (!reason)
		reason = read_crls(p, detail, c);
	if (!reason)
		reason = read_documents(p, detail, c);
	if (reason)
		return reason;
	*out = STEAL(p);
	return TEE_OK;
}

/* Narrows from..to to what both allow. */
static void narrow(struct tee_prepared_info *i, int64_t from, int64_t to)
{
	if (from > i->valid_from)
		i->valid_from = from;
	if (to < i->valid_to)
		i->valid_to = to;
}

void tee_prepared_info(struct tee_prepared_info *out,
		       const struct tee_prepared *p)
{
	struct tee_prepared_info i = {
		.tcb_tee = p->tcb.tee,
		.qe_tee = p->qe.tee,
		.tcb_evaluation = p->tcb.evaluation,
		.qe_evaluation = p->qe.evaluation,
		.tcb_issued = p->tcb.issued_at,
		.qe_issued = p->qe.issued_at,
		.pck_crl_issued = p->pck_crl.this_update,
		.root_crl_issued = p->root_crl.this_update,
		.valid_from = INT64_MIN,
		.valid_to = INT64_MAX,
		.is_simulated = p->is_simulated,
	};
	const struct cert *const certs[] = { &p->tcb_signer, &p->qe_signer,
					     &p->root };

	memcpy(i.fmspc, p->tcb.fmspc, sizeof(i.fmspc));
	memcpy(i.anchor, p->anchor, sizeof(i.anchor));
	narrow(&i, p->tcb.issued_at, p->tcb.expires_at);
	narrow(&i, p->qe.issued_at, p->qe.expires_at);
	narrow(&i, p->pck_crl.this_update, p->pck_crl.next_update);
	narrow(&i, p->root_crl.this_update, p->root_crl.next_update);
	for (size_t n = 0; n < sizeof(certs) / sizeof(certs[0]); n++)
		narrow(&i, certs[n]->not_before, certs[n]->not_after);
	*out = i;
}

static enum tee_reason check_signer_time(char *detail, const struct cert *c,
					 const struct crl *crl, int64_t at)
{
	if (at < crl->this_update)
		return refuse(detail, TEE_CRL_NOT_YET,
			      "root CRL: not valid yet");
	if (at > crl->next_update)
		return refuse(detail, TEE_CRL_EXPIRED, "root CRL: expired");
	if (at < c->not_before)
		return refuse(detail, TEE_COLLATERAL_NOT_YET,
			      "signer: not valid yet");
	if (at > c->not_after)
		return refuse(detail, TEE_COLLATERAL_EXPIRED,
			      "signer: expired");
	return TEE_OK;
}

enum tee_reason tee_document_open(struct span *object,
				  char detail[TEE_DETAIL_MAX],
				  const struct tee_signed_document *d,
				  const struct tee_anchor *anchors,
				  size_t count, int64_t at)
{
	AUTO(auto_prepared)
	struct tee_prepared *p = prepared_new();
	/* One chain stands for both, and there is no PCK CRL. */
	const struct tee_collateral c = {
		.root_crl = d->root_crl,
		.tcb_info_chain = d->chain,
		.qe_identity_chain = d->chain,
	};
	enum tee_reason reason;
	struct span found;

	reason = read_signers(p, detail, &c, anchors, count);
	if (!reason)
		reason = read_root_crl(p, detail, &c);
	if (!reason)
		reason = check_signer_time(detail, &p->tcb_signer,
					   &p->root_crl, at);
	if (!reason)
		reason = read_document(&found, detail, d->name, d->name,
				       d->text, &p->tcb_signer);
	if (!reason)
		*object = found;
	return reason;
}

void tee_prepared_free(struct tee_prepared *p)
{
	if (!p)
		return;
	arena_fini(&p->arena);
	free(p);
}
