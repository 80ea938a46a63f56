/*
 * The public web of the evidence tests: a CA, certificates with SCTs of two
 * logs, the logs' trees and signed heads, witnesses.  Made with libcrypto and
 * by hand, so that the product's own readers are what is tested.
 */
#ifndef POSTERN_TESTS_EVIDENCE_WEB_H
#define POSTERN_TESTS_EVIDENCE_WEB_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/text.h"
#include "ct/loglist.h"
#include "ct/note.h"
#include "crypto/p256.h"
#include "pki/pem.h"
#include "pki/spki.h"
#include "pki/webtbs.h"

enum {
	WEB_NOW = 1'800'000'000,
	WEB_DER_MAX = 4096,
	WEB_LEAVES = 5, /* of each log's tree; ours is the last */
};

/* ---- P-256 keys in the forms the web has */

struct web_key {
	struct p256_private *own;
	EVP_PKEY *evp; /* the same */
	uint8_t spki[SPKI_LEN];
	struct sha256 hash; /* of spki */
};

static inline void web_key_make(struct web_key *k)
{
	struct p256_point at;
	char *pem;
	BIO *b;

	k->own = p256_private_generate();
	p256_private_point(k->own, &at);
	spki_of(k->spki, &at);
	sha256_of(&k->hash, SPAN_ARRAY(k->spki));
	pem = p256_private_to_pem(k->own);
	b = BIO_new_mem_buf(pem, -1);
	k->evp = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	BIO_free(b);
	free(pem);
}

static inline void web_key_free(struct web_key *k)
{
	p256_private_free(k->own);
	EVP_PKEY_free(k->evp);
}

static inline void web_wr_integer(struct wr *w, const uint8_t *p)
{
	size_t skip = 0;

	while (skip < 31 && p[skip] == 0)
		skip++;
	wr_u8(w, 0x02);
	wr_u8(w, (uint8_t)(32 - skip + (p[skip] >> 7)));
	if (p[skip] >> 7)
		wr_u8(w, 0);
	wr_bytes(w, span_of(p + skip, 32 - skip));
}

/* DigitallySigned of RFC 5246 over a message. */
static inline void web_wr_signed(struct wr *w, const struct web_key *k, struct span message)
{
	struct p256_signature sig;
	uint8_t der[80];
	struct wr d = WR_ARRAY(der);
	uint8_t both[76];
	struct wr b = WR_ARRAY(both);

	p256_sign(k->own, &sig, message);
	web_wr_integer(&b, sig.rs);
	web_wr_integer(&b, sig.rs + 32);
	wr_u8(&d, 0x30);
	wr_vec8(&d, wr_span(&b));
	wr_u8(w, 4);
	wr_u8(w, 3);
	wr_vec16(w, wr_span(&d));
}

/* ---- logs */

struct web_log {
	struct web_key key;
	const char *origin;
	struct merkle_hash leaves[WEB_LEAVES];
	uint64_t time_ms; /* of its head */
};

static inline void web_log_make(struct web_log *log, const char *origin)
{
	web_key_make(&log->key);
	log->origin = origin;
	log->time_ms = (WEB_NOW - 600) * UINT64_C(1000);
	for (size_t i = 0; i < WEB_LEAVES; i++)
		sha256_of((struct sha256 *)&log->leaves[i], span_of(&i, sizeof(i)));
}

static inline struct tree_head web_log_head(const struct web_log *log, size_t size)
{
	struct tree_head head = { .size = size };

	merkle_root(&head.root, hash_merkle_sha256, log->leaves, size);
	return head;
}

static inline void web_wr_head(struct wr *w, const struct web_log *log,
			       const struct tree_head *head)
{
	wr_u8(w, 0);
	wr_u8(w, 1);
	wr_be64(w, log->time_ms);
	wr_be64(w, head->size);
	wr_bytes(w, SPAN_ARRAY(head->root.b));
}

