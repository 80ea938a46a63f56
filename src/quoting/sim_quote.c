#include "quoting/sim_quote.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* Numbers of the quote format. */
enum {
	VERSION_SGX = 3,
	VERSION_4 = 4,
	KEY_ECDSA_P256 = 2,
	TEE_TDX = 0x81,
	BODY_TD_10 = 2,
	BODY_TD_15 = 3,
	CERT_QE_REPORT = 6,
	CERT_PEM_CHAIN = 5,
	PADDING = 70,
	AUTH_DATA_LEN = 32,
	MODULE_SVN = 5, /* TDX module 1, in good order */
	MODULE_VERSION = 1,
	MICROCODE_SVN = 2,
	QE_FLAGS = 0x15, /* INIT, MODE64BIT, PROVISIONKEY */
	APP_FLAGS = 0x05, /* INIT, MODE64BIT */
	FLAG_DEBUG = 0x02,
	ENCLAVE_XFRM = 0xe7,
	/* QE report, its signature, auth data, and the chain's type and size */
	QE_CERTIFIED_LEN = QUOTE_ENCLAVE_REPORT_LEN + P256_SIGNATURE_LEN + 2 +
			   AUTH_DATA_LEN + 6,
};

#define TD_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define TD_XFAM UINT64_C(0x602e7)

/* The QE vendor id is Intel's: a quote with another is no DCAP quote. */
static const uint8_t vendor[16] = {
	0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07
};

static const struct sim_knobs no_knobs;

void sim_image_register(struct sha384 *out, const char *image, const char *name)
{
	const struct span parts[] = {
		span_of("postern simulated image", 24), /* with its NUL */
		span_of(image, strlen(image) + 1),
		span_str(name),
	};

	sha384_parts(out, parts, 3);
}

void sim_td_launch(struct sim_td *td, const char *image,
		   const uint8_t mr_config_id[QUOTE_MR_LEN])
{
	*td = (struct sim_td){
		.attributes = TD_SEPT_VE_DISABLE,
		.xfam = TD_XFAM,
	};
	sim_image_register(&td->mr_td, image, "mrtd");
	sim_image_register(&td->rtmr[0], image, "rtmr0");
	sim_image_register(&td->rtmr[1], image, "rtmr1");
	sim_image_register(&td->rtmr[2], image, "rtmr2");
	if (mr_config_id)
		memcpy(td->mr_config_id, mr_config_id, QUOTE_MR_LEN);
}

bool sim_td_extend(struct sim_td *td, unsigned rtmr,
		   const struct sha384 *digest)
{
	if (rtmr != 2 && rtmr != 3)
		return false;
	const struct span parts[] = { SPAN_ARRAY(td->rtmr[rtmr].b),
				      SPAN_ARRAY(digest->b) };
	struct sha384 next;
	sha384_parts(&next, parts, 2);
	td->rtmr[rtmr] = next;
	return true;
}

void sim_qe_signer(struct sha256 *out)
{
	sha256_of(out, span_str("postern simulated quoting enclave signer"));
}

/* Everything a quote is made from, and the parts made on the way. */
struct job {
	const struct sim_pki *pki;
	const struct sim_td *td;
	const uint8_t *report_data;
	const struct sim_knobs_quote *k;
	struct p256_point attestation_key;
	uint8_t auth_data[AUTH_DATA_LEN];
};

static void write_header(struct wr *w, const struct job *j)
{
	const struct sim_knobs_quote *k = j->k;
	struct sha256 id;

	/* Stable for a platform, as the id a QE derives for itself. */
	sha256_of(&id, SPAN_ARRAY(j->pki->platform.ppid));
	if (k->is_enclave)
		wr_le16(w, VERSION_SGX);
	else
		wr_le16(w, k->version ? k->version : VERSION_4);
	wr_le16(w, k->key_type ? k->key_type : KEY_ECDSA_P256);
	if (k->is_enclave)
		wr_le32(w, 0); /* reserved in version 3 */
	else
		wr_le32(w, k->tee_type ? k->tee_type : TEE_TDX);
	wr_le16(w, k->header_reserved ? 1 : 0);
	wr_le16(w, 0);
	if (k->vendor_differs)
		wr_zero(w, sizeof(vendor));
	else
		wr_bytes(w, SPAN_ARRAY(vendor));
	wr_bytes(w, span_of(id.b, 16));
	wr_zero(w, 4);
}

static void write_tcb_svn(struct wr *w, const struct job *j)
{
	bool is_bent = j->k->module_svn || j->k->module_version;

	wr_u8(w, is_bent ? j->k->module_svn : MODULE_SVN);
	wr_u8(w, is_bent ? j->k->module_version : MODULE_VERSION);
	wr_u8(w, MICROCODE_SVN);
	wr_zero(w, 13);
}

