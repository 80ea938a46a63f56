/*
 * acme_ca: a certificate authority in memory, simple-minded and strict: it
 * checks of each request what RFC 8555 says (nonce, URL, key, signature), does
 * what was asked, and fails on demand in every way a real one does.
 */
#ifndef TESTS_UNIT_ACME_CA_H
#define TESTS_UNIT_ACME_CA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "acme/client.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"
#include "pki/pkey.h"

enum {
	CA_ORDERS = 16,
	CA_NONCES = 256,
	CA_SHOWN = 64,
	CA_LOG = 4096,
	CA_DAY = 86'400,
};

/* How it fails, at one request or another. */
enum ca_trouble {
	CA_FINE,
	CA_SILENT, /* no answer, and nothing was done */
	CA_DEAF, /* done, but no answer */
	CA_BAD_NONCE,
	CA_BUSY, /* 429 and Retry-After, rateLimited */
	CA_AWAY, /* 503 and Retry-After */
	CA_BROKEN, /* 500 without a problem document */
	CA_GARBLED, /* success, the body cut in half */
	CA_HTML, /* success, a page for a person */
	CA_WRONG_KEY, /* issues for another key */
	CA_MISSING_NAME, /* leaves one name out */
	CA_EXTRA_NAME,
	CA_EXPIRED, /* the certificate was, at birth */
	CA_NO_SERVER, /* it is for e-mail */
	CA_REFUSES, /* 403 rejectedIdentifier for new orders */
	CA_TROUBLES,
};

struct ca_order {
	bool is_used;
	unsigned id;
	struct names names;
	char status[16];
	char authz[NAMES_MAX][16]; /* statuses, one a name */
	char *pem;
	unsigned polls;
};

struct ca {
	char base[64];
	EVP_PKEY *key;
	X509 *cert;
	int64_t life; /* of its certificates */
	bool has_ari, is_ari_past, ari_runs, is_down, loops, is_deactivated;
	enum ca_trouble trouble; /* of the next request of its kind */
	unsigned trouble_left; /* requests it lasts */

	bool has_account;
	struct p256_point account;
	unsigned nonce_next;
	bool nonce_is_good[CA_NONCES];
	struct ca_order order[CA_ORDERS];
	unsigned order_next;
	bool ignores_proofs; /* every challenge is fine */
	const char *authorizes; /* another name than the one ordered */
	bool flips_wildcard; /* of authorizations */
	const char *plain; /* entry of the directory that is an http URL */
	const char *hurried; /* 429 with Retry-After 0 at this path */
	const char *stuck; /* finalize makes an order this, the next look "ready" */
	char shown[CA_SHOWN][2][PROOF_VALUE_MAX]; /* what stands where */
	size_t shown_count;
	int64_t now;

	/* what it saw */
	int64_t order_at[CA_LOG];
	size_t orders_made;
	int64_t issued_at[CA_LOG];
	size_t issued;
	size_t finalized, accounts_made, keys_changed, revoked, requests, bad_requests;
	char replaces[ORDER_REPLACES_MAX]; /* of the last order */
	char known_successor[ORDER_REPLACES_MAX];
};

static EVP_PKEY *ca_new_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("prime256v1");

	assert_non_null(k);
	return k;
}

static void ca_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static X509 *ca_certificate(X509 *issuer, const char *cn, EVP_PKEY *key, int64_t from, int64_t to)
{
	X509 *x = X509_new();
	static unsigned serial = 100;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), (long)++serial * 128 + 0x8000);
	ASN1_TIME_set(X509_getm_notBefore(x), from);
	ASN1_TIME_set(X509_getm_notAfter(x), to);
	X509_set_pubkey(x, key);
	if (cn)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
					   (const uint8_t *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
	return x;
}

