/* revocation: two questions, and "revoked" only by a list that may say so (A42). */
#include "unit.h"

#include "ct/revocation.h"
#include "web_pki.h"

enum {
	NOW = WEB_PKI_T0 + 10 * DAY,
	SERIAL = 5,
};

#define ISSUER "http://ca.example/ca.der"
#define SHARD_1 "http://ca.example/1.crl"
#define SHARD_2 "http://ca.example/2.crl"

struct scene {
	struct web_ca ca, other;
	EVP_PKEY *key;
	bool no_ids;
	struct span der;
	struct web_cert cert;
};

static void make_cert(struct scene *s, const char *aia, const char *points)
{
	struct web_spec spec = { .name = "foreign",
				 .key = s->key,
				 .issuer = s->ca.x,
				 .issuer_key = s->ca.key,
				 .from = WEB_PKI_T0,
				 .until = WEB_PKI_T0 + 90 * DAY,
				 .serial = SERIAL,
				 .san = "DNS:a.example.com",
				 .crl_points = points,
				 .aia = aia,
				 .has_ids = !s->no_ids };
	X509 *x = web_issue(&spec);

	web_free_der(s->der);
	s->der = web_der(x);
	X509_free(x);
	assert_int_equal(web_parse(&s->cert, s->der), RC_OK);
}

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));

	web_ca_init(&s->ca, "CA", NULL);
	web_ca_init(&s->other, "CA", NULL); /* the same name, another key */
	s->key = web_key();
	make_cert(s, "caIssuers;URI:" ISSUER, "URI:" SHARD_1);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	web_free_der(s->der);
	EVP_PKEY_free(s->key);
	web_ca_fini(&s->other);
	web_ca_fini(&s->ca);
	free(s);
	return 0;
}

static void asks_for_issuer_then_list(void **state)
{
	static const uint64_t listed[] = { SERIAL, 0 };
	struct scene *s = *state;
	const struct web_crl_spec spec = {
		.ca = &s->ca, .from = NOW - DAY, .until = NOW + DAY, .serials = listed, .reason = 1
	};
	struct span list = web_crl(&spec), url;
	AUTO(revocation_fini)
	struct revocation r = { 0 };
	size_t max;

	assert_false(revocation_next(&r, &url, &max));
	revocation_begin(&r, &s->cert);
	assert_string_equal(revocation_text(&r), "asking");
	assert_true(revocation_next(&r, &url, &max) && span_equal_str(url, ISSUER));
	assert_int_equal(max, REVOCATION_ISSUER_MAX);
	revocation_take(&r, s->ca.der, NOW);
	assert_true(revocation_next(&r, &url, &max) && span_equal_str(url, SHARD_1));
	assert_int_equal(max, WEBCRL_MAX);
	assert_false(revocation_is_final(&r) || revocation_is_denied(&r));
	revocation_take(&r, list, NOW);
	assert_false(revocation_next(&r, &url, &max));
	assert_true(revocation_is_final(&r));
	assert_int_equal(r.entry.revoked_at, NOW - DAY);
	assert_int_equal(r.entry.reason, 1);
	/* What comes after the end changes nothing. */
	revocation_take(&r, span_str("junk"), NOW);
	assert_true(revocation_is_final(&r));
	web_free_der(list);
}

