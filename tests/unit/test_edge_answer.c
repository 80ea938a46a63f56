/* answer: what the edge says itself, in HTTP/1.1 and HTTP/2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "edge/answer.h"

static void http_answers_are_whole(void **state)
{
	static const enum answer_why all[] = { ANSWER_REFUSED, ANSWER_NO_INSTANCE, ANSWER_TIMEOUT,
					       ANSWER_PLAIN_HTTP };
	static const char *const status[] = { "502", "503", "504", "400" };
	char text[ANSWER_MAX + 1], want[64];
	const char *body;
	struct span all_of_it;
	struct wr w;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		w = wr_over(text, ANSWER_MAX);
		answer_write(&w, all[i], CERTS_HTTP1);
		assert_true(wr_done(&w, &all_of_it));
		text[all_of_it.n] = '\0';
		snprintf(want, sizeof(want), "HTTP/1.1 %s ", status[i]);
		assert_memory_equal(text, want, strlen(want));
		assert_non_null(strstr(text, "Connection: close\r\n"));
		assert_non_null(strstr(text, answer_reason(all[i])));
		body = strstr(text, "\r\n\r\n") + 4;
		snprintf(want, sizeof(want), "Content-Length: %zu\r\n", strlen(body));
		assert_non_null(strstr(text, want));
	}
}

static void refusals_say_status_and_reason(void **state)
{
	static const unsigned all[] = { 400, 408, 414, 421, 431, 501, 502, 505 };
	char text[ANSWER_MAX + 1], want[64];
	struct span all_of_it;
	struct wr w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		w = wr_over(text, ANSWER_MAX);
		answer_write_refusal(&w, all[i], "http_why");
		assert_true(wr_done(&w, &all_of_it));
		text[all_of_it.n] = '\0';
		snprintf(want, sizeof(want), "HTTP/1.1 %u ", all[i]);
		assert_memory_equal(text, want, strlen(want));
		assert_non_null(strstr(text, "Connection: close\r\n"));
		assert_non_null(strstr(text, "Postern-Reason: http_why\r\n"));
	}
}

static void h2_answer_is_settings_and_goaway(void **state)
{
	static const uint8_t want[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 19, 7, 0, 0, 0, 0, 0,
					0, 0, 0, 0, 0, 0, 0, 2, 'n', 'o', '_' };
	uint8_t bytes[ANSWER_MAX];
	struct wr w = WR_ARRAY(bytes), none = WR_ARRAY(bytes);

	(void)state;
	answer_write(&w, ANSWER_NO_INSTANCE, CERTS_H2);
	assert_int_equal(w.n, 9 + 9 + 8 + strlen("no_instance"));
	assert_memory_equal(bytes, want, sizeof(want));
	answer_write(&none, ANSWER_NO_INSTANCE, CERTS_NONE);
	assert_int_equal(none.n, 0);
}

static void http_is_recognised(void **state)
{
	(void)state;
	assert_true(answer_is_http(span_str("GET / HTTP/1.1")));
	assert_true(answer_is_http(span_str("POST /x")));
	assert_false(answer_is_http(span_str("GETX")));
	assert_false(answer_is_http(span_str("SSH-2.0")));
	assert_false(answer_is_http(span_str("G")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_answers_are_whole),
		cmocka_unit_test(refusals_say_status_and_reason),
		cmocka_unit_test(h2_answer_is_settings_and_goaway),
		cmocka_unit_test(http_is_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
