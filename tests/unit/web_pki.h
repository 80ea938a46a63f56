/*
 * Certificates, precertificates with their SCTs and revocation lists of the
 * web's shape, made by libcrypto: what our own reader is judged against.
 */
#ifndef POSTERN_TESTS_WEB_PKI_H
#define POSTERN_TESTS_WEB_PKI_H

#include <stdlib.h>
#include <string.h>

#include <openssl/conf.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/span.h"
#include "base/wr.h"
#include "pki/web.h"

#define WEB_PKI_OID_SCTS "1.3.6.1.4.1.11129.2.4.2"
#define WEB_PKI_OID_POISON "1.3.6.1.4.1.11129.2.4.3"

enum {
	DAY = 86400,
	WEB_PKI_T0 = 1767225600, /* 2026-01-01T00:00:00Z */
};

/* One certificate to make; zero leaves out. */
struct web_spec {
	const char *name; /* common name; NULL: an empty subject */
	const char *organization;
	EVP_PKEY *key;
	X509 *issuer; /* NULL: self-signed */
	EVP_PKEY *issuer_key;
	int64_t from, until;
	uint64_t serial;
	const char *san; /* "DNS:a.example,IP:192.0.2.1" */
	const char *constraints; /* "critical,CA:TRUE,pathlen:0" */
	const char *usage, *eku, *crl_points, *aia, *name_constraints;
	const char *unknown_critical; /* an OID */
	struct span scts; /* the SCT list, or n == 0 */
	bool is_precert;
	bool has_ids; /* subject and authority key identifiers */
	bool is_sha1;
};

static inline void web_need(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "web_pki: %s\n", what);
		abort();
	}
}

static inline EVP_PKEY *web_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");

	web_need(k, "key");
	return k;
}

static inline EVP_PKEY *web_rsa(unsigned bits)
{
	EVP_PKEY *k = EVP_RSA_gen(bits);

	web_need(k, "rsa");
	return k;
}

static inline struct span web_spki(EVP_PKEY *k)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(k, &der);

	web_need(n > 0, "spki");
	return span_of(der, (size_t)n);
}

static inline void web_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	web_need(e && X509_add_ext(x, e, -1) == 1, value);
	X509_EXTENSION_free(e);
}

/* An extension of any content. */
static inline void web_extend_raw(X509 *x, const char *oid, bool is_critical, struct span content)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	web_need(o && s && ASN1_OCTET_STRING_set(s, content.p, (int)content.n) == 1, oid);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, is_critical, s);
	web_need(e && X509_add_ext(x, e, -1) == 1, oid);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(o);
}

/* The SCT list as the extension holds it: in an OCTET STRING. */
static inline void web_extend_scts(X509 *x, struct span scts)
{
	uint8_t room[8192];
	struct wr w = WR_ARRAY(room);

	wr_u8(&w, 0x04);
	if (scts.n >= 256) {
		wr_u8(&w, 0x82);
		wr_be16(&w, (uint16_t)scts.n);
	} else {
		if (scts.n >= 128)
			wr_u8(&w, 0x81);
		wr_u8(&w, (uint8_t)scts.n);
	}
	wr_bytes(&w, scts);
	web_need(!w.over, "scts");
	web_extend_raw(x, WEB_PKI_OID_SCTS, false, wr_span(&w));
}

static inline X509_NAME *web_name(const char *organization, const char *name)
{
	X509_NAME *n = X509_NAME_new();

	if (organization)
		web_need(X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8,
						    (const uint8_t *)organization, -1, -1, 0) == 1,
			 organization);
	if (name)
		web_need(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const uint8_t *)name,
						    -1, -1, 0) == 1,
			 name);
	return n;
}

static inline X509 *web_issue(const struct web_spec *s)
{
	static const uint8_t null[] = { 0x05, 0x00 };
	X509 *x = X509_new(), *issuer = s->issuer ? s->issuer : x;
	EVP_PKEY *signer = s->issuer_key ? s->issuer_key : s->key;
	X509_NAME *name = web_name(s->organization, s->name);

	web_need(x && X509_set_version(x, X509_VERSION_3) == 1, "version");
	web_need(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), s->serial ? s->serial : 1) == 1,
		 "serial");
	web_need(X509_set_subject_name(x, name) == 1, "subject");
	web_need(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1, "issuer");
	X509_NAME_free(name);
	web_need(ASN1_TIME_set(X509_getm_notBefore(x), s->from) != NULL &&
			 ASN1_TIME_set(X509_getm_notAfter(x), s->until) != NULL,
		 "dates");
	web_need(X509_set_pubkey(x, s->key) == 1, "key");
	web_extend(x, issuer, NID_basic_constraints, s->constraints);
	web_extend(x, issuer, NID_key_usage, s->usage);
	web_extend(x, issuer, NID_ext_key_usage, s->eku);
	if (s->has_ids) {
		web_extend(x, issuer, NID_subject_key_identifier, "hash");
		web_extend(x, issuer, NID_authority_key_identifier, "keyid");
	}
	/* In the middle, so that what is left out has neighbours. */
	if (s->is_precert)
		web_extend_raw(x, WEB_PKI_OID_POISON, true, SPAN_ARRAY(null));
	if (s->scts.n)
		web_extend_scts(x, s->scts);
	web_extend(x, issuer, NID_subject_alt_name, s->san);
	web_extend(x, issuer, NID_crl_distribution_points, s->crl_points);
	web_extend(x, issuer, NID_info_access, s->aia);
	web_extend(x, issuer, NID_name_constraints, s->name_constraints);
	if (s->unknown_critical)
		web_extend_raw(x, s->unknown_critical, true, SPAN_ARRAY(null));
	web_need(X509_sign(x, signer, s->is_sha1 ? EVP_sha1() : EVP_sha256()) > 0, "sign");
	return x;
}

