/*
 * Any answer of a CA to any reader: the first byte says which, the rest is the
 * body.  Promised: outputs untouched on failure; every URL is of https, every
 * text ends; nothing of a token gets into a path or record but base64url.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "acme/account.h"
#include "acme/authz.h"
#include "acme/certcheck.h"
#include "acme/order.h"
#include "acme/renewal.h"
#include "acme/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define BASE "https://ca.example/directory"

static void check_url(const char *url)
{
	assert(strnlen(url, ACME_URL_MAX) < ACME_URL_MAX);
	assert(!url[0] || strncmp(url, "https://", 8) == 0);
	for (; *url; url++)
		assert(*url > ' ' && *url <= '~');
}

static void check_problem(const struct problem *p)
{
	assert(strnlen(p->detail, sizeof(p->detail)) < sizeof(p->detail));
	for (const char *c = p->detail; *c; c++)
		assert(*c >= ' ' && *c <= '~');
	assert(p->sub_count <= PROBLEM_SUBS_MAX && p->type < PROBLEM_TYPES);
	(void)problem_cure_name(problem_cure_of(p));
}

static void read_directory(struct span body)
{
	struct directory *d = calloc(1, sizeof(*d));
	enum rc rc = directory_read(d, body);

	assert(!rc || !d->url[0][0]);
	for (size_t i = 0; i < DIRECTORY_ENTRIES; i++)
		assert(strnlen(d->url[i], ACME_URL_MAX) < ACME_URL_MAX);
	free(d);
}

static void read_problem(struct span body)
{
	struct problem *p = calloc(1, sizeof(*p));
	struct web_answer a = { 0 };

	web_answer_init(&a, 400, 1 << 20);
	assert(buf_add(&a.body, body));
	problem_of_answer(p, &a, 1000);
	check_problem(p);
	web_answer_fini(&a);
	free(p);
}

static void read_order(struct span body)
{
	struct order_view *v = calloc(1, sizeof(*v));
	struct names *names = calloc(1, sizeof(*names));

	assert(names_put(names, span_str("a.example")) == RC_OK);
	assert(names_put(names, span_str("*.a.example")) == RC_OK);
	if (order_read(v, names, body, BASE) == RC_OK) {
		assert(v->authz_count >= 1 && v->authz_count <= NAMES_MAX);
		for (size_t i = 0; i < v->authz_count; i++)
			check_url(v->authz[i]);
		check_url(v->finalize);
		check_url(v->certificate);
		assert(v->status != ORDER_VALID || v->certificate[0]);
		check_problem(&v->error);
	}
	free(names);
	free(v);
}

static void check_proof(const struct authz *a)
{
	const struct jws_thumbprint key = { "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U" };
	struct proof p;

	check_url(a->challenge.url);
	proof_of(&p, a, &key, "https://ca.example/account/1");
	for (const char *c = p.where; *c; c++)
		assert((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		       (*c >= '0' && *c <= '9') || strchr("-_./", *c));
}

static void read_authz(struct span body)
{
	static const struct authz_methods all = {
		.of = { CHALLENGE_DNS_PERSIST_01, CHALLENGE_DNS_ACCOUNT_01, CHALLENGE_DNS_01,
			CHALLENGE_TLS_ALPN_01, CHALLENGE_HTTP_01 },
		.count = 5,
	};
	struct problem *error = calloc(1, sizeof(*error));
	struct authz a = { 0 }, again;

	if (authz_read(&a, error, &all, body, BASE) == RC_OK) {
		assert(strstr(a.name.text, "*") == NULL);
		if (a.is_chosen) {
			check_proof(&a);
			/* Read again it is the same. */
			again = a;
			assert(authz_read(&again, error, &all, body, BASE) == RC_OK);
			assert(strcmp(again.challenge.token, a.challenge.token) == 0);
		}
		check_problem(error);
	}
	free(error);
}

static void read_chain(struct span body)
{
	struct certcheck_chain chain;

	if (certcheck_read(&chain, body) == CERTCHECK_OK) {
		struct names *names = calloc(1, sizeof(*names));
		const struct p256_point key = { { 0 } };
		const struct certcheck_query q = { .names = names, .key = &key };

		(void)certcheck_names(names, &chain.cert[0]);
		(void)certcheck_has_issuer(&chain, "x");
		assert(certcheck_judge(&chain, &q) != CERTCHECK_OK);
		certcheck_fini(&chain);
		free(names);
	} else {
		assert(chain.count == 0);
	}
}

static void read_renewal(struct span body)
{
	struct renewal_window w = { 0 };

	if (renewal_read(&w, body) == RC_OK)
		assert(w.start_at < w.end_at);
	else
		assert(!w.start_at && !w.end_at);
}

static void read_account(struct span body)
{
	enum account_status s = ACCOUNT_NONE;

	assert((account_read(&s, body) == RC_OK) == (s != ACCOUNT_NONE));
}

static void read_name(struct span body)
{
	struct name n, again;

	if (name_read(&n, body) != RC_OK)
		return;
	assert(name_read(&again, span_str(n.text)) == RC_OK);
	assert(strcmp(n.text, again.text) == 0);
}

static void read_retry(struct span body)
{
	struct web_answer a = { 0 };
	int64_t at;

	web_answer_init(&a, 503, 0);
	if (web_answer_field(&a, span_str("Retry-After"), body) == RC_OK) {
		at = when_retry(&a, 1000);
		assert(at == 0 || (at >= 1000 && at <= 1000 + WHEN_RETRY_MAX));
	}
	web_answer_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const readers[])(struct span) = {
		read_directory,
		read_problem,
		read_order,
		read_authz,
		read_chain,
		read_renewal,
		read_account,
		read_name,
		read_retry,
	};

	if (!n)
		return 0;
	readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](span_of(data + 1, n - 1));
	return 0;
}
