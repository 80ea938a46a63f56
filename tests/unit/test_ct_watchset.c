/* watchset: which names count, and the classes (A38, A39, A40, A46). */
#include "unit.h"

#include "ct/watchset.h"
#include "pki/webtbs.h"
#include "vectors.h"
#include "web_pki.h"

static void add(struct watchset *w, const char *name, enum watchset_scope scope)
{
	assert_int_equal(watchset_add_name(w, span_str(name), scope), RC_OK);
}

static void names(void **state)
{
	static const struct {
		const char *name, *watched;
		enum watchset_scope scope;
		const char *seen;
		bool want;
	} cases[] = {
		{ "same", "app.example.com", WATCHSET_NAME, "app.example.com", true },
		{ "case", "app.example.com", WATCHSET_NAME, "APP.Example.COM", true },
		{ "trailing_dot", "app.example.com", WATCHSET_NAME, "app.example.com.", true },
		{ "wildcard_of_the_parent", "app.example.com", WATCHSET_NAME, "*.example.com",
		  true },
		{ "wildcard_of_the_grandparent", "app.example.com", WATCHSET_NAME, "*.com", false },
		{ "parent", "app.example.com", WATCHSET_NAME, "example.com", false },
		{ "below_not_ours", "app.example.com", WATCHSET_NAME, "x.app.example.com", false },
		{ "below_ours", "app.example.com", WATCHSET_SUBTREE, "x.app.example.com", true },
		{ "far_below_ours", "app.example.com", WATCHSET_SUBTREE, "z.y.x.app.example.com",
		  true },
		{ "wildcard_below_ours", "app.example.com", WATCHSET_SUBTREE,
		  "*.app.example.com", true },
		{ "suffix_only", "app.example.com", WATCHSET_SUBTREE, "xapp.example.com", false },
		{ "our_wildcard", "*.example.com", WATCHSET_NAME, "*.example.com", true },
		{ "under_our_wildcard", "*.example.com", WATCHSET_NAME, "a.example.com", true },
		{ "two_under_our_wildcard", "*.example.com", WATCHSET_NAME, "b.a.example.com",
		  false },
		{ "base_of_our_wildcard", "*.example.com", WATCHSET_NAME, "example.com", false },
		{ "wildcard_inside_a_label", "app.example.com", WATCHSET_NAME, "a*.example.com",
		  true },
		{ "wildcard_in_the_middle", "app.example.com", WATCHSET_NAME, "app.*.com", true },
		{ "strange_bytes", "app.example.com", WATCHSET_NAME, "a\xc3\xbcp.example.com",
		  true },
		{ "empty_label", "app.example.com", WATCHSET_NAME, ".example.com", true },
		{ "space", "app.example.com", WATCHSET_NAME, "app .example.com", true },
		{ "another", "app.example.com", WATCHSET_SUBTREE, "app.example.net", false },
		{ "empty", "app.example.com", WATCHSET_NAME, "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(watchset_auto)
		struct watchset *w = watchset_new();

		print_message("%s\n", cases[i].name);
		add(w, cases[i].watched, cases[i].scope);
		assert_int_equal(watchset_matches(w, span_str(cases[i].seen)), cases[i].want);
	}
}

static void names_refused(void **state)
{
	AUTO(watchset_auto)
	struct watchset *w = watchset_new();
	static const char *const bad[] = { "", "*", "a..b", "a b.example", "*.*.example", "a/b" };
	char name[32];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(watchset_add_name(w, span_str(bad[i]), WATCHSET_NAME),
				 RC_MALFORMED);
	for (int i = 0; i < WATCHSET_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		add(w, name, WATCHSET_NAME);
		add(w, name, WATCHSET_NAME);
	}
	assert_int_equal(watchset_add_name(w, span_str("one.more"), WATCHSET_NAME), RC_LIMIT);
}

struct scene {
	struct web_ca ca;
	EVP_PKEY *ours, *theirs;
	struct sha256 our_spki;
	struct watchset *w;
};

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));
	struct span spki;

	web_ca_init(&s->ca, "CA", NULL);
	s->ours = web_key();
	s->theirs = web_key();
	spki = web_spki(s->ours);
	sha256_of(&s->our_spki, spki);
	web_free_der(spki);
	s->w = watchset_new();
	add(s->w, "app.example.com", WATCHSET_NAME);
	add(s->w, "192.0.2.7", WATCHSET_NAME);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	watchset_free(s->w);
	EVP_PKEY_free(s->theirs);
	EVP_PKEY_free(s->ours);
	web_ca_fini(&s->ca);
	free(s);
	return 0;
}