static void ca_init(struct ca *ca, const char *base, int64_t now)
{
	memset(ca, 0, sizeof(*ca));
	snprintf(ca->base, sizeof(ca->base), "%s", base);
	ca->key = ca_new_key();
	ca->life = 90 * CA_DAY;
	ca->has_ari = true;
	ca->now = now;
	ca->cert = ca_certificate(NULL, "Test Root", ca->key, now - CA_DAY, now + 5000LL * CA_DAY);
	ca_extension(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE");
	ca_extension(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	ca_extension(ca->cert, ca->cert, NID_subject_key_identifier, "hash");
	X509_sign(ca->cert, ca->key, EVP_sha256());
}

static void ca_fini(struct ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
	for (size_t i = 0; i < CA_ORDERS; i++)
		free(ca->order[i].pem);
}

static void ca_show(struct ca *ca, const struct proof *p)
{
	assert_true(ca->shown_count < CA_SHOWN);
	snprintf(ca->shown[ca->shown_count][0], PROOF_VALUE_MAX, "%s", p->where);
	snprintf(ca->shown[ca->shown_count][1], PROOF_VALUE_MAX, "%s", p->value);
	ca->shown_count++;
}

static void ca_hide(struct ca *ca, const struct proof *p)
{
	for (size_t i = 0; i < ca->shown_count; i++)
		if (strcmp(ca->shown[i][0], p->where) == 0 &&
		    strcmp(ca->shown[i][1], p->value) == 0) {
			ca->shown_count--;
			memmove(ca->shown[i], ca->shown[i + 1],
				(ca->shown_count - i) * sizeof(ca->shown[0]));
			return;
		}
}

static bool ca_sees(const struct ca *ca, const char *where, const char *value)
{
	for (size_t i = 0; i < ca->shown_count; i++)
		if (strcmp(ca->shown[i][0], where) == 0 && strcmp(ca->shown[i][1], value) == 0)
			return true;
	return false;
}

/* ---- requests, taken apart ---- */

struct ca_request {
	struct arena arena;
	const struct jtree *head, *payload; /* payload NULL: POST-as-GET */
	struct p256_point key;
	bool by_kid;
};

static struct span ca_text(const struct jtree *object, const char *key)
{
	const struct jtree *v = jtree_get(object, key);

	return v && v->type == JTREE_TEXT ? v->text : (struct span){ 0 };
}

static struct span ca_decode(struct arena *arena, struct span text)
{
	uint8_t *p = arena_new(arena, text.n + 1, 1);
	size_t n = 0;

	assert_non_null(p);
	assert_true(text_base64url_decode(p, text.n + 1, &n, text));
	return span_of(p, n);
}

static void ca_jwk(struct p256_point *out, const struct jtree *jwk)
{
	size_t n = 0;

	assert_true(span_equal_str(ca_text(jwk, "kty"), "EC"));
	assert_true(span_equal_str(ca_text(jwk, "crv"), "P-256"));
	assert_true(text_base64url_decode(out->xy, 32, &n, ca_text(jwk, "x")) && n == 32);
	assert_true(text_base64url_decode(out->xy + 32, 32, &n, ca_text(jwk, "y")) && n == 32);
}

/* Takes a JWS apart; false: the key it says did not sign it. */
static bool ca_open(struct ca *ca, struct ca_request *r, struct span jws, const char *url)
{
	const struct jtree *top = jtree_read(&r->arena, jws);
	struct span head = ca_text(top, "protected"), payload = ca_text(top, "payload");
	struct span body = ca_decode(&r->arena, payload);
	struct p256_signature sig;
	char *input = arena_new(&r->arena, head.n + payload.n + 2, 1);
	size_t n = 0;

	assert_non_null(top);
	assert_int_equal(top->count, 3);
	r->head = jtree_read(&r->arena, ca_decode(&r->arena, head));
	assert_true(span_equal_str(ca_text(r->head, "alg"), "ES256"));
	assert_true(span_equal_str(ca_text(r->head, "url"), url));
	r->by_kid = ca_text(r->head, "kid").n;
	assert_true(r->by_kid != (jtree_get(r->head, "jwk") != NULL));
	if (r->by_kid)
		r->key = ca->account;
	else
		ca_jwk(&r->key, jtree_get(r->head, "jwk"));
	sprintf(input, "%.*s.%.*s", (int)head.n, (const char *)head.p, (int)payload.n,
		(const char *)payload.p);
	assert_true(text_base64url_decode(sig.rs, sizeof(sig.rs), &n, ca_text(top, "signature")));
	assert_int_equal(n, sizeof(sig.rs));
	r->payload = body.n ? jtree_read(&r->arena, body) : NULL;
	assert_true(!body.n || r->payload);
	return p256_verify(&r->key, &sig, span_str(input));
}

[[gnu::format(printf, 3, 4)]] static void
ca_field(struct web_answer *a, const char *name, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_int_equal(web_answer_field(a, span_str(name), span_str(text)), RC_OK);
}

static void ca_body(struct web_answer *a, const char *text)
{
	assert_true(buf_add(&a->body, span_str(text)));
}

/* Appends to the body. */
[[gnu::format(printf, 2, 3)]] static void ca_print(struct web_answer *a, const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	assert_in_range(vsnprintf(text, sizeof(text), format, args), 0, sizeof(text) - 1);
	va_end(args);
	ca_body(a, text);
}

static void ca_nonce(struct ca *ca, struct web_answer *a)
{
	unsigned n = ca->nonce_next++ % CA_NONCES;

	ca->nonce_is_good[n] = true;
	ca_field(a, "Replay-Nonce", "nonce-%u", n);
}

static bool ca_takes_nonce(struct ca *ca, struct span nonce)
{
	char text[32] = { 0 };
	unsigned n;

	if (nonce.n >= sizeof(text))
		return false;
	memcpy(text, nonce.p, nonce.n);
	if (sscanf(text, "nonce-%u", &n) != 1 || n >= CA_NONCES || !ca->nonce_is_good[n])
		return false;
	ca->nonce_is_good[n] = false;
	return true;
}

static void ca_problem(struct ca *ca, struct web_answer *a, unsigned status, const char *type)
{
	(void)ca;
	a->status = status;
	ca_print(a,
		 "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"test\",\"status\":%u}",
		 type, status);
}

/* ---- issuing ---- */

static void ca_write_pem(struct ca *ca, struct ca_order *o, X509 *leaf)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	PEM_write_bio_X509(bio, leaf);
	PEM_write_bio_X509(bio, ca->cert);
	n = BIO_get_mem_data(bio, &text);
	free(o->pem);
	o->pem = mem_dup_n(text, (size_t)n);
	BIO_free(bio);
}

static void ca_san(char *out, size_t cap, const struct ca_order *o, enum ca_trouble t)
{
	size_t n = 0, count = o->names.count - (t == CA_MISSING_NAME && o->names.count > 1);

	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s%s:%s", n ? "," : "",
				      o->names.of[i].is_ip ? "IP" : "DNS", o->names.of[i].text);
	if (t == CA_EXTRA_NAME || (t == CA_MISSING_NAME && o->names.count == 1))
		snprintf(out + (t == CA_EXTRA_NAME ? n : 0), cap - n, "%sDNS:evil.example.net",
			 t == CA_EXTRA_NAME ? "," : "");
}