/* RFC 6962's get-sth. */
static inline void web_wr_sth(struct wr *w, const struct web_log *log, const struct tree_head *head)
{
	uint8_t message[64], signature[100];
	struct wr m = WR_ARRAY(message), s = WR_ARRAY(signature);

	web_wr_head(&m, log, head);
	web_wr_signed(&s, &log->key, wr_span(&m));
	wr_printf(w, "{\"tree_size\":%llu,\"timestamp\":%llu,\"sha256_root_hash\":\"",
		  (unsigned long long)head->size, (unsigned long long)log->time_ms);
	text_base64(w, SPAN_ARRAY(head->root.b));
	wr_str(w, "\",\"tree_head_signature\":\"");
	text_base64(w, wr_span(&s));
	wr_str(w, "\"}");
}

/* The checkpoint of a static-ct log. */
static inline void web_wr_checkpoint(struct wr *w, const struct web_log *log,
				     const struct tree_head *head)
{
	uint8_t message[64], blob[128];
	struct wr m = WR_ARRAY(message), b = WR_ARRAY(blob);
	const struct span parts[] = { span_str(log->origin), span_of("\n\x05", 2),
				      SPAN_ARRAY(log->key.hash.b) };
	struct sha256 id;

	sha256_parts(&id, parts, 3);
	web_wr_head(&m, log, head);
	wr_bytes(&b, span_of(id.b, 4));
	wr_be64(&b, log->time_ms);
	web_wr_signed(&b, &log->key, wr_span(&m));
	wr_printf(w, "%s\n%llu\n", log->origin, (unsigned long long)head->size);
	text_base64(w, SPAN_ARRAY(head->root.b));
	wr_printf(w, "\n\n\xe2\x80\x94 %s ", log->origin);
	text_base64(w, wr_span(&b));
	wr_str(w, "\n");
}

/* ---- certificates */

static inline void web_add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static inline X509 *web_begin(const char *cn, long serial, int64_t from, int64_t to, EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	ASN1_TIME_set(X509_getm_notBefore(x), from);
	ASN1_TIME_set(X509_getm_notAfter(x), to);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Test CA", -1,
				   -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_pubkey(x, key);
	return x;
}

struct web_der {
	uint8_t b[WEB_DER_MAX];
	size_t n;
};
static inline struct span web_span(const struct web_der *d)
{
	return span_of(d->b, d->n);
}
static inline void web_to_der(struct web_der *out, X509 *x)
{
	unsigned char *at = out->b;
	int n = i2d_X509(x, NULL);

	assert_in_range(n, 1, WEB_DER_MAX);
	(void)i2d_X509(x, &at);
	out->n = (size_t)n;
}

struct web_ca {
	struct web_key key;
	X509 *x;
	struct web_der der;
};
static inline void web_ca_make(struct web_ca *ca)
{
	web_key_make(&ca->key);
	ca->x = web_begin("Test Root", 1, WEB_NOW - 86400 * 365, WEB_NOW + 86400 * 365,
			  ca->key.evp);
	X509_set_issuer_name(ca->x, X509_get_subject_name(ca->x));
	web_add_extension(ca->x, ca->x, NID_basic_constraints, "critical,CA:TRUE");
	web_add_extension(ca->x, ca->x, NID_key_usage, "critical,keyCertSign,cRLSign");
	web_add_extension(ca->x, ca->x, NID_subject_key_identifier, "hash");
	assert_true(X509_sign(ca->x, ca->key.evp, EVP_sha256()) > 0);
	web_to_der(&ca->der, ca->x);
}
static inline void web_ca_free(struct web_ca *ca)
{
	X509_free(ca->x);
	web_key_free(&ca->key);
}

struct web_leaf_want {
	const char *san; /* "DNS:www.example.org" */
	long serial;
	int64_t from, to;
	bool is_precert;
};