static struct span make(struct scene *s, EVP_PKEY *key, const char *san, uint64_t serial,
			bool is_precert)
{
	struct web_spec spec = { .name = "app.example.com",
				 .key = key,
				 .issuer = s->ca.x,
				 .issuer_key = s->ca.key,
				 .from = WEB_PKI_T0,
				 .until = WEB_PKI_T0 + 90 * DAY,
				 .serial = serial,
				 .san = san,
				 .is_precert = is_precert,
				 .has_ids = true };
	X509 *x;
	struct span der;

	if (!san)
		spec.name = "elsewhere.example";
	x = web_issue(&spec);
	der = web_der(x);
	X509_free(x);
	return der;
}

static struct sha256 tbs_of(struct span der)
{
	struct web_cert c;
	struct sha256 h;

	assert_int_equal(web_parse(&c, der), RC_OK);
	webtbs_sha256(&h, &c);
	return h;
}

static enum watchset_class class_of(struct scene *s, struct span der)
{
	struct watchset_hit hit;

	assert_true(watchset_look(&hit, s->w, der));
	assert_non_null(watchset_class_name(hit.class));
	return hit.class;
}

static void classes(void **state)
{
	struct scene *s = *state;
	struct span ours = make(s, s->ours, "DNS:app.example.com", 5, false);
	struct span theirs = make(s, s->theirs, "DNS:app.example.com", 5, false); /* A39 */
	struct span pre = make(s, s->theirs, "DNS:*.example.com", 6, true); /* A38, A23 */
	struct span ip = make(s, s->theirs, "IP:192.0.2.7", 7, false);
	struct span other = make(s, s->theirs, NULL, 8, false);
	struct sha256 tbs = tbs_of(ours), old = tbs_of(theirs);
	struct watchset_hit hit;

	/* Nothing known: everybody is foreign. */
	assert_int_equal(class_of(s, ours), WATCHSET_FOREIGN);
	assert_int_equal(class_of(s, theirs), WATCHSET_FOREIGN);
	/* Key first: known from generation, its order under way. */
	assert_int_equal(watchset_add(s->w, WATCHSET_ORDERED_KEY, &s->our_spki), RC_OK);
	assert_int_equal(class_of(s, ours), WATCHSET_OURS);
	/* The order is over: A40, a certificate of our key that nobody ordered */
	assert_int_equal(watchset_add(s->w, WATCHSET_OUR_KEY, &s->our_spki), RC_OK);
	watchset_remove(s->w, WATCHSET_ORDERED_KEY, &s->our_spki);
	assert_int_equal(class_of(s, ours), WATCHSET_SAME_KEY);
	assert_true(watchset_is_alarm(WATCHSET_SAME_KEY));
	assert_int_equal(watchset_add(s->w, WATCHSET_OUR_TBS, &tbs), RC_OK);
	assert_int_equal(class_of(s, ours), WATCHSET_EXPECTED);
	assert_false(watchset_is_alarm(WATCHSET_EXPECTED));
	/* A39: our serial, issuer and names, another key */
	assert_int_equal(class_of(s, theirs), WATCHSET_FOREIGN);
	assert_true(watchset_is_alarm(WATCHSET_FOREIGN));
	assert_int_equal(watchset_add(s->w, WATCHSET_OLDER_TBS, &old), RC_OK);
	assert_int_equal(class_of(s, theirs), WATCHSET_KNOWN_OLDER);
	/* A38: a precertificate is an issuance */
	assert_true(watchset_look(&hit, s->w, pre));
	assert_int_equal(hit.class, WATCHSET_FOREIGN);
	assert_true(hit.is_precert);
	assert_true(span_equal_str(hit.matched, "*.example.com"));
	assert_int_equal(class_of(s, ip), WATCHSET_FOREIGN);
	assert_false(watchset_look(&hit, s->w, other));
	web_free_der(other);
	web_free_der(ip);
	web_free_der(pre);
	web_free_der(theirs);
	web_free_der(ours);
}

