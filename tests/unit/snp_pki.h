/*
 * A made-up AMD: keys, certificates, CRL and reports of their form, for what no
 * real sample shows.  A plan says what is wrong with them.  Test code: it signs
 * whatever it is told.
 */
#ifndef POSTERN_TESTS_SNP_PKI_H
#define POSTERN_TESTS_SNP_PKI_H

#include <stdio.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/wr.h"
#include "pki/pem.h"
#include "tee/snp.h"

enum {
	MADE_AT = 1767225600, /* 2026-01-01T00:00:00Z, within all validities */
	MADE_YEAR = 365 * 86400,
	MADE_MAX = 4096,
	MADE_EXTENSIONS = 16,
};

/* The keys are made once a program: they take a while. */
struct made_keys {
	EVP_PKEY *ark, *ask, *other; /* RSA-4096 */
	EVP_PKEY *vek; /* P-384 */
};

struct made_extension {
	const char *oid; /* NULL: end of the list */
	uint8_t bytes[80];
	size_t n;
	bool is_critical;
};

struct made_cert {
	const char *subject, *issuer; /* CN */
	uint64_t serial;
	int64_t from, to;
	const char *constraints, *usage; /* NULL: no such extension */
	EVP_PKEY *key, *signer;
	const EVP_MD *md; /* NULL: SHA-384 */
	struct made_extension extensions[MADE_EXTENSIONS];
};

struct made_crl {
	const char *issuer;
	int64_t from, to;
	const uint64_t *serials;
	size_t serial_count;
	bool has_critical; /* an extension that is */
	EVP_PKEY *signer;
};

static inline void made_must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "snp_pki: %s\n", what);
		abort();
	}
}

/* Four primes instead of two: the same public keys in a tenth of the time. */
static inline EVP_PKEY *made_rsa(unsigned bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	made_must(ctx && EVP_PKEY_keygen_init(ctx) == 1 &&
			  EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1 &&
			  EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, bits >= 4096 ? 4 : 2) == 1 &&
			  EVP_PKEY_generate(ctx, &key) == 1,
		  "RSA key");
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static inline void made_keys_init(struct made_keys *k)
{
	k->ark = made_rsa(4096);
	k->ask = made_rsa(4096);
	k->other = made_rsa(4096);
	k->vek = EVP_EC_gen("P-384");
	made_must(k->vek, "EC key");
}

static inline void made_keys_fini(struct made_keys *k)
{
	EVP_PKEY_free(k->ark);
	EVP_PKEY_free(k->ask);
	EVP_PKEY_free(k->other);
	EVP_PKEY_free(k->vek);
}

static inline X509_NAME *made_name(const char *cn)
{
	X509_NAME *name = X509_NAME_new();

	made_must(name &&
			  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
						     (const uint8_t *)"Made up", -1, -1, 0) == 1 &&
			  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						     (const uint8_t *)cn, -1, -1, 0) == 1,
		  "name");
	return name;
}

/* A context that signs as AMD does. */
static inline EVP_MD_CTX *made_signer(EVP_PKEY *key, const EVP_MD *md)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;

	md = md ? md : EVP_sha384();
	made_must(ctx && EVP_DigestSignInit(ctx, &pctx, md, NULL, key) == 1 &&
			  EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
			  EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, md) == 1 &&
			  EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, EVP_MD_get_size(md)) == 1,
		  "signer");
	return ctx;
}

static inline void made_add_text(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	made_must(!value || (e && X509_add_ext(x, e, -1) == 1), "extension");
	X509_EXTENSION_free(e);
}

static inline void made_add_extension(X509 *x, const struct made_extension *from)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(from->oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	made_must(oid && octets && ASN1_OCTET_STRING_set(octets, from->bytes, (int)from->n) == 1,
		  "extension");
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, from->is_critical, octets);
	made_must(e && X509_add_ext(x, e, -1) == 1, "extension");
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(oid);
}

static inline struct span made_copy(uint8_t *room, uint8_t *der, int n)
{
	made_must(n > 0 && n <= MADE_MAX, "DER");
	memcpy(room, der, (size_t)n);
	OPENSSL_free(der);
	return span_of(room, (size_t)n);
}

