/* path: chains good and bad, each reason by its own case; roots of this
 * machine read as a file. */
#include "unit.h"

#include "base/buf.h"
#include "pki/path.h"
#include "pki/pem.h"
#include "vectors.h"
#include "web_pki.h"

enum {
	NOW = WEB_PKI_T0 + 10 * DAY,
};

/* Two roots, an intermediate of the first, a key for leaves. */
struct scene {
	struct web_ca root, other, middle;
	EVP_PKEY *key;
	struct path_roots *roots;
};

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));

	web_ca_init(&s->root, "Root", NULL);
	web_ca_init(&s->other, "Other", NULL);
	web_ca_init(&s->middle, "Middle", &s->root);
	s->key = web_key();
	s->roots = path_roots_new();
	assert_int_equal(path_roots_add_der(s->roots, s->root.der), RC_OK);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	path_roots_free(s->roots);
	EVP_PKEY_free(s->key);
	web_ca_fini(&s->middle);
	web_ca_fini(&s->other);
	web_ca_fini(&s->root);
	free(s);
	return 0;
}

static struct web_spec good(struct scene *s)
{
	return (struct web_spec){
		.key = s->key,
		.issuer = s->middle.x,
		.issuer_key = s->middle.key,
		.from = WEB_PKI_T0,
		.until = WEB_PKI_T0 + 90 * DAY,
		.san = "DNS:a.example.com,DNS:*.b.example.com,IP:192.0.2.9",
		.constraints = "critical,CA:FALSE",
		.usage = "critical,digitalSignature",
		.eku = "serverAuth",
		.has_ids = true,
	};
}

static enum path_reason ask(struct scene *s, const struct web_spec *spec, const char *host,
			    int64_t at, struct path_verdict *v)
{
	/* Unordered, and one that has nothing to do with it. */
	struct span others[] = { s->other.der, s->middle.der };
	X509 *x = web_issue(spec);
	struct span der = web_der(x);
	struct path_query q = { .leaf = der,
				.others = others,
				.other_count = 2,
				.roots = s->roots,
				.host = span_str(host),
				.at = at };

	path_validate(v, &q);
	if (v->chain_count) {
		assert_true(v->reason == PATH_OK || v->reason == PATH_WRONG_HOST);
		assert_int_equal(v->chain_count, 3);
		assert_ptr_equal(v->chain[0].p, der.p);
		assert_ptr_equal(v->chain[1].p, s->middle.der.p);
		assert_true(span_equal(v->chain[2], s->root.der));
	} else {
		assert_true(v->reason != PATH_OK && v->reason != PATH_WRONG_HOST);
	}
	web_free_der(der);
	X509_free(x);
	return v->reason;
}

static void hosts(void **state)
{
	static const struct {
		const char *host;
		enum path_reason want;
	} cases[] = {
		{ "a.example.com", PATH_OK },
		{ "A.Example.Com.", PATH_OK },
		{ "x.b.example.com", PATH_OK },
		{ "192.0.2.9", PATH_OK },
		{ "", PATH_OK },
		{ "b.example.com", PATH_WRONG_HOST },
		{ "y.x.b.example.com", PATH_WRONG_HOST },
		{ "192.0.2.8", PATH_WRONG_HOST },
	};
	struct web_spec spec = good(*state);
	struct path_verdict v;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ask(*state, &spec, cases[i].host, NOW, &v), cases[i].want);
}

static void times(void **state)
{
	struct web_spec spec = good(*state);
	struct path_verdict v;

	assert_int_equal(ask(*state, &spec, "", spec.from, &v), PATH_OK);
	assert_int_equal(ask(*state, &spec, "", spec.from - 1, &v), PATH_NOT_YET_VALID);
	assert_int_equal(v.depth, 0);
	assert_int_equal(ask(*state, &spec, "", spec.until - 1, &v), PATH_OK);
	assert_int_equal(ask(*state, &spec, "", spec.until, &v), PATH_EXPIRED);
	spec.until = WEB_PKI_T0 + 20000LL * DAY;
	assert_int_equal(ask(*state, &spec, "", WEB_PKI_T0 + 4000LL * DAY, &v), PATH_EXPIRED);
	assert_true(v.depth > 0); /* a CA's */
}

static void each_reason(void **state)
{
	struct scene *s = *state;
	struct web_spec spec = good(s), bad;
	struct path_verdict v;
	struct web_ca fake = s->middle;
	EVP_PKEY *weak = web_rsa(1024);

	bad = spec;
	bad.issuer = s->other.x;
	bad.issuer_key = s->other.key;
	assert_int_equal(ask(s, &bad, "", NOW, &v), PATH_NO_ROOT);
	bad = spec; /* the issuer's name, another's signature */
	fake.key = s->other.key;
	bad.issuer_key = fake.key;
	assert_int_equal(ask(s, &bad, "", NOW, &v), PATH_BAD_SIGNATURE);
	bad = spec;
	bad.eku = "clientAuth";
	assert_int_equal(ask(s, &bad, "", NOW, &v), PATH_WRONG_PURPOSE);
	bad = spec;
	bad.unknown_critical = "1.2.3.4";
	assert_int_equal(ask(s, &bad, "", NOW, &v), PATH_UNKNOWN_CRITICAL);
	bad = spec;
	bad.is_precert = true;
	assert_int_equal(ask(s, &bad, "", NOW, &v), PATH_UNKNOWN_CRITICAL);
	bad = spec;
	bad.key = weak;
	assert_int_equal(ask(s, &bad, "", NOW, &v), PATH_WEAK);
	bad = spec;
	bad.is_sha1 = true;
	assert_int_equal(ask(s, &bad, "", NOW, &v), PATH_WEAK);
	EVP_PKEY_free(weak);
}

