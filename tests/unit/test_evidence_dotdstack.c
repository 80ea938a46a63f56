/* dstack's own documents about a gateway. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "evidence/dotdstack.h"
#include "json_odd.h"

#define S(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

/* SHA-512("acme-account:https://ca.example/acct/1"), by sha512sum. */
static void report_data_of_a_known_account(void **state)
{
	static const char want_hex[] =
		"3e6776c0e6809d48498288959c439bcc9b5217c584d1a5ee2912ebfc733f6737"
		"07235392915801ade1e29b6e8d1de6272097d9684a8aef0187f06cbc7c83e819";
	uint8_t got[64], want[64];

	(void)state;
	dotdstack_report_data(got, DOTDSTACK_ACCOUNT, span_str("https://ca.example/acct/1"));
	assert_true(text_hex_decode(want, sizeof(want), span_str(want_hex)));
	assert_memory_equal(got, want, sizeof(want));
	dotdstack_report_data(got, DOTDSTACK_CERT, span_str("https://ca.example/acct/1"));
	assert_memory_not_equal(got, want, sizeof(want));
}

static void the_index_is_dstacks(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 256);
	assert_int_equal(dotdstack_index_write(&out), RC_OK);
	assert_true(span_equal_str(buf_span(&out),
				   "{\"type\":\"dstack gateway\",\"paths\":[\"/index\","
				   "\"/app-info\",\"/acme-info\"]}"));
	assert_true(dotdstack_index_is(buf_span(&out)));
	assert_true(dotdstack_index_is(span_str("{\"paths\":[],\"type\":\"dstack gateway\"}")));
	assert_false(dotdstack_index_is(span_str("{\"type\":\"other\"}")));
	assert_false(dotdstack_index_is(span_str("<html>")));
	buf_fini(&out);
}

static const struct dotdstack_app app = {
	.app_id = S("\x01\x02"),
	.instance_id = S("\x03"),
	.compose_hash = S("\x04"),
	.app_name = S("gateway"),
	.tcb_info = S("{\"mrtd\":\"00\"}"),
	.key_provider_info = S("{\"name\":\"kms\"}"),
	.vm_config = S("{}"),
};

static void app_info_written_and_read_is_the_identity(void **state)
{
	struct dotdstack_app again;
	struct arena arena;
	struct buf a, b;

	(void)state;
	arena_init(&arena, 64 * 1024);
	buf_init(&a, 4096);
	buf_init(&b, 4096);
	assert_int_equal(dotdstack_app_write(&a, &app), RC_OK);
	assert_int_equal(dotdstack_app_read(&again, &arena, buf_span(&a)), RC_OK);
	assert_true(span_equal(again.app_id, app.app_id));
	assert_true(span_equal(again.key_provider_info, app.key_provider_info));
	assert_true(span_equal(again.tcb_info, app.tcb_info));
	assert_int_equal(dotdstack_app_write(&b, &again), RC_OK);
	assert_true(span_equal(buf_span(&a), buf_span(&b)));
	/* later members are passed over, and a provider that is a text, read */
	assert_int_equal(dotdstack_app_read(&again, &arena,
					    span_str("{\"app_id\":\"0A\",\"later\":[1],"
						     "\"key_provider_info\":\"{}\"}")),
			 RC_OK);
	assert_true(span_equal_str(again.key_provider_info, "{}"));
	assert_int_equal(dotdstack_app_read(&again, &arena, span_str("{}")), RC_MALFORMED);
	assert_int_equal(dotdstack_app_read(&again, &arena, span_str("{\"app_id\":7}")),
			 RC_MALFORMED);
	assert_int_equal(dotdstack_app_read(&again, &arena, span_str("{\"app_id\":\"0\"}")),
			 RC_MALFORMED);
	buf_fini(&b);
	buf_init(&b, 16);
	assert_int_equal(dotdstack_app_write(&b, &app), RC_LIMIT);
	arena_fini(&arena);
	buf_fini(&a);
	buf_fini(&b);
}

static void acme_info_written_and_read_is_the_identity(void **state)
{
	static const struct dotdstack_key keys[] = {
		{ .spki = S("\x30\x01"), .quote = S("{\"quote\":\"04\"}") },
		{ .spki = S("\x30\x02") },
	};
	static const struct dotdstack_acme acme = {
		.account_uri = S("https://ca.example/acct/1"),
		.account_quote = S("{\"quote\":\"04\"}"),
		.keys = keys,
		.key_count = 2,
	};
	struct dotdstack_acme again;
	struct arena arena;
	struct buf a, b;

	(void)state;
	arena_init(&arena, 64 * 1024);
	buf_init(&a, 4096);
	buf_init(&b, 4096);
	assert_int_equal(dotdstack_acme_write(&a, &acme), RC_OK);
	assert_int_equal(dotdstack_acme_read(&again, &arena, buf_span(&a)), RC_OK);
	assert_int_equal(again.key_count, 2);
	assert_true(span_equal(again.keys[0].quote, keys[0].quote));
	assert_int_equal(again.keys[1].quote.n, 0);
	assert_int_equal(dotdstack_acme_write(&b, &again), RC_OK);
	assert_true(span_equal(buf_span(&a), buf_span(&b)));
	arena_fini(&arena);
	buf_fini(&a);
	buf_fini(&b);
}