/* Its DER, in 'room'. */
static inline struct span made_certificate(uint8_t room[MADE_MAX], const struct made_cert *c)
{
	X509 *x = X509_new();
	X509_NAME *subject = made_name(c->subject), *issuer = made_name(c->issuer);
	EVP_MD_CTX *ctx = made_signer(c->signer, c->md);
	uint8_t *der = NULL;
	int n;

	made_must(x && X509_set_version(x, X509_VERSION_3) == 1 &&
			  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), c->serial) == 1 &&
			  X509_set_subject_name(x, subject) == 1 &&
			  X509_set_issuer_name(x, issuer) == 1 &&
			  ASN1_TIME_set(X509_getm_notBefore(x), c->from) &&
			  ASN1_TIME_set(X509_getm_notAfter(x), c->to) &&
			  X509_set_pubkey(x, c->key) == 1,
		  "certificate");
	made_add_text(x, NID_basic_constraints, c->constraints);
	made_add_text(x, NID_key_usage, c->usage);
	for (size_t i = 0; i < MADE_EXTENSIONS && c->extensions[i].oid; i++)
		made_add_extension(x, &c->extensions[i]);
	made_must(X509_sign_ctx(x, ctx) > 0, "signature");
	n = i2d_X509(x, &der);
	EVP_MD_CTX_free(ctx);
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	X509_free(x);
	return made_copy(room, der, n);
}

static inline void made_revoke(X509_CRL *crl, uint64_t serial, const ASN1_TIME *at)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	made_must(r && number && ASN1_INTEGER_set_uint64(number, serial) == 1 &&
			  X509_REVOKED_set_serialNumber(r, number) == 1 &&
			  X509_REVOKED_set_revocationDate(r, (ASN1_TIME *)(uintptr_t)at) == 1 &&
			  X509_CRL_add0_revoked(crl, r) == 1,
		  "entry");
	ASN1_INTEGER_free(number);
}

static inline struct span made_list(uint8_t room[MADE_MAX], const struct made_crl *c)
{
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *issuer = made_name(c->issuer);
	ASN1_TIME *from = ASN1_TIME_set(NULL, c->from), *to = ASN1_TIME_set(NULL, c->to);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	EVP_MD_CTX *ctx = made_signer(c->signer, NULL);
	uint8_t *der = NULL;
	int n;

	made_must(crl && from && to && number && ASN1_INTEGER_set(number, 1) == 1 &&
			  X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
			  X509_CRL_set_issuer_name(crl, issuer) == 1 &&
			  X509_CRL_set1_lastUpdate(crl, from) == 1 &&
			  X509_CRL_set1_nextUpdate(crl, to) == 1,
		  "CRL");
	for (size_t i = 0; i < c->serial_count; i++)
		made_revoke(crl, c->serials[i], from);
	made_must(X509_CRL_sort(crl) == 1 &&
			  X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
			  (!c->has_critical ||
			   X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0) == 1) &&
			  X509_CRL_sign_ctx(crl, ctx) > 0,
		  "CRL");
	n = i2d_X509_CRL(crl, &der);
	EVP_MD_CTX_free(ctx);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_NAME_free(issuer);
	X509_CRL_free(crl);
	return made_copy(room, der, n);
}

static inline void made_sign(struct p384_signature *out, EVP_PKEY *key, struct span message)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *at = der;
	size_t n = sizeof(der);
	ECDSA_SIG *sig;

	made_must(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key) == 1 &&
			  EVP_DigestSign(ctx, der, &n, message.p, message.n) == 1,
		  "report signature");
	sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
	made_must(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out->rs, 48) == 48 &&
			  BN_bn2binpad(ECDSA_SIG_get0_s(sig), out->rs + 48, 48) == 48,
		  "report signature");
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* The report's bytes, signed. */
static inline void made_report(uint8_t out[SNP_REPORT_LEN], struct snp_report r, EVP_PKEY *key)
{
	for (int pass = 0; pass < 2; pass++) {
		struct wr w = wr_over(out, SNP_REPORT_LEN);

		snp_write(&w, &r);
		made_must(!w.over && w.n == SNP_REPORT_LEN, "report");
		if (pass == 0)
			made_sign(&r.signature, key, span_of(out, SNP_SIGNED_LEN));
	}
}

#endif
