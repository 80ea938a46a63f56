#include "pki/path.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/pem.h"
#include "pki/web.h"
#include "pki/webname.h"

enum {
	AUTH_LEVEL = 2, /* 112 bits: RSA 2048, SHA-224 and up */
};

struct path_roots {
	STACK_OF(X509) * list;
	uint8_t **der; /* of each, in the same order */
	size_t *der_len;
	size_t count;
};

struct path_roots *path_roots_new(void)
{
	struct path_roots *r = mem_new(sizeof(*r));

	r->list = mem_need(sk_X509_new_null());
	return r;
}

void path_roots_free(struct path_roots *r)
{
	if (!r)
		return;
	sk_X509_pop_free(r->list, X509_free);
	for (size_t i = 0; i < r->count; i++)
		free(r->der[i]);
	free(r->der);
	free(r->der_len);
	free(r);
}

void path_roots_auto(struct path_roots **r)
{
	path_roots_free(*r);
}

size_t path_roots_count(const struct path_roots *r)
{
	return r->count;
}

/* NULL when it is no certificate or has bytes behind it. */
static X509 *read_x509(struct span der)
{
	const uint8_t *at = der.p;
	X509 *x = der.n && der.n <= WEB_CERT_MAX
			  ? d2i_X509(NULL, &at, (long)der.n)
			  : NULL;

	if (x && at == der.p + der.n)
		return x;
	X509_free(x);
	ERR_clear_error();
	return NULL;
}

enum rc path_roots_add_der(struct path_roots *r, struct span der)
{
	X509 *x;

	if (r->count == PATH_ROOTS_MAX)
		return RC_LIMIT;
	x = read_x509(der);
	if (!x)
		return RC_MALFORMED;
	mem_need(sk_X509_push(r->list, x) ? x : NULL);
	r->der = mem_grow(r->der, r->count + 1, sizeof(*r->der));
	r->der_len = mem_grow(r->der_len, r->count + 1, sizeof(*r->der_len));
	r->der[r->count] = (uint8_t *)mem_dup_n(der.p, der.n);
	r->der_len[r->count++] = der.n;
	return RC_OK;
}

/* The next block, from its BEGIN to the end of its END line; what stands before
 * it is skipped. */
static bool rd_pem_block(struct span *s, struct span *block)
{
	static const char begin[] = "-----BEGIN " PEM_CERTIFICATE "-----";
	static const char end[] = "-----END " PEM_CERTIFICATE "-----";
	const uint8_t *from, *to;

	from = memmem(s->p, s->n, begin, sizeof(begin) - 1);
	if (!from)
		return false;
	(void)rd_skip(s, (size_t)(from - s->p)); /* it is inside */
	to = memmem(s->p, s->n, end, sizeof(end) - 1);
	return to && rd_n(s, block, (size_t)(to - from) + sizeof(end) - 1);
}

enum rc path_roots_add_pem(struct path_roots *r, struct span pem)
{
	size_t cap = pem.n / 4 * 3 + 4, count = 0;
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(cap);
	struct span block;

	while (rd_pem_block(&pem, &block)) {
		struct wr w = wr_over(room, cap);
		struct span der;
		enum rc rc =
			pem_decode(&der, 1, &w, PEM_CERTIFICATE, block);

		if (rc)
			return rc;
		rc = path_roots_add_der(r, der);
		if (rc)
			return rc;
		count++;
	}
	return count ? RC_OK : RC_MALFORMED;
}

static const struct {
	const char *name, *rule;
} reasons[PATH_REASON_COUNT] = {
	[PATH_OK] = { "ok", "RFC 5280 6.1" },
	[PATH_MALFORMED] = { "malformed", "RFC 5280 4.1" },
	[PATH_NO_ROOT] = { "no_root", "RFC 5280 6.1.1" },
	[PATH_BAD_SIGNATURE] = { "bad_signature", "RFC 5280 6.1.3 a" },
	[PATH_NOT_YET_VALID] = { "not_yet_valid", "RFC 5280 6.1.3 a" },
	[PATH_EXPIRED] = { "expired", "RFC 5280 6.1.3 a" },
	[PATH_NOT_A_CA] = { "not_a_ca", "RFC 5280 6.1.4 k" },
	[PATH_WRONG_PURPOSE] = { "wrong_purpose", "RFC 5280 4.2.1.12" },
	[PATH_NAME_NOT_PERMITTED] = { "name_not_permitted",
				      "RFC 5280 6.1.3 b" },
	[PATH_WRONG_HOST] = { "wrong_host", "RFC 9525 6" },
	[PATH_WEAK] = { "weak", "NIST SP 800-57 5.6.1" },
	[PATH_UNKNOWN_CRITICAL] = { "unknown_critical", "RFC 5280 6.1.4 o" },
	[PATH_INVALID] = { "invalid", "RFC 5280 6.1" },
};

const char *path_reason_name(enum path_reason reason)
{
	return reasons[reason].name;
}

const char *path_reason_rule(enum path_reason reason)
{
	return reasons[reason].rule;
}

