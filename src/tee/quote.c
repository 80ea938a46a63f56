#include "tee/quote.h"

enum {
	KEY_TYPE_ECDSA_P256 = 2, /* with SHA-256 */
	TEE_TYPE_SGX = 0x00000000,
	TEE_TYPE_TDX = 0x00000081,
	BODY_TD_10 = 2, /* body types of v5 */
	BODY_TD_15 = 3,
	CERTIFICATION_QE_REPORT = 6,
	CERTIFICATION_FIRST = 1,
	CERTIFICATION_LAST = 5,
	SIGNATURE_LEN = 64,
	KEY_LEN = 64,
};

static const uint8_t intel_vendor[16] = {
	0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07
};

struct span quote_report_data(const struct quote *q)
{
	return q->tee == QUOTE_TDX ? q->td.report_data : q->enclave.report_data;
}

/* 'raw' has QUOTE_ENCLAVE_REPORT_LEN bytes, so that no read can fail. */
static bool parse_enclave(struct enclave_report *r, struct span raw)
{
	struct span s = raw;

	r->raw = raw;
	return rd_n(&s, &r->cpu_svn, 16) &&
	       rd_le32(&s, &r->misc_select) &&
	       rd_skip(&s, 28) &&
	       rd_n(&s, &r->attributes, 16) &&
	       rd_n(&s, &r->mr_enclave, 32) &&
	       rd_skip(&s, 32) &&
	       rd_n(&s, &r->mr_signer, 32) &&
	       rd_skip(&s, 96) &&
	       rd_le16(&s, &r->isv_prod_id) &&
	       rd_le16(&s, &r->isv_svn) &&
	       rd_skip(&s, 60) &&
	       rd_n(&s, &r->report_data, QUOTE_REPORT_DATA_LEN) && rd_end(&s);
}

/* 'raw' has the length of one of the two TD reports. */
static bool parse_td(struct td_report *r, struct span raw)
{
	struct span s = raw;

	r->raw = raw;
	if (!rd_n(&s, &r->tee_tcb_svn, 16) ||
	    !rd_n(&s, &r->mr_seam, QUOTE_MR_LEN) ||
	    !rd_n(&s, &r->mr_signer_seam, QUOTE_MR_LEN) ||
	    !rd_n(&s, &r->seam_attributes, 8) ||
	    !rd_le64(&s, &r->td_attributes) ||
	    !rd_le64(&s, &r->xfam) ||
	    !rd_n(&s, &r->mr_td, QUOTE_MR_LEN) ||
	    !rd_n(&s, &r->mr_config_id, QUOTE_MR_LEN) ||
	    !rd_n(&s, &r->mr_owner, QUOTE_MR_LEN) ||
	    !rd_n(&s, &r->mr_owner_config, QUOTE_MR_LEN))
		return false;
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		if (!rd_n(&s, &r->rtmr[i], QUOTE_MR_LEN))
			return false;
	if (!rd_n(&s, &r->report_data, QUOTE_REPORT_DATA_LEN))
		return false;
	if (raw.n == QUOTE_TD_REPORT_15_LEN &&
	    (!rd_n(&s, &r->tee_tcb_svn2, 16) ||
	     !rd_n(&s, &r->mr_service_td, QUOTE_MR_LEN)))
		return false;
	return rd_end(&s);
}

static enum tee_reason parse_header(struct quote *q, struct span *s)
{
	uint16_t key_type;
	uint32_t tee_type;

	if (!rd_le16(s, &q->version) || !rd_le16(s, &key_type) ||
	    !rd_le32(s, &tee_type) ||
	    !rd_skip(s, 4) || /* SVNs, never for decisions */
	    !rd_n(s, &q->qe_vendor, 16) || !rd_n(s, &q->user_data, 20))
		return TEE_QUOTE_TOO_SHORT;
	if (q->version < 3 || q->version > 5)
		return TEE_QUOTE_VERSION;
	if (key_type != KEY_TYPE_ECDSA_P256)
		return TEE_QUOTE_KEY_TYPE;
	/* SGX quotes are v3, where the field is reserved; TDX v4 and v5. */
	if (tee_type != (q->version == 3 ? TEE_TYPE_SGX : TEE_TYPE_TDX))
		return TEE_QUOTE_TEE_TYPE;
	if (!span_equal(q->qe_vendor, SPAN_ARRAY(intel_vendor)))
		return TEE_QUOTE_VENDOR;
	q->tee = q->version == 3 ? QUOTE_SGX : QUOTE_TDX;
	return TEE_OK;
}