static inline X509 *web_leaf_begin(const struct web_ca *ca, const struct web_key *key,
				   const struct web_leaf_want *want)
{
	X509 *x = web_begin("leaf", want->serial, want->from, want->to, key->evp);

	X509_set_issuer_name(x, X509_get_subject_name(ca->x));
	web_add_extension(x, ca->x, NID_basic_constraints, "critical,CA:FALSE");
	web_add_extension(x, ca->x, NID_key_usage, "critical,digitalSignature");
	web_add_extension(x, ca->x, NID_ext_key_usage, "serverAuth");
	web_add_extension(x, ca->x, NID_subject_alt_name, want->san);
	web_add_extension(x, ca->x, NID_authority_key_identifier, "keyid:always");
	web_add_extension(x, ca->x, NID_crl_distribution_points, "URI:http://crl.example/1.crl");
	return x;
}

/* What a log promises for the certificate, at time_ms, with a static log's
 * index where index >= 0. */
static inline void web_wr_sct(struct wr *w, const struct web_log *log, const struct web_cert *cert,
			      const struct web_key *issuer, uint64_t time_ms, int index)
{
	uint8_t tbs[WEB_DER_MAX], message[WEB_DER_MAX + 128], extensions[8];
	struct wr t = WR_ARRAY(tbs), m = WR_ARRAY(message), e = WR_ARRAY(extensions);

	if (index >= 0) {
		wr_u8(&e, 0);
		wr_be16(&e, 5);
		wr_u8(&e, 0);
		wr_be32(&e, (uint32_t)index);
	}
	webtbs_write(&t, cert);
	wr_u8(&m, 0);
	wr_u8(&m, 0);
	wr_be64(&m, time_ms);
	wr_be16(&m, 1);
	wr_bytes(&m, SPAN_ARRAY(issuer->hash.b));
	wr_vec24(&m, wr_span(&t));
	wr_vec16(&m, wr_span(&e));
	wr_u8(w, 0);
	wr_bytes(w, SPAN_ARRAY(log->key.hash.b));
	wr_be64(w, time_ms);
	wr_vec16(w, wr_span(&e));
	web_wr_signed(w, &log->key, wr_span(&m));
}

static inline void web_add_scts(X509 *x, struct span list)
{
	ASN1_OCTET_STRING *o = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.11129.2.4.2", 1);
	uint8_t der[1024];
	struct wr w = WR_ARRAY(der);
	X509_EXTENSION *e;

	wr_u8(&w, 0x04);
	wr_u8(&w, 0x82);
	wr_vec16(&w, list);
	if (list.n < 256) { /* shortest form */
		w = WR_ARRAY(der);
		wr_u8(&w, 0x04);
		if (list.n > 127)
			wr_u8(&w, 0x81);
		wr_vec8(&w, list);
	}
	assert_false(w.over);
	ASN1_OCTET_STRING_set(o, der, (int)w.n);
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, o);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(o);
}

/* SCTs of logs[0 .. count): one made by 'signer' where it is not NULL. */
struct web_promises {
	const struct web_log *const *logs;
	size_t count;
	uint64_t time_ms;
	const struct web_key *issuer; /* whose key the SCTs name */
};

static inline void web_leaf_make(struct web_der *out, const struct web_ca *ca,
				 const struct web_key *key, const struct web_leaf_want *want,
				 const struct web_promises *promises)
{
	X509 *x = web_leaf_begin(ca, key, want);
	uint8_t list[700], inner[690], one[300];
	struct wr l = WR_ARRAY(list), all = WR_ARRAY(inner);
	struct web_cert cert;

	assert_true(X509_sign(x, ca->key.evp, EVP_sha256()) > 0);
	web_to_der(out, x);
	if (want->is_precert)
		web_add_extension(x, ca->x, NID_ct_precert_poison, "critical,NULL");
	if (want->is_precert || (promises && promises->count)) {
		assert_int_equal(web_parse(&cert, web_span(out)), RC_OK);
		for (size_t i = 0; !want->is_precert && i < promises->count; i++) {
			struct wr w = WR_ARRAY(one);

			web_wr_sct(&w, promises->logs[i], &cert, promises->issuer,
				   promises->time_ms + i, i ? WEB_LEAVES - 1 : -1);
			wr_vec16(&all, wr_span(&w));
		}
		wr_vec16(&l, wr_span(&all));
		if (!want->is_precert)
			web_add_scts(x, wr_span(&l));
		assert_true(X509_sign(x, ca->key.evp, EVP_sha256()) > 0);
		web_to_der(out, x);
	}
	X509_free(x);
}

