/* Signature Version 4 against AWS's published test suite (aws-sig-v4-test-suite). */
#include "unit.h"

#include "dns/sigv4.h"

enum {
	NOW = 1440938160, /* 2015-08-30T12:36:00Z */
};

static const struct {
	const char *name, *method, *query, *signature;
} vectors[] = {
	{ "get-vanilla", "GET", "",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-vanilla-query-order-key-case", "GET", "Param1=value1&Param2=value2",
	  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "post-vanilla", "POST", "",
	  "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
};

static struct sigv4 request(size_t i)
{
	return (struct sigv4){
		.method = vectors[i].method,
		.host = span_str("example.amazonaws.com"),
		.path = span_str("/"),
		.query = span_str(vectors[i].query),
		.region = "us-east-1",
		.service = "service",
		.key_id = span_str("AKIDEXAMPLE"),
		.secret = span_str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
		.now = NOW,
	};
}

static void published_examples(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct sigv4 s = request(i);
		char text[SIGV4_TEXT_MAX], want[SIGV4_TEXT_MAX];
		struct wr w = WR_ARRAY(text), all = WR_ARRAY(want);

		wr_printf(&all,
			  "AWS4-HMAC-SHA256 "
			  "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
			  "SignedHeaders=host;x-amz-date, Signature=%s",
			  vectors[i].signature);
		sigv4_sign(&w, &s);
		if (!span_equal(wr_span(&w), wr_span(&all)))
			fail_msg("%s: %.*s", vectors[i].name, (int)w.n, text);
	}
}

static void session_token_is_signed(void **state)
{
	struct sigv4 s = request(0);
	char text[SIGV4_TEXT_MAX], other[SIGV4_TEXT_MAX];
	struct wr w = WR_ARRAY(text), v = WR_ARRAY(other);

	(void)state;
	s.session = span_str("token");
	sigv4_sign(&w, &s);
	assert_true(!w.over && memmem(text, w.n, "host;x-amz-date;x-amz-security-token,", 37));
	s.session = span_str("tokem");
	sigv4_sign(&v, &s);
	assert_false(span_equal(wr_span(&w), wr_span(&v)));
}

static void date_is_written(void **state)
{
	char date[SIGV4_DATE_LEN + 1];

	(void)state;
	sigv4_date(date, NOW);
	assert_string_equal(date, "20150830T123600Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_examples),
		cmocka_unit_test(session_token_is_signed),
		cmocka_unit_test(date_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
