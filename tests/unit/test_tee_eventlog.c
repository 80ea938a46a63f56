/*
 * eventlog: a real dstack log replayed into all four registers of its quote;
 * what is refused; what counts as the platform's statement; write and read.
 */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "tee/document.h"
#include "tee/eventlog.h"
#include "tee_vectors.h"

/* The quote's registers from a log of our own. */
struct made {
	struct eventlog log;
	struct sha384 rtmr[QUOTE_RTMR_COUNT];
	struct quote quote;
	struct buf json;
};

static void made_init(struct made *m)
{
	memset(m, 0, sizeof(*m));
	eventlog_init(&m->log);
	buf_init(&m->json, EVENTLOG_MAX);
	m->quote.tee = QUOTE_TDX;
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		m->quote.td.rtmr[i] = SPAN_ARRAY(m->rtmr[i].b);
}

static void made_fini(struct made *m)
{
	eventlog_fini(&m->log);
	buf_fini(&m->json);
}

static void made_add(struct made *m, const char *event, struct span payload)
{
	struct sha384 digest;

	assert_int_equal(eventlog_append(&m->log, &digest, event, payload), RC_OK);
	eventlog_extend(&m->rtmr[3], &digest);
}

static enum tee_reason made_check(struct made *m, struct eventlog_identity *id, unsigned *imr)
{
	buf_reset(&m->json);
	assert_int_equal(eventlog_text(&m->log, &m->json), RC_OK);
	return eventlog_check(id, imr, &m->quote, buf_span(&m->json));
}

static void dstack_log_replayed(void **state)
{
	struct span bytes = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	struct span report = vector_load(TDX_VECTORS "dstack/quote-report.json");
	json_t *root = json_loadb((const char *)report.p, report.n, 0, NULL);
	struct eventlog_identity id = { 0 };
	struct quote q;
	struct span log;
	unsigned imr = 9;
	uint8_t *copy;

	(void)state;
	assert_int_equal(quote_parse(&q, bytes), TEE_OK);
	assert_true(document_text(root, "event_log", &log));
	assert_int_equal(eventlog_check(&id, &imr, &q, log), TEE_OK);
	assert_true(id.has_app_id && id.has_instance_id && id.has_manifest_hash);
	assert_memory_equal(id.app_id, "\x37\x63\xbc\x34", 4);
	assert_memory_equal(id.instance_id, "\xc3\x71\x4e\xb6", 4);
	/* an app id is the first 20 bytes of the hash */
	assert_memory_equal(id.app_id, id.manifest_hash, 20);
	assert_int_equal(imr, 9);

	/* any change of a digest shows in its register */
	copy = vector_copy(log);
	for (size_t i = 0, at = 0; i < 28; i++) {
		struct span rest = span_of(copy + at, log.n - at);
		const uint8_t *digest = memmem(rest.p, rest.n, "\"digest\":\"", 10);
		enum tee_reason reason;

		assert_non_null(digest);
		at = (size_t)(digest - copy) + 10;
		copy[at] = copy[at] == '0' ? '1' : '0';
		reason = eventlog_check(&id, &imr, &q, span_of(copy, log.n));
		assert_true(reason == TEE_LOG_MISMATCH || reason == TEE_LOG_MALFORMED);
		memcpy(copy, log.p, log.n);
	}
	free(copy);
	json_decref(root);
	vector_free(report);
	vector_free(bytes);
}

static void digest_of_a_real_event(void **state)
{
	struct sha384 d;
	uint8_t want[48];

	(void)state;
	assert_true(text_hex_decode(
		want, 48,
		span_str("f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5784e7157c362c065"
			 "36f5ddacdad4451693f48fcc72fff624")));
	eventlog_digest(&d, span_str("system-preparing"), (struct span){ 0 });
	assert_memory_equal(d.b, want, 48);
}

static void written_then_read(void **state)
{
	const uint8_t app[20] = { 1 }, hash[32] = { 2 }, instance[20] = { 3 };
	struct eventlog_identity id;
	struct made m;
	unsigned imr;

	(void)state;
	made_init(&m);
	assert_int_equal(made_check(&m, &id, &imr), TEE_OK); /* "[]", zero */
	assert_false(id.has_app_id || id.has_instance_id || id.has_manifest_hash);
	made_add(&m, "app-id", SPAN_ARRAY(app));
	made_add(&m, "compose-hash", SPAN_ARRAY(hash));
	made_add(&m, "instance-id", SPAN_ARRAY(instance));
	made_add(&m, "boot-mr-done", (struct span){ 0 });
	/* the app speaks from here on: nothing of this counts or harms */
	made_add(&m, "app-id", SPAN_ARRAY(instance));
	made_add(&m, "compose-hash", (struct span){ 0 });
	made_add(&m, "boot-mr-done", (struct span){ 0 });
	assert_int_equal(made_check(&m, &id, &imr), TEE_OK);
	assert_memory_equal(id.app_id, app, 20);
	assert_memory_equal(id.manifest_hash, hash, 32);
	assert_memory_equal(id.instance_id, instance, 20);
	m.rtmr[3].b[47] ^= 1;
	assert_int_equal(made_check(&m, &id, &imr), TEE_LOG_MISMATCH);
	assert_int_equal(imr, 3);
	made_fini(&m);
}

static void statements_after_boot_do_not_count(void **state)
{
	const uint8_t app[20] = { 1 };
	struct eventlog_identity id;
	struct made m;
	unsigned imr;

	(void)state;
	made_init(&m);
	made_add(&m, "instance-id", (struct span){ 0 }); /* none: said once */
	made_add(&m, "boot-mr-done", (struct span){ 0 });
	made_add(&m, "app-id", SPAN_ARRAY(app));
	assert_int_equal(made_check(&m, &id, &imr), TEE_OK);
	assert_false(id.has_app_id || id.has_instance_id);
	made_fini(&m);
}

