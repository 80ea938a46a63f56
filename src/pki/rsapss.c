#include "pki/rsapss.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

enum {
	RSA_BITS = 4096,
	DAY_S = 86400,
};

/*
 * AlgorithmIdentifier id-RSASSA-PSS { sha384, mgf1 sha384, salt 48 }, without
 * and with the default trailerField.
 */
/* clang-format off */
#define PSS_SHA384 \
	0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a
#define PSS_PARAMETERS \
	0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, \
	0x03, 0x04, 0x02, 0x02, 0x05, 0x00, \
	0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, \
	0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, \
	0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, \
	0xa2, 0x03, 0x02, 0x01, 0x30
static const uint8_t algorithm_short[] = {
	0x30, 0x41, PSS_SHA384, 0x30, 0x34, PSS_PARAMETERS,
};
static const uint8_t algorithm_long[] = {
	0x30, 0x46, PSS_SHA384, 0x30, 0x39, PSS_PARAMETERS,
	0xa3, 0x03, 0x02, 0x01, 0x01,
};
/* clang-format on */

static void auto_der(uint8_t **der)
{
	OPENSSL_free(*der);
}

static void auto_x509(X509 **x)
{
	X509_free(*x);
}

static void auto_crl(X509_CRL **c)
{
	X509_CRL_free(*c);
}

static void auto_object(ASN1_OBJECT **o)
{
	ASN1_OBJECT_free(*o);
}

static enum rc fail(enum rc rc)
{
	ERR_clear_error();
	return rc;
}

static bool is_our_algorithm(const X509_ALGOR *a)
{
	AUTO(auto_der)
	uint8_t *der = NULL;
	int n = i2d_X509_ALGOR(a, &der);
	struct span s = span_of(der, n > 0 ? (size_t)n : 0);

	return span_equal(s, SPAN_ARRAY(algorithm_short)) ||
	       span_equal(s, SPAN_ARRAY(algorithm_long));
}

static void auto_time(ASN1_TIME **t)
{
	ASN1_TIME_free(*t);
}

static bool read_time(int64_t *out, const ASN1_TIME *t)
{
	AUTO(auto_time)
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;

	/* Without an end, libcrypto would take now for one. */
	if (!t || !epoch || ASN1_TIME_diff(&days, &seconds, epoch, t) != 1)
		return false;
	*out = (int64_t)days * DAY_S + seconds;
	return true;
}

/* One common name, of printable ASCII: it is compared and shown. */
static bool read_common_name(struct rsapss_cert *c, const X509 *x)
{
	const X509_NAME *name = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const ASN1_STRING *value;
	int n;

	if (at < 0 ||
	    X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return false;
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	n = ASN1_STRING_length(value);
	if (n < 1 || n > RSAPSS_NAME_MAX)
		return false;
	memcpy(c->common_name, ASN1_STRING_get0_data(value), (size_t)n);
	c->common_name[n] = 0;
	for (int i = 0; i < n; i++)
		if (c->common_name[i] < ' ' || c->common_name[i] > '~')
			return false;
	return true;
}

static bool read_point(struct p384_point *out, EVP_PKEY *key)
{
	uint8_t sec1[1 + P384_POINT_LEN];
	char group[16];
	size_t n;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1 ||
	    !span_equal_str(span_of(group, n), "secp384r1") ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, sec1,
					    sizeof(sec1), &n) != 1 ||
	    n != sizeof(sec1) || sec1[0] != POINT_CONVERSION_UNCOMPRESSED)
		return false;
	memcpy(out->xy, sec1 + 1, sizeof(out->xy));
	return true;
}

static bool read_key(struct rsapss_cert *c, const X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);

	if (!key)
		return false;
	c->key = RSAPSS_KEY_RSA;
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) == RSA_BITS;
	c->key = RSAPSS_KEY_P384;
	return EVP_PKEY_is_a(key, "EC") && read_point(&c->point, key);
}

/* RFC 5280 §4.2: no extension twice; a critical one must be known. */
static enum rc check_extensions(const STACK_OF(X509_EXTENSION) * list)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(list); i++) {
		X509_EXTENSION *e = sk_X509_EXTENSION_value(list, i);
		const ASN1_OBJECT *oid = X509_EXTENSION_get_object(e);
		int nid = OBJ_obj2nid(oid);

