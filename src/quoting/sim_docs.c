#include "quoting/sim_docs.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pki/issue.h"
#include "quoting/sim_quote.h"

enum {
	DOCUMENT_MAX = 16 * 1024,
	COMPONENT_COUNT = 16,
	EVALUATION = 18, /* tcbEvaluationDataNumber */
	MODULE_VERSION = 1,
	/* The ISVSVN that is up to date; sim_quote.c reports a newer one. */
	MODULE_SVN = 4,
	QE_SVN = 4,
};

#define TCB_DATE "2025-05-14T00:00:00Z"
#define OLD_DATE "2018-01-04T00:00:00Z"

static const struct sim_knobs no_knobs;

/* What every document of one issue shares. */
struct press {
	const struct sim_pki *pki;
	const struct sim_knobs_docs *k;
	int64_t now;
};

static struct sim_validity validity(const struct press *p,
				    const struct sim_validity *bent)
{
	if (bent->to)
		return *bent;
	return (struct sim_validity){ p->now, p->now + SIM_DOCS_VALID_S };
}

/* CRLs. */

static enum rc print_crl(struct buf *out, const struct press *p,
			 enum sim_cert issuer, struct sim_validity valid,
			 const uint8_t (*revoked)[ISSUE_SERIAL_LEN],
			 size_t revoked_count, bool by_stranger)
{
	AUTO(sim_key_auto)
	struct p256_private *stranger = NULL;
	const struct p256_private *signer;
	struct issue_crl crl = {
		.issuer = sim_pki_name(issuer),
		.this_update = valid.from,
		.next_update = valid.to,
		.number = (uint64_t)p->now, /* grows from issue to issue */
		.revoked = revoked,
		.revoked_count = revoked_count,
	};

	p256_private_point(p->pki->key[issuer], &crl.issuer_key);
	signer = sim_pki_signer(p->pki, (enum sim_key)issuer, by_stranger,
				&stranger);
	return issue_crl(out, &crl, signer);
}

static enum rc print_root_crl(struct buf *out, const struct press *p,
			      struct sim_validity valid)
{
	uint8_t revoked[2][ISSUE_SERIAL_LEN];
	size_t n = 0;

	if (p->k->revokes_ca)
		memcpy(revoked[n++], p->pki->serial[SIM_CERT_CA],
		       ISSUE_SERIAL_LEN);
	if (p->k->revokes_signer)
		memcpy(revoked[n++], p->pki->serial[SIM_CERT_SIGNER],
		       ISSUE_SERIAL_LEN);
	return print_crl(out, p, SIM_CERT_ROOT, valid, revoked, n,
			 p->k->root_crl_by_stranger);
}

static enum rc print_pck_crl(struct buf *out, const struct press *p)
{
	struct sim_validity valid = validity(p, &p->k->pck_crl_valid);

	if (p->k->pck_crl_of_root)
		return print_root_crl(out, p, valid);
	return print_crl(out, p, SIM_CERT_CA, valid,
			 &p->pki->serial[SIM_CERT_PCK],
			 p->k->revokes_leaf ? 1 : 0,
			 p->k->pck_crl_by_stranger);
}

/* JSON documents. */

#define MODULE_ATTRIBUTES \
	"\"attributes\":\"0000000000000000\"," \
	"\"attributesMask\":\"FFFFFFFFFFFFFFFF\""

static const char *or_up_to_date(const char *status)
{
	return status ? status : "UpToDate";
}

static void json_hex(struct wr *w, const char *key, struct span b)
{
	wr_printf(w, "\"%s\":\"", key);
	for (size_t i = 0; i < b.n; i++)
		wr_printf(w, "%02X", b.p[i]); /* upper case as Intel's */
	wr_str(w, "\",");
}

static void json_times(struct wr *w, struct sim_validity valid)
{
	wr_str(w, "\"issueDate\":\"");
	text_utc_write(w, valid.from);
	wr_str(w, "\",\"nextUpdate\":\"");
	text_utc_write(w, valid.to);
	wr_str(w, "\",");
}

/* {"tcb":TCB,"tcbDate":...,"tcbStatus":...} of an enclave or module. */
static void json_svn_level(struct wr *w, unsigned svn, const char *date,
			   const char *status)
{
	wr_printf(w, "{\"tcb\":{\"isvsvn\":%u},", svn);
	wr_printf(w, "\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"}", date, status);
}

