/* history, report: the states, the dates, what can be done (A41 to A44); what
 * a report says. */
#include "unit.h"

#include "ct/report.h"
#include "vectors.h"
#include "web_pki.h"

enum {
	PIN = WEB_PKI_T0 + 30 * DAY,
	HOLDS = PIN + HISTORY_CAA_REUSE_S,
	NOW = PIN + 10 * DAY,
};

struct scene {
	struct web_ca ca;
	EVP_PKEY *ours, *theirs;
	struct watchset *w;
	struct history *h;
};

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));
	struct sha256 hash;
	struct span spki;

	web_ca_init(&s->ca, "CA", NULL);
	s->ours = web_key();
	s->theirs = web_key();
	spki = web_spki(s->ours);
	sha256_of(&hash, spki);
	web_free_der(spki);
	s->w = watchset_new();
	assert_int_equal(watchset_add_name(s->w, span_str("app.example.com"), WATCHSET_SUBTREE),
			 RC_OK);
	assert_int_equal(watchset_add(s->w, WATCHSET_OUR_KEY, &hash), RC_OK);
	s->h = history_new(s->w);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	history_free(s->h);
	watchset_free(s->w);
	EVP_PKEY_free(s->theirs);
	EVP_PKEY_free(s->ours);
	web_ca_fini(&s->ca);
	free(s);
	return 0;
}

struct what {
	bool ours;
	int64_t from, until; /* days from the pin */
	const char *san;
	bool is_precert;
	uint64_t serial;
};

static enum rc put(struct scene *s, unsigned source, const struct what *c, struct sha256 *tbs)
{
	struct web_spec spec = { .name = "x",
				 .key = c->ours ? s->ours : s->theirs,
				 .issuer = s->ca.x,
				 .issuer_key = s->ca.key,
				 .from = PIN + c->from * DAY,
				 .until = PIN + c->until * DAY,
				 .serial = c->serial ? c->serial : 77,
				 .san = c->san ? c->san : "DNS:app.example.com",
				 .is_precert = c->is_precert,
				 .has_ids = true };
	X509 *x = web_issue(&spec);
	struct span der = web_der(x);
	struct watchset_hit hit;
	enum rc rc = history_add(s->h, source, der, (uint64_t)spec.from * 1000);

	if (tbs && watchset_look(&hit, s->w, der))
		*tbs = hit.tbs;
	web_free_der(der);
	X509_free(x);
	return rc;
}

static void finish(struct scene *s)
{
	history_source_done(s->h, 0);
	history_source_done(s->h, 1);
}

static void both(struct scene *s, const struct what *c, struct sha256 *tbs)
{
	assert_int_equal(put(s, 0, c, tbs), RC_OK);
	assert_int_equal(put(s, 1, c, tbs), RC_OK);
}

static void states_and_dates(void **state)
{
	static const struct what ours = { .ours = true, .from = 1, .until = 60 },
				 expired = { .from = -100, .until = -10 },
				 revoked = { .from = -20, .until = 50, .serial = 5 },
				 held = { .from = -20, .until = 30, .serial = 6 },
				 live = { .from = -20, .until = 40, .serial = 7 };
	const struct webcrl_entry entry = { .reason = 1 }, hold = { .reason = 6 };
	struct scene *s = *state;
	struct history_summary sum;
	struct sha256 tbs, held_tbs;

	both(s, &live, NULL);
	both(s, &ours, NULL);
	both(s, &expired, NULL);
	both(s, &revoked, &tbs);
	both(s, &held, &held_tbs);
	finish(s);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(history_count(s->h), 5);
	assert_int_equal(sum.count[HISTORY_OURS], 1);
	assert_int_equal(sum.count[HISTORY_EXPIRED], 1);
	assert_int_equal(sum.count[HISTORY_LIVE], 3);
	assert_int_equal(sum.verdict, HISTORY_SAFE_LATER);
	assert_int_equal(sum.safe_at, PIN + 50LL * DAY + 1);
	/* A42: only a list that would say so makes it revoked */
	for (int a = 0; a < WEBCRL_ANSWER_COUNT; a++) {
		history_crl(s->h, &tbs, (enum webcrl_answer)a, &entry);
		history_summarize(&sum, s->h, PIN, 300, NOW);
		assert_int_equal(sum.count[HISTORY_REVOKED], a == WEBCRL_REVOKED);
	}
	history_crl(s->h, &tbs, WEBCRL_REVOKED, &entry);
	history_crl(s->h, &held_tbs, WEBCRL_REVOKED, &hold); /* on hold is not revoked */
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.count[HISTORY_REVOKED], 1);
	assert_int_equal(sum.safe_at, PIN + 40LL * DAY + 1);
	assert_int_equal(sum.safe_at_without_crl, PIN + 50LL * DAY + 1);
	history_summarize(&sum, s->h, PIN, 300, PIN + 40LL * DAY + 1);
	assert_int_equal(sum.verdict, HISTORY_SAFE);
	/* the order is that of notBefore */
	for (size_t i = 1; i < history_count(s->h); i++)
		assert_true(history_at(s->h, i - 1)->view.not_before <=
			    history_at(s->h, i)->view.not_before);
}

