/*
 * eventlog_report: both forms of log as one object; what of an event the
 * digests cover; agreement register by register.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/eventlog_report.h"
#include "tee/document.h"
#include "tee_vectors.h"

static const json_t *event_at(const struct eventlog_report *r, size_t i)
{
	return json_array_get(json_object_get(r->root, "events"), i);
}

static const char *text_at(const struct eventlog_report *r, size_t i, const char *key)
{
	return json_string_value(json_object_get(event_at(r, i), key));
}

static bool flag_at(const struct eventlog_report *r, size_t i, const char *key)
{
	return json_is_true(json_object_get(event_at(r, i), key));
}

static const json_t *agrees(const struct eventlog_report *r, const char *name)
{
	const json_t *all = json_object_get(r->root, "registers");

	return json_object_get(json_object_get(all, name), "agrees");
}

static void firmware_log_reported(void **state)
{
	struct span log = vector_load(TDX_VECTORS "eventlog/ccel_ovmf.bin");
	struct span bytes = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	struct eventlog_report r = { 0 };
	struct quote q;

	(void)state;
	assert_true(eventlog_report_read(&r, log));
	assert_false(r.is_json);
	assert_int_equal(json_array_size(json_object_get(r.root, "events")), 20);
	assert_string_equal(text_at(&r, 2, "register"), "rtmr0");
	assert_string_equal(text_at(&r, 2, "type"), "EV_EFI_VARIABLE_DRIVER_CONFIG");
	assert_string_equal(text_at(&r, 2, "text"), "SecureBoot (0 bytes)");
	assert_true(flag_at(&r, 2, "extended") && flag_at(&r, 2, "data_measured"));
	assert_true(flag_at(&r, 16, "extended") && !flag_at(&r, 16, "data_measured"));
	assert_null(agrees(&r, "rtmr0"));

	assert_int_equal(quote_parse(&q, bytes), TEE_OK);
	assert_int_equal(eventlog_report_compare(&r, &q, log), TEE_LOG_MISMATCH);
	assert_true(json_is_false(agrees(&r, "rtmr0")));
	assert_true(json_is_false(agrees(&r, "rtmr2")));
	assert_true(json_is_null(agrees(&r, "rtmr3"))); /* another log's */
	assert_null(json_object_get(r.root, "identity"));
	eventlog_report_fini(&r);
	vector_free(bytes);
	vector_free(log);
}

static void json_log_reported(void **state)
{
	struct span bytes = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	struct span report = vector_load(TDX_VECTORS "dstack/quote-report.json"), log;
	struct arena arena = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *root = document_load(&arena, report);
	struct eventlog_report r = { 0 };
	const char *digest = "f9974020", *found;
	uint8_t *copy;
	struct quote q;

	(void)state;
	assert_true(document_text(root, "event_log", &log));
	assert_int_equal(quote_parse(&q, bytes), TEE_OK);
	assert_true(eventlog_report_read(&r, log));
	assert_true(r.is_json);
	assert_string_equal(text_at(&r, 21, "event"), "app-id");
	assert_string_equal(text_at(&r, 21, "type"), "runtime event");
	assert_true(flag_at(&r, 21, "data_measured"));
	assert_int_equal(eventlog_report_compare(&r, &q, log), TEE_OK);
	assert_true(json_is_true(agrees(&r, "rtmr0")) && json_is_true(agrees(&r, "rtmr3")));
	assert_non_null(json_object_get(r.root, "identity"));
	eventlog_report_fini(&r);

	/* an event whose digest is another's is shown, and not believed */
	copy = vector_copy(log);
	found = memmem(copy, log.n, digest, 8);
	assert_non_null(found);
	copy[(const uint8_t *)found - copy] = 'e';
	assert_true(eventlog_report_read(&r, span_of(copy, log.n)));
	assert_false(flag_at(&r, 20, "data_measured"));
	assert_int_equal(eventlog_report_compare(&r, &q, span_of(copy, log.n)),
			 TEE_LOG_MALFORMED);
	assert_true(json_is_false(agrees(&r, "rtmr3")));
	eventlog_report_fini(&r);
	free(copy);
	arena_fini(&arena);
	vector_free(report);
	vector_free(bytes);
}