static void ca_issue(struct ca *ca, struct ca_order *o, struct span csr, enum ca_trouble t)
{
	const uint8_t *p = csr.p;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)csr.n);
	int64_t from = t == CA_EXPIRED ? ca->now - 2 * ca->life : ca->now - 3600;
	EVP_PKEY *key;
	char san[4096];
	X509 *x;

	assert_non_null(req);
	assert_int_equal(X509_REQ_verify(req, X509_REQ_get0_pubkey(req)), 1);
	key = t == CA_WRONG_KEY ? ca_new_key() : X509_REQ_get_pubkey(req);
	ca_san(san, sizeof(san), o, t);
	x = ca_certificate(ca->cert, NULL, key, from, from + ca->life);
	ca_extension(x, ca->cert, NID_subject_alt_name, san);
	ca_extension(x, ca->cert, NID_key_usage, "critical,digitalSignature");
	ca_extension(x, ca->cert, NID_ext_key_usage,
		     t == CA_NO_SERVER ? "emailProtection" : "serverAuth");
	ca_extension(x, ca->cert, NID_basic_constraints, "critical,CA:FALSE");
	ca_extension(x, ca->cert, NID_authority_key_identifier, "keyid");
	X509_sign(x, ca->key, EVP_sha256());
	ca_write_pem(ca, o, x);
	X509_free(x);
	EVP_PKEY_free(key);
	X509_REQ_free(req);
	assert_true(ca->issued < CA_LOG);
	ca->issued_at[ca->issued++] = ca->now;
}