/* Names need not all be pinned at once: each certificate by its own. */
static void each_certificate_by_its_own_pin(void **state)
{
	static const struct what other = { .from = 1, .until = 40 };
	struct scene *s = *state;
	struct history_summary sum;
	struct sha256 tbs;

	both(s, &other, &tbs);
	finish(s);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.violations, 1);
	history_pinned(s->h, &tbs, PIN + 2 * DAY); /* after it was issued */
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.violations, 0);
	assert_int_equal(sum.verdict, HISTORY_SAFE_LATER);
	history_pinned(s->h, &tbs, INT64_MAX);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.violations, 0);
	history_pinned(s->h, &tbs, PIN - DAY); /* the last of all names is later */
	history_summarize(&sum, s->h, PIN + 5 * DAY, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_VIOLATED);
}

static void without_a_pin_there_is_no_date(void **state)
{
	static const struct what ours = { .ours = true, .from = 1, .until = 60 },
				 other = { .from = 2, .until = 40 };
	struct scene *s = *state;
	struct history_summary sum;

	both(s, &ours, NULL);
	both(s, &other, NULL);
	finish(s);
	history_summarize(&sum, s->h, 0, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_NOT_PINNED);
	assert_string_equal(history_verdict_name(sum.verdict), "not_pinned");
	assert_int_equal(sum.safe_at, 0);
	assert_int_equal(sum.safe_at_without_crl, 0);
	assert_int_equal(sum.violations, 0);
}

/* A41: not before CAs forgot the CAA answers of before. */
static void caa_reuse_counts(void **state)
{
	struct scene *s = *state;
	struct history_summary sum;

	finish(s);
	history_summarize(&sum, s->h, PIN, 300, HOLDS - 1);
	assert_int_equal(sum.verdict, HISTORY_SAFE_LATER);
	assert_int_equal(sum.safe_at, HOLDS);
	history_summarize(&sum, s->h, PIN, 300, HOLDS);
	assert_int_equal(sum.verdict, HISTORY_SAFE);
	history_summarize(&sum, s->h, PIN, 86400, HOLDS);
	assert_int_equal(sum.safe_at, PIN + DAY);
}

/* A43: silent, failed, disagreeing. */
static void silence_is_no_answer(void **state)
{
	static const struct what ours = { .ours = true, .from = 1, .until = 60 },
				 live = { .from = -20, .until = 40 },
				 fresh = { .ours = true, .from = 9, .until = 60, .serial = 8 };
	struct scene *s = *state;
	struct history_summary sum;

	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_INCOMPLETE); /* nobody was asked */
	assert_int_equal(sum.safe_at, 0);
	both(s, &ours, NULL);
	finish(s);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_SAFE);
	/* one source is a day behind: it has the time to be */
	assert_int_equal(put(s, 0, &fresh, NULL), RC_OK);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_SAFE);
	history_summarize(&sum, s->h, PIN, 300, NOW + 3 * DAY);
	assert_int_equal(sum.verdict, HISTORY_DISAGREE);
	assert_int_equal(put(s, 1, &fresh, NULL), RC_OK);
	/* one knows a live one that the other denies */
	assert_int_equal(put(s, 1, &live, NULL), RC_OK);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_DISAGREE);
	history_source_failed(s->h, 1);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_INCOMPLETE);
	assert_int_equal(sum.sources_asked, 2);
	assert_int_equal(sum.sources_silent, 1);
	assert_int_equal(sum.safe_at, 0);
}

static void unreadable_is_a_failure(void **state)
{
	struct scene *s = *state;
	struct history_summary sum;

	finish(s);
	assert_int_equal(history_add(s->h, 1, span_str("page"), 0), RC_MALFORMED);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_INCOMPLETE);
}

static void issued_after_the_pin(void **state)
{
	static const struct what late = { .from = 2, .until = 60 };
	struct scene *s = *state;
	struct history_summary sum;

	both(s, &late, NULL);
	finish(s);
	history_summarize(&sum, s->h, PIN, 300, NOW);
	assert_int_equal(sum.verdict, HISTORY_VIOLATED);
	assert_int_equal(sum.violations, 1);
}

/* Certificate and precertificate are one issuance, whoever has which. */
static void twins_are_joined(void **state)
{
	static const struct what pre = { .from = -2, .until = 60, .is_precert = true },
				 final = { .from = -2, .until = 60 },
				 other = { .from = -2, .until = 60, .san = "DNS:other.example" };
	struct scene *s = *state;
	const struct history_cert *c;
	struct sha256 tbs;

	assert_int_equal(put(s, 0, &pre, &tbs), RC_OK);
	c = history_find(s->h, &tbs);
	assert_true(c->has_precert && !c->has_final && c->view.is_precert);
	assert_int_equal(put(s, 1, &final, NULL), RC_OK);
	assert_int_equal(history_count(s->h), 1);
	c = history_find(s->h, &tbs);
	assert_true(c->has_precert && c->has_final && !c->view.is_precert);
	assert_int_equal(c->sources, 3);
	assert_int_equal(put(s, 0, &other, NULL), RC_OK); /* not ours: skipped */
	assert_int_equal(history_count(s->h), 1);
}