static void write_td_report(struct wr *w, const struct job *j)
{
	const struct sim_td *td = j->td;
	struct sha384 module;

	sha384_of(&module, span_str("postern simulated TDX module"));
	write_tcb_svn(w, j);
	wr_bytes(w, SPAN_ARRAY(module.b));
	wr_u8(w, j->k->seam_signer_set ? 1 : 0);
	wr_zero(w, QUOTE_MR_LEN - 1);
	wr_le64(w, j->k->seam_attributes_set ? 1 : 0);
	wr_le64(w, td->attributes ^ j->k->td_attributes_flip);
	wr_le64(w, td->xfam);
	wr_bytes(w, SPAN_ARRAY(td->mr_td.b));
	wr_bytes(w, SPAN_ARRAY(td->mr_config_id));
	wr_bytes(w, SPAN_ARRAY(td->mr_owner));
	wr_bytes(w, SPAN_ARRAY(td->mr_owner_config));
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		wr_bytes(w, SPAN_ARRAY(td->rtmr[i].b));
	wr_bytes(w, span_of(j->report_data, QUOTE_REPORT_DATA_LEN));
	if (!j->k->is_15)
		return;
	write_tcb_svn(w, j);
	wr_u8(w, j->k->has_service_td ? 1 : 0);
	wr_zero(w, QUOTE_MR_LEN - 1);
}

/* One enclave's report. */
struct enclave {
	const struct job *job;
	uint64_t flags;
	const char *name; /* what its measurement is of */
	struct sha256 signer;
	uint16_t product, svn;
	const uint8_t *report_data; /* QUOTE_REPORT_DATA_LEN */
};

static void write_enclave_report(struct wr *w, const struct enclave *e)
{
	struct sha256 measurement;

	sha256_of(&measurement, span_str(e->name));
	wr_bytes(w, SPAN_ARRAY(e->job->pki->platform.cpu_svn));
	wr_zero(w, 4 + 28); /* MISCSELECT, reserved */
	wr_le64(w, e->flags);
	wr_le64(w, ENCLAVE_XFRM);
	wr_bytes(w, SPAN_ARRAY(measurement.b));
	wr_zero(w, 32);
	wr_bytes(w, SPAN_ARRAY(e->signer.b));
	wr_zero(w, 96);
	wr_le16(w, e->product);
	wr_le16(w, e->svn);
	wr_zero(w, 60);
	wr_bytes(w, span_of(e->report_data, QUOTE_REPORT_DATA_LEN));
}

static void write_app_report(struct wr *w, const struct job *j)
{
	struct enclave e = {
		.job = j,
		.flags = j->k->enclave_is_debug ? APP_FLAGS | FLAG_DEBUG
						: APP_FLAGS,
		.name = "postern simulated enclave",
		.report_data = j->report_data,
	};

	sha256_of(&e.signer, span_str("postern simulated enclave signer"));
	write_enclave_report(w, &e);
}

/* Header and body: what the attestation key signs. */
static void write_signed(struct wr *w, const struct job *j)
{
	uint32_t report = QUOTE_TD_REPORT_10_LEN;

	if (j->k->is_15)
		report = QUOTE_TD_REPORT_15_LEN;
	write_header(w, j);
	if (j->k->is_enclave) {
		write_app_report(w, j);
		return;
	}
	if (j->k->version == 5) {
		wr_le16(w, j->k->is_15 ? BODY_TD_15 : BODY_TD_10);
		wr_le32(w, report);
	}
	write_td_report(w, j);
}

static void write_qe_report(struct wr *w, const struct job *j)
{
	const struct sim_knobs_quote *k = j->k;
	const struct span vouched[] = { SPAN_ARRAY(j->attestation_key.xy),
					SPAN_ARRAY(j->auth_data) };
	uint8_t report_data[QUOTE_REPORT_DATA_LEN] = { 0 };
	struct enclave e = {
		.job = j,
		.flags = k->qe_is_debug ? QE_FLAGS | FLAG_DEBUG : QE_FLAGS,
		.name = "postern simulated quoting enclave",
		.product = SIM_QE_PRODUCT + (k->qe_product_differs ? 1 : 0),
		.svn = k->qe_svn ? k->qe_svn : SIM_QE_SVN,
		.report_data = report_data,
	};
	struct sha256 hash;

	sim_qe_signer(&e.signer);
	e.signer.b[0] ^= k->qe_signer_differs ? 1 : 0;
	sha256_parts(&hash, vouched, 2);
	hash.b[0] ^= k->qe_hash_differs ? 1 : 0;
	memcpy(report_data, hash.b, sizeof(hash.b));
	write_enclave_report(w, &e);
}