static void json_module(struct wr *w, const struct press *p)
{
	static const uint8_t zero[QUOTE_MR_LEN];
	const struct sim_knobs_docs *k = p->k;
	unsigned floor = k->module_svn_floor ? k->module_svn_floor : MODULE_SVN;
	unsigned id = k->without_module ? MODULE_VERSION + 2 : MODULE_VERSION;

	wr_str(w, "\"tdxModule\":{");
	json_hex(w, "mrsigner", SPAN_ARRAY(zero));
	wr_str(w, MODULE_ATTRIBUTES "},\"tdxModuleIdentities\":[");
	wr_printf(w, "{\"id\":\"TDX_%02X\",", id);
	json_hex(w, "mrsigner", SPAN_ARRAY(zero));
	wr_str(w, MODULE_ATTRIBUTES ",\"tcbLevels\":[");
	json_svn_level(w, floor, TCB_DATE, or_up_to_date(k->module_status));
	if (!k->module_svn_floor) {
		wr_str(w, ",");
		json_svn_level(w, floor - 2, OLD_DATE, "OutOfDate");
	}
	wr_str(w, "]}],");
}

static void json_components(struct wr *w, const char *key,
			    const uint8_t svn[COMPONENT_COUNT])
{
	wr_printf(w, "\"%s\":[", key);
	for (size_t i = 0; i < COMPONENT_COUNT; i++)
		wr_printf(w, "%s{\"svn\":%u}", i ? "," : "", svn[i]);
	wr_str(w, "]");
}

