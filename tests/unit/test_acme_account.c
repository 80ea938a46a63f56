/* account: payloads, the statuses of the object, their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/account.h"

static void payloads(void **state)
{
	static const char *const contacts[] = { "mailto:a@example.org", "mailto:b@example.org" };
	const struct account_wish w = { .contacts = contacts, .contact_count = 2, .agrees = true };
	const struct account_wish find = { .contacts = contacts,
					   .contact_count = 2,
					   .only_existing = true };
	const struct p256_point at = { { 0 } };
	struct buf out = { 0 };

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(account_new_payload(&out, &w, span_str("https://ca.example/n"), &at),
			 RC_OK);
	assert_true(span_equal_str(buf_span(&out), "{\"termsOfServiceAgreed\":true,\"contact\":"
						   "[\"mailto:a@example.org\",\"mailto:"
						   "b@example.org\"]}"));
	buf_reset(&out);
	/* Looking for one neither agrees nor binds. */
	assert_int_equal(account_new_payload(&out, &find, span_str("https://ca.example/n"), &at),
			 RC_OK);
	assert_true(span_equal_str(buf_span(&out), "{\"onlyReturnExisting\":true}"));
	buf_reset(&out);
	assert_int_equal(account_update_payload(&out, &w), RC_OK);
	assert_true(span_equal_str(buf_span(&out),
				   "{\"contact\":[\"mailto:a@example.org\",\"mailto:"
				   "b@example.org\"],"
				   "\"termsOfServiceAgreed\":true}"));
	buf_reset(&out);
	assert_int_equal(account_deactivate_payload(&out), RC_OK);
	assert_true(span_equal_str(buf_span(&out), "{\"status\":\"deactivated\"}"));
	buf_fini(&out);
	buf_init(&out, 8);
	assert_int_equal(account_update_payload(&out, &w), RC_LIMIT);
	buf_fini(&out);
}

static void statuses(void **state)
{
	static const struct {
		const char *json;
		enum rc rc;
		enum account_status want;
	} cases[] = {
		{ "{\"status\":\"valid\",\"orders\":\"https://ca.example/o\"}", RC_OK,
		  ACCOUNT_VALID },
		{ "{\"status\":\"deactivated\"}", RC_OK, ACCOUNT_DEACTIVATED },
		{ "{\"status\":\"revoked\"}", RC_OK, ACCOUNT_REVOKED },
		{ "{\"status\":\"lost\"}", RC_MALFORMED, ACCOUNT_NONE },
		{ "{\"status\":1}", RC_MALFORMED, ACCOUNT_NONE },
		{ "{}", RC_MALFORMED, ACCOUNT_NONE },
		{ "", RC_MALFORMED, ACCOUNT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum account_status s = ACCOUNT_NONE, back;

		assert_int_equal(account_read(&s, span_str(cases[i].json)), cases[i].rc);
		assert_int_equal(s, cases[i].want);
		assert_true(account_status_of(&back, span_str(account_status_name(s))));
		assert_int_equal(back, s);
	}
	assert_false(account_status_of(&(enum account_status){ 0 }, span_str("gone")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payloads),
		cmocka_unit_test(statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