/* The common name counts, as some clients once read it. */
static void common_name_counts(void **state)
{
	struct scene *s = *state;
	struct span der = make(s, s->theirs, "DNS:unrelated.example", 9, false);
	struct watchset_hit hit;

	assert_true(watchset_look(&hit, s->w, der));
	assert_true(span_equal_str(hit.matched, "app.example.com"));
	web_free_der(der);
}

static void malformed_is_an_alarm(void **state)
{
	struct scene *s = *state;
	struct span der = make(s, s->theirs, "DNS:app.example.com", 5, false);
	struct watchset_hit hit;

	assert_true(watchset_look(&hit, s->w, span_of(der.p, der.n - 1)));
	assert_int_equal(hit.class, WATCHSET_MALFORMED);
	assert_true(hit.mentions_us);
	assert_true(watchset_is_alarm(hit.class));
	assert_true(watchset_look(&hit, s->w, span_str("no certificate")));
	assert_false(hit.mentions_us);
	assert_true(watchset_look(&hit, s->w, span_str("xxAPP.example.COMxx")));
	assert_true(hit.mentions_us);
	assert_true(watchset_look(&hit, s->w, span_of(NULL, 0)));
	assert_int_equal(hit.class, WATCHSET_MALFORMED);
	web_free_der(der);
}

/* A log's entry is judged by what is in the tree, not by what is beside it. */
static void entries(void **state)
{
	struct scene *s = *state;
	struct span der = make(s, s->theirs, "DNS:app.example.com", 5, true);
	struct span decoy = make(s, s->theirs, NULL, 5, true);
	struct watchset_hit hit;
	uint8_t room[4096];
	struct wr w = WR_ARRAY(room);
	struct web_cert c;
	struct logentry e = { .type = SCT_ENTRY_PRECERT, .precert = decoy };
	struct sha256 tbs = tbs_of(der);

	assert_int_equal(web_parse(&c, der), RC_OK);
	webtbs_write(&w, &c);
	e.tbs = wr_span(&w);
	assert_true(watchset_look_entry(&hit, s->w, &e));
	assert_int_equal(hit.class, WATCHSET_FOREIGN);
	assert_true(hit.is_precert);
	assert_memory_equal(&hit.tbs, &tbs, sizeof(tbs));
	e = (struct logentry){ .type = SCT_ENTRY_X509, .cert = der };
	assert_true(watchset_look_entry(&hit, s->w, &e));
	e.cert = decoy;
	assert_false(watchset_look_entry(&hit, s->w, &e));
	web_free_der(decoy);
	web_free_der(der);
}

static void names_added_again_may_widen(void **state)
{
	struct watchset *w = watchset_new();
	enum watchset_scope scope = WATCHSET_NAME;
	struct span name;

	(void)state;
	add(w, "app.example.com.", WATCHSET_NAME);
	assert_false(watchset_matches(w, span_str("x.app.example.com")));
	add(w, "app.example.com", WATCHSET_SUBTREE);
	assert_true(watchset_matches(w, span_str("x.app.example.com")));
	add(w, "app.example.com", WATCHSET_NAME); /* and never narrow */
	assert_true(watchset_matches(w, span_str("x.app.example.com")));
	assert_true(watchset_name(w, 0, &name, &scope));
	assert_int_equal(scope, WATCHSET_SUBTREE);
	assert_false(watchset_name(w, 1, &name, &scope));
	watchset_free(w);
	watchset_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(names_refused),
		cmocka_unit_test_setup_teardown(classes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(common_name_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(malformed_is_an_alarm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(entries, set_up, tear_down),
		cmocka_unit_test(names_added_again_may_widen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
