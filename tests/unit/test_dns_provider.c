/* The job itself, with answers laid out here; whole conversations are in
 * tests/e2e/test_dns_providers.py. */
#include "unit.h"

#include <string.h>

#include "dns/provider.h"

enum {
	ARENA_MAX = 4 * 1024 * 1024,
	NOW = 1800000000,
};

static struct provider_want want_txt(const struct span *value)
{
	struct provider_want w = {
		.change = PROVIDER_ADD, .type = DNS_TXT, .values = value, .count = 1
	};

	assert_int_equal(dns_name_parse(&w.name, span_str("a.example.test")), RC_OK);
	return w;
}

static void say(struct provider_job *job, unsigned status, const char *body)
{
	struct web_answer a = { 0 };

	web_answer_init(&a, status, 64 * 1024);
	assert_true(buf_add(&a.body, span_str(body)));
	provider_job_answer(job, &a);
	web_answer_fini(&a);
}

static void names_come_back(void **state)
{
	int k;

	(void)state;
	for (k = 0; k < PROVIDER_KINDS; k++) {
		enum provider_kind again = PROVIDER_KINDS;

		assert_true(
			provider_by_name(&again, span_str(provider_name((enum provider_kind)k))));
		assert_int_equal(again, k);
	}
	assert_false(provider_by_name(&(enum provider_kind){ 0 }, span_str("cloudflar")));
}

static void bad_jobs_do_not_begin(void **state)
{
	const struct span value = span_str("v");
	struct provider_settings s = { .kind = PROVIDER_DESEC, .token = span_str("t") };
	struct provider_want w = want_txt(&value);
	struct provider_job job;
	struct arena arena;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_OK);
	w.type = DNS_A;
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_UNSUPPORTED);
	w.type = DNS_CAA;
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_MALFORMED);
	w = want_txt(&value);
	w.count = PROVIDER_VALUES_MAX + 1;
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_LIMIT);
	w.count = 1;
	s.base_url = span_str("ftp://x");
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_MALFORMED);
	s.base_url = (struct span){ 0 };
	s.token = (struct span){ 0 };
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_MALFORMED);
	s.kind = PROVIDER_ROUTE53;
	s.key_id = span_str("k");
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_MALFORMED);
	arena_fini(&arena);
}

/* The longest zone label by label, wherever it stands in the list. */
static void zones_are_found_by_label(void **state)
{
	static const struct {
		const char *list;
		const char *zone; /* NULL: none */
	} cases[] = {
		{ "[{\"name\":\"example.test\",\"id\":1}]", "example.test" },
		{ "[{\"name\":\"a.example.test\",\"id\":1},{\"name\":\"test\",\"id\":2}]",
		  "a.example.test" },
		{ "[{\"name\":\"test\",\"id\":2},{\"name\":\"example.test\",\"id\":1}]",
		  "example.test" },
		{ "[{\"name\":\"ample.test\",\"id\":1}]", NULL },
		{ "[{\"name\":\"b.a.example.test\",\"id\":1}]", NULL },
		{ "[{\"name\":\"EXAMPLE.test\",\"id\":\"x-1\"}]", "example.test" },
		{ "[]", NULL },
	};
	const struct span value = span_str("v");
	const struct provider_settings s = { .kind = PROVIDER_HETZNER, .token = span_str("t") };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct provider_want w = want_txt(&value);
		struct web_ask ask = { 0 };
		struct provider_job job;
		struct arena arena;
		char body[512], zone[DNS_NAME_TEXT];
		struct wr text = wr_over(body, sizeof(body) - 1);

		arena_init(&arena, ARENA_MAX);
		assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_OK);
		assert_int_equal(provider_job_ask(&job, &ask, NOW), PROVIDER_ASK);
		assert_string_equal(ask.url,
				    "https://api.hetzner.cloud/v1/zones?per_page=50&page=1");
		wr_printf(&text, "{\"zones\":%s,\"meta\":{\"pagination\":{\"next_page\":null}}}",
			  cases[i].list);
		body[text.n] = '\0';
		say(&job, 200, body);
		if (!cases[i].zone) {
			assert_int_equal(provider_job_ask(&job, &ask, NOW), PROVIDER_FAILED);
			assert_int_equal(job.failure.fault, PROVIDER_NO_ZONE);
		} else {
			dns_name_text(zone, &job.zone);
			assert_string_equal(zone, cases[i].zone);
			assert_int_equal(provider_job_ask(&job, &ask, NOW), PROVIDER_ASK);
		}
		web_ask_fini(&ask);
		arena_fini(&arena);
	}
}

