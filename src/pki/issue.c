#include "pki/issue.h"

#include <assert.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/sha256.h"
#include "pki/pkey.h"

#define SGX_OID "1.2.840.113741.1.13.1"
#define END_USAGE "critical,digitalSignature,nonRepudiation"

static void auto_x509(X509 **x)
{
	X509_free(*x);
}

static void auto_crl(X509_CRL **c)
{
	X509_CRL_free(*c);
}

static void auto_revoked(X509_REVOKED **r)
{
	X509_REVOKED_free(*r);
}

static void auto_name(X509_NAME **n)
{
	X509_NAME_free(*n);
}

static void auto_integer(ASN1_INTEGER **i)
{
	ASN1_INTEGER_free(*i);
}

static void auto_enumerated(ASN1_ENUMERATED **e)
{
	ASN1_ENUMERATED_free(*e);
}

static void auto_octets(ASN1_OCTET_STRING **o)
{
	ASN1_OCTET_STRING_free(*o);
}

static void auto_time(ASN1_TIME **t)
{
	ASN1_TIME_free(*t);
}

static void auto_object(ASN1_OBJECT **o)
{
	ASN1_OBJECT_free(*o);
}

static void auto_extension(X509_EXTENSION **e)
{
	X509_EXTENSION_free(*e);
}

static void auto_keyid(AUTHORITY_KEYID **k)
{
	AUTHORITY_KEYID_free(*k);
}

static bool name_add(X509_NAME *name, const char *part, const char *value)
{
	return X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8,
					  (const uint8_t *)value, -1, -1,
					  0) == 1;
}

/* Intel's order of the parts: CN, O, L, ST, C. */
static X509_NAME *name_of(const char *cn)
{
	AUTO(auto_name)
	X509_NAME *name = X509_NAME_new();

	if (!name || !name_add(name, "CN", cn) ||
	    !name_add(name, "O", "Postern simulated platform") ||
	    !name_add(name, "L", "Simulated") ||
	    !name_add(name, "ST", "Simulated") || !name_add(name, "C", "ZZ"))
		return NULL;
	return STEAL(name);
}

static ASN1_INTEGER *serial_of(const uint8_t serial[ISSUE_SERIAL_LEN])
{
	const uint8_t *p = serial;
	size_t n = ISSUE_SERIAL_LEN;
	uint8_t der[2 + 1 + ISSUE_SERIAL_LEN];
	struct wr w = WR_ARRAY(der);
	struct span s;

	while (n > 1 && *p == 0) {
		p++;
		n--;
	}
	wr_u8(&w, V_ASN1_INTEGER);
	struct wr_mark m = wr_open(&w, 1);
	if (*p & 0x80)
		wr_u8(&w, 0);
	wr_bytes(&w, span_of(p, n));
	wr_close(&w, m);
	if (!wr_done(&w, &s))
		return NULL;
	const uint8_t *at = s.p;
	return d2i_ASN1_INTEGER(NULL, &at, (long)s.n);
}

static ASN1_OCTET_STRING *key_id(const struct p256_point *at)
{
	const uint8_t form = POINT_CONVERSION_UNCOMPRESSED;
	const struct span parts[] = { { &form, 1 }, SPAN_ARRAY(at->xy) };
	AUTO(auto_octets)
	ASN1_OCTET_STRING *out = ASN1_OCTET_STRING_new();
	struct sha256 h;

	sha256_parts(&h, parts, 2);
	if (!out || ASN1_OCTET_STRING_set(out, h.b, 20) != 1)
		return NULL;
	return STEAL(out);
}

static AUTHORITY_KEYID *authority_id(const struct p256_point *at)
{
	AUTHORITY_KEYID *out = AUTHORITY_KEYID_new();

	if (out && !(out->keyid = key_id(at))) {
		AUTHORITY_KEYID_free(out);
		return NULL;
	}
	return out;
}

/* An extension in the words of openssl's configuration files. */
static bool add_text(X509 *x, int nid, const char *value)
{
	AUTO(auto_extension)
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	return e && X509_add_ext(x, e, -1) == 1;
}

static bool add_key_ids(X509 *x, const struct issue_certificate *c)
{
	AUTO(auto_keyid)
	AUTHORITY_KEYID *authority = authority_id(&c->issuer_key);
	AUTO(auto_octets)
	ASN1_OCTET_STRING *subject = key_id(&c->key);
	char crl[256] = { 0 };
	struct wr w = wr_over(crl, sizeof(crl) - 1);
	struct span text;

	wr_printf(&w, "URI:%s", c->crl_url);
	return wr_done(&w, &text) && authority && subject &&
	       X509_add1_ext_i2d(x, NID_authority_key_identifier, authority, 0,
				 0) == 1 &&
	       add_text(x, NID_crl_distribution_points, crl) &&
	       X509_add1_ext_i2d(x, NID_subject_key_identifier, subject, 0,
				 0) == 1;
}

