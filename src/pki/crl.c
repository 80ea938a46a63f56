#include "pki/crl.h"

#include "pki/der.h"

static const uint8_t oid_crl_number[] = { 0x55, 0x1d, 0x14 };
static const uint8_t oid_aki[] = { 0x55, 0x1d, 0x23 };

enum {
	CRL_V2 = 1,
	CRL_NUMBER_MAX = 21, /* 20 octets (RFC 5280 §5.2.3) and a sign */
};

static bool parse_number(struct crl *c, struct span value)
{
	return !c->number.n && der_integer(&value, &c->number) &&
	       rd_end(&value) && c->number.n <= CRL_NUMBER_MAX;
}

static bool parse_aki(struct crl *c, struct span value)
{
	struct span seq;

	return !c->aki.n && der_take(&value, DER_SEQUENCE, &seq) &&
	       rd_end(&value) && der_take(&seq, DER_IMPLICIT_0, &c->aki) &&
	       rd_end(&seq) && c->aki.n;
}

static enum rc parse_extensions(struct crl *c, struct span list)
{
	struct span oid, value;
	bool is_critical;

	while (!rd_end(&list)) {
		if (!der_extension(&list, &oid, &is_critical, &value))
			return RC_MALFORMED;
		if (span_equal(oid, SPAN_ARRAY(oid_crl_number))) {
			if (!parse_number(c, value))
				return RC_MALFORMED;
		} else if (span_equal(oid, SPAN_ARRAY(oid_aki))) {
			if (!parse_aki(c, value))
				return RC_MALFORMED;
		} else if (is_critical) {
			return RC_UNSUPPORTED;
		}
	}
	return c->number.n && c->aki.n ? RC_OK : RC_MALFORMED;
}

/* One of revokedCertificates: serial, date, OPTIONAL extensions. */
static enum rc rd_entry(struct span *entries, struct span *serial)
{
	struct span entry, list, oid, value;
	bool is_critical;
	int64_t at;

	if (!der_take(entries, DER_SEQUENCE, &entry) ||
	    !der_integer(&entry, serial) || !der_time(&entry, &at))
		return RC_MALFORMED;
	if (rd_end(&entry))
		return RC_OK;
	if (!der_take(&entry, DER_SEQUENCE, &list) || !rd_end(&entry))
		return RC_MALFORMED;
	while (!rd_end(&list)) {
		if (!der_extension(&list, &oid, &is_critical, &value))
			return RC_MALFORMED;
		if (is_critical)
			return RC_UNSUPPORTED;
	}
	return RC_OK;
}

static enum rc parse_entries(struct crl *c, struct span *tbs)
{
	struct span serial, left;

	if (!der_next_is(tbs, DER_SEQUENCE))
		return RC_OK;
	if (!der_take(tbs, DER_SEQUENCE, &c->entries))
		return RC_MALFORMED;
	for (left = c->entries; !rd_end(&left); c->entry_count++) {
		enum rc rc = rd_entry(&left, &serial);

		if (rc)
			return rc;
	}
	/* RFC 5280 §5.1.2.6: absent when empty. */
	return c->entry_count ? RC_OK : RC_MALFORMED;
}

static enum rc parse_tbs(struct crl *c, struct span tbs)
{
	struct span algorithm = cert_signature_algorithm(), explicit, list;
	uint32_t version;
	enum rc rc;

	if (!der_uint(&tbs, DER_INTEGER, &version, UINT32_MAX))
		return RC_MALFORMED;
	if (version != CRL_V2)
		return RC_UNSUPPORTED;
	if (!span_has_prefix(tbs, algorithm) || !rd_skip(&tbs, algorithm.n))
		return RC_UNSUPPORTED;
	if (!der_whole(&tbs, DER_SEQUENCE, &c->issuer) ||
	    !der_time(&tbs, &c->this_update) ||
	    !der_time(&tbs, &c->next_update))
		return RC_MALFORMED;
	rc = parse_entries(c, &tbs);
	if (rc)
		return rc;
	if (!der_take(&tbs, DER_EXPLICIT_0, &explicit) || !rd_end(&tbs) ||
	    !der_take(&explicit, DER_SEQUENCE, &list) || !rd_end(&explicit))
		return RC_MALFORMED;
	return parse_extensions(c, list);
}

enum rc crl_parse(struct crl *out, struct span der)
{
	struct span algorithm = cert_signature_algorithm();
	struct span outer, inner, tbs, signature;
	struct crl c = { 0 };
	enum rc rc;

	if (der.n > CRL_MAX)
		return RC_LIMIT;
	if (!der_take(&der, DER_SEQUENCE, &outer) || !rd_end(&der) ||
	    !der_whole(&outer, DER_SEQUENCE, &c.tbs))
		return RC_MALFORMED;
	inner = c.tbs;
	if (!der_take(&inner, DER_SEQUENCE, &tbs))
		return RC_MALFORMED;
	rc = parse_tbs(&c, tbs);
	if (rc)
		return rc;
	if (!span_has_prefix(outer, algorithm) ||
	    !rd_skip(&outer, algorithm.n) || !der_bits(&outer, &signature) ||
	    !rd_end(&outer) ||
	    !p256_signature_from_der(&c.signature, signature))
		return RC_MALFORMED;
	*out = c;
	return RC_OK;
}

bool crl_lists(const struct crl *c, struct span serial)
{
	struct span left = c->entries, entry, listed;

	/* crl_parse() has read each of them: none can fail now, and if one did,
	 * "revoked" is the answer that does no harm. */
	while (!rd_end(&left))
		if (!der_take(&left, DER_SEQUENCE, &entry) ||
		    !der_integer(&entry, &listed) || span_equal(listed, serial))
			return true;
	return false;
}

bool crl_names_issuer(const struct crl *c, const struct cert *issuer)
{
	return span_equal(c->issuer, issuer->subject) &&
	       (!issuer->ski.n || span_equal(c->aki, issuer->ski));
}