		if (X509v3_get_ext_by_OBJ(list, oid, i) >= 0)
			return RC_MALFORMED;
		if (X509_EXTENSION_get_critical(e) &&
		    nid != NID_basic_constraints && nid != NID_key_usage)
			return RC_UNSUPPORTED;
	}
	return RC_OK;
}

static void read_constraints(struct rsapss_cert *c, X509 *x)
{
	uint32_t flags = X509_get_extension_flags(x);
	uint32_t usage = flags & EXFLAG_KUSAGE ? X509_get_key_usage(x) : 0;

	c->is_ca = flags & EXFLAG_BCONS && flags & EXFLAG_CA;
	c->may_sign_certs = usage & KU_KEY_CERT_SIGN;
	c->may_sign_crls = usage & KU_CRL_SIGN;
}

/* Everything of a certificate that d2i gave, in the order of its fields. */
static enum rc read_fields(struct rsapss_cert *c, X509 *x)
{
	const ASN1_BIT_STRING *signature;
	const X509_ALGOR *outer;
	enum rc rc;

	X509_get0_signature(&signature, &outer, x);
	if (X509_get_version(x) != X509_VERSION_3 ||
	    !is_our_algorithm(outer) ||
	    !is_our_algorithm(X509_get0_tbs_sigalg(x)))
		return RC_UNSUPPORTED;
	if (!read_time(&c->not_before, X509_get0_notBefore(x)) ||
	    !read_time(&c->not_after, X509_get0_notAfter(x)) ||
	    !read_common_name(c, x))
		return RC_MALFORMED;
	if (!read_key(c, x))
		return RC_UNSUPPORTED;
	rc = check_extensions(X509_get0_extensions(x));
	if (rc)
		return rc;
	/* What libcrypto could not make sense of is no certificate of AMD's. */
	if (X509_get_extension_flags(x) & EXFLAG_INVALID)
		return RC_MALFORMED;
	read_constraints(c, x);
	return RC_OK;
}

/* libcrypto reads some BER; only what it would write itself is DER. */
static bool is_exactly(uint8_t *written, int n, struct span der)
{
	AUTO(auto_der)
	uint8_t *own = written;

	return n > 0 && span_equal(span_of(own, (size_t)n), der);
}

enum rc rsapss_cert_read(struct rsapss_cert *out, struct span der)
{
	const uint8_t *at = der.p;
	struct rsapss_cert c = { 0 };
	AUTO(auto_x509)
	X509 *x = NULL;
	uint8_t *again = NULL;
	enum rc rc;
	int n;

	if (der.n > RSAPSS_CERT_MAX)
		return RC_LIMIT;
	x = der.n ? d2i_X509(NULL, &at, (long)der.n) : NULL;
	if (!x)
		return fail(RC_MALFORMED);
	n = i2d_X509(x, &again);
	if (!is_exactly(again, n, der))
		return fail(RC_MALFORMED);
	rc = read_fields(&c, x);
	if (rc)
		return fail(rc);
	c.x509 = STEAL(x);
	*out = c;
	return RC_OK;
}

void rsapss_cert_fini(struct rsapss_cert *c)
{
	X509_free(c->x509);
	*c = (struct rsapss_cert){ 0 };
}

/* A Name as it stands in the bytes. */
static struct span name_of(const X509_NAME *name)
{
	const uint8_t *p = NULL;
	size_t n = 0;

	if (X509_NAME_get0_der(name, &p, &n) != 1)
		return (struct span){ 0 };
	return span_of(p, n);
}

static bool is_same_name(const X509_NAME *a, const X509_NAME *b)
{
	struct span x = name_of(a);

	return x.n && span_equal(x, name_of(b));
}

bool rsapss_names_issuer(const struct rsapss_cert *c,
			 const struct rsapss_cert *issuer)
{
	return is_same_name(X509_get_issuer_name(c->x509),
			    X509_get_subject_name(issuer->x509));
}