/* ---- objects ---- */

static void ca_say_order(struct ca *ca, const struct ca_order *o, struct web_answer *a)
{
	ca_print(a, "{\"status\":\"%s\",\"identifiers\":[", o->status);
	for (size_t i = 0; i < o->names.count; i++)
		ca_print(a, "%s{\"type\":\"%s\",\"value\":\"%s\"}", i ? "," : "",
			 name_type(&o->names.of[i]), o->names.of[i].text);
	ca_print(a, "],\"authorizations\":[");
	for (size_t i = 0; i < o->names.count; i++)
		ca_print(a, "%s\"%s/authz/%u/%zu\"", i ? "," : "", ca->base, o->id, i);
	ca_print(a, "],\"finalize\":\"%s/finalize/%u\"", ca->base, o->id);
	if (strcmp(o->status, "valid") == 0)
		ca_print(a, ",\"certificate\":\"%s/cert/%u\"", ca->base, o->id);
	ca_print(a, "}");
}

static void ca_token(const struct ca_order *o, size_t i, char out[64])
{
	snprintf(out, 64, "token-of-order-%05u-name-%05zu", o->id, i);
}

static void ca_say_authz(struct ca *ca, const struct ca_order *o, size_t i, struct web_answer *a)
{
	static const char *const types[] = { "http-01", "dns-01", "tls-alpn-01" };
	static const char error[] = ",\"error\":{\"type\":\"urn:ietf:params:acme:error:dns\","
				    "\"detail\":\"no such record\"}";
	const struct name *n = &o->names.of[i];
	const bool has_failed = strcmp(o->authz[i], "invalid") == 0;
	const char *comma = "";
	char token[64];

	ca_token(o, i, token);
	ca_print(a, "{\"status\":\"%s\",\"identifier\":{\"type\":\"%s\",\"value\":\"%s\"},",
		 o->authz[i], name_type(n), ca->authorizes ? ca->authorizes : name_base(n));
	ca_print(a, "\"wildcard\":%s,\"challenges\":[",
		 n->is_wildcard != ca->flips_wildcard ? "true" : "false");
	for (size_t k = 0; k < 3; k++) {
		if (n->is_wildcard && k != 1)
			continue;
		ca_print(a, "%s{\"type\":\"%s\",\"status\":\"%s\",\"token\":\"%s\",",
			 comma, types[k], o->authz[i], token);
		ca_print(a, "\"url\":\"%s/challenge/%u/%zu/%zu\"%s}", ca->base, o->id, i, k,
			 has_failed ? error : "");
		comma = ",";
	}
	ca_print(a, "]}");
}

static struct ca_order *ca_find(struct ca *ca, unsigned id)
{
	struct ca_order *o = &ca->order[id % CA_ORDERS];

	return o->is_used && o->id == id ? o : NULL;
}

static void ca_new_order(struct ca *ca, struct ca_request *r, struct web_answer *a)
{
	struct ca_order *o = &ca->order[ca->order_next % CA_ORDERS];
	struct span replaces = ca_text(r->payload, "replaces");

	assert_true(r->by_kid);
	if (replaces.n && span_equal_str(replaces, ca->known_successor)) {
		ca_problem(ca, a, 409, "alreadyReplaced");
		return;
	}
	snprintf(ca->replaces, sizeof(ca->replaces), "%.*s", (int)replaces.n,
		 (const char *)replaces.p);
	free(o->pem);
	memset(o, 0, sizeof(*o));
	o->is_used = true;
	o->id = ca->order_next++;
	strcpy(o->status, "pending");
	for (const struct jtree *v = jtree_get(r->payload, "identifiers")->first; v; v = v->next) {
		assert_int_equal(names_put(&o->names, ca_text(v, "value")), RC_OK);
		strcpy(o->authz[o->names.count - 1], "pending");
	}
	assert_true(ca->orders_made < CA_LOG);
	ca->order_at[ca->orders_made++] = ca->now;
	a->status = 201;
	ca_field(a, "Location", "%s/order/%u", ca->base, o->id);
	ca_say_order(ca, o, a);
}