/* An id becomes part of the next URL: one that would lead elsewhere is refused. */
static void ids_that_lead_elsewhere(void **state)
{
	static const char *const ids[] = { "\"../1\"", "\"..\"", "\"1/records\"", "\"1?x\"",
					   "\"1%2f\"", "\"\"", "\"a b\"", "null" };
	const struct span value = span_str("v");
	const struct provider_settings s = { .kind = PROVIDER_CLOUDFLARE, .token = span_str("t") };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct provider_want w = want_txt(&value);
		struct web_ask ask = { 0 };
		struct provider_job job;
		struct arena arena;
		char body[512];
		struct wr text = wr_over(body, sizeof(body) - 1);

		arena_init(&arena, ARENA_MAX);
		assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_OK);
		assert_int_equal(provider_job_ask(&job, &ask, NOW), PROVIDER_ASK);
		wr_printf(&text,
			  "{\"result\":[{\"name\":\"example.test\",\"id\":%s}],"
			  "\"result_info\":{\"page\":1,\"total_pages\":1}}",
			  ids[i]);
		body[text.n] = '\0';
		say(&job, 200, body);
		if (job.failure.fault != PROVIDER_FORM)
			fail_msg("%s", ids[i]);
		web_ask_fini(&ask);
		arena_fini(&arena);
	}
}

static void pages_without_end(void **state)
{
	const struct span value = span_str("v");
	const struct provider_settings s = { .kind = PROVIDER_LINODE, .token = span_str("t") };
	struct provider_want w = want_txt(&value);
	struct web_ask ask = { 0 };
	struct provider_job job;
	struct arena arena;
	unsigned n = 0;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_OK);
	while (provider_job_ask(&job, &ask, NOW) == PROVIDER_ASK && n++ < 10000)
		say(&job, 200, "{\"data\":[],\"page\":1,\"pages\":2}");
	assert_int_equal(n, PROVIDER_PAGES_MAX);
	assert_int_equal(job.failure.fault, PROVIDER_FORM);
	web_ask_fini(&ask);
	arena_fini(&arena);
}

static void words_of_a_failure_are_escaped(void **state)
{
	const struct span value = span_str("v");
	const struct provider_settings s = { .kind = PROVIDER_DESEC, .token = span_str("t") };
	struct provider_want w = want_txt(&value);
	struct web_ask ask = { 0 };
	struct provider_job job;
	struct arena arena;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(provider_job_init(&job, &arena, &s, &w), RC_OK);
	assert_int_equal(provider_job_ask(&job, &ask, NOW), PROVIDER_ASK);
	say(&job, 400, "{\"detail\":\"a\\nb\\u001b[31m\"}");
	assert_int_equal(job.failure.fault, PROVIDER_REFUSED);
	assert_string_equal(job.failure.text, "a\\x0ab\\x1b[31m");
	web_ask_fini(&ask);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_back),
		cmocka_unit_test(bad_jobs_do_not_begin),
		cmocka_unit_test(zones_are_found_by_label),
		cmocka_unit_test(ids_that_lead_elsewhere),
		cmocka_unit_test(pages_without_end),
		cmocka_unit_test(words_of_a_failure_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