/* One level: this platform's SVNs when in good order, with that PCESVN. */
static void json_level(struct wr *w, unsigned pce_svn, const char *date,
		       const char *status)
{
	static const uint8_t sgx[COMPONENT_COUNT] = { 2, 2, 2, 2, 3, 1, 0, 5 };
	static const uint8_t tdx[COMPONENT_COUNT] = { 5, 0, 2 };

	wr_str(w, "{\"tcb\":{");
	json_components(w, "sgxtcbcomponents", sgx);
	wr_printf(w, ",\"pcesvn\":%u,", pce_svn);
	json_components(w, "tdxtcbcomponents", tdx);
	wr_printf(w, "},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"", date, status);
}

static void tcb_info(struct wr *w, const struct press *p)
{
	const struct sim_knobs_docs *k = p->k;
	uint8_t fmspc[6];

	memcpy(fmspc, p->pki->platform.fmspc, sizeof(fmspc));
	fmspc[5] ^= k->fmspc_differs ? 1 : 0;
	wr_printf(w, "{\"id\":\"%s\",", k->tcb_id ? k->tcb_id : "TDX");
	wr_str(w, "\"version\":3,");
	json_times(w, validity(p, &k->tcb_valid));
	json_hex(w, "fmspc", SPAN_ARRAY(fmspc));
	wr_printf(w, "\"pceId\":\"%s\",\"tcbType\":0,",
		  k->pce_id_differs ? "0100" : "0000");
	wr_printf(w, "\"tcbEvaluationDataNumber\":%u,",
		  k->tcb_evaluation ? k->tcb_evaluation : EVALUATION);
	json_module(w, p);
	wr_str(w, "\"tcbLevels\":[");
	json_level(w, 11, TCB_DATE, or_up_to_date(k->tcb_status));
	wr_str(w, "},");
	json_level(w, 5, OLD_DATE, "OutOfDate");
	wr_str(w, ",\"advisoryIDs\":[\"INTEL-SA-00837\"]}]}");
}

static void qe_identity(struct wr *w, const struct press *p)
{
	const struct sim_knobs_docs *k = p->k;
	struct sha256 signer;

	sim_qe_signer(&signer);
	wr_printf(w, "{\"id\":\"%s\",", k->qe_id ? k->qe_id : "TD_QE");
	wr_str(w, "\"version\":2,");
	json_times(w, validity(p, &k->qe_valid));
	wr_printf(w, "\"tcbEvaluationDataNumber\":%u,", EVALUATION);
	wr_str(w, "\"miscselect\":\"00000000\","
		  "\"miscselectMask\":\"FFFFFFFF\","
		  "\"attributes\":\"11000000000000000000000000000000\","
		  "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",");
	json_hex(w, "mrsigner", SPAN_ARRAY(signer.b));
	wr_printf(w, "\"isvprodid\":%u,\"tcbLevels\":[", SIM_QE_PRODUCT);
	json_svn_level(w, k->qe_svn_floor ? k->qe_svn_floor : QE_SVN, TCB_DATE,
		       or_up_to_date(k->qe_status));
	wr_str(w, "]}");
}

/* A document signed and framed; the signature covers the value's bytes. */
struct frame {
	const char *key;
	void (*body)(struct wr *w, const struct press *p);
	bool by_stranger, changed_after, is_cut;
};

static enum rc print_json(struct buf *out, const struct press *p,
			  const struct frame *f)
{
	AUTO(sim_key_auto)
	struct p256_private *stranger = NULL;
	const struct p256_private *signer;
	uint8_t document[DOCUMENT_MAX];
	struct wr w = WR_ARRAY(document);
	struct p256_signature sig;
	struct span all;
	size_t at;

	wr_printf(&w, "{\"%s\":", f->key);
	at = w.n;
	f->body(&w, p);
	signer = sim_pki_signer(p->pki, SIM_KEY_SIGNER, f->by_stranger,
				&stranger);
	p256_sign(signer, &sig, span_of(w.p + at, w.n - at));
	if (f->changed_after) /* "version":3 -> 2 */
		w.p[at + sizeof("{\"id\":\"TDX\",\"version\":") - 1] ^= 1;
	wr_str(&w, ",\"signature\":\"");
	text_hex(&w, SPAN_ARRAY(sig.rs));
	wr_str(&w, "\"}");
	if (!wr_done(&w, &all))
		return RC_LIMIT;
	all.n -= f->is_cut ? 1 : 0;
	return buf_add(out, all) ? RC_OK : RC_LIMIT;
}

static enum rc print_chain(struct buf *out, const struct press *p)
{
	enum sim_cert signer = SIM_CERT_SIGNER;
	enum rc rc;

	if (p->k->signer_chain_of_leaf)
		signer = SIM_CERT_PCK;
	rc = sim_pki_pem(out, p->pki, signer);
	return rc ? rc : sim_pki_pem(out, p->pki, SIM_CERT_ROOT);
}

static enum rc print_pck_crl_chain(struct buf *out, const struct press *p)
{
	enum rc rc = sim_pki_pem(out, p->pki, SIM_CERT_CA);

	return rc ? rc : sim_pki_pem(out, p->pki, SIM_CERT_ROOT);
}

static enum rc print_all(struct collateral_files *c, const struct press *p)
{
	const struct frame tcb = {
		.key = "tcbInfo",
		.body = tcb_info,
		.by_stranger = p->k->tcb_by_stranger,
		.changed_after = p->k->tcb_changed_after,
		.is_cut = p->k->tcb_cut,
	};
	const struct frame qe = {
		.key = "enclaveIdentity",
		.body = qe_identity,
		.by_stranger = p->k->qe_by_stranger,
		.is_cut = p->k->qe_cut,
	};
	struct sim_validity root = validity(p, &p->k->root_crl_valid);
	enum rc rc = print_root_crl(&c->root_crl, p, root);

	rc = rc ? rc : print_pck_crl(&c->pck_crl, p);
	rc = rc ? rc : print_pck_crl_chain(&c->pck_crl_chain, p);
	rc = rc ? rc : print_json(&c->tcb_info, p, &tcb);
	rc = rc ? rc : print_chain(&c->tcb_info_chain, p);
	rc = rc ? rc : print_json(&c->qe_identity, p, &qe);
	return rc ? rc : print_chain(&c->qe_identity_chain, p);
}

enum rc sim_docs_make(struct collateral_files *out, const struct sim_pki *pki,
		      const struct sim_knobs *knobs, int64_t now)
{
	const struct press p = {
		.pki = pki,
		.k = knobs ? &knobs->docs : &no_knobs.docs,
		.now = now,
	};
	AUTO(collateral_fini)
	struct collateral_files c;
	enum rc rc;

	collateral_init(&c);
	rc = print_all(&c, &p);
	if (rc)
		return rc;
	*out = c;
	c = (struct collateral_files){ 0 };
	return RC_OK;
}
