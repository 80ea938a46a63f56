/* dstack-ingress's four files: written as it writes them, read strictly. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "evidence/legacy.h"
#include "json_odd.h"

#define H0 "0000000000000000000000000000000000000000000000000000000000000000"
#define HA "00000000000000000000000000000000000000000000000000000000000000ab"
#define HB "00000000000000000000000000000000000000000000000000000000000000AB"

/* What `sha256sum acme-account.json cert-*.pem` of coreutils 9.1 printed in a
 * folder with files that hold "account\n", "w\n" and "chain\n". */
static const char coreutils[] =
	"b4c43717363e9ee65008dad757fdcaa969cd5185828346932e72c7fd4d77abae  acme-account.json\n"
	"cf945b5236e101dbe0471d5200f28b1ae64f21c1f35bf55fcf40cd0fe42cd8e7  cert-*.a.example.pem\n"
	"3b653cb6dd5502aa13651faeadc02b30c59dc9fff1d05644719d7ebeeafa82eb  cert-a.example.pem\n";

static void sums_accept_and_refuse(void **state)
{
	static const struct {
		const char *name, *text;
		enum rc want;
		size_t count;
	} cases[] = {
		{ "account_and_one", H0 "  acme-account.json\n" HA "  cert-a.example.pem\n", RC_OK,
		  2 },
		{ "wildcard",
		  H0 "  acme-account.json\n" HA "  cert-*.a.example.pem\n" HA
		     "  cert-a.example.pem\n",
		  RC_OK, 3 },
		{ "old_single_file", H0 "  acme-account.json\n" HA "  cert.pem\n", RC_OK, 2 },
		{ "empty", "", RC_MALFORMED, 0 },
		{ "account_alone", H0 "  acme-account.json\n", RC_MALFORMED, 0 },
		{ "account_missing", HA "  cert-a.example.pem\n" HA "  cert-b.example.pem\n",
		  RC_MALFORMED, 0 },
		{ "extra_name", H0 "  acme-account.json\n" HA "  cert-a.pem\n" HA "  other.txt\n",
		  RC_MALFORMED, 0 },
		{ "twice", H0 "  acme-account.json\n" HA "  cert-a.pem\n" HA "  cert-a.pem\n",
		  RC_MALFORMED, 0 },
		{ "account_twice", H0 "  acme-account.json\n" HA "  acme-account.json\n",
		  RC_MALFORMED, 0 },
		{ "out_of_order",
		  H0 "  acme-account.json\n" HA "  cert-b.pem\n" HA "  cert-a.pem\n", RC_MALFORMED,
		  0 },
		{ "cr", H0 "  acme-account.json\r\n" HA "  cert-a.pem\r\n", RC_MALFORMED, 0 },
		{ "binary_mark", H0 " *acme-account.json\n" HA " *cert-a.pem\n", RC_MALFORMED, 0 },
		{ "one_space", H0 " acme-account.json\n" HA " cert-a.pem\n", RC_MALFORMED, 0 },
		{ "no_last_line_end", H0 "  acme-account.json\n" HA "  cert-a.pem", RC_MALFORMED,
		  0 },
		{ "blank_line", H0 "  acme-account.json\n\n" HA "  cert-a.pem\n", RC_MALFORMED, 0 },
		{ "path", H0 "  acme-account.json\n" HA "  cert-../../etc/passwd.pem\n",
		  RC_MALFORMED, 0 },
		{ "folder", H0 "  ./acme-account.json\n" HA "  cert-a.pem\n", RC_MALFORMED, 0 },
		{ "escaped", "\\" H0 "  acme-account.json\n" HA "  cert-a.pem\n", RC_MALFORMED, 0 },
		{ "upper_case_hash", HB "  acme-account.json\n" HA "  cert-a.pem\n", RC_MALFORMED,
		  0 },
		{ "upper_case_name", H0 "  acme-account.json\n" HA "  cert-A.pem\n", RC_MALFORMED,
		  0 },
		{ "short_hash", "00  acme-account.json\n" HA "  cert-a.pem\n", RC_MALFORMED, 0 },
		{ "wildcard_in_the_middle", H0 "  acme-account.json\n" HA "  cert-a.*.b.pem\n",
		  RC_MALFORMED, 0 },
		{ "trailing_dot", H0 "  acme-account.json\n" HA "  cert-a..pem\n", RC_MALFORMED,
		  0 },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct legacy_sums s = { .count = 99 };
		enum rc rc = legacy_sums_read(&s, span_str(cases[i].text));

		if (rc != cases[i].want || s.count != (rc ? 99 : cases[i].count)) {
			print_message("%s: %s, %zu\n", cases[i].name, rc_name(rc), s.count);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void coreutils_output_is_read(void **state)
{
	struct legacy_sums s;
	struct sha256 want;

	(void)state;
	assert_int_equal(legacy_sums_read(&s, span_str(coreutils)), RC_OK);
	assert_int_equal(s.count, 3);
	sha256_of(&want, span_str("chain\n"));
	assert_memory_equal(s.files[2].hash.b, want.b, sizeof(want.b));
	assert_true(span_equal_str(s.files[1].name, "cert-*.a.example.pem"));
}

static void sums_written_and_read_is_the_identity(void **state)
{
	static const char text[] = H0 "  acme-account.json\n" HA "  cert-*.a.example.pem\n" HA
				      "  cert-a.example.pem\n";
	struct legacy_sums s;
	struct buf out;

	(void)state;
	buf_init(&out, LEGACY_SUMS_MAX);
	assert_int_equal(legacy_sums_read(&s, span_str(text)), RC_OK);
	assert_int_equal(legacy_sums_write(&out, &s), RC_OK);
	assert_true(span_equal_str(buf_span(&out), text));
	s.files[1].name = span_str("cert-z.pem"); /* out of order now */
	assert_int_equal(legacy_sums_write(&out, &s), RC_MALFORMED);
	assert_int_equal(buf_span(&out).n, sizeof(text) - 1);
	buf_fini(&out);
}

static void every_prefix_of_sums_is_refused(void **state)
{
	static const char text[] = H0 "  acme-account.json\n" HA "  cert-a.example.pem\n";

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		uint8_t *copy = mem_new(n + !n);
		struct legacy_sums s;

		memcpy(copy, text, n);
		assert_int_equal(legacy_sums_read(&s, span_of(copy, n)), RC_MALFORMED);
		free(copy);
	}
}

static void too_many_lines_are_a_limit(void **state)
{
	static char text[LEGACY_SUMS_MAX + 2];
	struct wr w = WR_ARRAY(text);
	struct legacy_sums s;

	(void)state;
	wr_str(&w, H0 "  acme-account.json\n");
	for (int i = 0; i < LEGACY_FILES_MAX; i++)
		wr_printf(&w, HA "  cert-a%02d.pem\n", i);
	assert_int_equal(legacy_sums_read(&s, wr_span(&w)), RC_LIMIT);
	memset(text, 'a', sizeof(text));
	assert_int_equal(legacy_sums_read(&s, SPAN_ARRAY(text)), RC_LIMIT);
}

static void names_of_files(void **state)
{
	static const struct {
		const char *host, *file;
	} good[] = {
		{ "a.example", "cert-a.example.pem" },
		{ "*.a.example", "cert-*.a.example.pem" },
		{ "xn--bcher-kva.example", "cert-xn--bcher-kva.example.pem" },
	};
	static const char *const bad[] = { "", ".", "a..b", "A.example", "a.example.",
					   "*", "*.", "a.*.b", "**.a", "a/b",
					   "a\nb", "b\xc3\xbc", "../a", ".a" };
	char name[LEGACY_NAME_MAX];
	struct span host;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(legacy_cert_name(name, span_str(good[i].host)));
		assert_string_equal(name, good[i].file);
		assert_true(legacy_cert_host(&host, span_str(good[i].file)));
		assert_true(span_equal_str(host, good[i].host));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (legacy_cert_name(name, span_str(bad[i])))
			fail_msg("\"%s\" is no name", bad[i]);
	assert_true(legacy_cert_host(&host, span_str("cert.pem")));
	assert_int_equal(host.n, 0);
	assert_false(legacy_cert_host(&host, span_str("cert-.pem")));
	/* a NUL inside */
	assert_false(legacy_cert_name(name, span_of("a\0b.example", 11)));
}

static void accounts_accept_and_refuse(void **state)
{
	static const struct {
		const char *name, *json;
		enum rc want;
		const char *uri;
	} cases[] = {
		{ "certbot", "{\"body\":{},\"uri\":\"https://ca.example/acct/7\"}", RC_OK,
		  "https://ca.example/acct/7" },
		{ "lego5",
		  "{\"email\":\"\",\"registration\":{\"status\":\"valid\",\"accountURL\":\"https://"
		  "ca.example/"
		  "acct/7\"}}",
		  RC_OK, "https://ca.example/acct/7" },
		{ "lego4",
		  "{\"registration\":{\"body\":{},\"uri\":\"https:\\/\\/ca.example\\/acct/7\"}}",
		  RC_OK, "https://ca.example/acct/7" },
		{ "two_that_agree",
		  "{\"uri\":\"https://ca.example/1\",\"registration\":{\"accountURL\":\"https://"
		  "ca.example/1\"}}",
		  RC_OK, "https://ca.example/1" },
		{ "two_that_differ",
		  "{\"uri\":\"https://ca.example/1\",\"registration\":{\"accountURL\":\"https://"
		  "ca.example/2\"}}",
		  RC_MALFORMED, NULL },
		{ "key_twice",
		  "{\"uri\":\"https://ca.example/1\",\"uri\":\"https://ca.example/1\"}",
		  RC_MALFORMED, NULL },
		{ "no_uri", "{\"body\":{}}", RC_MALFORMED, NULL },
		{ "plain_http", "{\"uri\":\"http://ca.example/1\"}", RC_MALFORMED, NULL },
		{ "line_end_in_uri", "{\"uri\":\"https://ca.example/1\\n\"}", RC_MALFORMED, NULL },
		{ "not_text", "{\"uri\":7}", RC_MALFORMED, NULL },
		{ "no_host", "{\"uri\":\"https:///1\"}", RC_MALFORMED, NULL },
		{ "user_in_host", "{\"uri\":\"https://ca.example@evil.example/1\"}", RC_MALFORMED,
		  NULL },
		{ "port", "{\"uri\":\"https://localhost:14000/my-account/1\"}", RC_OK,
		  "https://localhost:14000/my-account/1" },
		{ "no_port", "{\"uri\":\"https://localhost:/1\"}", RC_MALFORMED, NULL },
		{ "array", "[]", RC_MALFORMED, NULL },
		{ "trailing", "{\"uri\":\"https://ca.example/1\"}x", RC_MALFORMED, NULL },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span uri = span_str("before");
		struct arena arena;
		enum rc rc;

		arena_init(&arena, 64 * 1024);
		rc = legacy_account_read(&uri, &arena, span_str(cases[i].json));
		if (rc != cases[i].want || !span_equal_str(uri, rc ? "before" : cases[i].uri)) {
			print_message("%s: %s\n", cases[i].name, rc_name(rc));
			bad++;
		}
		arena_fini(&arena);
	}
	assert_int_equal(bad, 0);
}

static void an_account_written_shows_both_places(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_int_equal(legacy_account_write(&out, span_str("https://ca.example/1")), RC_OK);
	assert_true(span_equal_str(buf_span(&out),
				   "{\"body\":{},\"uri\":\"https://ca.example/1\",\"registration\":"
				   "{\"accountURL\":\"https://ca.example/1\"}}"));
	assert_int_equal(legacy_account_write(&out, span_str("ca.example/1")), RC_MALFORMED);
	buf_fini(&out);
}

static void a_quote_written_and_read_is_the_identity(void **state)
{
	static const struct legacy_quote q = {
		.quote = { (const uint8_t *)"\x04\x00\x02", 3 },
		.event_log = { (const uint8_t *)"[{\"imr\":3}]", 11 },
		.report_data = { (const uint8_t *)"\x01\x02", 2 },
		.vm_config = { (const uint8_t *)"{}", 2 },
	};
	struct legacy_quote again;
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, 64 * 1024);
	buf_init(&out, 4096);
	assert_int_equal(legacy_quote_write(&out, &q), RC_OK);
	assert_true(span_equal_str(
		buf_span(&out),
		"{\"quote\":\"040002\",\"event_log\":\"[{\\\"imr\\\":3}]\",\"report_data\":"
		"\"0102\",\"vm_config\":\"{}\"}"));
	assert_int_equal(legacy_quote_read(&again, &arena, buf_span(&out)), RC_OK);
	assert_true(span_equal(again.quote, q.quote));
	assert_true(span_equal(again.event_log, q.event_log));
	assert_true(span_equal(again.report_data, q.report_data));
	assert_true(span_equal(again.vm_config, q.vm_config));
	assert_int_equal(again.attestation.n, 0);
	/* an agent's error stored in the quote's place, and other rubbish */
	assert_int_equal(legacy_quote_read(&again, &arena, span_str("{\"error\":\"no device\"}")),
			 RC_MALFORMED);
	assert_int_equal(legacy_quote_read(&again, &arena, span_str("{\"quote\":\"0\"}")),
			 RC_MALFORMED);
	assert_int_equal(legacy_quote_read(&again, &arena, span_str("{\"quote\":[4]}")),
			 RC_MALFORMED);
	arena_fini(&arena);
	buf_fini(&out);
}

static void report_data_of_both_modes(void **state)
{
	uint8_t strict[QUOTE_REPORT_DATA_LEN], both[QUOTE_REPORT_DATA_LEN];
	struct sha256 sums, core;

	(void)state;
	sha256_of(&sums, span_str("sums"));
	sha256_of(&core, span_str("core"));
	legacy_report_data(strict, span_str("sums"), NULL);
	legacy_report_data(both, span_str("sums"), &core);
	assert_memory_equal(strict, sums.b, 32);
	assert_true(span_is_zero(span_of(strict + 32, 32)));
	assert_memory_equal(both, sums.b, 32);
	assert_memory_equal(both + 32, core.b, 32);
}

static enum rc read_quote(struct arena *arena, struct span text)
{
	struct legacy_quote q, before;
	enum rc rc;

	memset(&q, 0xa5, sizeof(q));
	before = q;
	rc = legacy_quote_read(&q, arena, text);
	if (rc)
		assert_memory_equal(&q, &before, sizeof(q));
	return rc;
}

static enum rc read_account(struct arena *arena, struct span text)
{
	struct span uri = { (const uint8_t *)"x", 77 };
	enum rc rc = legacy_account_read(&uri, arena, text);

	if (rc)
		assert_int_equal(uri.n, 77);
	return rc;
}

static void members_one_by_one(void **state)
{
	static const char *const may_quote[] = { " more", ".[!q]* gone",
						 ".[!q]* null", ".event_log text",
						 ".vm_config text", NULL };
	/* Either of the two places will do, and nothing else is looked at. */
	static const char *const may_account[] = { "* more", ".body*",
						   ".uri gone", ".registration [!-]*",
						   ".*URL gone", NULL };

	(void)state;
	odd_in_arena(read_quote,
		     span_str("{\"quote\":\"040002\",\"event_log\":\"[]\",\"report_data\":\"0102\","
			      "\"vm_config\":\"{}\",\"attestation\":\"07\"}"),
		     may_quote);
	odd_in_arena(read_account,
		     span_str("{\"body\":{\"status\":\"valid\"},\"uri\":\"https://ca.example/1\","
			      "\"registration\":{\"accountURL\":\"https://ca.example/1\"}}"),
		     may_account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_accept_and_refuse),
		cmocka_unit_test(coreutils_output_is_read),
		cmocka_unit_test(sums_written_and_read_is_the_identity),
		cmocka_unit_test(every_prefix_of_sums_is_refused),
		cmocka_unit_test(too_many_lines_are_a_limit),
		cmocka_unit_test(names_of_files),
		cmocka_unit_test(accounts_accept_and_refuse),
		cmocka_unit_test(an_account_written_shows_both_places),
		cmocka_unit_test(a_quote_written_and_read_is_the_identity),
		cmocka_unit_test(report_data_of_both_modes),
		cmocka_unit_test(members_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
