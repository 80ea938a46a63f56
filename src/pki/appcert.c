#include "pki/appcert.h"

#include <stdio.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "crypto/sha256.h"
#include "pki/pkey.h"
#include "pki/san.h"

#define ARC "1.3.6.1.4.1.62397.1."

enum {
	SERIAL_LEN = 16,
	KEY_ID_LEN = 20,
	OID_QUOTE = 1,
	OID_EVENT_LOG = 2,
	OID_APP_ID = 3,
	OID_APP_INFO = 9,
	EXTENSION_MAX = 512 * 1024,
};

static void auto_x509(X509 **x)
{
	X509_free(*x);
}

static void auto_name(X509_NAME **n)
{
	X509_NAME_free(*n);
}

static void auto_bn(BIGNUM **n)
{
	BN_free(*n);
}

static void auto_object(ASN1_OBJECT **o)
{
	ASN1_OBJECT_free(*o);
}

static void auto_octets(ASN1_OCTET_STRING **o)
{
	ASN1_OCTET_STRING_free(*o);
}

static void auto_keyid(AUTHORITY_KEYID **k)
{
	AUTHORITY_KEYID_free(*k);
}

static void auto_extension(X509_EXTENSION **e)
{
	X509_EXTENSION_free(*e);
}

static X509_NAME *name_of(struct span cn)
{
	AUTO(auto_name)
	X509_NAME *name = X509_NAME_new();

	if (!name || (cn.n && X509_NAME_add_entry_by_txt(
				      name, "CN", MBSTRING_UTF8, cn.p,
				      (int)cn.n, -1, 0) != 1))
		return NULL;
	return STEAL(name);
}

static bool set_serial(X509 *x)
{
	AUTO(auto_bn)
	BIGNUM *n = NULL;
	uint8_t serial[SERIAL_LEN];

	rng_bytes(serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, whole */
	n = BN_bin2bn(serial, sizeof(serial), NULL);
	return n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
}

static bool begin(X509 *x, const struct appcert *c, struct span issuer,
		  EVP_PKEY *key)
{
	AUTO(auto_name)
	X509_NAME *subject = name_of(c->subject);
	AUTO(auto_name)
	X509_NAME *from = name_of(issuer);

	return x && key && subject && from && set_serial(x) &&
	       X509_set_version(x, X509_VERSION_3) == 1 &&
	       X509_set_subject_name(x, subject) == 1 &&
	       X509_set_issuer_name(x, from) == 1 &&
	       ASN1_TIME_set(X509_getm_notBefore(x), c->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), c->not_after) &&
	       X509_set_pubkey(x, key) == 1;
}

/* An extension in the words of openssl's configuration files. */
static bool add_text(X509 *x, int nid, const char *value)
{
	AUTO(auto_extension)
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	return e && X509_add_ext(x, e, -1) == 1;
}

/* With the DER of an OCTET STRING around the value, as dstack has it. */
static bool add_octets(X509 *x, unsigned number, struct span value)
{
	char oid[sizeof(ARC) + 4];
	AUTO(auto_object)
	ASN1_OBJECT *object = NULL;
	AUTO(auto_octets)
	ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
	AUTO(auto_octets)
	ASN1_OCTET_STRING *outer = ASN1_OCTET_STRING_new();
	AUTO(auto_extension)
	X509_EXTENSION *e = NULL;
	uint8_t *der = NULL;
	int n;

	if (!value.n)
		return true;
	(void)snprintf(oid, sizeof(oid), ARC "%u", number);
	object = OBJ_txt2obj(oid, 1);
	if (!object || !inner || !outer || value.n > EXTENSION_MAX ||
	    ASN1_OCTET_STRING_set(inner, value.p, (int)value.n) != 1)
		return false;
	n = i2d_ASN1_OCTET_STRING(inner, &der);
	if (n <= 0)
		return false;
	ASN1_STRING_set0(outer, der, n);
	e = X509_EXTENSION_create_by_OBJ(NULL, object, 0, outer);
	return e && X509_add_ext(x, e, -1) == 1;
}

