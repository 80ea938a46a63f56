#include "pki/web.h"

#include "pki/der.h"

/* Content octets of object identifiers. */
static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
static const uint8_t oid_organization[] = { 0x55, 0x04, 0x0a };
static const uint8_t oid_ski[] = { 0x55, 0x1d, 0x0e };
static const uint8_t oid_key_usage[] = { 0x55, 0x1d, 0x0f };
static const uint8_t oid_san[] = { 0x55, 0x1d, 0x11 };
static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };
static const uint8_t oid_crl_points[] = { 0x55, 0x1d, 0x1f };
static const uint8_t oid_aki[] = { 0x55, 0x1d, 0x23 };
static const uint8_t oid_eku[] = { 0x55, 0x1d, 0x25 };
static const uint8_t oid_eku_any[] = { 0x55, 0x1d, 0x25, 0x00 };
/* clang-format off */
/* 1.3.6.1.5.5.7.1.1, .3.1, .3.2, .48.2 */
static const uint8_t oid_aia[] = {
	0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01
};
static const uint8_t oid_eku_server[] = {
	0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01
};
static const uint8_t oid_eku_client[] = {
	0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02
};
static const uint8_t oid_ca_issuers[] = {
	0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02
};
/* 1.3.6.1.4.1.11129.2.4.2, .3, .4: RFC 6962 §3.3, §3.1 */
static const uint8_t oid_scts[] = {
	0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02
};
static const uint8_t oid_poison[] = {
	0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x03
};
static const uint8_t oid_precert_signing[] = {
	0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x04
};
/* clang-format on */

enum {
	VERSION_3 = 2,
	/* IMPLICIT [1], [2] UniqueIdentifier, RFC 5280 §4.1 */
	TAG_ISSUER_UID = 0x81,
	TAG_SUBJECT_UID = 0x82,
	/* GeneralName, RFC 5280 §4.2.1.6 */
	GN_DNS = 0x82,
	GN_URI = 0x86,
	GN_IP = 0x87,
	/* DistributionPoint, §4.2.1.13 */
	DP_NAME = 0xa0,
	DP_REASONS = 0x81,
	DP_ISSUER = 0xa2,
	DP_FULL_NAME = 0xa0,
	DP_RELATIVE_NAME = 0xa1,
};

struct span web_oid_scts(void)
{
	return SPAN_ARRAY(oid_scts);
}

struct span web_oid_poison(void)
{
	return SPAN_ARRAY(oid_poison);
}

static bool is_http(struct span url)
{
	return span_has_prefix(url, span_str("http://")) ||
	       span_has_prefix(url, span_str("https://"));
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }; the last value of each
 * of two types, where it is asked for. */
static bool parse_name(struct span name, struct span *common_name,
		       struct span *organization)
{
	struct span list, set, attribute, oid, value, whole;
	uint8_t tag;

	if (!der_take(&name, DER_SEQUENCE, &list) || !rd_end(&name))
		return false;
	while (!rd_end(&list)) {
		if (!der_take(&list, DER_SET, &set) || rd_end(&set))
			return false;
		while (!rd_end(&set)) {
			if (!der_take(&set, DER_SEQUENCE, &attribute) ||
			    !der_oid(&attribute, &oid) ||
			    !der_any(&attribute, &tag, &value, &whole) ||
			    !rd_end(&attribute))
				return false;
			if (span_equal(oid, SPAN_ARRAY(oid_common_name)))
				*common_name = value;
			else if (span_equal(oid, SPAN_ARRAY(oid_organization)))
				*organization = value;
		}
	}
	return true;
}

static bool parse_ski(struct web_cert *c, struct span value)
{
	return der_take(&value, DER_OCTET_STRING, &c->ski) && rd_end(&value) &&
	       c->ski.n;
}

/* Of AuthorityKeyIdentifier's three members the first; all are optional. */
static bool parse_aki(struct web_cert *c, struct span value)
{
	struct span seq, content, whole;
	uint8_t tag;

	if (!der_take(&value, DER_SEQUENCE, &seq) || !rd_end(&value))
		return false;
	if (der_next_is(&seq, DER_IMPLICIT_0) &&
	    (!der_take(&seq, DER_IMPLICIT_0, &c->aki) || !c->aki.n))
		return false;
	while (!rd_end(&seq))
		if (!der_any(&seq, &tag, &content, &whole))
			return false;
	return true;
}