static const struct {
	int error;
	enum path_reason reason;
} errors[] = {
	{ X509_V_OK, PATH_OK },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, PATH_NO_ROOT },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, PATH_NO_ROOT },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, PATH_NO_ROOT },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, PATH_NO_ROOT },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, PATH_NO_ROOT },
	{ X509_V_ERR_CERT_UNTRUSTED, PATH_NO_ROOT },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, PATH_NO_ROOT },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, PATH_BAD_SIGNATURE },
	{ X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, PATH_BAD_SIGNATURE },
	{ X509_V_ERR_CERT_NOT_YET_VALID, PATH_NOT_YET_VALID },
	{ X509_V_ERR_CERT_HAS_EXPIRED, PATH_EXPIRED },
	{ X509_V_ERR_INVALID_CA, PATH_NOT_A_CA },
	{ X509_V_ERR_INVALID_NON_CA, PATH_NOT_A_CA },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, PATH_NOT_A_CA },
	{ X509_V_ERR_KEYUSAGE_NO_CERTSIGN, PATH_NOT_A_CA },
	{ X509_V_ERR_INVALID_PURPOSE, PATH_WRONG_PURPOSE },
	{ X509_V_ERR_PERMITTED_VIOLATION, PATH_NAME_NOT_PERMITTED },
	{ X509_V_ERR_EXCLUDED_VIOLATION, PATH_NAME_NOT_PERMITTED },
	{ X509_V_ERR_SUBTREE_MINMAX, PATH_NAME_NOT_PERMITTED },
	{ X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, PATH_NAME_NOT_PERMITTED },
	{ X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, PATH_NAME_NOT_PERMITTED },
	{ X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, PATH_NAME_NOT_PERMITTED },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, PATH_WEAK },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, PATH_WEAK },
	{ X509_V_ERR_CA_MD_TOO_WEAK, PATH_WEAK },
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, PATH_UNKNOWN_CRITICAL },
};

static enum path_reason reason_of(int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error)
			return errors[i].reason;
	return PATH_INVALID;
}

/* What libcrypto needs for one question. */
struct question {
	X509 *leaf;
	STACK_OF(X509) * others;
	X509_STORE_CTX *ctx;
	X509_STORE *store;
};

static void question_fini(struct question *q)
{
	X509_STORE_CTX_free(q->ctx);
	X509_STORE_free(q->store);
	sk_X509_pop_free(q->others, X509_free);
	X509_free(q->leaf);
	ERR_clear_error();
}

/* False: a certificate given is none. */
static bool read_certs(struct question *q, const struct path_query *in)
{
	if (in->other_count > PATH_OTHERS_MAX)
		return false;
	q->leaf = read_x509(in->leaf);
	q->others = mem_need(sk_X509_new_null());
	for (size_t i = 0; i < in->other_count; i++) {
		X509 *x = read_x509(in->others[i]);

		if (!x)
			return false;
		mem_need(sk_X509_push(q->others, x) ? x : NULL);
	}
	return q->leaf != NULL;
}

static bool set_up(struct question *q, const struct path_query *in)
{
	X509_VERIFY_PARAM *param;

	q->ctx = mem_need(X509_STORE_CTX_new());
	q->store = mem_need(X509_STORE_new());
	if (X509_STORE_CTX_init(q->ctx, q->store, q->leaf, q->others) != 1)
		return false;
	X509_STORE_CTX_set0_trusted_stack(q->ctx, in->roots->list);
	param = X509_STORE_CTX_get0_param(q->ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)in->at);
	X509_VERIFY_PARAM_set_depth(param, PATH_CHAIN_MAX - 2);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	return X509_VERIFY_PARAM_set_purpose(param,
					     X509_PURPOSE_SSL_SERVER) == 1;
}

/* The bytes of a certificate of the chain, where they were given to us. */
static struct span der_of(const X509 *x, const struct question *q,
			  const struct path_query *in)
{
	const struct path_roots *r = in->roots;

	if (x == q->leaf)
		return in->leaf;
	for (size_t i = 0; i < in->other_count; i++)
		if (sk_X509_value(q->others, (int)i) == x)
			return in->others[i];
	for (size_t i = 0; i < r->count; i++)
		if (sk_X509_value(r->list, (int)i) == x)
			return span_of(r->der[i], r->der_len[i]);
	return (struct span){ 0 };
}

static void keep_chain(struct path_verdict *out, const struct question *q,
		       const struct path_query *in)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(q->ctx);

	for (int i = 0; i < sk_X509_num(chain) && i < PATH_CHAIN_MAX; i++)
		out->chain[out->chain_count++] =
			der_of(sk_X509_value(chain, i), q, in);
}

void path_validate(struct path_verdict *out, const struct path_query *in)
{
	struct path_verdict v = { .reason = PATH_MALFORMED };
	AUTO(question_fini)
	struct question q = { 0 };
	struct web_cert leaf;

	*out = v;
	if (web_parse(&leaf, in->leaf) || !read_certs(&q, in))
		return;
	v.reason = PATH_INVALID;
	if (set_up(&q, in)) {
		bool ok = X509_verify_cert(q.ctx) == 1;

		v.reason = reason_of(X509_STORE_CTX_get_error(q.ctx));
		if (v.reason == PATH_OK && !ok)
			v.reason = PATH_INVALID;
		v.depth = (size_t)X509_STORE_CTX_get_error_depth(q.ctx);
	}
	if (v.reason == PATH_OK) {
		v.depth = 0;
		keep_chain(&v, &q, in);
		if (in->host.n && !webname_covers(&leaf, in->host))
			v.reason = PATH_WRONG_HOST;
	}
	*out = v;
}