static void ca_validate(struct ca *ca, struct ca_order *o, size_t i, unsigned type)
{
	struct jws_thumbprint thumb;
	struct sha256 hash;
	char token[64], text[JWS_AUTHORIZATION_MAX + 1], where[512], value[64];
	bool is_good = true, is_all = true;

	if (strcmp(o->authz[i], "pending") != 0)
		return;
	ca_token(o, i, token);
	jws_thumbprint(&thumb, &ca->account);
	snprintf(text, sizeof(text), "%s.%s", token, thumb.text);
	if (!ca->ignores_proofs && type == 1) {
		sha256_of(&hash, span_str(text));
		jws_hash_text(value, &hash);
		snprintf(where, sizeof(where), "_acme-challenge.%s", name_base(&o->names.of[i]));
		is_good = ca_sees(ca, where, value);
	} else if (!ca->ignores_proofs && type == 0) {
		snprintf(where, sizeof(where), "/.well-known/acme-challenge/%s", token);
		is_good = ca_sees(ca, where, text);
	}
	strcpy(o->authz[i], is_good ? "valid" : "invalid");
	for (size_t k = 0; k < o->names.count; k++)
		is_all = is_all && strcmp(o->authz[k], "valid") == 0;
	if (!is_good)
		strcpy(o->status, "invalid");
	else if (is_all)
		strcpy(o->status, "ready");
}

static void ca_account_new(struct ca *ca, struct ca_request *r, struct web_answer *a)
{
	const bool is_known = ca->has_account &&
			      memcmp(&ca->account, &r->key, sizeof(r->key)) == 0;

	assert_false(r->by_kid);
	if (!is_known && jtree_get(r->payload, "onlyReturnExisting")) {
		ca_problem(ca, a, 400, "accountDoesNotExist");
		return;
	}
	if (!is_known) {
		ca->accounts_made++;
		ca->has_account = true;
		ca->account = r->key;
	}
	a->status = is_known ? 200 : 201;
	ca_field(a, "Location", "%s/account/1", ca->base);
	ca_body(a, "{\"status\":\"valid\"}");
}

static void ca_key_change(struct ca *ca, struct ca_request *r, struct web_answer *a,
			  const char *url)
{
	struct ca_request inner = { 0 };
	struct p256_point old;
	struct buf b = { 0 };

	/* The payload is a JWS itself: its text is put together again. */
	arena_init(&inner.arena, 1 << 20);
	buf_init(&b, 65536);
	assert_true(buf_add(&b, span_str("{")));
	for (const struct jtree *m = r->payload->first; m; m = m->next) {
		char member[8192];

		snprintf(member, sizeof(member), "%s\"%.*s\":\"%.*s\"",
			 m == r->payload->first ? "" : ",", (int)m->key.n, (const char *)m->key.p,
			 (int)m->text.n, (const char *)m->text.p);
		assert_true(buf_add(&b, span_str(member)));
	}
	assert_true(buf_add(&b, span_str("}")));
	assert_true(ca_open(ca, &inner, buf_span(&b), url));
	buf_fini(&b);
	assert_false(inner.by_kid);
	assert_int_equal(ca_text(inner.head, "nonce").n, 0);
	ca_jwk(&old, jtree_get(inner.payload, "oldKey"));
	assert_memory_equal(&old, &ca->account, sizeof(old));
	ca->account = inner.key;
	ca->keys_changed++;
	arena_fini(&inner.arena);
	ca_body(a, "{\"status\":\"valid\"}");
}

