/*
 * prediction: the policy that is printed is one that the policy reader takes
 * and that pins what was predicted, no more; JSON and table say the same, and
 * what a register rests on or needs.
 */
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/prediction.h"

static struct prediction some(void)
{
	struct prediction p = { .layout = "ovmf", .has_pages = true, .cpus = 4 };
	uint8_t mr_td[QUOTE_MR_LEN];

	for (size_t r = 0; r < PREDICTION_COUNT; r++)
		p.missing[r] = "it needs more";
	memset(mr_td, 0xab, sizeof(mr_td));
	prediction_set(&p, POLICY_MR_TD, SPAN_ARRAY(mr_td));
	bootlog_add_bytes(&p.log, 0, "td-hob", span_str("hob"));
	bootlog_add_bytes(&p.log, 0, "acpi-rsdp", span_str("rsdp"));
	p.log.event[1].is_given = true;
	prediction_replay(&p, 0);
	return p;
}

static char *printed(void (*print)(FILE *, const struct prediction *))
{
	struct prediction p = some();
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	print(f, &p);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void print_policy(FILE *to, const struct prediction *p)
{
	prediction_print_policy(to, p, "null");
}

static void policy_pins_what_was_predicted(void **state)
{
	struct prediction p = some();
	char *text = printed(print_policy), error[POLICY_ERROR_MAX];
	struct tee_policy policy;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(policy_read(&policy, &arena, "p", span_str(text), error), RC_OK);
	assert_true(policy.has_images);
	assert_int_equal(policy.image_count, 1);
	assert_string_equal(policy.images[0].name, "null");
	for (size_t r = 0; r < PREDICTION_COUNT; r++) {
		assert_int_equal(policy.images[0].is_pinned[r],
				 r == POLICY_MR_TD || r == POLICY_RTMR0);
		if (policy.images[0].is_pinned[r])
			assert_memory_equal(policy.images[0].value[r], p.value[r], QUOTE_MR_LEN);
	}
	assert_non_null(strstr(text, "# rtmr0 rests on digests that were given: acpi-rsdp; "));
	assert_non_null(strstr(text, "# rtmr1 is not predicted: it needs more\n"));
	arena_fini(&arena);
	free(text);
}

static void json_and_table_agree(void **state)
{
	char *table = printed(prediction_print), *text = printed(prediction_print_json);
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *events = json_object_get(root, "events");
	const char *rtmr0 = json_string_value(json_object_get(root, "rtmr0"));

	(void)state;
	assert_non_null(rtmr0);
	assert_non_null(strstr(table, rtmr0));
	assert_null(json_object_get(root, "rtmr1"));
	assert_int_equal(json_object_size(json_object_get(root, "not_predicted")),
			 PREDICTION_COUNT - 2);
	assert_int_equal(json_array_size(events), 2);
	assert_false(json_is_true(json_object_get(json_array_get(events, 0), "given")));
	assert_true(json_is_true(json_object_get(json_array_get(events, 1), "given")));
	json_decref(root);
	free(table);
	free(text);
}

static void names_of_images(void **state)
{
	static const struct {
		const char *name;
		bool want;
	} cases[] = {
		{ "a", true },
		{ "shop-1.0_x", true },
		{ "", false },
		{ "1.0", true },
		{ "null", true },
		{ "a\"b", false },
		{ "two words", false },
		{ "a: b", false },
		{ "a23456789012345678901234567890123456789012345678901234567890123", true },
		{ "a234567890123456789012345678901234567890123456789012345678901234", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(prediction_is_name(cases[i].name), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_pins_what_was_predicted),
		cmocka_unit_test(json_and_table_agree),
		cmocka_unit_test(names_of_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