/* A leaf that issues: constrained and not a CA, with the rest in order. */
static void leaf_is_no_ca(void **state)
{
	struct scene *s = *state;
	struct web_spec spec = good(s);
	X509 *false_ca = web_issue(&spec);
	EVP_PKEY *key = web_key();
	struct span der, others[2] = { s->middle.der, web_der(false_ca) };
	struct path_query q = { .others = others, .other_count = 2, .roots = s->roots, .at = NOW };
	struct path_verdict v;
	X509 *x;

	spec.issuer = false_ca;
	spec.issuer_key = s->key;
	spec.key = key;
	x = web_issue(&spec);
	der = web_der(x);
	q.leaf = der;
	path_validate(&v, &q);
	assert_true(v.reason == PATH_NOT_A_CA || v.reason == PATH_NO_ROOT);
	assert_int_equal(v.chain_count, 0);
	web_free_der(der);
	web_free_der(others[1]);
	X509_free(x);
	X509_free(false_ca);
	EVP_PKEY_free(key);
}

/* A CA that may issue for one domain only. */
static void name_constraints_hold(void **state)
{
	struct scene *s = *state;
	struct web_spec ca = { .name = "Narrow",
			       .key = web_key(),
			       .issuer = s->root.x,
			       .issuer_key = s->root.key,
			       .from = WEB_PKI_T0,
			       .until = WEB_PKI_T0 + 900 * DAY,
			       .constraints = "critical,CA:TRUE",
			       .usage = "critical,keyCertSign",
			       .name_constraints = "critical,permitted;DNS:inside.example",
			       .has_ids = true };
	X509 *narrow = web_issue(&ca);
	struct web_spec spec = good(s);
	struct span der = web_der(narrow), leaf;
	struct path_query q = { .others = &der, .other_count = 1, .roots = s->roots, .at = NOW };
	struct path_verdict v;
	X509 *x;

	spec.issuer = narrow;
	spec.issuer_key = ca.key;
	spec.san = "DNS:a.inside.example";
	x = web_issue(&spec);
	leaf = web_der(x);
	q.leaf = leaf;
	path_validate(&v, &q);
	assert_int_equal(v.reason, PATH_OK);
	web_free_der(leaf);
	X509_free(x);
	spec.san = "DNS:a.inside.example,DNS:a.example.com";
	x = web_issue(&spec);
	leaf = web_der(x);
	q.leaf = leaf;
	path_validate(&v, &q);
	assert_int_equal(v.reason, PATH_NAME_NOT_PERMITTED);
	web_free_der(leaf);
	X509_free(x);
	web_free_der(der);
	X509_free(narrow);
	EVP_PKEY_free(ca.key);
}

static void malformed_refused(void **state)
{
	struct scene *s = *state;
	static const uint8_t junk[] = { 0x30, 0x03, 0x02, 0x01, 0x01 };
	struct span bad = SPAN_ARRAY(junk);
	struct path_query q = { .leaf = bad, .roots = s->roots, .at = NOW };
	struct path_verdict v;

	path_validate(&v, &q);
	assert_int_equal(v.reason, PATH_MALFORMED);
	q.leaf = s->middle.der;
	q.others = &bad;
	q.other_count = 1;
	path_validate(&v, &q);
	assert_int_equal(v.reason, PATH_MALFORMED);
	q.other_count = PATH_OTHERS_MAX + 1;
	path_validate(&v, &q);
	assert_int_equal(v.reason, PATH_MALFORMED);
}

static void roots_from_pem(void **state)
{
	struct scene *s = *state;
	struct path_roots *r = path_roots_new();
	char text[8192];
	struct wr w = WR_ARRAY(text);

	wr_str(&w, "# Root\n");
	pem_encode(&w, PEM_CERTIFICATE, s->root.der);
	wr_str(&w, "\n# Other\n");
	pem_encode(&w, PEM_CERTIFICATE, s->other.der);
	assert_int_equal(path_roots_add_pem(r, wr_span(&w)), RC_OK);
	assert_int_equal(path_roots_count(r), 2);
	assert_int_equal(path_roots_add_pem(r, span_str("nothing here")), RC_MALFORMED);
	assert_int_equal(path_roots_add_pem(r, span_of(text, 100)), RC_MALFORMED);
	assert_int_equal(path_roots_count(r), 2);
	path_roots_free(r);
	path_roots_free(NULL);
}

static void names_are_stable(void **state)
{
	(void)state;
	assert_string_equal(path_reason_name(PATH_OK), "ok");
	assert_string_equal(path_reason_name(PATH_WRONG_HOST), "wrong_host");
	for (int i = 0; i < PATH_REASON_COUNT; i++) {
		assert_non_null(path_reason_name((enum path_reason)i));
		assert_non_null(path_reason_rule((enum path_reason)i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(times),
		cmocka_unit_test(each_reason),
		cmocka_unit_test(leaf_is_no_ca),
		cmocka_unit_test(name_constraints_hold),
		cmocka_unit_test(malformed_refused),
		cmocka_unit_test(roots_from_pem),
		cmocka_unit_test(names_are_stable),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