#define EVENT(imr, digest, payload) \
	"{\"imr\":" imr ",\"event_type\":4,\"digest\":\"" digest \
	"\",\"event\":\"\",\"event_payload\":\"" payload "\"}"
#define ZERO48 \
	"000000000000000000000000000000000000000000000000" \
	"000000000000000000000000000000000000000000000000"

/* clang-format off */
static const struct {
	const char *name, *log;
	bool want;
} forms[] = {
	{ "empty_array_accepted", "[]", true },
	{ "white_space_before_array_accepted", " \t\r\n[]\n", true },
	{ "event_accepted", "[" EVENT("0", ZERO48, "00000000") "]", true },
	{ "nothing_refused", "", false },
	{ "white_space_alone_refused", " ", false },
	{ "object_refused", "{}", false },
	{ "open_array_refused", "[", false },
	{ "number_in_array_refused", "[1]", false },
	{ "rtmr4_refused", "[" EVENT("4", ZERO48, "") "]", false },
	{ "short_digest_refused", "[" EVENT("0", "00", "") "]", false },
	{ "payload_not_hex_refused", "[" EVENT("0", ZERO48, "0g") "]", false },
	{ "odd_payload_refused", "[" EVENT("0", ZERO48, "000") "]", false },
};
/* clang-format on */

static void forms_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct eventlog_report r = { 0 };

		print_message("%s\n", forms[i].name);
		assert_int_equal(eventlog_report_read(&r, span_str(forms[i].log)), forms[i].want);
		assert_int_equal(r.root != NULL, forms[i].want);
		eventlog_report_fini(&r);
	}
}

static void terminal_gets_no_control_bytes(void **state)
{
	static const char log[] =
		"[{\"imr\":3,\"event_type\":134217729,\"digest\":\"" ZERO48
		"\",\"event\":\"\\u001b[2J\",\"event_payload\":\"1b5b324a\"}]";
	struct eventlog_report r = { 0 };
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	(void)state;
	assert_true(eventlog_report_read(&r, span_str(log)));
	eventlog_report_print(to, r.root);
	fclose(to);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "rtmr3   runtime event                    "
				     "\\x1b[2J 0x1b5b324a\n"));
	eventlog_report_fini(&r);
	free(text);
}

/* As dstack sends it: runtime events without their digests. */
static void log_without_its_digests_agrees(void **state)
{
	struct span bytes = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	struct span report = vector_load(TDX_VECTORS "dstack/quote-report.json");
	struct span text;
	json_t *root = json_loadb((const char *)report.p, report.n, 0, NULL);
	json_t *log;
	struct eventlog_report r = { 0 };
	size_t emptied = 0;
	struct quote q;
	char *out;

	(void)state;
	text = span_str(json_string_value(json_object_get(root, "event_log")));
	log = json_loadb((const char *)text.p, text.n, 0, NULL);
	for (size_t i = 0; i < json_array_size(log); i++) {
		json_t *event = json_array_get(log, i);

		if (json_integer_value(json_object_get(event, "imr")) != 3)
			continue;
		json_object_set_new(event, "digest", json_string(""));
		emptied++;
	}
	assert_int_equal(emptied, 8);
	out = json_dumps(log, 0);
	assert_int_equal(quote_parse(&q, bytes), TEE_OK);
	assert_true(eventlog_report_read(&r, span_str(out)));
	assert_true(flag_at(&r, json_array_size(log) - 1, "data_measured"));
	assert_int_equal(eventlog_report_compare(&r, &q, span_str(out)), TEE_OK);
	assert_true(json_is_true(agrees(&r, "rtmr3")));
	eventlog_report_fini(&r);
	free(out);
	json_decref(log);
	json_decref(root);
	vector_free(report);
	vector_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmware_log_reported),
		cmocka_unit_test(json_log_reported),
		cmocka_unit_test(forms_read_or_refused),
		cmocka_unit_test(terminal_gets_no_control_bytes),
		cmocka_unit_test(log_without_its_digests_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