static void statements_refused(void **state)
{
	static const struct {
		const char *name, *event;
		size_t first, second; /* payload lengths; second 0: once */
	} cases[] = {
		{ "app_id_twice", "app-id", 20, 20 },
		{ "compose_hash_twice", "compose-hash", 32, 32 },
		{ "instance_id_twice", "instance-id", 20, 20 },
		{ "app_id_short", "app-id", 19, 0 },
		{ "app_id_long", "app-id", 21, 0 },
		{ "app_id_empty", "app-id", 0, 0 },
		{ "compose_hash_short", "compose-hash", 20, 0 },
		{ "instance_id_long", "instance-id", 32, 0 },
		{ "instance_id_none_then_one", "instance-id", 0, 20 },
	};
	static const uint8_t payload[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eventlog_identity id, kept;
		struct made m;
		unsigned imr;

		print_message("%s\n", cases[i].name);
		made_init(&m);
		made_add(&m, cases[i].event, span_of(payload, cases[i].first));
		if (cases[i].second)
			made_add(&m, cases[i].event, span_of(payload, cases[i].second));
		memset(&id, 0x5a, sizeof(id));
		kept = id;
		assert_int_equal(made_check(&m, &id, &imr), TEE_LOG_MALFORMED);
		assert_memory_equal(&id, &kept, sizeof(id));
		made_fini(&m);
	}
}

#define ZEROS "000000000000000000000000000000000000000000000000"
#define EVENT(imr, type, digest) \
	"{\"imr\":" imr ",\"event_type\":" type ",\"digest\":\"" digest \
	"\",\"event\":\"\",\"event_payload\":\"\"}"

static void grammar(void **state)
{
	static const struct {
		const char *name, *json;
		enum tee_reason want;
	} cases[] = {
		{ "empty_log_agrees_with_zero", "[]", TEE_OK },
		{ "white_space_around_allowed", " [ ]\n", TEE_OK },
		{ "nothing_refused", "", TEE_LOG_MALFORMED },
		{ "object_refused", "{}", TEE_LOG_MALFORMED },
		{ "bytes_after_refused", "[] x", TEE_LOG_MALFORMED },
		{ "number_in_list_refused", "[1]", TEE_LOG_MALFORMED },
		{ "empty_event_refused", "[{}]", TEE_LOG_MALFORMED },
		{ "firmware_event_in_rtmr3_refused", "[" EVENT("3", "4", ZEROS ZEROS) "]",
		  TEE_LOG_MALFORMED },
		{ "wrong_digest_refused", "[" EVENT("3", "134217729", ZEROS ZEROS) "]",
		  TEE_LOG_MALFORMED },
		{ "register_4_refused", "[" EVENT("4", "4", ZEROS ZEROS) "]",
		  TEE_LOG_MALFORMED },
		{ "negative_register_refused", "[" EVENT("-1", "4", ZEROS ZEROS) "]",
		  TEE_LOG_MALFORMED },
		{ "short_digest_refused", "[" EVENT("0", "4", ZEROS) "]", TEE_LOG_MALFORMED },
		{ "other_register_replayed", "[" EVENT("1", "4", ZEROS ZEROS) "]",
		  TEE_LOG_MISMATCH },
		{ "member_twice_refused",
		  "[{\"imr\":0,\"imr\":0,\"event_type\":4,\"digest\":\"" ZEROS ZEROS
		  "\",\"event\":\"\",\"event_payload\":\"\"}]",
		  TEE_LOG_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eventlog_identity id;
		struct made m;
		unsigned imr = 9;

		print_message("%s\n", cases[i].name);
		made_init(&m);
		assert_int_equal(eventlog_check(&id, &imr, &m.quote, span_str(cases[i].json)),
				 cases[i].want);
		assert_int_equal(imr, cases[i].want == TEE_LOG_MISMATCH ? 1 : 9);
		m.quote.tee = QUOTE_SGX;
		assert_int_equal(eventlog_check(&id, &imr, &m.quote, span_str("[]")),
				 TEE_LOG_MALFORMED);
		made_fini(&m);
	}
}

static void writer_limits(void **state)
{
	uint8_t *big = mem_new(16 * 1024 + 1);
	struct sha384 d;
	struct made m;
	struct buf small;
	size_t count = 0;

	(void)state;
	made_init(&m);
	assert_int_equal(eventlog_append(&m.log, &d, "a\"b", (struct span){ 0 }), RC_MALFORMED);
	assert_int_equal(eventlog_append(&m.log, &d, "a\\b", (struct span){ 0 }), RC_MALFORMED);
	assert_int_equal(eventlog_append(&m.log, &d, "a\nb", (struct span){ 0 }), RC_MALFORMED);
	assert_int_equal(eventlog_append(&m.log, &d, "big", span_of(big, 16 * 1024 + 1)),
			 RC_LIMIT);
	while (eventlog_append(&m.log, &d, "big", span_of(big, 16 * 1024)) == RC_OK)
		count++;
	assert_int_equal(count, 7);
	buf_init(&small, 100);
	assert_int_equal(eventlog_text(&m.log, &small), RC_LIMIT);
	assert_int_equal(buf_span(&small).n, 0);
	buf_fini(&small);
	made_fini(&m);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dstack_log_replayed),
		cmocka_unit_test(digest_of_a_real_event),
		cmocka_unit_test(written_then_read),
		cmocka_unit_test(statements_after_boot_do_not_count),
		cmocka_unit_test(statements_refused),
		cmocka_unit_test(grammar),
		cmocka_unit_test(writer_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
