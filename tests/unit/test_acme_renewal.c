/* renewal: the identifier of RFC 9773 4.1, windows, misses, lifetimes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/renewal.h"

enum {
	NOW = 1'800'000'000,
	DAY = 86'400,
};

/* The certificate of RFC 9773 appendix A, as far as it matters. */
static const uint8_t aki[] = { 0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3,
			       0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4 };
static const uint8_t serial[] = { 0x00, 0x87, 0x65, 0x43, 0x21 };

static struct web_cert leaf(int64_t life)
{
	return (struct web_cert){
		.aki = SPAN_ARRAY(aki),
		.serial = SPAN_ARRAY(serial),
		.not_before = NOW,
		.not_after = NOW + life,
	};
}

static void identifier_is_that_of_the_rfc(void **state)
{
	struct web_cert c = leaf(DAY);
	char id[ORDER_REPLACES_MAX];

	(void)state;
	assert_true(renewal_id(id, &c));
	assert_string_equal(id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	c.aki = (struct span){ 0 };
	assert_false(renewal_id(id, &c));
}

static void answers(void **state)
{
	static const struct {
		const char *name, *json;
		enum rc want;
	} cases[] = {
		{ "of_the_rfc",
		  "{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":"
		  "\"2025-01-03T04:00:00Z\"},"
		  "\"explanationURL\":\"https://acme.example.com/docs/ari\"}",
		  RC_OK },
		{ "end_is_start",
		  "{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":"
		  "\"2025-01-02T04:00:00Z\"}}",
		  RC_MALFORMED },
		{ "no_end", "{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\"}}",
		  RC_MALFORMED },
		{ "page_is_no_url",
		  "{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00Z\",\"end\":"
		  "\"2025-01-03T04:00:00Z\"},"
		  "\"explanationURL\":\"javascript:alert(1)\"}",
		  RC_MALFORMED },
		{ "no_window", "{}", RC_MALFORMED },
		{ "no_object", "[]", RC_MALFORMED },
		{ "no_json", "<html>", RC_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct renewal_window w = { 0 };

		print_message("%s\n", cases[i].name);
		assert_int_equal(renewal_read(&w, span_str(cases[i].json)), cases[i].want);
		assert_int_equal(w.start_at, cases[i].want ? 0 : 1735790400);
	}
}

static void lifetime_alone(void **state)
{
	static const struct {
		int64_t life, at;
	} cases[] = {
		{ 90 * DAY, 60 * DAY },
		{ 45 * DAY, 30 * DAY },
		{ 10 * DAY, 10 * DAY / 3 * 2 },
		{ 160 * 3600, 80 * 3600 },
		{ DAY, DAY / 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct web_cert c = leaf(cases[i].life);
		struct renewal r;

		renewal_init(&r, &c, NOW);
		assert_int_equal(renewal_at(&r), NOW + cases[i].at);
		assert_true(renewal_is_early(&r, NOW + cases[i].at - 1));
		assert_false(renewal_is_early(&r, NOW + cases[i].at));
		assert_int_equal(renewal_latest(&r), NOW + cases[i].at + cases[i].life / 12);
	}
}

static void instant_is_drawn_once_in_each_window(void **state)
{
	struct web_cert c = leaf(90 * DAY);
	struct renewal_window w = { .start_at = NOW + 50 * DAY, .end_at = NOW + 52 * DAY };
	struct renewal r;

	(void)state;
	renewal_init(&r, &c, NOW);
	renewal_take(&r, &w, NOW, 12345);
	assert_int_equal(renewal_at(&r), NOW + 50 * DAY + 12345);
	assert_int_equal(renewal_ask_at(&r), NOW + RENEWAL_POLL);
	renewal_take(&r, &w, NOW, 777);
	assert_int_equal(renewal_at(&r), NOW + 50 * DAY + 12345);
	w.end_at += DAY;
	renewal_take(&r, &w, NOW, 3 * DAY + 777);
	assert_int_equal(renewal_at(&r), NOW + 50 * DAY + 777);
	/* In the past: at once. */
	w = (struct renewal_window){ .start_at = NOW - 2 * DAY, .end_at = NOW - DAY };
	renewal_take(&r, &w, NOW, 5);
	assert_true(renewal_at(&r) < NOW);
	/* Far in the future: not put off for ever. */
	w = (struct renewal_window){ .start_at = NOW + 200 * DAY, .end_at = NOW + 201 * DAY };
	renewal_take(&r, &w, NOW, 5);
	assert_int_equal(renewal_at(&r), renewal_latest(&r));
}

static void asking_again_is_bounded(void **state)
{
	static const struct {
		int64_t retry, want;
	} cases[] = {
		{ 0, RENEWAL_POLL },
		{ 1, RENEWAL_POLL_MIN },
		{ 7200, 7200 },
		{ 8 * DAY, RENEWAL_POLL_MAX },
	};
	struct web_cert c = leaf(90 * DAY);
	struct renewal r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct renewal_window w = { .start_at = NOW, .end_at = NOW + 1 };

		w.retry_at = cases[i].retry ? NOW + cases[i].retry : 0;
		renewal_init(&r, &c, NOW);
		renewal_take(&r, &w, NOW, 0);
		assert_int_equal(renewal_ask_at(&r), NOW + cases[i].want);
	}
	renewal_init(&r, &c, NOW);
	for (size_t i = 0; i < 4; i++) {
		static const int64_t misses[] = { 60, 600, 6000, 21600 };

		renewal_miss(&r, 0, NOW);
		assert_int_equal(renewal_ask_at(&r), NOW + misses[i]);
	}
	/* "MUST NOT check after it has expired" (RFC 9773 4.3). */
	renewal_miss(&r, 0, NOW + 90 * DAY);
	assert_int_equal(renewal_ask_at(&r), INT64_MAX);
	r.ask_at = NOW;
	r.is_replaced = true;
	assert_int_equal(renewal_ask_at(&r), INT64_MAX);
}

static void saved_and_loaded_it_is_the_same(void **state)
{
	const struct renewal_window w = { .start_at = NOW + DAY,
					  .end_at = NOW + 2 * DAY,
					  .explanation = "https://ca.example/why" };
	struct web_cert c = leaf(90 * DAY);

	(void)state;
	for (int with = 0; with < 2; with++) {
		struct buf once = { 0 }, twice = { 0 };
		struct renewal r, back = { 0 };

		renewal_init(&r, &c, NOW);
		renewal_miss(&r, 0, NOW);
		if (with)
			renewal_take(&r, &w, NOW, 99);
		buf_init(&once, RENEWAL_STATE_MAX);
		buf_init(&twice, RENEWAL_STATE_MAX);
		assert_int_equal(renewal_save(&r, &once), RC_OK);
		assert_int_equal(renewal_load(&back, buf_span(&once)), RC_OK);
		assert_int_equal(renewal_at(&back), renewal_at(&r));
		assert_int_equal(renewal_ask_at(&back), renewal_ask_at(&r));
		assert_int_equal(renewal_save(&back, &twice), RC_OK);
		assert_true(span_equal(buf_span(&once), buf_span(&twice)));
		for (size_t n = 0; n < once.n; n++)
			assert_int_equal(renewal_load(&back, span_of(buf_span(&once).p, n)),
					 RC_MALFORMED);
		buf_fini(&once);
		buf_fini(&twice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identifier_is_that_of_the_rfc),
		cmocka_unit_test(answers),
		cmocka_unit_test(lifetime_alone),
		cmocka_unit_test(instant_is_drawn_once_in_each_window),
		cmocka_unit_test(asking_again_is_bounded),
		cmocka_unit_test(saved_and_loaded_it_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