static void answers(void **state)
{
	static const uint64_t listed[] = { 3, SERIAL, 0 }, others[] = { 3, 50, 0 };
	static const struct {
		const char *name;
		const uint64_t *serials;
		int from, until, reason;
		const char *idp;
		bool is_by_other, is_final, is_denied;
		const char *text;
	} cases[] = {
		{ "listed", listed, -1, 1, 4, NULL, false, true, false, "revoked" },
		{ "listed_without_reason", listed, -1, 1, -1, NULL, false, true, false, "revoked" },
		{ "on_hold", listed, -1, 1, 6, NULL, false, false, true, "on_hold" },
		{ "not_listed", others, -1, 1, 4, NULL, false, false, true, "not_listed" },
		{ "stale", listed, -9, -1, 4, NULL, false, false, false, "stale" },
		{ "of_the_future", listed, 1, 9, 4, NULL, false, false, false, "not_yet_valid" },
		{ "another_shard", listed, -1, 1, 4, "fullname=URI:" SHARD_2 "\n", false, false,
		  false, "other_shard" },
		{ "another_key", listed, -1, 1, 4, NULL, true, false, false, "wrong_issuer" },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct web_crl_spec spec = { .ca = cases[i].is_by_other ? &s->other : &s->ca,
						   .from = NOW + (int64_t)cases[i].from * DAY,
						   .until = NOW + (int64_t)cases[i].until * DAY,
						   .serials = cases[i].serials,
						   .reason = cases[i].reason,
						   .idp = cases[i].idp };
		struct span list = web_crl(&spec);
		AUTO(revocation_fini)
		struct revocation r = { 0 };

		print_message("%s\n", cases[i].name);
		revocation_begin(&r, &s->cert);
		revocation_take(&r, s->ca.der, NOW);
		revocation_take(&r, list, NOW);
		assert_int_equal(r.state, REVOCATION_ANSWERED);
		assert_int_equal(revocation_is_final(&r), cases[i].is_final);
		assert_int_equal(revocation_is_denied(&r), cases[i].is_denied);
		assert_string_equal(revocation_text(&r), cases[i].text);
		web_free_der(list);
	}
}

/* The issuer's name is copied in no time; its signature is not. */
static void only_who_signed_it_is_its_issuer(void **state)
{
	struct scene *s = *state;
	const struct {
		const char *name;
		struct span body;
	} cases[] = {
		{ "another_key_of_that_name", s->other.der },
		{ "the_certificate_itself", s->der },
		{ "junk", span_str("junk") },
		{ "nothing", span_of(NULL, 0) },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(revocation_fini)
		struct revocation r = { 0 };
		struct span url;
		size_t max;

		print_message("%s\n", cases[i].name);
		revocation_begin(&r, &s->cert);
		revocation_take(&r, cases[i].body, NOW);
		assert_int_equal(r.state, REVOCATION_NO_ISSUER);
		assert_false(revocation_next(&r, &url, &max));
		assert_false(revocation_is_final(&r) || revocation_is_denied(&r));
		assert_string_equal(revocation_text(&r), "no_issuer");
	}
}

/* Where no key identifiers are in the way, the signature is. */
static void its_name_alone_makes_no_issuer(void **state)
{
	struct scene *s = *state;
	AUTO(revocation_fini)
	struct revocation r = { 0 }, good = { 0 };
	struct span url;
	size_t max;

	s->no_ids = true;
	make_cert(s, "caIssuers;URI:" ISSUER, "URI:" SHARD_1);
	assert_true(web_names_issuer(&s->cert, &s->other.view));
	revocation_begin(&r, &s->cert);
	revocation_take(&r, s->other.der, NOW);
	assert_int_equal(r.state, REVOCATION_NO_ISSUER);
	revocation_begin(&good, &s->cert);
	revocation_take(&good, s->ca.der, NOW);
	assert_true(revocation_next(&good, &url, &max));
	revocation_fini(&good);
}

static void without_a_list_nothing_is_known(void **state)
{
	static const struct {
		const char *aia, *points;
		enum revocation_state want;
		const char *text;
	} cases[] = {
		{ "caIssuers;URI:" ISSUER, "URI:" SHARD_1, REVOCATION_NO_LIST, "no_list" },
		{ "caIssuers;URI:" ISSUER, NULL, REVOCATION_NO_POINTER, "no_pointer" },
		{ NULL, "URI:" SHARD_1, REVOCATION_NO_POINTER, "no_pointer" },
		{ "caIssuers;URI:" ISSUER, "URI:ldap://ca.example/", REVOCATION_NO_POINTER,
		  "no_pointer" },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(revocation_fini)
		struct revocation r = { 0 };

		make_cert(s, cases[i].aia, cases[i].points);
		revocation_begin(&r, &s->cert);
		revocation_take(&r, s->ca.der, NOW);
		revocation_take(&r, span_of(NULL, 0), NOW);
		assert_int_equal(r.state, cases[i].want);
		assert_false(revocation_is_final(&r) || revocation_is_denied(&r));
		assert_string_equal(revocation_text(&r), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(asks_for_issuer_then_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_who_signed_it_is_its_issuer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(its_name_alone_makes_no_issuer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_list_nothing_is_known, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
