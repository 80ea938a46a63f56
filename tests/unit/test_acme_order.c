/* order: the objects of RFC 8555 7.1.3 and 7.4, payloads, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/order.h"

#define BASE "https://example.com/acme/directory"
#define NAMES \
	"\"identifiers\":[{\"type\":\"dns\",\"value\":\"www.example.org\"}," \
	"{\"type\":\"dns\",\"value\":\"example.org\"}]"
#define AUTHZ \
	"\"authorizations\":[\"https://example.com/acme/authz/PAniVnsZcis\"," \
	"\"https://example.com/acme/authz/r4HqLzrSrpI\"]"
#define FINAL "\"finalize\":\"https://example.com/acme/order/TOlocE8rfgo/finalize\""

static void
wanted(struct names *names)
{
	*names = (struct names){ 0 };
	assert_int_equal(names_put(names, span_str("example.org")), RC_OK);
	assert_int_equal(names_put(names, span_str("www.example.org")), RC_OK);
}

static void objects(void **state)
{
	static const struct {
		const char *name, *json;
		enum rc rc;
		enum order_status want;
	} cases[] = {
		{ "of_the_rfc",
		  "{\"status\":\"valid\",\"expires\":\"2016-01-20T14:09:07.99Z\"," NAMES ","
		  "\"notBefore\":\"2016-01-01T00:00:00Z\"," AUTHZ "," FINAL ","
		  "\"certificate\":\"https://example.com/acme/cert/mAt3xBGaobw\"}",
		  RC_OK,
		  ORDER_VALID },
		{ "pending", "{\"status\":\"pending\"," NAMES "," AUTHZ "," FINAL "}", RC_OK,
		  ORDER_PENDING },
		{ "ready", "{\"status\":\"ready\"," NAMES "," AUTHZ "," FINAL "}", RC_OK,
		  ORDER_READY },
		{ "processing", "{\"status\":\"processing\"," NAMES "," AUTHZ "," FINAL "}",
		  RC_OK, ORDER_PROCESSING },
		{ "invalid_with_error",
		  "{\"status\":\"invalid\"," NAMES "," AUTHZ "," FINAL ","
		  "\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\"}}",
		  RC_OK,
		  ORDER_INVALID },
		{ "valid_without_certificate",
		  "{\"status\":\"valid\"," NAMES "," AUTHZ "," FINAL "}",
		  RC_MALFORMED,
		  0 },
		{ "unheard_status", "{\"status\":\"done\"," NAMES "," AUTHZ "," FINAL "}",
		  RC_MALFORMED, 0 },
		{ "no_authorizations",
		  "{\"status\":\"ready\"," NAMES ",\"authorizations\":[]," FINAL "}",
		  RC_MALFORMED,
		  0 },
		{ "no_finalize", "{\"status\":\"ready\"," NAMES "," AUTHZ "}", RC_MALFORMED, 0 },
		{ "a_name_less",
		  "{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\",\"value\":"
		  "\"example.org\"}]," AUTHZ "," FINAL "}",
		  RC_MALFORMED,
		  0 },
		{ "a_name_twice",
		  "{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\",\"value\":"
		  "\"example.org\"},"
		  "{\"type\":\"dns\",\"value\":\"example.org\"}]," AUTHZ "," FINAL "}",
		  RC_MALFORMED,
		  0 },
		{ "another_name",
		  "{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\",\"value\":"
		  "\"example.org\"},"
		  "{\"type\":\"dns\",\"value\":\"evil.example\"}]," AUTHZ "," FINAL "}",
		  RC_MALFORMED,
		  0 },
		{ "no_time",
		  "{\"status\":\"ready\",\"expires\":\"soon\"," NAMES "," AUTHZ "," FINAL "}",
		  RC_MALFORMED,
		  0 },
	};
	static struct names names;
	static struct order_view v;

	(void)state;
	wanted(&names);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(order_read(&v, &names, span_str(cases[i].json), BASE),
				 cases[i].rc);
		if (cases[i].rc)
			continue;
		assert_int_equal(v.status, cases[i].want);
		assert_int_equal(v.authz_count, 2);
		assert_string_equal(v.authz[1], "https://example.com/acme/authz/r4HqLzrSrpI");
		assert_int_equal(v.has_error, cases[i].want == ORDER_INVALID);
	}
}

static void payloads(void **state)
{
	static struct names names;
	struct order_wish w = { .names = &names };
	struct buf out = { 0 };

	(void)state;
	wanted(&names);
	buf_init(&out, 4096);
	assert_int_equal(order_new_payload(&out, &w), RC_OK);
	assert_true(span_equal_str(buf_span(&out),
				   "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"example.org\"},"
				   "{\"type\":\"dns\",\"value\":\"www.example.org\"}]}"));
	buf_reset(&out);
	w.profile = "shortlived";
	w.replaces = "aki.serial";
	w.not_before = 1451606400;
	w.not_after = 1452211200;
	assert_int_equal(order_new_payload(&out, &w), RC_OK);
	assert_true(span_equal_str(buf_span(&out),
				   "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"example.org\"},"
				   "{\"type\":\"dns\",\"value\":\"www.example.org\"}],"
				   "\"notBefore\":\"2016-01-01T00:00:00Z\",\"notAfter\":"
				   "\"2016-01-08T00:00:00Z\","
				   "\"profile\":\"shortlived\",\"replaces\":\"aki.serial\"}"));
	buf_reset(&out);
	assert_int_equal(order_revoke_payload(&out, span_str("\xff\xef"), 4), RC_OK);
	assert_true(span_equal_str(buf_span(&out), "{\"certificate\":\"_-8\",\"reason\":4}"));
	buf_reset(&out);
	assert_int_equal(order_finalize_payload(&out, span_str("\xff\xef")), RC_OK);
	assert_true(span_equal_str(buf_span(&out), "{\"csr\":\"_-8\"}"));
	buf_reset(&out);
	assert_int_equal(order_authz_payload(&out, &names.of[0]), RC_OK);
	assert_true(span_equal_str(buf_span(&out),
				   "{\"identifier\":{\"type\":\"dns\",\"value\":\"example.org\"}"
				   "}"));
	buf_reset(&out);
	assert_int_equal(order_deactivate_payload(&out), RC_OK);
	assert_true(span_equal_str(buf_span(&out), "{\"status\":\"deactivated\"}"));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects),
		cmocka_unit_test(payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