static void acme_info_of_others(void **state)
{
	static const struct {
		const char *name, *json;
		enum rc want;
	} cases[] = {
		{ "today",
		  "{\"account_uri\":\"https://ca.example/"
		  "1\",\"quoted_hist_keys\":[{\"public_key\":\"3001\","
		  "\"quote\":\"\",\"attestation\":\"\"}],\"account_quote\":\"\",\"account_"
		  "attestation\":\"\"}",
		  RC_OK },
		{ "older",
		  "{\"account_uri\":\"https://ca.example/"
		  "1\",\"hist_keys\":[\"3001\"],\"quoted_hist_keys\":[],"
		  "\"account_quote\":\"\",\"active_cert\":\"\",\"base_domain\":\"a.example\"}",
		  RC_OK },
		{ "no_keys", "{\"account_uri\":\"https://ca.example/1\"}", RC_MALFORMED },
		{ "no_account", "{\"quoted_hist_keys\":[]}", RC_MALFORMED },
		{ "account_empty", "{\"account_uri\":\"\",\"quoted_hist_keys\":[]}", RC_MALFORMED },
		{ "key_empty",
		  "{\"account_uri\":\"x\",\"quoted_hist_keys\":[{\"public_key\":\"\"}]}",
		  RC_MALFORMED },
		{ "key_no_hex",
		  "{\"account_uri\":\"x\",\"quoted_hist_keys\":[{\"public_key\":\"zz\"}]}",
		  RC_MALFORMED },
		{ "key_no_object", "{\"account_uri\":\"x\",\"quoted_hist_keys\":[\"3001\"]}",
		  RC_MALFORMED },
		{ "error_page", "<html><body>502</body></html>", RC_MALFORMED },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dotdstack_acme a = { .key_count = 99 };
		struct arena arena;
		enum rc rc;

		arena_init(&arena, 64 * 1024);
		rc = dotdstack_acme_read(&a, &arena, span_str(cases[i].json));
		if (rc != cases[i].want || (rc && a.key_count != 99)) {
			print_message("%s: %s\n", cases[i].name, rc_name(rc));
			bad++;
		}
		arena_fini(&arena);
	}
	assert_int_equal(bad, 0);
}

static enum rc read_app(struct arena *arena, struct span text)
{
	struct dotdstack_app a, before;
	enum rc rc;

	memset(&a, 0xa5, sizeof(a));
	before = a;
	rc = dotdstack_app_read(&a, arena, text);
	if (rc)
		assert_memory_equal(&a, &before, sizeof(a));
	return rc;
}

static enum rc read_acme(struct arena *arena, struct span text)
{
	struct dotdstack_acme a, before;
	enum rc rc;

	memset(&a, 0xa5, sizeof(a));
	before = a;
	rc = dotdstack_acme_read(&a, arena, text);
	if (rc)
		assert_memory_equal(&a, &before, sizeof(a));
	return rc;
}

static void members_one_by_one(void **state)
{
	/* Only the app must be named; null is Go's and Rust's "none". */
	static const char *const may_app[] = { " more", ".[!a]* gone",
					       ".[!a]* null", ".app_[cn]* gone",
					       ".app_[cn]* null", ".app_cert text",
					       ".app_name text", ".tcb_info text",
					       ".vm_config text", ".cloud_* text",
					       NULL };
	static const char *const may_acme[] = { "* more",
						".account_uri text",
						".account_[qa]* gone",
						".account_[qa]* null",
						".account_quote text",
						".quoted_hist_keys array",
						".*_keys.? gone",
						".*_keys.? twice",
						".*_keys.?.[qa]* gone",
						".*_keys.?.[qa]* null",
						".*_keys.?.quote text",
						NULL };
	static const struct dotdstack_key keys[] = {
		{ .spki = S("\x30\x01"), .quote = S("{\"quote\":\"04\"}") },
		{ .spki = S("\x30\x02") },
	};
	static const struct dotdstack_acme acme = {
		.account_uri = S("https://ca.example/acct/1"),
		.account_quote = S("{\"quote\":\"04\"}"),
		.keys = keys,
		.key_count = 2,
	};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(dotdstack_app_write(&out, &app), RC_OK);
	odd_in_arena(read_app, buf_span(&out), may_app);
	buf_reset(&out);
	assert_int_equal(dotdstack_acme_write(&out, &acme), RC_OK);
	odd_in_arena(read_acme, buf_span(&out), may_acme);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(report_data_of_a_known_account),
		cmocka_unit_test(the_index_is_dstacks),
		cmocka_unit_test(app_info_written_and_read_is_the_identity),
		cmocka_unit_test(acme_info_written_and_read_is_the_identity),
		cmocka_unit_test(acme_info_of_others),
		cmocka_unit_test(members_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