static bool parse_key_usage(struct web_cert *c, struct span value)
{
	struct span bits;
	uint8_t unused;

	if (!der_take(&value, DER_BIT_STRING, &bits) || !rd_end(&value) ||
	    !rd_u8(&bits, &unused) || unused > 7 || !bits.n || bits.n > 2 ||
	    bits.p[bits.n - 1] & ((1U << unused) - 1))
		return false;
	c->has_key_usage = true;
	for (size_t i = 0; i < bits.n * 8; i++)
		if (bits.p[i / 8] & 0x80 >> i % 8)
			c->key_usage |= (uint16_t)(1U << i);
	return true;
}

static bool parse_basic_constraints(struct web_cert *c, struct span value)
{
	uint32_t length = WEB_NO_PATH_LEN;
	struct span seq;

	if (!der_take(&value, DER_SEQUENCE, &seq) || !rd_end(&value))
		return false;
	/* A FALSE written out breaks DER's rule for defaults, and CAs do. */
	if (der_next_is(&seq, DER_BOOLEAN) && !der_boolean(&seq, &c->is_ca))
		return false;
	if (der_next_is(&seq, DER_INTEGER) &&
	    !der_uint(&seq, DER_INTEGER, &length, WEB_NO_PATH_LEN - 1))
		return false;
	c->path_len = (uint8_t)length;
	return rd_end(&seq);
}

static uint8_t eku_of(struct span oid)
{
	if (span_equal(oid, SPAN_ARRAY(oid_eku_server)))
		return WEB_EKU_SERVER;
	if (span_equal(oid, SPAN_ARRAY(oid_eku_client)))
		return WEB_EKU_CLIENT;
	if (span_equal(oid, SPAN_ARRAY(oid_eku_any)))
		return WEB_EKU_ANY;
	if (span_equal(oid, SPAN_ARRAY(oid_precert_signing)))
		return WEB_EKU_PRECERT_SIGNING;
	return WEB_EKU_OTHER;
}

static bool parse_eku(struct web_cert *c, struct span value)
{
	struct span seq, oid;

	if (!der_take(&value, DER_SEQUENCE, &seq) || !rd_end(&value) ||
	    rd_end(&seq))
		return false;
	c->has_eku = true;
	while (!rd_end(&seq)) {
		if (!der_oid(&seq, &oid))
			return false;
		c->eku |= eku_of(oid);
	}
	return true;
}

static bool rd_general_name(struct span *s, struct web_san *out)
{
	struct span value, whole;
	uint8_t tag;

	if (!der_any(s, &tag, &value, &whole))
		return false;
	out->type = tag == GN_DNS  ? WEB_SAN_DNS
		    : tag == GN_IP ? WEB_SAN_IP
				   : WEB_SAN_OTHER;
	out->value = value;
	return true;
}

static bool parse_san(struct web_cert *c, struct span value)
{
	struct web_san name;
	struct span left;

	if (!der_take(&value, DER_SEQUENCE, &c->sans) || !rd_end(&value) ||
	    !c->sans.n)
		return false;
	for (left = c->sans; !rd_end(&left);) {
		if (!rd_general_name(&left, &name))
			return false;
		c->dns_count += name.type == WEB_SAN_DNS;
		if (name.type != WEB_SAN_IP)
			continue;
		c->ip_count++;
		if (name.value.n != WEB_IPV4_LEN &&
		    name.value.n != WEB_IPV6_LEN)
			return false;
	}
	return true;
}

bool web_san_next(struct span *left, struct web_san *out)
{
	return !rd_end(left) && rd_general_name(left, out);
}

/* DistributionPointName: the fullName's GeneralNames; a name relative to the
 * issuer's gives none. */
static bool parse_point_name(struct web_crl_point *p, struct span value)
{
	struct span names, content, whole;
	uint8_t tag;

	if (!der_any(&value, &tag, &names, &whole) || !rd_end(&value) ||
	    (tag != DP_FULL_NAME && tag != DP_RELATIVE_NAME))
		return false;
	if (tag == DP_RELATIVE_NAME)
		return true;
	p->names = names;
	while (!rd_end(&names)) {
		if (!der_any(&names, &tag, &content, &whole))
			return false;
		if (tag == GN_URI && !p->url.n && is_http(content))
			p->url = content;
	}
	return p->names.n;
}

static bool rd_point(struct span *s, struct web_crl_point *out)
{
	struct web_crl_point p = { 0 };
	struct span seq, value, whole;
	uint8_t tag;

	if (!der_take(s, DER_SEQUENCE, &seq))
		return false;
	while (!rd_end(&seq)) {
		if (!der_any(&seq, &tag, &value, &whole) ||
		    (tag != DP_NAME && tag != DP_REASONS && tag != DP_ISSUER))
			return false;
		if (tag == DP_NAME && !parse_point_name(&p, value))
			return false;
		p.has_reasons |= tag == DP_REASONS;
		p.has_issuer |= tag == DP_ISSUER;
	}
	*out = p;
	return true;
}