/* v5 says what its body is; type, size and TEE must agree. */
static enum tee_reason body_size(size_t *n, const struct quote *q,
				 struct span *s)
{
	uint16_t type;
	uint32_t size;

	*n = q->version == 3 ? QUOTE_ENCLAVE_REPORT_LEN
			     : QUOTE_TD_REPORT_10_LEN;
	if (q->version != 5)
		return TEE_OK;
	if (!rd_le16(s, &type) || !rd_le32(s, &size))
		return TEE_QUOTE_TOO_SHORT;
	if (type == BODY_TD_15)
		*n = QUOTE_TD_REPORT_15_LEN;
	else if (type != BODY_TD_10)
		return TEE_QUOTE_BODY;
	return size == *n ? TEE_OK : TEE_QUOTE_BODY;
}

static enum tee_reason parse_body(struct quote *q, struct span *s)
{
	struct span raw;
	size_t n;
	enum tee_reason reason = body_size(&n, q, s);

	if (reason)
		return reason;
	if (!rd_n(s, &raw, n))
		return TEE_QUOTE_TOO_SHORT;
	if (q->tee == QUOTE_SGX ? !parse_enclave(&q->enclave, raw)
				: !parse_td(&q->td, raw))
		return TEE_QUOTE_BODY;
	return TEE_OK;
}

/* u16 type, u32 size, bytes */
static bool rd_certification(struct span *s, uint16_t *type, struct span *data)
{
	struct span in = *s;
	uint32_t n;

	if (!rd_le16(&in, type) || !rd_le32(&in, &n) || !rd_n(&in, data, n))
		return false;
	*s = in;
	return true;
}

/* QE report, its signature, QE authentication data, certification data; they
 * fill 's' exactly. */
static enum tee_reason parse_qe(struct quote *q, struct span s)
{
	struct span raw;
	uint16_t n;

	if (!rd_n(&s, &raw, QUOTE_ENCLAVE_REPORT_LEN) ||
	    !parse_enclave(&q->qe_report, raw) ||
	    !rd_n(&s, &q->qe_report_signature, SIGNATURE_LEN) ||
	    !rd_le16(&s, &n) || !rd_n(&s, &q->qe_auth_data, n) ||
	    !rd_certification(&s, &q->certification_type,
			      &q->certification_data) ||
	    !rd_end(&s))
		return TEE_QUOTE_AUTH_SIZE;
	if (q->certification_type < CERTIFICATION_FIRST ||
	    q->certification_type > CERTIFICATION_LAST)
		return TEE_QUOTE_CERT_TYPE;
	return TEE_OK;
}

static enum tee_reason parse_auth(struct quote *q, struct span s)
{
	struct span data;
	uint16_t type;

	if (!rd_n(&s, &q->signature, SIGNATURE_LEN) ||
	    !rd_n(&s, &q->attestation_key, KEY_LEN))
		return TEE_QUOTE_AUTH_SIZE;
	if (q->version == 3)
		return parse_qe(q, s);
	if (!rd_certification(&s, &type, &data) || !rd_end(&s))
		return TEE_QUOTE_AUTH_SIZE;
	if (type != CERTIFICATION_QE_REPORT)
		return TEE_QUOTE_CERT_TYPE;
	return parse_qe(q, data);
}

enum tee_reason quote_parse(struct quote *out, struct span bytes)
{
	struct span s = bytes, auth;
	struct quote q = { 0 };
	enum tee_reason reason;
	uint32_t n;

	if (bytes.n > QUOTE_MAX)
		return TEE_QUOTE_TOO_LARGE;
	reason = parse_header(&q, &s);
	if (!reason)
		reason = parse_body(&q, &s);
	if (reason)
		return reason;
	q.signed_region = span_of(bytes.p, bytes.n - s.n);
	if (!rd_le32(&s, &n) || !rd_n(&s, &auth, n))
		return TEE_QUOTE_TOO_SHORT;
	q.canonical = span_of(bytes.p, bytes.n - s.n);
	reason = parse_auth(&q, auth);
	if (reason)
		return reason;
	/* Quoting services pad their buffer; padding is not part of a quote. */
	if (!span_is_zero(s))
		return TEE_QUOTE_TRAILING;
	*out = q;
	return TEE_OK;
}
