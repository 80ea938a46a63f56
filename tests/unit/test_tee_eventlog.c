/*
 * eventlog: a real dstack log replayed into all four registers of its quote;
 * what is refused; what counts as the platform's statement; write and read.
 */
#include "unit.h"

#include <stdio.h>
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
	struct arena arena = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *root = document_load(&arena, report);
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
	arena_fini(&arena);
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

/* Of the second form, by the definition written out. */
static void second_form_of_a_digest(void **state)
{
	struct sha384 got = { { 7 } }, want;
	static char name[129];

	(void)state;
	sha384_of(&want, span_str("{\"name\":\"compose-hash\",\"payload\":\"abcd\","
				  "\"type\":134217729}"));
	assert_true(eventlog_digest_v2(&got, span_str("compose-hash"), span_str("\xab\xcd")));
	assert_memory_equal(got.b, want.b, 48);
	sha384_of(&want, span_str("{\"name\":\"\",\"payload\":\"\",\"type\":134217729}"));
	assert_true(eventlog_digest_v2(&got, (struct span){ 0 }, (struct span){ 0 }));
	assert_memory_equal(got.b, want.b, 48);
	assert_false(eventlog_digest_v2(&got, span_str("a\"b"), (struct span){ 0 }));
	memset(name, 'a', sizeof(name));
	assert_false(eventlog_digest_v2(&got, SPAN_ARRAY(name), (struct span){ 0 }));
	assert_memory_equal(got.b, want.b, 48);
}

#define BOOT_EVENT(version, digest, event, payload) \
	"{\"imr\":3,\"event_type\":134217729," version "\"digest\":\"" digest \
	"\",\"event\":\"" event "\",\"event_payload\":\"" payload "\"}"
#define APP "0102030405060708090a0b0c0d0e0f1011121314"

/* dstack's logs of both forms in one, and without the digests it leaves out. */
static void forms_of_runtime_events(void **state)
{
	static const struct {
		const char *name, *json;
		bool is_v2;
		enum tee_reason want;
	} cases[] = {
		{ "version_1_without_digest", BOOT_EVENT("", "", "app-id", APP), false, TEE_OK },
		{ "version_1_said", BOOT_EVENT("\"version\":1,", "", "app-id", APP), false,
		  TEE_OK },
		{ "version_2", BOOT_EVENT("\"version\":2,", "", "app-id", APP), true, TEE_OK },
		{ "version_2_said_1_mismatch", BOOT_EVENT("\"version\":1,", "", "app-id", APP),
		  true, TEE_LOG_MISMATCH },
		{ "version_1_said_2_mismatch", BOOT_EVENT("\"version\":2,", "", "app-id", APP),
		  false, TEE_LOG_MISMATCH },
		{ "version_0_malformed", BOOT_EVENT("\"version\":0,", "", "app-id", APP), false,
		  TEE_LOG_MALFORMED },
		{ "version_3_malformed", BOOT_EVENT("\"version\":3,", "", "app-id", APP), false,
		  TEE_LOG_MALFORMED },
		{ "version_text_malformed", BOOT_EVENT("\"version\":\"2\",", "", "app-id", APP),
		  true, TEE_LOG_MALFORMED },
		{ "version_2_escaped_name_malformed",
		  BOOT_EVENT("\"version\":2,", "", "app\\u0022", APP), true, TEE_LOG_MALFORMED },
		{ "no_digest_member_malformed",
		  "[{\"imr\":3,\"event_type\":134217729,\"event\":\"app-id\","
		  "\"event_payload\":\"" APP "\"}]",
		  false, TEE_LOG_MALFORMED },
		{ "firmware_event_without_digest_malformed",
		  "[{\"imr\":0,\"event_type\":4,\"digest\":\"\",\"event\":\"\","
		  "\"event_payload\":\"\"}]",
		  false, TEE_LOG_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eventlog_identity id = { 0 };
		struct sha384 digest;
		struct made m;
		uint8_t app[20];
		char json[512];
		unsigned imr;

		print_message("%s\n", cases[i].name);
		made_init(&m);
		assert_true(text_hex_decode(app, 20, span_str(APP)));
		if (cases[i].is_v2)
			assert_true(eventlog_digest_v2(&digest, span_str("app-id"),
						       SPAN_ARRAY(app)));
		else
			eventlog_digest(&digest, span_str("app-id"), SPAN_ARRAY(app));
		eventlog_extend(&m.rtmr[3], &digest);
		snprintf(json, sizeof(json), cases[i].json[0] == '[' ? "%s" : "[%s]",
			 cases[i].json);
		assert_int_equal(eventlog_check(&id, &imr, &m.quote, span_str(json)),
				 cases[i].want);
		assert_int_equal(id.has_app_id, cases[i].want == TEE_OK);
		made_fini(&m);
	}
}

static void boot_events_in_dstacks_order(void **state)
{
	static const char *const names[] = { "system-preparing", "app-id", "compose-hash",
					     "instance-id", "boot-mr-done" };
	const uint8_t app[20] = { 1 }, hash[32] = { 2 }, instance[20] = { 3 };
	const struct span payloads[] = {
		{ 0 },
		SPAN_ARRAY(app),
		SPAN_ARRAY(hash),
		SPAN_ARRAY(instance),
		{ 0 },
	};
	struct sha384 digests[EVENTLOG_BOOT_COUNT], want;
	struct eventlog_registers r;
	struct made m;

	(void)state;
	made_init(&m);
	assert_int_equal(eventlog_append_boot(&m.log, digests, SPAN_ARRAY(app), SPAN_ARRAY(hash),
					      SPAN_ARRAY(instance)),
			 RC_OK);
	for (size_t i = 0; i < EVENTLOG_BOOT_COUNT; i++) {
		eventlog_digest(&want, span_str(names[i]), payloads[i]);
		assert_memory_equal(digests[i].b, want.b, 48);
		eventlog_extend(&m.rtmr[3], &want);
	}
	assert_int_equal(eventlog_text(&m.log, &m.json), RC_OK);
	assert_int_equal(eventlog_replay(&r, buf_span(&m.json)), TEE_OK);
	assert_memory_equal(r.rtmr[3].b, m.rtmr[3].b, 48);
	assert_int_equal(r.event_count[3], EVENTLOG_BOOT_COUNT);
	assert_int_equal(r.event_count[0], 0);
	assert_memory_equal(r.identity.instance_id, instance, 20);
	assert_int_equal(eventlog_replay(&r, span_str("[1]")), TEE_LOG_MALFORMED);
	assert_int_equal(r.event_count[3], EVENTLOG_BOOT_COUNT);
	made_fini(&m);
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
	/* no events do not explain a register that was extended */
	m.rtmr[3].b[0] = 1;
	assert_int_equal(made_check(&m, &id, &imr), TEE_LOG_MISMATCH);
	assert_int_equal(imr, 3);
	m.rtmr[3].b[0] = 0;
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
		cmocka_unit_test(second_form_of_a_digest),
		cmocka_unit_test(forms_of_runtime_events),
		cmocka_unit_test(boot_events_in_dstacks_order),
		cmocka_unit_test(written_then_read),
		cmocka_unit_test(statements_after_boot_do_not_count),
		cmocka_unit_test(statements_refused),
		cmocka_unit_test(grammar),
		cmocka_unit_test(writer_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
