#include "web/exchange.h"

#include "unit.h"

static void urls(void **state)
{
	static const struct {
		const char *url, *origin; /* NULL: refused */
	} cases[] = {
		{ "https://a.example/x?y=1", "https://a.example" },
		{ "http://127.0.0.1:14000/dir", "http://127.0.0.1:14000" },
		{ "https://a.example", "https://a.example" },
		{ "https://a.example?x", "https://a.example" },
		{ "https://[::1]:1/", "https://[::1]:1" },
		{ "https:///x", NULL },
		{ "https://", NULL },
		{ "ftp://a.example/", NULL },
		{ "file:///etc/passwd", NULL },
		{ "HTTPS://a.example/", NULL },
		{ "//a.example/", NULL },
		{ "https://user@a.example/", NULL },
		{ "https://a.example/ x", NULL },
		{ "https://a.example/\r\nHost: b", NULL },
		{ "https://a.example/\xc3\xa4", NULL },
		{ "https://a.example/\"", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct web_ask a = { 0 };
		struct span origin;
		enum rc rc;

		print_message("%s\n", cases[i].url);
		rc = web_ask_init(&a, WEB_GET, span_str(cases[i].url), 10);
		assert_int_equal(rc, cases[i].origin ? RC_OK : RC_MALFORMED);
		if (cases[i].origin) {
			assert_string_equal(a.url, cases[i].url);
			assert_true(web_url_origin(&origin, span_str(a.url)));
			assert_true(span_equal_str(origin, cases[i].origin));
		}
		web_ask_fini(&a);
	}
}

static void url_of_2048_bytes_refused(void **state)
{
	char url[WEB_URL_MAX + 1] = "https://a/";
	struct web_ask a = { 0 };

	(void)state;
	memset(url + 10, 'x', sizeof(url) - 11);
	assert_int_equal(web_ask_init(&a, WEB_GET, span_of(url, WEB_URL_MAX), 0), RC_MALFORMED);
	assert_int_equal(web_ask_init(&a, WEB_GET, span_of(url, WEB_URL_MAX - 1), 0), RC_OK);
	web_ask_fini(&a);
}

static void headers_of_a_request(void **state)
{
	static const struct {
		const char *name, *value;
		enum rc want;
	} cases[] = {
		{ "Accept", "application/json", RC_OK },
		{ "X-Key", "a\tb", RC_OK },
		{ "", "x", RC_MALFORMED },
		{ "A B", "x", RC_MALFORMED },
		{ "A:", "x", RC_MALFORMED },
		{ "A", "x\r\nB: y", RC_MALFORMED },
		{ "A", "x\n", RC_MALFORMED },
		{ "A", "\x7f", RC_MALFORMED },
		{ "A\r\nB", "x", RC_MALFORMED },
	};
	struct web_ask a = { 0 };
	size_t ok = 0;

	(void)state;
	assert_int_equal(web_ask_init(&a, WEB_POST, span_str("https://a/"), 0), RC_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(web_ask_header(&a, cases[i].name, span_str(cases[i].value)),
				 cases[i].want);
		ok += cases[i].want == RC_OK;
		assert_int_equal(a.header_count, ok);
	}
	assert_true(span_equal_str(buf_span(&a.headers),
				   "Accept: application/json\r\nX-Key: a\tb\r\n"));
	while (a.header_count < WEB_HEADERS_MAX)
		assert_int_equal(web_ask_header(&a, "N", span_str("1")), RC_OK);
	assert_int_equal(web_ask_header(&a, "N", span_str("1")), RC_LIMIT);
	assert_int_equal(web_ask_body(&a, "text/plain", span_str("x")), RC_LIMIT);
	web_ask_fini(&a);
}

static void body_says_its_type(void **state)
{
	struct web_ask a = { 0 };

	(void)state;
	assert_int_equal(web_ask_init(&a, WEB_POST, span_str("https://a/"), 0), RC_OK);
	assert_int_equal(web_ask_body(&a, "application/jose+json", span_str("{}")), RC_OK);
	assert_true(span_equal_str(buf_span(&a.headers),
				   "Content-Type: application/jose+json\r\n"));
	assert_true(span_equal_str(buf_span(&a.body), "{}"));
	web_ask_fini(&a);
}

static void fields_of_an_answer(void **state)
{
	struct web_answer a = { 0 };
	struct span v;

	(void)state;
	web_answer_init(&a, 200, 10);
	assert_int_equal(web_answer_field(&a, span_str("Link"), span_str(" <a>;rel=\"x\"\r\n")), 0);
	assert_int_equal(web_answer_field(&a, span_str("LINK"), span_str("<b>")), 0);
	assert_int_equal(web_answer_field(&a, span_str("Content-Type"),
					  span_str("Application/JSON ; charset=utf-8")),
			 0);
	/* Nobody looks for such. */
	assert_int_equal(web_answer_field(&a, span_str("x y"), span_str("1")), 0);
	assert_int_equal(web_answer_field(&a, span_str("x"), span_str("a\nb: c")), 0);
	assert_int_equal(a.field_count, 3);
	assert_true(web_answer_get(&a, "link", 0, &v) && span_equal_str(v, "<a>;rel=\"x\""));
	assert_true(web_answer_get(&a, "link", 1, &v) && span_equal_str(v, "<b>"));
	assert_false(web_answer_get(&a, "link", 2, &v));
	assert_false(web_answer_get(&a, "b", 0, &v));
	assert_false(web_answer_only(&a, "link", &v));
	assert_true(web_answer_only(&a, "content-type", &v));
	assert_true(web_answer_is(&a, "application/json"));
	assert_false(web_answer_is(&a, "application/jsonx"));
	while (a.field_count < WEB_FIELDS_MAX)
		assert_int_equal(web_answer_field(&a, span_str("n"), span_str("")), RC_OK);
	assert_int_equal(web_answer_field(&a, span_str("n"), span_str("")), RC_LIMIT);
	web_answer_fini(&a);
}

static void url_encoding(void **state)
{
	char text[64];
	struct wr w = WR_ARRAY(text);

	(void)state;
	web_url_encode(&w, span_str("a-b.c_d~e %/?&\xc3\xa4"));
	assert_true(span_equal_str(wr_span(&w), "a-b.c_d~e%20%25%2F%3F%26%C3%A4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(url_of_2048_bytes_refused),
		cmocka_unit_test(headers_of_a_request),
		cmocka_unit_test(body_says_its_type),
		cmocka_unit_test(fields_of_an_answer),
		cmocka_unit_test(url_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