static enum rc chain_pem(struct buf *pem, const struct job *j)
{
	enum {
		PCK = SIM_CERT_PCK,
		CA = SIM_CERT_CA,
		ROOT = SIM_CERT_ROOT
	};
	static const uint8_t order[][3] = {
		[SIM_CHAIN_USUAL] = { PCK, CA, ROOT },
		[SIM_CHAIN_REVERSED] = { ROOT, CA, PCK },
		[SIM_CHAIN_NO_ROOT] = { PCK, CA, SIM_CERT_COUNT },
		[SIM_CHAIN_TWICE] = { PCK, PCK, ROOT },
	};
	static const char garbage[] = "-----BEGIN CERTIFICATE-----\n"
				      "MAMCAQE=\n"
				      "-----END CERTIFICATE-----\n";
	enum rc rc = RC_OK;

	for (size_t i = 0; !rc && i < 3; i++) {
		if (j->k->chain == SIM_CHAIN_GARBAGE)
			rc = buf_add(pem, span_str(garbage)) ? RC_OK : RC_LIMIT;
		else if (order[j->k->chain][i] != SIM_CERT_COUNT)
			rc = sim_pki_pem(pem, j->pki,
					 (enum sim_cert)order[j->k->chain][i]);
	}
	if (rc)
		return rc;
	/* Real chains end with a NUL that counts. */
	return buf_add(pem, span_of("", 1)) ? RC_OK : RC_LIMIT;
}

/* The QE report, signed by the PCK key. */
static void write_qe(struct wr *w, const struct job *j)
{
	AUTO(sim_key_auto)
	struct p256_private *stranger = NULL;
	const struct p256_private *signer;
	struct p256_signature sig;
	size_t at = w->n;

	write_qe_report(w, j);
	signer = sim_pki_signer(j->pki, SIM_KEY_PCK, j->k->qe_by_stranger,
				&stranger);
	p256_sign(signer, &sig, span_of(w->p + at, w->n - at));
	wr_bytes(w, SPAN_ARRAY(sig.rs));
	wr_le16(w, AUTH_DATA_LEN);
	wr_bytes(w, SPAN_ARRAY(j->auth_data));
}

/* The signature over the 'w' so far, then everything that vouches for it. */
static enum rc write_auth(struct wr *w, const struct job *j)
{
	AUTO(sim_key_auto)
	struct p256_private *stranger = NULL;
	const struct p256_private *signer;
	AUTO(buf_fini)
	struct buf pem = { 0 };
	struct p256_signature sig;
	uint32_t certified;
	uint16_t type;
	enum rc rc;

	buf_init(&pem, SIM_QUOTE_MAX);
	rc = chain_pem(&pem, j);
	if (rc)
		return rc;
	signer = sim_pki_signer(j->pki, SIM_KEY_ATTESTATION, j->k->by_stranger,
				&stranger);
	p256_sign(signer, &sig, wr_span(w));
	if (j->k->changed_after)
		w->p[w->n - 1 - QUOTE_REPORT_DATA_LEN] ^= 1;

	certified = QE_CERTIFIED_LEN + (uint32_t)pem.n;
	wr_le32(w, 64 + 64 + (j->k->is_enclave ? 0U : 6U) + certified +
			   j->k->auth_size_add);
	wr_bytes(w, SPAN_ARRAY(sig.rs));
	wr_bytes(w, SPAN_ARRAY(j->attestation_key.xy));
	if (!j->k->is_enclave) {
		wr_le16(w, CERT_QE_REPORT);
		wr_le32(w, certified);
	}
	write_qe(w, j);
	type = j->k->certification_type;
	wr_le16(w, type ? type : CERT_PEM_CHAIN);
	wr_le32(w, (uint32_t)pem.n);
	wr_bytes(w, buf_span(&pem));
	return RC_OK;
}

static void write_padding(struct wr *w, const struct sim_knobs_quote *k)
{
	if (!k->trailing && !k->is_padded)
		return;
	for (size_t i = 0; i < PADDING; i++)
		wr_u8(w, k->trailing);
}

enum rc sim_quote(struct buf *out, const struct sim_pki *pki,
		  const struct sim_td *td,
		  const uint8_t report_data[QUOTE_REPORT_DATA_LEN],
		  const struct sim_knobs *knobs)
{
	struct job j = {
		.pki = pki,
		.td = td,
		.report_data = report_data,
		.k = knobs ? &knobs->quote : &no_knobs.quote,
	};
	uint8_t bytes[SIM_QUOTE_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct span quote;

	for (size_t i = 0; i < AUTH_DATA_LEN; i++)
		j.auth_data[i] = (uint8_t)i; /* what Intel's QE puts there */
	p256_private_point(pki->key[SIM_KEY_ATTESTATION], &j.attestation_key);
	j.attestation_key.xy[P256_POINT_LEN - 1] ^= j.k->key_off_curve ? 1 : 0;
	write_signed(&w, &j);
	enum rc rc = write_auth(&w, &j);
	if (rc)
		return rc;
	write_padding(&w, j.k);
	return wr_done(&w, &quote) && buf_add(out, quote) ? RC_OK : RC_LIMIT;
}