/* One request that is for us, without trouble but of issuing. */
static void ca_do(struct ca *ca, struct ca_request *r, const char *url, struct web_answer *a,
		  enum ca_trouble t)
{
	const char *path = url + strlen(ca->base);
	unsigned id, type;
	size_t i;
	struct ca_order *o;

	if (strcmp(path, "/new-account") == 0) {
		ca_account_new(ca, r, a);
	} else if (r->by_kid && !ca->has_account) {
		ca_problem(ca, a, 400, "accountDoesNotExist");
	} else if (strcmp(path, "/new-order") == 0 && t == CA_REFUSES) {
		ca_problem(ca, a, 403, "rejectedIdentifier");
	} else if (strcmp(path, "/new-order") == 0) {
		ca_new_order(ca, r, a);
	} else if (strcmp(path, "/revoke") == 0) {
		ca->revoked++;
	} else if (strcmp(path, "/key-change") == 0) {
		ca_key_change(ca, r, a, url);
	} else if (strcmp(path, "/account/1") == 0) {
		ca->is_deactivated = span_equal_str(ca_text(r->payload, "status"), "deactivated");
		ca_print(a, "{\"status\":\"%s\"}", ca->is_deactivated ? "deactivated" : "valid");
	} else if (sscanf(path, "/order/%u", &id) == 1 && (o = ca_find(ca, id))) {
		/* Processing is over at the second look. */
		if (ca->stuck && strcmp(o->status, "processing") == 0)
			strcpy(o->status, "ready");
		else if (strcmp(o->status, "processing") == 0 && o->polls++)
			strcpy(o->status, "valid");
		ca_say_order(ca, o, a);
	} else if (sscanf(path, "/authz/%u/%zu", &id, &i) == 2 && (o = ca_find(ca, id))) {
		if (span_equal_str(ca_text(r->payload, "status"), "deactivated"))
			strcpy(o->authz[i], "deactivated");
		ca_say_authz(ca, o, i, a);
	} else if (sscanf(path, "/challenge/%u/%zu/%u", &id, &i, &type) == 3 &&
		   (o = ca_find(ca, id))) {
		assert_true(r->payload && r->payload->type == JTREE_OBJECT && !r->payload->count);
		ca_validate(ca, o, i, type);
		ca_body(a, "{}");
	} else if (sscanf(path, "/finalize/%u", &id) == 1 && (o = ca_find(ca, id))) {
		if (strcmp(o->status, "ready") != 0) {
			ca_problem(ca, a, 403, "orderNotReady");
			return;
		}
		ca->finalized++;
		if (ca->stuck) {
			strcpy(o->status, ca->stuck);
			ca_say_order(ca, o, a);
			return;
		}
		ca_issue(ca, o, ca_decode(&r->arena, ca_text(r->payload, "csr")), t);
		strcpy(o->status, id % 2 ? "processing" : "valid");
		ca_say_order(ca, o, a);
	} else if (sscanf(path, "/cert/%u", &id) == 1 && (o = ca_find(ca, id)) && o->pem) {
		ca_field(a, "Content-Type", "application/pem-certificate-chain");
		if (ca->loops)
			for (unsigned k = 0; k < 20; k++)
				ca_field(a, "Link", "<%s/cert/%u%s>;rel=\"alternate\"",
					 ca->base, id, k % 3 ? "/again" : "");
		ca_body(a, o->pem);
	} else {
		ca_problem(ca, a, 404, "malformed");
	}
}

static void ca_directory(struct ca *ca, struct web_answer *a)
{
	static const char *const entries[][2] = {
		{ "newNonce", "new-nonce" },
		{ "newAccount", "new-account" },
		{ "newOrder", "new-order" },
		{ "revokeCert", "revoke" },
		{ "keyChange", "key-change" },
	};

	ca_print(a, "{");
	for (size_t i = 0; i < 5; i++)
		ca_print(a, "\"%s\":\"%s/%s\",", entries[i][0],
			 ca->plain && strcmp(ca->plain, entries[i][0]) == 0 ? "http://ca.example"
									    : ca->base,
			 entries[i][1]);
	if (ca->has_ari)
		ca_print(a, "\"renewalInfo\":\"%s/ari\",", ca->base);
	ca_print(a, "\"meta\":{\"caaIdentities\":[\"ca.example\"]}}");
}

