#include "pki/cert.h"

#include <string.h>

#include "pki/der.h"

/* Content octets of the object identifiers we know. */
static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
static const uint8_t oid_ski[] = { 0x55, 0x1d, 0x0e };
static const uint8_t oid_key_usage[] = { 0x55, 0x1d, 0x0f };
static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };
static const uint8_t oid_aki[] = { 0x55, 0x1d, 0x23 };
/* 1.2.840.113741.1.13.1 */
static const uint8_t oid_sgx[] = {
	0x2a,
	0x86,
	0x48,
	0x86,
	0xf8,
	0x4d,
	0x01,
	0x0d,
	0x01,
};

/* AlgorithmIdentifier ecdsa-with-SHA256, no parameters (RFC 5758 §3.2). */
static const uint8_t ecdsa_with_sha256[] = {
	0x30,
	0x0a,
	0x06,
	0x08,
	0x2a,
	0x86,
	0x48,
	0xce,
	0x3d,
	0x04,
	0x03,
	0x02,
};

/* AlgorithmIdentifier id-ecPublicKey, secp256r1 (RFC 5480 §2.1.1). */
static const uint8_t ec_p256[] = {
	0x30, 0x13,
	0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
};

enum {
	CERT_V3 = 2,
	SEC1_UNCOMPRESSED = 0x04,
	NAME_ATTRIBUTES_MAX = 32,
};

struct span cert_signature_algorithm(void)
{
	return SPAN_ARRAY(ecdsa_with_sha256);
}

/* The element whole equals these bytes. */
static bool rd_exact(struct span *s, struct span want)
{
	return span_has_prefix(*s, want) && rd_skip(s, want.n);
}

/* RDNSequence; each RDN holds one attribute.  Gives the common name. */
static enum rc parse_name(struct span *common_name, struct span name)
{
	struct span rdns, set, pair, value, whole, found = { 0 };
	uint8_t tag;

	if (!der_take(&name, DER_SEQUENCE, &rdns))
		return RC_MALFORMED;
	for (unsigned i = 0; !rd_end(&rdns); i++) {
		struct span oid;

		if (i == NAME_ATTRIBUTES_MAX)
			return RC_LIMIT;
		if (!der_take(&rdns, DER_SET, &set) ||
		    !der_take(&set, DER_SEQUENCE, &pair) || !rd_end(&set) ||
		    !der_oid(&pair, &oid) ||
		    !der_any(&pair, &tag, &value, &whole) || !rd_end(&pair))
			return RC_MALFORMED;
		if (!span_equal(oid, SPAN_ARRAY(oid_common_name)))
			continue;
		if (found.n || !value.n ||
		    (tag != DER_UTF8_STRING && tag != DER_PRINTABLE_STRING))
			return RC_MALFORMED;
		found = value;
	}
	*common_name = found;
	return RC_OK;
}

/* SubjectPublicKeyInfo */
static enum rc parse_key(struct p256_point *out, struct span *tbs)
{
	struct span spki, point;
	uint8_t form;

	if (!der_take(tbs, DER_SEQUENCE, &spki))
		return RC_MALFORMED;
	if (!rd_exact(&spki, SPAN_ARRAY(ec_p256)))
		return RC_UNSUPPORTED;
	if (!der_bits(&spki, &point) || !rd_end(&spki) ||
	    !rd_u8(&point, &form))
		return RC_MALFORMED;
	if (form != SEC1_UNCOMPRESSED)
		return RC_UNSUPPORTED;
	return rd_copy(&point, out->xy, sizeof(out->xy)) && rd_end(&point)
		       ? RC_OK
		       : RC_MALFORMED;
}

enum rc cert_public_key(struct p256_point *out, struct span der)
{
	struct p256_point point;
	enum rc rc = parse_key(&point, &der);

	if (rc || !rd_end(&der))
		return rc ? rc : RC_MALFORMED;
	*out = point;
	return RC_OK;
}

/* BasicConstraints ::= SEQUENCE { cA DEFAULT FALSE, pathLen OPTIONAL } */
static bool parse_basic_constraints(struct cert *c, struct span value)
{
	struct span seq;
	uint32_t path_len = CERT_NO_PATH_LEN;
	bool is_ca = false;

	if (!der_take(&value, DER_SEQUENCE, &seq) || !rd_end(&value))
		return false;
	/* X.690 §11.5: a DEFAULT is not written, so a boolean here is TRUE. */
	if (der_next_is(&seq, DER_BOOLEAN) &&
	    (!der_boolean(&seq, &is_ca) || !is_ca))
		return false;
	if (is_ca && !rd_end(&seq) &&
	    !der_uint(&seq, DER_INTEGER, &path_len, CERT_NO_PATH_LEN - 1))
		return false;
	c->is_ca = is_ca;
	c->path_len = (uint8_t)path_len;
	return rd_end(&seq);
}

/* KeyUsage ::= BIT STRING, bit 0 first; trailing zero bits are not written. */
static bool parse_key_usage(struct cert *c, struct span value)
{
	struct span bits;
	uint8_t unused, octet;

	if (!der_take(&value, DER_BIT_STRING, &bits) || !rd_end(&value) ||
	    !rd_u8(&bits, &unused) || unused > 7 || bits.n < 1 || bits.n > 2)
		return false;
	octet = bits.p[bits.n - 1];
	if (!(octet >> unused & 1) || (octet & ((1U << unused) - 1)))
		return false;
	for (size_t i = 0; i < bits.n * 8; i++)
		if (bits.p[i / 8] & 0x80 >> i % 8)
			c->key_usage |= (uint16_t)(1U << i);
	return true;
}