bool rsapss_is_signed_by(const struct rsapss_cert *c,
			 const struct rsapss_cert *issuer)
{
	bool ok = issuer->key == RSAPSS_KEY_RSA &&
		  X509_verify(c->x509, X509_get0_pubkey(issuer->x509)) == 1;

	if (!ok)
		ERR_clear_error();
	return ok;
}

bool rsapss_extension(const struct rsapss_cert *c, const char *oid,
		      struct span *value)
{
	AUTO(auto_object)
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	const ASN1_OCTET_STRING *octets;
	int at = object ? X509_get_ext_by_OBJ(c->x509, object, -1) : -1;

	if (at < 0)
		return false;
	octets = X509_EXTENSION_get_data(X509_get_ext(c->x509, at));
	*value = span_of(ASN1_STRING_get0_data(octets),
			 (size_t)ASN1_STRING_length(octets));
	return true;
}

static bool has_critical(const STACK_OF(X509_EXTENSION) * list)
{
	return X509v3_get_ext_by_critical(list, 1, -1) >= 0;
}

static enum rc check_entries(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < sk_X509_REVOKED_num(list); i++)
		if (has_critical(X509_REVOKED_get0_extensions(
			    sk_X509_REVOKED_value(list, i))))
			return RC_UNSUPPORTED;
	return RC_OK;
}

static enum rc read_crl_fields(struct rsapss_crl *c, X509_CRL *crl)
{
	const ASN1_BIT_STRING *signature;
	const X509_ALGOR *outer;

	X509_CRL_get0_signature(crl, &signature, &outer);
	if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2 ||
	    !is_our_algorithm(outer))
		return RC_UNSUPPORTED;
	if (!read_time(&c->this_update, X509_CRL_get0_lastUpdate(crl)) ||
	    !read_time(&c->next_update, X509_CRL_get0_nextUpdate(crl)))
		return RC_MALFORMED;
	if (has_critical(X509_CRL_get0_extensions(crl)))
		return RC_UNSUPPORTED;
	return check_entries(crl);
}

enum rc rsapss_crl_read(struct rsapss_crl *out, struct span der)
{
	const uint8_t *at = der.p;
	struct rsapss_crl c = { 0 };
	AUTO(auto_crl)
	X509_CRL *crl = NULL;
	uint8_t *again = NULL;
	enum rc rc;
	int n;

	if (der.n > RSAPSS_CRL_MAX)
		return RC_LIMIT;
	crl = der.n ? d2i_X509_CRL(NULL, &at, (long)der.n) : NULL;
	if (!crl)
		return fail(RC_MALFORMED);
	n = i2d_X509_CRL(crl, &again);
	if (!is_exactly(again, n, der))
		return fail(RC_MALFORMED);
	rc = read_crl_fields(&c, crl);
	if (rc)
		return fail(rc);
	c.crl = STEAL(crl);
	*out = c;
	return RC_OK;
}

void rsapss_crl_fini(struct rsapss_crl *c)
{
	X509_CRL_free(c->crl);
	*c = (struct rsapss_crl){ 0 };
}

bool rsapss_crl_names_issuer(const struct rsapss_crl *c,
			     const struct rsapss_cert *issuer)
{
	return is_same_name(X509_CRL_get_issuer(c->crl),
			    X509_get_subject_name(issuer->x509));
}

/* libcrypto compares the algorithm inside with the one outside. */
bool rsapss_crl_is_signed_by(const struct rsapss_crl *c,
			     const struct rsapss_cert *issuer)
{
	bool ok = issuer->key == RSAPSS_KEY_RSA &&
		  X509_CRL_verify(c->crl, X509_get0_pubkey(issuer->x509)) == 1;

	if (!ok)
		ERR_clear_error();
	return ok;
}

bool rsapss_crl_lists(const struct rsapss_crl *c,
		      const struct rsapss_cert *cert)
{
	X509_REVOKED *entry = NULL;

	/* 1: listed, 2: listed as no longer held: both say that it was */
	return X509_CRL_get0_by_serial(
		       c->crl, &entry,
		       X509_get0_serialNumber(cert->x509)) != 0;
}
