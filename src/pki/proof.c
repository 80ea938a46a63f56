#include "pki/proof.h"

#include <openssl/bn.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/pkey.h"
#include "pki/san.h"

#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31" /* RFC 8737 §6.1 */

enum {
	SERIAL_LEN = 16,
};

static void auto_x509(X509 **x)
{
	X509_free(*x);
}

static void auto_bn(BIGNUM **bn)
{
	BN_free(*bn);
}

static void auto_object(ASN1_OBJECT **o)
{
	ASN1_OBJECT_free(*o);
}

static void auto_octets(ASN1_OCTET_STRING **o)
{
	ASN1_OCTET_STRING_free(*o);
}

static void auto_extension(X509_EXTENSION **e)
{
	X509_EXTENSION_free(*e);
}

static bool set_serial(X509 *x, const struct sha256 *digest)
{
	AUTO(auto_bn)
	BIGNUM *n = BN_bin2bn(digest->b, SERIAL_LEN, NULL);

	/* Not zero, whatever the hash is (RFC 5280 §4.1.2.2). */
	return n && BN_set_bit(n, 0) == 1 &&
	       BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
}

static bool set_subject(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_ASC,
		       (const uint8_t *)"ACME challenge", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1;
}

/* Authorization ::= OCTET STRING (SIZE (32)), inside the extension's own. */
static bool add_digest(X509 *x, const struct sha256 *digest)
{
	uint8_t value[2 + sizeof(digest->b)];
	struct wr w = WR_ARRAY(value);
	AUTO(auto_object)
	ASN1_OBJECT *oid = OBJ_txt2obj(ACME_IDENTIFIER, 1);
	AUTO(auto_octets)
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	AUTO(auto_extension)
	X509_EXTENSION *e = NULL;

	wr_u8(&w, V_ASN1_OCTET_STRING);
	wr_vec8(&w, SPAN_ARRAY(digest->b));
	if (!oid || !octets ||
	    ASN1_OCTET_STRING_set(octets, value, (int)sizeof(value)) != 1)
		return false;
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, octets);
	return e && X509_add_ext(x, e, -1) == 1;
}

static bool set_validity(X509 *x, int64_t not_before, int64_t not_after)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), not_after);
}

enum rc proof_make(struct buf *der, const struct p256_private *key,
		   const struct request_name *name,
		   const struct sha256 *digest, int64_t not_before,
		   int64_t not_after)
{
	AUTO(auto_x509)
	X509 *x = X509_new();
	AUTO(pkey_auto)
	EVP_PKEY *sign = pkey_private(key);
	AUTO(san_auto)
	GENERAL_NAMES *names = san_of(name, 1);
	uint8_t *p = NULL;

	if (!names)
		return RC_MALFORMED;
	if (!x || !sign || X509_set_version(x, X509_VERSION_3) != 1 ||
	    !set_serial(x, digest) || !set_subject(x) ||
	    !set_validity(x, not_before, not_after) ||
	    X509_set_pubkey(x, sign) != 1 ||
	    X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) != 1 ||
	    !add_digest(x, digest) || X509_sign(x, sign, EVP_sha256()) <= 0)
		return pkey_failed();
	int n = i2d_X509(x, &p);
	return pkey_take_der(der, p, n);
}