static bool parse_ski(struct cert *c, struct span value)
{
	return der_take(&value, DER_OCTET_STRING, &c->ski) && rd_end(&value) &&
	       c->ski.n;
}

/* AuthorityKeyIdentifier; of its three members only [0] keyIdentifier. */
static bool parse_aki(struct cert *c, struct span value)
{
	struct span seq;

	return der_take(&value, DER_SEQUENCE, &seq) && rd_end(&value) &&
	       der_take(&seq, DER_IMPLICIT_0, &c->aki) && rd_end(&seq) &&
	       c->aki.n;
}

static bool parse_sgx(struct cert *c, struct span value)
{
	c->sgx = value;
	return value.n;
}

static const struct {
	struct span oid;
	bool (*parse)(struct cert *c, struct span value);
} known[] = {
	{ { oid_ski, sizeof(oid_ski) }, parse_ski },
	{ { oid_key_usage, sizeof(oid_key_usage) }, parse_key_usage },
	{ { oid_basic_constraints, sizeof(oid_basic_constraints) },
	  parse_basic_constraints },
	{ { oid_aki, sizeof(oid_aki) }, parse_aki },
	{ { oid_sgx, sizeof(oid_sgx) }, parse_sgx },
};

static enum rc parse_extension(struct cert *c, struct span oid,
			       bool is_critical, struct span value)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_equal(oid, known[i].oid))
			return known[i].parse(c, value) ? RC_OK : RC_MALFORMED;
	return is_critical ? RC_UNSUPPORTED : RC_OK;
}

/* RFC 5280 §4.2: no extension may come twice. */
static enum rc parse_extensions(struct cert *c, struct span list)
{
	struct span seen[CERT_EXTENSIONS_MAX], oid, value;

	for (size_t count = 0; !rd_end(&list); count++) {
		bool is_critical;
		enum rc rc;

		if (count == CERT_EXTENSIONS_MAX)
			return RC_LIMIT;
		if (!der_extension(&list, &oid, &is_critical, &value))
			return RC_MALFORMED;
		for (size_t i = 0; i < count; i++)
			if (span_equal(seen[i], oid))
				return RC_MALFORMED;
		seen[count] = oid;
		rc = parse_extension(c, oid, is_critical, value);
		if (rc)
			return rc;
	}
	return RC_OK;
}

static enum rc parse_tbs_start(struct cert *c, struct span *tbs)
{
	struct span version, validity;
	uint32_t v;

	if (!der_take(tbs, DER_EXPLICIT_0, &version) ||
	    !der_uint(&version, DER_INTEGER, &v, UINT32_MAX) ||
	    !rd_end(&version))
		return RC_MALFORMED;
	if (v != CERT_V3)
		return RC_UNSUPPORTED;
	if (!der_integer(tbs, &c->serial) || c->serial.n > CERT_SERIAL_MAX)
		return RC_MALFORMED;
	if (!rd_exact(tbs, cert_signature_algorithm()))
		return RC_UNSUPPORTED;
	if (!der_whole(tbs, DER_SEQUENCE, &c->issuer) ||
	    !der_take(tbs, DER_SEQUENCE, &validity) ||
	    !der_time(&validity, &c->not_before) ||
	    !der_time(&validity, &c->not_after) || !rd_end(&validity) ||
	    !der_whole(tbs, DER_SEQUENCE, &c->subject))
		return RC_MALFORMED;
	return RC_OK;
}

static enum rc parse_tbs(struct cert *c, struct span tbs)
{
	struct span explicit, list, unused;
	enum rc rc;

	rc = parse_tbs_start(c, &tbs);
	if (rc)
		return rc;
	rc = parse_name(&unused, c->issuer);
	if (rc)
		return rc;
	rc = parse_name(&c->common_name, c->subject);
	if (rc)
		return rc;
	rc = parse_key(&c->key, &tbs);
	if (rc)
		return rc;
	if (!der_take(&tbs, DER_EXPLICIT_3, &explicit) || !rd_end(&tbs) ||
	    !der_take(&explicit, DER_SEQUENCE, &list) || !rd_end(&explicit))
		return RC_MALFORMED;
	return parse_extensions(c, list);
}

enum rc cert_parse(struct cert *out, struct span der)
{
	struct cert c = { .der = der, .path_len = CERT_NO_PATH_LEN };
	struct span outer, inner, tbs, signature;
	enum rc rc;

	if (der.n > CERT_MAX)
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
	/* RFC 5280 §4.1.1.2: the same algorithm as inside. */
	if (!rd_exact(&outer, cert_signature_algorithm()) ||
	    !der_bits(&outer, &signature) || !rd_end(&outer) ||
	    !p256_signature_from_der(&c.signature, signature))
		return RC_MALFORMED;
	*out = c;
	return RC_OK;
}

bool cert_names_issuer(const struct cert *c, const struct cert *issuer)
{
	if (!span_equal(c->issuer, issuer->subject))
		return false;
	return !c->aki.n || !issuer->ski.n || span_equal(c->aki, issuer->ski);
}

bool cert_name_has(const struct cert *c, const char *text)
{
	struct span name = c->common_name, want = span_str(text);

	for (; name.n >= want.n; name = span_of(name.p + 1, name.n - 1))
		if (span_has_prefix(name, want))
			return true;
	return false;
}