static inline void web_wr_pem(struct wr *w, const struct web_der *leaf, const struct web_der *ca)
{
	pem_encode(w, PEM_CERTIFICATE, web_span(leaf));
	pem_encode(w, PEM_CERTIFICATE, web_span(ca));
}

/* A revocation list of the CA with one serial. */
static inline void web_crl_make(struct web_der *out, const struct web_ca *ca,
				const struct web_key *signer, long serial, int64_t from, int64_t to)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_new();
	unsigned char *at = out->b;
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x));
	ASN1_TIME_set(t, from);
	X509_CRL_set1_lastUpdate(crl, t);
	ASN1_INTEGER_set(number, serial);
	X509_REVOKED_set_serialNumber(entry, number);
	X509_REVOKED_set_revocationDate(entry, t);
	X509_CRL_add0_revoked(crl, entry);
	ASN1_TIME_set(t, to);
	X509_CRL_set1_nextUpdate(crl, t);
	X509V3_set_ctx(&ctx, ca->x, NULL, NULL, crl, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	X509_CRL_add_ext(crl, e, -1);
	X509_EXTENSION_free(e);
	ASN1_INTEGER_set(number, 7);
	X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0);
	assert_true(X509_CRL_sign(crl, signer->evp, EVP_sha256()) > 0);
	out->n = (size_t)i2d_X509_CRL(crl, NULL);
	assert_in_range(out->n, 1, WEB_DER_MAX);
	(void)i2d_X509_CRL(crl, &at);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(number);
	X509_CRL_free(crl);
}

/* ---- witnesses: Ed25519 keys that sign notes */

struct web_witness {
	EVP_PKEY *key;
	const char *name;
	uint8_t type, public[32];
};

static inline void web_witness_make(struct web_witness *w, const char *name, uint8_t type)
{
	size_t n = sizeof(w->public);

	w->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	w->name = name;
	w->type = type;
	assert_int_equal(EVP_PKEY_get_raw_public_key(w->key, w->public, &n), 1);
}

static inline void web_witness_id(uint8_t id[4], const struct web_witness *w)
{
	const uint8_t sep[] = { '\n', w->type };
	const struct span parts[] = { span_str(w->name), SPAN_ARRAY(sep), SPAN_ARRAY(w->public) };
	struct sha256 hash;

	sha256_parts(&hash, parts, 3);
	memcpy(id, hash.b, 4);
}

static inline void web_wr_vkey(struct wr *to, const struct web_witness *w)
{
	uint8_t id[4], blob[33] = { w->type };

	web_witness_id(id, w);
	memcpy(blob + 1, w->public, 32);
	wr_printf(to, "%s+", w->name);
	text_hex(to, SPAN_ARRAY(id));
	wr_str(to, "+");
	text_base64(to, SPAN_ARRAY(blob));
}

/* Signs the text of a note; type 4: with a time. */
static inline void web_wr_note_signature(struct wr *to, const struct web_witness *w,
					 struct span text, uint64_t at)
{
	uint8_t id[4], message[1024], signature[64], blob[80];
	struct wr m = WR_ARRAY(message), b = WR_ARRAY(blob);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = sizeof(signature);

	web_witness_id(id, w);
	wr_bytes(&b, SPAN_ARRAY(id));
	if (w->type == NOTE_COSIGNATURE) {
		wr_printf(&m, "cosignature/v1\ntime %llu\n", (unsigned long long)at);
		wr_be64(&b, at);
	}
	wr_bytes(&m, text);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, w->key), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &n, message, m.n), 1);
	wr_bytes(&b, SPAN_ARRAY(signature));
	wr_printf(to, "\xe2\x80\x94 %s ", w->name);
	text_base64(to, wr_span(&b));
	wr_str(to, "\n");
	EVP_MD_CTX_free(ctx);
}

#endif