static bool add_role(X509 *x, const struct issue_certificate *c)
{
	char ca[64] = { 0 };
	struct wr w = wr_over(ca, sizeof(ca) - 1);

	if (c->role == ISSUE_END)
		return add_text(x, NID_key_usage, END_USAGE) &&
		       add_text(x, NID_basic_constraints, "critical,CA:FALSE");
	wr_printf(&w, "critical,CA:TRUE,pathlen:%d", c->path_len);
	return add_text(x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_text(x, NID_basic_constraints, ca);
}

static bool add_sgx(X509 *x, struct span value)
{
	AUTO(auto_object)
	ASN1_OBJECT *oid = OBJ_txt2obj(SGX_OID, 1);
	AUTO(auto_octets)
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	AUTO(auto_extension)
	X509_EXTENSION *e = NULL;

	if (!value.n)
		return true;
	if (!oid || !octets ||
	    ASN1_OCTET_STRING_set(octets, value.p, (int)value.n) != 1)
		return false;
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
	return e && X509_add_ext(x, e, -1) == 1;
}

static bool set_names(X509 *x, const struct issue_certificate *c)
{
	AUTO(auto_name)
	X509_NAME *subject = name_of(c->subject);
	AUTO(auto_name)
	X509_NAME *issuer = name_of(c->issuer);
	AUTO(auto_integer)
	ASN1_INTEGER *serial = serial_of(c->serial);

	return subject && issuer && serial &&
	       X509_set_version(x, X509_VERSION_3) == 1 &&
	       X509_set_serialNumber(x, serial) == 1 &&
	       X509_set_subject_name(x, subject) == 1 &&
	       X509_set_issuer_name(x, issuer) == 1 &&
	       ASN1_TIME_set(X509_getm_notBefore(x), c->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), c->not_after);
}

enum rc issue_certificate(struct buf *der, const struct issue_certificate *c,
			  const struct p256_private *signer)
{
	AUTO(auto_x509)
	X509 *x = X509_new();
	AUTO(pkey_auto)
	EVP_PKEY *key = pkey_public(&c->key);
	AUTO(pkey_auto)
	EVP_PKEY *sign = pkey_private(signer);
	uint8_t *p = NULL;

	if (!x || !key || !sign || !set_names(x, c) ||
	    X509_set_pubkey(x, key) != 1 || !add_key_ids(x, c) ||
	    !add_role(x, c) || !add_sgx(x, c->sgx) ||
	    X509_sign(x, sign, EVP_sha256()) <= 0)
		return pkey_failed();
	int n = i2d_X509(x, &p);
	return pkey_take_der(der, p, n);
}

/* A DER length in its shortest form, of a content of at most 65535 bytes. */
static void der_header(struct wr *w, uint8_t tag, size_t n)
{
	wr_u8(w, tag);
	if (n >= 0x100) {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)n);
	} else if (n >= 0x80) {
		wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)n);
	} else {
		wr_u8(w, (uint8_t)n);
	}
}

static void der_value(struct wr *w, uint8_t tag, struct span value)
{
	der_header(w, tag, value.n);
	wr_bytes(w, value);
}

/* SEQUENCE { OID 1.2.840.113741.1.13.1.arc[.sub], value }; sub 0: none. */
static void sgx_entry(struct wr *w, uint8_t arc, uint8_t sub, struct span value)
{
	static const uint8_t base[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8,
					0x4d, 0x01, 0x0d, 0x01 };
	uint8_t oid[2 + sizeof(base) + 2];
	struct wr o = WR_ARRAY(oid);

	der_header(&o, V_ASN1_OBJECT, sizeof(base) + (sub ? 2 : 1));
	wr_bytes(&o, SPAN_ARRAY(base));
	wr_u8(&o, arc);
	if (sub)
		wr_u8(&o, sub);
	der_header(w, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, o.n + value.n);
	wr_bytes(w, wr_span(&o));
	wr_bytes(w, value);
}

static void sgx_octets(struct wr *w, uint8_t arc, uint8_t sub, struct span b)
{
	uint8_t value[32];
	struct wr v = WR_ARRAY(value);

	der_value(&v, V_ASN1_OCTET_STRING, b);
	sgx_entry(w, arc, sub, wr_span(&v));
}

/* INTEGER 0..65535; 128..255 and 32768.. need a leading zero byte. */
static void sgx_integer(struct wr *w, uint8_t arc, uint8_t sub, uint16_t n)
{
	const uint8_t be[3] = { 0, (uint8_t)(n >> 8), (uint8_t)n };
	size_t skip = n >= 0x8000 ? 0 : n >= 0x80 ? 1
						  : 2;
	uint8_t value[8];
	struct wr v = WR_ARRAY(value);

	der_value(&v, V_ASN1_INTEGER, span_of(be + skip, sizeof(be) - skip));
	sgx_entry(w, arc, sub, wr_span(&v));
}