static void powers(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct what cert;
		const char *organization;
		bool no_dns_01, our_account;
		enum history_power want;
	} cases[] = {
		{ "expired", { .from = -90, .until = -1 },
		  "Test CA", false, false, HISTORY_NOTHING_TO_DO },
		{ "our_account", { .from = -9, .until = 60 },
		  "Other", false, true, HISTORY_BY_ACCOUNT },
		{ "short_lived", { .from = 5, .until = 12 },
		  "Test CA", false, false, HISTORY_WAIT },
		{ "all_names_ours", { .from = -9, .until = 60 },
		  "Test CA", false, false, HISTORY_BY_CONTROL },
		{ "wildcard_with_dns_01",
		  { .from = -9, .until = 60, .san = "DNS:app.example.com,DNS:*.app.example.com" },
		  "Test CA", false, false, HISTORY_BY_CONTROL },
		{ "wildcard_without_dns_01",
		  { .from = -9, .until = 60, .san = "DNS:app.example.com,DNS:*.app.example.com" },
		  "Test CA", true, false, HISTORY_BY_REPORT },
		{ "mixed_with_strangers",
		  { .from = -9, .until = 60, .san = "DNS:app.example.com,DNS:b.example" },
		  "Test CA", false, false, HISTORY_BY_REPORT },
		{ "parents_wildcard", { .from = -9, .until = 60, .san = "DNS:*.example.com" },
		  "Test CA", false, false, HISTORY_BY_REPORT },
		{ "another_ca", { .from = -9, .until = 60 },
		  "Other", false, false, HISTORY_BY_REPORT },
		{ "our_key_not_ordered", { .ours = true, .from = -9, .until = 60 },
		  "Test CA", false, false, HISTORY_BY_KEY },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene *s;
		struct sha256 tbs;
		struct history_means means;

		(void)state;
		print_message("%s\n", cases[i].name);
		set_up((void **)&s);
		means = (struct history_means){ .control = s->w,
						.ca_organization =
							span_str(cases[i].organization),
						.can_dns_01 = !cases[i].no_dns_01 };
		assert_int_equal(put(s, 0, &cases[i].cert, &tbs), RC_OK);
		if (cases[i].our_account)
			history_our_account(s->h, &tbs);
		assert_int_equal(history_power_of(history_find(s->h, &tbs), &means, NOW),
				 cases[i].want);
		assert_non_null(history_power_name(cases[i].want));
		tear_down((void **)&s);
	}
}

static void report_says_what_a_ca_needs(void **state)
{
	static const struct what before = { .from = -9,
					    .until = 60,
					    .serial = 0xabcdef,
					    .san = "DNS:app.example.com,IP:192.0.2.1" },
				 after = { .from = 2,
					   .until = 60,
					   .is_precert = true,
					   .serial = 0x1234 };
	struct scene *s = *state;
	const struct report_facts facts = { .account_uri = span_str("https://ca/acct/1"),
					    .holds_at = HOLDS,
					    .now = NOW };
	struct sha256 one, two;
	struct buf text, tiny;

	assert_int_equal(put(s, 0, &before, &one), RC_OK);
	assert_int_equal(put(s, 0, &after, &two), RC_OK);
	buf_init(&text, REPORT_MAX);
	assert_true(report_write(&text, history_find(s->h, &one), &facts));
	assert_true(buf_add(&text, span_of("", 1)));
	for (size_t i = 0; i < 6; i++) {
		static const char *const want[] = { "Serial number: 00abcdef\n",
						    "  app.example.com\n",
						    "  192.0.2.1\n",
						    "Issuer organization: Test CA\n",
						    "issued before",
						    "4.9.3" };

		assert_non_null(strstr((const char *)buf_span(&text).p, want[i]));
	}
	buf_reset(&text);
	assert_true(report_write(&text, history_find(s->h, &two), &facts));
	assert_true(buf_add(&text, span_of("", 1)));
	for (size_t i = 0; i < 4; i++) {
		static const char *const want[] = { "within 24 hours", "https://ca/acct/1",
						    "has not been seen", "4.9.1.1" };

		assert_non_null(strstr((const char *)buf_span(&text).p, want[i]));
	}
	buf_init(&tiny, 100);
	assert_false(report_write(&tiny, history_find(s->h, &one), &facts));
	assert_int_equal(buf_span(&tiny).n, 0);
	buf_fini(&tiny);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(states_and_dates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_certificate_by_its_own_pin, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_pin_there_is_no_date, set_up, tear_down),
		cmocka_unit_test_setup_teardown(caa_reuse_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(silence_is_no_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unreadable_is_a_failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(issued_after_the_pin, set_up, tear_down),
		cmocka_unit_test_setup_teardown(twins_are_joined, set_up, tear_down),
		cmocka_unit_test(powers),
		cmocka_unit_test_setup_teardown(report_says_what_a_ca_needs, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