/* RFC 7093 §2, 1: the leftmost 160 bits of SHA-256 over the public point. */
static ASN1_OCTET_STRING *key_id(const struct p256_point *at)
{
	const uint8_t form = POINT_CONVERSION_UNCOMPRESSED;
	const struct span parts[] = { { &form, 1 }, SPAN_ARRAY(at->xy) };
	AUTO(auto_octets)
	ASN1_OCTET_STRING *out = ASN1_OCTET_STRING_new();
	struct sha256 h;

	sha256_parts(&h, parts, 2);
	if (!out || ASN1_OCTET_STRING_set(out, h.b, KEY_ID_LEN) != 1)
		return NULL;
	return STEAL(out);
}

static bool add_key_ids(X509 *x, const struct p256_point *subject,
			const struct p256_private *issuer)
{
	AUTO(auto_octets)
	ASN1_OCTET_STRING *own = key_id(subject);
	AUTO(auto_keyid)
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
	struct p256_point at;

	p256_private_point(issuer, &at);
	if (!own || !authority)
		return false;
	authority->keyid = key_id(&at);
	return authority->keyid &&
	       X509_add1_ext_i2d(x, NID_subject_key_identifier, own, 0, 0) ==
		       1 &&
	       X509_add1_ext_i2d(x, NID_authority_key_identifier, authority, 0,
				 0) == 1;
}

static bool add_purposes(X509 *x, const struct appcert *c)
{
	if (c->is_server && c->is_client)
		return add_text(x, NID_ext_key_usage, "serverAuth,clientAuth");
	if (c->is_server)
		return add_text(x, NID_ext_key_usage, "serverAuth");
	if (c->is_client)
		return add_text(x, NID_ext_key_usage, "clientAuth");
	return true;
}

/* Critical where there is no other name (RFC 5280 §4.2.1.6). */
static bool add_names(X509 *x, const struct appcert *c, GENERAL_NAMES *names)
{
	return !names || X509_add1_ext_i2d(x, NID_subject_alt_name, names,
					   c->subject.n == 0, 0) == 1;
}

enum rc appcert_authority(struct buf *der, const struct appcert *c,
			  const struct p256_private *key)
{
	AUTO(auto_x509)
	X509 *x = X509_new();
	AUTO(pkey_auto)
	EVP_PKEY *sign = pkey_private(key);
	struct p256_point at;
	uint8_t *p = NULL;
	int n;

	p256_private_point(key, &at);
	if (c->subject.n < 1 || c->subject.n > APPCERT_NAME_MAX)
		return RC_MALFORMED;
	if (!begin(x, c, c->subject, sign) ||
	    !add_text(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !add_text(x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_key_ids(x, &at, key) ||
	    X509_sign(x, sign, EVP_sha256()) <= 0)
		return pkey_failed();
	n = i2d_X509(x, &p);
	return pkey_take_der(der, p, n);
}

enum rc appcert_leaf(struct buf *der, const struct appcert *c,
		     const struct p256_point *key, struct span authority,
		     const struct p256_private *signer)
{
	AUTO(auto_x509)
	X509 *x = X509_new();
	AUTO(pkey_auto)
	EVP_PKEY *own = pkey_public(key);
	AUTO(pkey_auto)
	EVP_PKEY *sign = pkey_private(signer);
	AUTO(san_auto)
	GENERAL_NAMES *names = NULL;
	uint8_t *p = NULL;
	int n;

	if (c->subject.n > APPCERT_NAME_MAX ||
	    c->name_count > REQUEST_NAMES_MAX)
		return RC_MALFORMED;
	if (c->name_count && !(names = san_of(c->names, c->name_count)))
		return RC_MALFORMED;
	if (!sign || !begin(x, c, authority, own) ||
	    !add_text(x, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_text(x, NID_key_usage, "critical,digitalSignature") ||
	    !add_key_ids(x, key, signer) || !add_purposes(x, c) ||
	    !add_names(x, c, names) ||
	    !add_octets(x, OID_QUOTE, c->quote) ||
	    !add_octets(x, OID_EVENT_LOG, c->event_log) ||
	    !add_octets(x, OID_APP_ID, c->app_id) ||
	    !add_octets(x, OID_APP_INFO, c->app_info) ||
	    X509_sign(x, sign, EVP_sha256()) <= 0)
		return pkey_failed();
	n = i2d_X509(x, &p);
	return pkey_take_der(der, p, n);
}