static void sgx_boolean(struct wr *w, uint8_t arc, uint8_t sub, bool is)
{
	const uint8_t value[] = { V_ASN1_BOOLEAN, 1, is ? 0xff : 0 };

	sgx_entry(w, arc, sub, SPAN_ARRAY(value));
}

static void sgx_sequence(struct wr *w, uint8_t arc, struct span entries)
{
	uint8_t value[512];
	struct wr v = WR_ARRAY(value);

	der_value(&v, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, entries);
	sgx_entry(w, arc, 0, wr_span(&v));
}

void issue_sgx(struct wr *w, const struct issue_sgx *s)
{
	uint8_t all[1024], tcb[512], configuration[64];
	struct wr a = WR_ARRAY(all), t = WR_ARRAY(tcb);
	struct wr c = WR_ARRAY(configuration);
	const uint8_t type[] = { V_ASN1_ENUMERATED, 1, s->sgx_type };

	for (uint8_t i = 0; i < 16; i++)
		sgx_integer(&t, 2, (uint8_t)(i + 1), s->component[i]);
	sgx_integer(&t, 2, 17, s->pce_svn);
	sgx_octets(&t, 2, 18, SPAN_ARRAY(s->cpu_svn));
	sgx_boolean(&c, 7, 1, s->is_dynamic);
	sgx_boolean(&c, 7, 2, s->has_cached_keys);
	sgx_boolean(&c, 7, 3, s->has_smt);

	sgx_octets(&a, 1, 0, SPAN_ARRAY(s->ppid));
	sgx_sequence(&a, 2, wr_span(&t));
	sgx_octets(&a, 3, 0, SPAN_ARRAY(s->pce_id));
	sgx_octets(&a, 4, 0, SPAN_ARRAY(s->fmspc));
	sgx_entry(&a, 5, 0, SPAN_ARRAY(type));
	sgx_octets(&a, 6, 0, SPAN_ARRAY(s->platform_instance_id));
	sgx_sequence(&a, 7, wr_span(&c));
	assert(!a.over && !t.over && !c.over);
	der_value(w, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, wr_span(&a));
}

static bool crl_revoke(X509_CRL *crl, const uint8_t serial[ISSUE_SERIAL_LEN],
		       const ASN1_TIME *when)
{
	AUTO(auto_revoked)
	X509_REVOKED *r = X509_REVOKED_new();
	AUTO(auto_integer)
	ASN1_INTEGER *number = serial_of(serial);
	AUTO(auto_enumerated)
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	AUTO(auto_time)
	ASN1_TIME *date = ASN1_STRING_dup(when);

	if (!r || !number || !reason || !date ||
	    ASN1_ENUMERATED_set(reason, CRL_REASON_KEY_COMPROMISE) != 1 ||
	    X509_REVOKED_set_serialNumber(r, number) != 1 ||
	    X509_REVOKED_set_revocationDate(r, date) != 1 ||
	    X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0) != 1 ||
	    X509_CRL_add0_revoked(crl, r) != 1)
		return false;
	(void)STEAL(r); /* the CRL took it */
	return true;
}

static bool crl_fill(X509_CRL *crl, const struct issue_crl *c)
{
	AUTO(auto_name)
	X509_NAME *issuer = name_of(c->issuer);
	AUTO(auto_time)
	ASN1_TIME *from = ASN1_TIME_set(NULL, c->this_update);
	AUTO(auto_time)
	ASN1_TIME *to = ASN1_TIME_set(NULL, c->next_update);
	AUTO(auto_integer)
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	AUTO(auto_keyid)
	AUTHORITY_KEYID *authority = authority_id(&c->issuer_key);

	if (!issuer || !from || !to || !number || !authority ||
	    X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
	    X509_CRL_set_issuer_name(crl, issuer) != 1 ||
	    X509_CRL_set1_lastUpdate(crl, from) != 1 ||
	    X509_CRL_set1_nextUpdate(crl, to) != 1 ||
	    ASN1_INTEGER_set_uint64(number, c->number) != 1)
		return false;
	for (size_t i = 0; i < c->revoked_count; i++)
		if (!crl_revoke(crl, c->revoked[i], from))
			return false;
	return X509_CRL_sort(crl) == 1 &&
	       X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
	       X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier,
				     authority, 0, 0) == 1;
}

enum rc issue_crl(struct buf *der, const struct issue_crl *c,
		  const struct p256_private *signer)
{
	AUTO(auto_crl)
	X509_CRL *crl = X509_CRL_new();
	AUTO(pkey_auto)
	EVP_PKEY *sign = pkey_private(signer);
	uint8_t *p = NULL;

	if (!crl || !sign || !crl_fill(crl, c) ||
	    X509_CRL_sign(crl, sign, EVP_sha256()) <= 0)
		return pkey_failed();
	int n = i2d_X509_CRL(crl, &p);
	return pkey_take_der(der, p, n);
}
