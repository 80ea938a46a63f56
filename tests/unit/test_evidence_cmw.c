/* Collections of conceptual messages, in JSON. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "evidence/cmw.h"

/* The example of RFC 9999's reference implementation, without its padding. */
static const char example[] =
	"{\"__cmwc_t\":\"tag:ietf.org,2024:X\","
	"\"bretwaldadom\":[\"application/eat-ucs+cbor\",\"oQo\"],"
	"\"murmurless\":{\"__cmwc_t\":\"tag:ietf.org,2024:Y\","
	"\"polyscopic\":[\"application/eat-ucs+json\",\"eyJlYXRfbm9uY2UiOiAuLi59\",8]},"
	"\"photoelectrograph\":[\"application/eat-ucs+cbor\",\"gngY\",3]}";

static void an_example_is_read_and_written_again(void **state)
{
	const struct cmw *top, *in;
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, 64 * 1024);
	buf_init(&out, 4096);
	assert_int_equal(cmw_read(&top, &arena, span_str(example)), RC_OK);
	assert_true(span_equal_str(top->collection_type, "tag:ietf.org,2024:X"));
	assert_true(span_equal(cmw_value(top, "bretwaldadom"), span_of("\xa1\x0a", 2)));
	assert_int_equal(cmw_get(top, "bretwaldadom")->indicator, 0);
	in = cmw_get(top, "murmurless");
	assert_true(in && in->is_collection);
	assert_true(span_equal_str(cmw_value(in, "polyscopic"), "{\"eat_nonce\": ...}"));
	assert_int_equal(cmw_get(in, "polyscopic")->indicator, CMW_RESULTS);
	assert_int_equal(cmw_get(top, "photoelectrograph")->indicator, 3);
	assert_null(cmw_get(top, "other"));
	assert_null(cmw_get(NULL, "other"));
	assert_int_equal(cmw_value(top, "murmurless").n, 0);
	assert_int_equal(cmw_write(&out, top), RC_OK);
	assert_true(span_equal_str(buf_span(&out), example));
	arena_fini(&arena);
	buf_fini(&out);
}

static void refusals(void **state)
{
	static const struct {
		const char *name, *text;
		enum rc want;
	} cases[] = {
		{ "record_at_the_top", "[\"a/b\",\"AA\"]", RC_MALFORMED },
		{ "empty", "{}", RC_MALFORMED },
		{ "type_alone", "{\"__cmwc_t\":\"tag:a,1:b\"}", RC_MALFORMED },
		{ "empty_inside", "{\"a\":{}}", RC_MALFORMED },
		{ "text_member", "{\"a\":\"AA\"}", RC_MALFORMED },
		{ "one_element", "{\"a\":[\"a/b\"]}", RC_MALFORMED },
		{ "four_elements", "{\"a\":[\"a/b\",\"AA\",4,4]}", RC_MALFORMED },
		{ "type_number", "{\"a\":[30001,\"AA\"]}", RC_MALFORMED },
		{ "value_number", "{\"a\":[\"a/b\",7]}", RC_MALFORMED },
		{ "padding", "{\"a\":[\"a/b\",\"AA==\"]}", RC_MALFORMED },
		{ "loose_bits", "{\"a\":[\"a/b\",\"AB\"]}", RC_MALFORMED },
		{ "base64", "{\"a\":[\"a/b\",\"+/+/\"]}", RC_MALFORMED },
		{ "indicator_zero", "{\"a\":[\"a/b\",\"AA\",0]}", RC_MALFORMED },
		{ "indicator_unknown", "{\"a\":[\"a/b\",\"AA\",32]}", RC_MALFORMED },
		{ "label_twice", "{\"a\":[\"a/b\",\"AA\"],\"a\":[\"a/b\",\"AA\"]}", RC_MALFORMED },
		{ "label_empty", "{\"\":[\"a/b\",\"AA\"]}", RC_MALFORMED },
		{ "label_with_quote", "{\"a\\\"\":[\"a/b\",\"AA\"]}", RC_MALFORMED },
		{ "too_deep", "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":[\"a/b\",\"AA\"]}}}}}",
		  RC_LIMIT },
		{ "deep_enough", "{\"a\":{\"b\":{\"c\":{\"e\":[\"a/b\",\"AA\"]}}}}", RC_OK },
		{ "garbage_behind", "{\"a\":[\"a/b\",\"AA\"]} x", RC_MALFORMED },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct cmw *top = NULL;
		struct arena arena;
		enum rc rc;

		arena_init(&arena, 64 * 1024);
		rc = cmw_read(&top, &arena, span_str(cases[i].text));
		if (rc != cases[i].want || (rc && top)) {
			print_message("%s: %s\n", cases[i].name, rc_name(rc));
			bad++;
		}
		arena_fini(&arena);
	}
	assert_int_equal(bad, 0);
}

static void every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n + 1 < sizeof(example); n++) {
		uint8_t *copy = mem_new(n + !n);
		const struct cmw *top;
		struct arena arena;

		memcpy(copy, example, n);
		arena_init(&arena, 64 * 1024);
		assert_int_equal(cmw_read(&top, &arena, span_of(copy, n)), RC_MALFORMED);
		arena_fini(&arena);
		free(copy);
	}
}

static void what_nobody_would_read_is_not_written(void **state)
{
	struct cmw record = { .label = span_str("a"),
			      .type = span_str("a/b"),
			      .value = span_str("x") };
	struct cmw top = { .is_collection = true, .first = &record };
	struct arena arena;
	const struct cmw *again;
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	assert_int_equal(cmw_write(&out, &top), RC_OK);
	buf_reset(&out);
	record.label = span_str("a\"");
	assert_int_equal(cmw_write(&out, &top), RC_MALFORMED);
	record.label = span_str("__cmwc_t");
	assert_int_equal(cmw_write(&out, &top), RC_MALFORMED);
	record.label = span_str("a");
	record.type = span_str("");
	assert_int_equal(cmw_write(&out, &top), RC_MALFORMED);
	record.type = span_str("a/b");
	top.first = NULL;
	assert_int_equal(cmw_write(&out, &top), RC_MALFORMED);
	assert_int_equal(cmw_write(&out, &record), RC_MALFORMED);
	top.first = &record;
	record.value = span_of(example, 200);
	assert_int_equal(cmw_write(&out, &top), RC_LIMIT);
	assert_int_equal(buf_span(&out).n, 0);
	buf_fini(&out);

	arena_init(&arena, 1024);
	assert_int_equal(cmw_read(&again, &arena, span_str(example)), RC_LIMIT);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_example_is_read_and_written_again),
		cmocka_unit_test(refusals),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(what_nobody_would_read_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