static bool parse_crl_points(struct web_cert *c, struct span value)
{
	struct web_crl_point point;
	struct span left;

	if (!der_take(&value, DER_SEQUENCE, &c->crl_points) ||
	    !rd_end(&value) || !c->crl_points.n)
		return false;
	for (left = c->crl_points; !rd_end(&left);)
		if (!rd_point(&left, &point))
			return false;
	return true;
}

bool web_crl_point_next(struct span *left, struct web_crl_point *out)
{
	return !rd_end(left) && rd_point(left, out);
}

bool web_crl_url(const struct web_cert *c, struct span *url)
{
	struct span left = c->crl_points;
	struct web_crl_point p;

	while (web_crl_point_next(&left, &p)) {
		if (!p.url.n || p.has_reasons || p.has_issuer)
			continue;
		*url = p.url;
		return true;
	}
	return false;
}

static bool parse_aia(struct web_cert *c, struct span value)
{
	struct span seq, access, oid, content, whole;
	uint8_t tag;

	if (!der_take(&value, DER_SEQUENCE, &seq) || !rd_end(&value))
		return false;
	while (!rd_end(&seq)) {
		if (!der_take(&seq, DER_SEQUENCE, &access) ||
		    !der_oid(&access, &oid) ||
		    !der_any(&access, &tag, &content, &whole) ||
		    !rd_end(&access))
			return false;
		if (tag == GN_URI && !c->ca_issuers.n && is_http(content) &&
		    span_equal(oid, SPAN_ARRAY(oid_ca_issuers)))
			c->ca_issuers = content;
	}
	return true;
}

static bool parse_scts(struct web_cert *c, struct span value)
{
	return der_take(&value, DER_OCTET_STRING, &c->scts) &&
	       rd_end(&value) && c->scts.n;
}

static bool parse_poison(struct web_cert *c, struct span value)
{
	struct span null;

	c->is_precert = true;
	return der_take(&value, DER_NULL, &null) && rd_end(&null) &&
	       rd_end(&value);
}

static const struct {
	struct span oid;
	bool (*parse)(struct web_cert *c, struct span value);
} known[] = {
	{ { oid_ski, sizeof(oid_ski) }, parse_ski },
	{ { oid_aki, sizeof(oid_aki) }, parse_aki },
	{ { oid_key_usage, sizeof(oid_key_usage) }, parse_key_usage },
	{ { oid_basic_constraints, sizeof(oid_basic_constraints) },
	  parse_basic_constraints },
	{ { oid_eku, sizeof(oid_eku) }, parse_eku },
	{ { oid_san, sizeof(oid_san) }, parse_san },
	{ { oid_crl_points, sizeof(oid_crl_points) }, parse_crl_points },
	{ { oid_aia, sizeof(oid_aia) }, parse_aia },
	{ { oid_scts, sizeof(oid_scts) }, parse_scts },
	{ { oid_poison, sizeof(oid_poison) }, parse_poison },
};

static bool parse_extension(struct web_cert *c, struct span oid,
			    bool is_critical, struct span value)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_equal(oid, known[i].oid))
			return known[i].parse(c, value);
	c->unknown_critical += is_critical;
	return true;
}

/* RFC 5280 §4.2: no extension may come twice. */
static enum rc parse_extensions(struct web_cert *c)
{
	struct span seen[WEB_EXTENSIONS_MAX], left = c->extensions, value;
	bool is_critical;

	for (size_t count = 0; !rd_end(&left); count++) {
		if (count == WEB_EXTENSIONS_MAX)
			return RC_LIMIT;
		if (!der_extension(&left, &seen[count], &is_critical, &value))
			return RC_MALFORMED;
		for (size_t i = 0; i < count; i++)
			if (span_equal(seen[i], seen[count]))
				return RC_MALFORMED;
		if (!parse_extension(c, seen[count], is_critical, value))
			return RC_MALFORMED;
	}
	return RC_OK;
}

static enum rc parse_tbs_start(struct web_cert *c, struct span *tbs,
			       struct span *algorithm)
{
	struct span version, validity, unused = { 0 };
	uint32_t v;