/* A window at half the life of what it issued last; one that runs away from
 * whoever asks; one that is past. */
static void ca_window(struct ca *ca, struct web_answer *a)
{
	const int64_t since = ca->ari_runs || !ca->issued ? ca->now : ca->issued_at[ca->issued - 1];
	const int64_t from = ca->is_ari_past ? ca->now - 2 * CA_DAY : since + ca->life / 2;
	char start[32] = { 0 }, end[32] = { 0 };
	struct wr w = WR_ARRAY(start);

	text_utc_write(&w, from);
	w = WR_ARRAY(end);
	text_utc_write(&w, from + CA_DAY);
	ca_field(a, "Retry-After", "21600");
	ca_print(a, "{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}", start, end);
}

static void ca_post(struct ca *ca, const struct web_ask *ask, struct web_answer *a,
		    enum ca_trouble t)
{
	struct ca_request r = { 0 };

	arena_init(&r.arena, 4 << 20);
	bool is_signed = ca_open(ca, &r, buf_span(&ask->body), ask->url);

	/* Only the key of before may ever be the wrong one. */
	assert_true(is_signed || ca->keys_changed);
	if (!ca_takes_nonce(ca, ca_text(r.head, "nonce")) || t == CA_BAD_NONCE) {
		ca->bad_requests++;
		ca_problem(ca, a, 400, "badNonce");
	} else if (!is_signed) {
		ca_problem(ca, a, 400, "malformed");
	} else {
		ca_do(ca, &r, ask->url, a, t);
	}
	arena_fini(&r.arena);
}

static void ca_spoil(struct web_answer *a, enum ca_trouble t)
{
	size_t n = a->body.n;

	if (t == CA_GARBLED && n) {
		a->body.n = n / 2;
	} else if (t == CA_HTML) {
		buf_reset(&a->body);
		ca_body(a, "<html><body>It works!</body></html>");
	}
}

/*
 * The answer to a request; false: there is none.  'a' is zeroed.
 */
static bool ca_answer(struct ca *ca, const struct web_ask *ask, struct web_answer *a)
{
	enum ca_trouble t = CA_FINE;

	ca->requests++;
	if (ca->is_down)
		return false;
	if (ca->trouble_left) {
		ca->trouble_left--;
		t = ca->trouble;
	}
	if (t == CA_SILENT)
		return false;
	web_answer_init(a, 200, 1 << 20);
	if (ca->hurried && strcmp(ask->url + strlen(ca->base), ca->hurried) == 0) {
		ca_nonce(ca, a);
		ca_field(a, "Retry-After", "0");
		ca_problem(ca, a, 429, "rateLimited");
		return true;
	}
	if (t == CA_BUSY || t == CA_AWAY || t == CA_BROKEN) {
		a->status = t == CA_BUSY ? 429 : t == CA_AWAY ? 503
							      : 500;
		if (t != CA_BROKEN)
			ca_field(a, "Retry-After", "%u", ca->requests % 3 ? 30 : 7200);
		if (t == CA_BUSY)
			ca_problem(ca, a, 429, "rateLimited");
		return true;
	}
	ca_nonce(ca, a);
	if (strcmp(ask->url + strlen(ca->base), "/directory") == 0)
		ca_directory(ca, a);
	else if (strncmp(ask->url + strlen(ca->base), "/ari/", 5) == 0)
		ca_window(ca, a);
	else if (ask->method == WEB_POST)
		ca_post(ca, ask, a, t);
	else
		assert_string_equal(ask->url + strlen(ca->base), "/new-nonce");
	ca_spoil(a, t);
	if (t == CA_DEAF) {
		web_answer_fini(a);
		return false;
	}
	return true;
}

#endif
