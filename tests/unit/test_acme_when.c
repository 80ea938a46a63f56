/* when: stamps of RFC 3339 and Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/when.h"

static void stamps(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* negative: refused */
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2025-01-02T04:00:00Z", 1735790400 },
		{ "2025-01-02T04:00:00.999999999Z", 1735790400 },
		{ "2025-01-02t05:30:00+01:30", 1735790400 },
		{ "2025-01-01T20:00:00-08:00", 1735790400 },
		{ "1985-04-12T23:20:50.52Z", 482196050 },
		{ "1990-12-31T23:59:60Z", 662687999 },
		{ "", -1 },
		{ "2025-01-02", -1 },
		{ "2025-01-02T04:00:00", -1 },
		{ "2025-01-02 04:00:00Z", -1 },
		{ "2025-02-29T04:00:00Z", -1 },
		{ "2025-13-01T04:00:00Z", -1 },
		{ "2025-01-02T24:00:00Z", -1 },
		{ "2025-01-02T04:60:00Z", -1 },
		{ "2025-01-02T04:00:00.Z", -1 },
		{ "2025-01-02T04:00:00+0100", -1 },
		{ "2025-01-02T04:00:00Zx", -1 },
		{ "1969-12-31T23:59:59Z", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = -1;

		print_message("%s\n", cases[i].text);
		assert_int_equal(when_stamp(&got, span_str(cases[i].text)), cases[i].want >= 0);
		assert_int_equal(got, cases[i].want);
	}
}

static void retry_after(void **state)
{
	enum {
		NOW = 784'111'777, /* Sun, 06 Nov 1994 08:49:37 GMT */
	};
	static const struct {
		const char *text; /* NULL: no field */
		int64_t want;
	} cases[] = {
		{ NULL, 0 },
		{ "0", NOW },
		{ "120", NOW + 120 },
		{ "Sun, 06 Nov", 0 },
		{ "Sun, 06 No", 0 },
		{ "Sun, 06 Nox 1994 08:49:37 GMT", 0 },
		{ "18446744073709551615", NOW + WHEN_RETRY_MAX },
		{ "18446744073709551616", 0 },
		{ "-1", 0 },
		{ "1.5", 0 },
		{ "Sun, 06 Nov 1994 08:49:38 GMT", NOW + 1 },
		{ "Sun, 06 Nov 1994 08:49:00 GMT", NOW },
		{ "Sun, 06 Nov 1995 08:49:37 GMT", NOW + WHEN_RETRY_MAX },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:38 CET", 0 },
		{ "soon", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct web_answer a = { 0 };

		web_answer_init(&a, 503, 0);
		if (cases[i].text)
			assert_int_equal(web_answer_field(&a, span_str("Retry-After"),
							  span_str(cases[i].text)),
					 RC_OK);
		assert_int_equal(when_retry(&a, NOW), cases[i].want);
		/* Twice is no answer. */
		if (cases[i].text) {
			assert_int_equal(web_answer_field(&a, span_str("retry-after"),
							  span_str("1")),
					 RC_OK);
			assert_int_equal(when_retry(&a, NOW), 0);
		}
		web_answer_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamps),
		cmocka_unit_test(retry_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