	/* Without one it is version 1 (DEFAULT). */
	if (!der_next_is(tbs, DER_EXPLICIT_0))
		return der_next_is(tbs, DER_INTEGER) ? RC_UNSUPPORTED
						     : RC_MALFORMED;
	if (!der_take(tbs, DER_EXPLICIT_0, &version) ||
	    !der_uint(&version, DER_INTEGER, &v, UINT32_MAX) ||
	    !rd_end(&version))
		return RC_MALFORMED;
	if (v != VERSION_3)
		return RC_UNSUPPORTED;
	if (!der_integer(tbs, &c->serial) || c->serial.n > WEB_SERIAL_MAX ||
	    !der_whole(tbs, DER_SEQUENCE, algorithm) ||
	    !der_whole(tbs, DER_SEQUENCE, &c->issuer) ||
	    !der_take(tbs, DER_SEQUENCE, &validity) ||
	    !der_time(&validity, &c->not_before) ||
	    !der_time(&validity, &c->not_after) || !rd_end(&validity) ||
	    !der_whole(tbs, DER_SEQUENCE, &c->subject) ||
	    !der_whole(tbs, DER_SEQUENCE, &c->spki) ||
	    !parse_name(c->issuer, &c->issuer_common_name,
			&c->issuer_organization) ||
	    !parse_name(c->subject, &c->common_name, &unused))
		return RC_MALFORMED;
	return RC_OK;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { AlgorithmIdentifier, BIT STRING } */
static bool is_spki(struct span spki)
{
	struct span seq, algorithm, bits;

	return der_take(&spki, DER_SEQUENCE, &seq) && rd_end(&spki) &&
	       der_whole(&seq, DER_SEQUENCE, &algorithm) &&
	       der_bits(&seq, &bits) && rd_end(&seq) && bits.n;
}

/* The fields that stand between the key and the extensions. */
static bool skip_unique_ids(struct span *tbs)
{
	struct span content, whole;
	uint8_t tag;

	for (unsigned want = TAG_ISSUER_UID; want <= TAG_SUBJECT_UID; want++)
		if (tbs->n && tbs->p[0] == want &&
		    !der_any(tbs, &tag, &content, &whole))
			return false;
	return true;
}

static enum rc parse_tbs(struct web_cert *c, struct span *algorithm)
{
	struct span in = c->tbs, tbs, explicit;
	enum rc rc;

	if (!der_take(&in, DER_SEQUENCE, &tbs) || !rd_end(&in))
		return RC_MALFORMED;
	rc = parse_tbs_start(c, &tbs, algorithm);
	if (rc)
		return rc;
	if (!is_spki(c->spki) || !skip_unique_ids(&tbs))
		return RC_MALFORMED;
	if (rd_end(&tbs))
		return RC_OK;
	if (!der_take(&tbs, DER_EXPLICIT_3, &explicit) || !rd_end(&tbs) ||
	    !der_take(&explicit, DER_SEQUENCE, &c->extensions) ||
	    !rd_end(&explicit) || !c->extensions.n)
		return RC_MALFORMED;
	return parse_extensions(c);
}

enum rc web_parse_tbs(struct web_cert *out, struct span tbs)
{
	struct web_cert c = { .tbs = tbs, .path_len = WEB_NO_PATH_LEN };
	struct span algorithm;
	enum rc rc;

	if (tbs.n > WEB_CERT_MAX)
		return RC_LIMIT;
	rc = parse_tbs(&c, &algorithm);
	if (rc)
		return rc;
	*out = c;
	return RC_OK;
}

enum rc web_parse(struct web_cert *out, struct span der)
{
	struct web_cert c = { .der = der, .path_len = WEB_NO_PATH_LEN };
	struct span outer, inner_algorithm;
	enum rc rc;

	if (der.n > WEB_CERT_MAX)
		return RC_LIMIT;
	if (!der_take(&der, DER_SEQUENCE, &outer) || !rd_end(&der) ||
	    !der_whole(&outer, DER_SEQUENCE, &c.tbs) ||
	    !der_whole(&outer, DER_SEQUENCE, &c.algorithm) ||
	    !der_bits(&outer, &c.signature) || !rd_end(&outer))
		return RC_MALFORMED;
	rc = parse_tbs(&c, &inner_algorithm);
	if (rc)
		return rc;
	/* RFC 5280 §4.1.1.2: the same algorithm as inside. */
	if (!span_equal(inner_algorithm, c.algorithm))
		return RC_MALFORMED;
	*out = c;
	return RC_OK;
}

bool web_extension(const struct web_cert *c, struct span oid,
		   struct span *value, bool *is_critical)
{
	struct span left = c->extensions, found;

	while (der_extension(&left, &found, is_critical, value))
		if (span_equal(found, oid))
			return true;
	return false;
}

bool web_names_issuer(const struct web_cert *c, const struct web_cert *issuer)
{
	if (!span_equal(c->issuer, issuer->subject))
		return false;
	return !c->aki.n || !issuer->ski.n || span_equal(c->aki, issuer->ski);
}

void web_spki_sha256(struct sha256 *out, const struct web_cert *c)
{
	sha256_of(out, c->spki);
}