/* Owned: OPENSSL_free() the bytes. */
static inline struct span web_der(X509 *x)
{
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);

	web_need(n > 0, "der");
	return span_of(der, (size_t)n);
}

static inline void web_free_der(struct span s)
{
	OPENSSL_free((void *)(uintptr_t)s.p);
}

/* A CA with its key: root, or under another. */
struct web_ca {
	EVP_PKEY *key;
	X509 *x;
	struct span der;
	struct web_cert view;
};

static inline void web_ca_init(struct web_ca *ca, const char *name, const struct web_ca *above)
{
	struct web_spec s = {
		.name = name,
		.organization = "Test CA",
		.from = WEB_PKI_T0 - 365 * DAY,
		.until = WEB_PKI_T0 + 3650LL * DAY,
		.serial = 0x1000,
		.constraints = "critical,CA:TRUE",
		.usage = "critical,keyCertSign,cRLSign",
		.has_ids = true,
	};

	ca->key = s.key = web_key();
	if (above) {
		s.issuer = above->x;
		s.issuer_key = above->key;
	}
	ca->x = web_issue(&s);
	ca->der = web_der(ca->x);
	web_need(web_parse(&ca->view, ca->der) == RC_OK, "our reader refuses the CA");
}

static inline void web_ca_fini(struct web_ca *ca)
{
	web_free_der(ca->der);
	X509_free(ca->x);
	EVP_PKEY_free(ca->key);
}

/* A log that signs. */
struct web_log {
	EVP_PKEY *key;
	struct span spki;
	uint8_t id[32];
};

static inline void web_log_init(struct web_log *l, EVP_PKEY *key)
{
	l->key = key ? key : web_key();
	l->spki = web_spki(l->key);
	SHA256(l->spki.p, l->spki.n, l->id);
}

static inline void web_log_fini(struct web_log *l)
{
	web_free_der(l->spki);
	EVP_PKEY_free(l->key);
}

/* A DigitallySigned over the bytes. */
static inline void web_log_sign(struct wr *w, const struct web_log *l, struct span message)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[1024];
	size_t n = sizeof(sig);

	web_need(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, l->key) == 1 &&
			 EVP_DigestSign(c, sig, &n, message.p, message.n) == 1,
		 "log signs");
	EVP_MD_CTX_free(c);
	wr_u8(w, 4);
	wr_u8(w, EVP_PKEY_is_a(l->key, "RSA") ? 1 : 3);
	wr_vec16(w, span_of(sig, n));
}

/* An SCT over a precertificate entry, written as the list's element (without
 * its length). */
static inline void web_log_sct(struct wr *w, const struct web_log *l, struct span tbs,
			       const uint8_t issuer_key_hash[32], uint64_t at_ms,
			       struct span extensions)
{
	uint8_t *room = malloc(tbs.n + 256);
	struct wr m = wr_over(room, tbs.n + 256);

	wr_be16(&m, 0);
	wr_be64(&m, at_ms);
	wr_be16(&m, 1);
	wr_bytes(&m, span_of(issuer_key_hash, 32));
	wr_vec24(&m, tbs);
	wr_vec16(&m, extensions);
	wr_u8(w, 0);
	wr_bytes(w, SPAN_ARRAY(l->id));
	wr_be64(w, at_ms);
	wr_vec16(w, extensions);
	web_log_sign(w, l, wr_span(&m));
	free(room);
}

/* libcrypto's own idea of what SCTs are over: the TBS of the certificate with
 * the two extensions deleted.  Owned. */
static inline struct span web_tbs_by_libcrypto(X509 *x)
{
	X509 *copy = X509_dup(x);
	uint8_t *der = NULL;
	int at, n;

	at = X509_get_ext_by_NID(copy, NID_ct_precert_poison, -1);
	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(copy, at));
	at = X509_get_ext_by_NID(copy, NID_ct_precert_scts, -1);
	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(copy, at));
	n = i2d_re_X509_tbs(copy, &der);
	web_need(n > 0, "tbs");
	X509_free(copy);
	return span_of(der, (size_t)n);
}

static inline void web_issuer_hash(uint8_t out[32], EVP_PKEY *issuer)
{
	struct span spki = web_spki(issuer);

	SHA256(spki.p, spki.n, out);
	web_free_der(spki);
}

/*
 * A certificate with SCTs of these logs in it: the precertificate first, SCTs
 * over what it says, the same again with them.  '*precert', where wanted, is
 * the caller's to free.
 */
static inline X509 *web_issue_logged(struct web_spec s, const struct web_log *const *logs,
				     size_t count, uint64_t at_ms, X509 **precert)
{
	uint8_t room[8192], issuer[32];
	struct wr w = WR_ARRAY(room);
	struct wr_mark list, one;
	struct span tbs;
	X509 *pre, *final;

	s.is_precert = true;
	pre = web_issue(&s);
	tbs = web_tbs_by_libcrypto(pre);
	web_issuer_hash(issuer, s.issuer_key);
	list = wr_open(&w, 2);
	for (size_t i = 0; i < count; i++) {
		one = wr_open(&w, 2);
		web_log_sct(&w, logs[i], tbs, issuer, at_ms, span_of(NULL, 0));
		wr_close(&w, one);
	}
	wr_close(&w, list);
	web_free_der(tbs);
	s.is_precert = false;
	s.scts = wr_span(&w);
	final = web_issue(&s);
	if (precert)
		*precert = pre;
	else
		X509_free(pre);
	return final;
}

/* A revocation list to make. */
struct web_crl_spec {
	const struct web_ca *ca;
	int64_t from, until;
	const uint64_t *serials; /* 0 ends them */
	int reason; /* of each; negative: none is given */
	const char *idp; /* a section of NCONF: "fullname = URI:...\n" */
	bool is_delta;
};

static inline struct span web_crl(const struct web_crl_spec *s)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, s->from), *until = ASN1_TIME_set(NULL, s->until);
	uint8_t *der = NULL;
	X509V3_CTX ctx;
	int n;

	web_need(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
			 X509_CRL_set_issuer_name(crl, X509_get_subject_name(s->ca->x)) == 1 &&
			 X509_CRL_set1_lastUpdate(crl, from) == 1 &&
			 X509_CRL_set1_nextUpdate(crl, until) == 1,
		 "crl");
	for (size_t i = 0; s->serials && s->serials[i]; i++) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();
		ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

		ASN1_INTEGER_set_uint64(serial, s->serials[i]);
		web_need(X509_REVOKED_set_serialNumber(r, serial) == 1 &&
				 X509_REVOKED_set_revocationDate(r, from) == 1,
			 "entry");
		ASN1_ENUMERATED_set(reason, s->reason);
		if (s->reason >= 0)
			web_need(X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, reason, 0, 0) == 1,
				 "reason");
		ASN1_ENUMERATED_free(reason);
		ASN1_INTEGER_free(serial);
		web_need(X509_CRL_add0_revoked(crl, r) == 1, "entry");
	}
	X509V3_set_ctx(&ctx, s->ca->x, NULL, NULL, crl, 0);
	{
		ASN1_INTEGER *number = ASN1_INTEGER_new();
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier,
							"keyid");

		ASN1_INTEGER_set_uint64(number, 7);
		web_need(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
				 e && X509_CRL_add_ext(crl, e, -1) == 1,
			 "extensions");
		if (s->is_delta)
			web_need(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0) == 1,
				 "delta");
		X509_EXTENSION_free(e);
		ASN1_INTEGER_free(number);
	}
	if (s->idp) {
		BIO *b = BIO_new(BIO_s_mem());
		CONF *conf = NCONF_new(NULL);
		X509_EXTENSION *e;
		long line;

		BIO_printf(b, "[idp]\n%s", s->idp);
		web_need(NCONF_load_bio(conf, b, &line) == 1, "conf");
		X509V3_set_nconf(&ctx, conf);
		e = X509V3_EXT_nconf_nid(conf, &ctx, NID_issuing_distribution_point,
					 "critical,@idp");
		web_need(e && X509_CRL_add_ext(crl, e, -1) == 1, s->idp);
		X509_EXTENSION_free(e);
		NCONF_free(conf);
		BIO_free(b);
	}
	web_need(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, s->ca->key, EVP_sha256()) > 0,
		 "sign");
	n = i2d_X509_CRL(crl, &der);
	web_need(n > 0, "der");
	X509_CRL_free(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return span_of(der, (size_t)n);
}

#endif
