/* Which app a manifest belongs to: the one it founds, or the one it says it continues. */
#include "unit.h"

#include <string.h>

#include "manifest/lineage.h"

#define HEAD "{\"manifest_version\":2,\"name\":\"hello\""
#define FIRST "00112233445566778899aabbccddeeff01020304"

static const uint8_t first[MANIFEST_ID_LEN] = {
	0x00,
	0x11,
	0x22,
	0x33,
	0x44,
	0x55,
	0x66,
	0x77,
	0x88,
	0x99, /* a line of ten */
	0xaa,
	0xbb,
	0xcc,
	0xdd,
	0xee,
	0xff,
	0x01,
	0x02,
	0x03,
	0x04,
};

enum want {
	OWN,
	OF_FIRST,
	REFUSED,
};

static const struct {
	const char *name, *json;
	enum want want;
} rows[] = {
	{ "absent_founds_its_own", HEAD "}", OWN },
	{ "of_the_first", HEAD ",\"continues\":\"" FIRST "\"}", OF_FIRST },
	{ "upper_case_read", HEAD ",\"continues\":\"00112233445566778899AABBCCDDEEFF01020304\"}",
	  OF_FIRST },
	{ "empty_refused", HEAD ",\"continues\":\"\"}", REFUSED },
	{ "null_refused", HEAD ",\"continues\":null}", REFUSED },
	{ "number_refused", HEAD ",\"continues\":1}", REFUSED },
	{ "list_refused", HEAD ",\"continues\":[\"" FIRST "\"]}", REFUSED },
	{ "digit_short_refused", HEAD ",\"continues\":\"0011223344556677889"
				      "9aabbccddeeff0102030\"}",
	  REFUSED },
	{ "digit_more_refused", HEAD ",\"continues\":\"" FIRST "0\"}", REFUSED },
	{ "whole_hash_refused", HEAD ",\"continues\":\"" FIRST "000000000000000000000000\"}",
	  REFUSED },
	{ "no_hex_refused", HEAD ",\"continues\":\"g0112233445566778899aabbccddeeff01020304\"}",
	  REFUSED },
	{ "prefix_0x_refused", HEAD ",\"continues\":\"0x" FIRST "\"}", REFUSED },
	{ "twice_refused", HEAD ",\"continues\":\"" FIRST "\",\"continues\":\"" FIRST "\"}",
	  REFUSED },
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span json = span_str(rows[i].json);
		uint8_t own[MANIFEST_ID_LEN], id[MANIFEST_ID_LEN] = { 0x5a };
		uint8_t untouched[MANIFEST_ID_LEN] = { 0x5a };
		char error[MANIFEST_ERROR_MAX] = "";
		const uint8_t *want = rows[i].want == OF_FIRST ? first : own;
		struct manifest m;
		enum rc rc = lineage_of(id, json);

		manifest_app_id(own, json);
		if ((rc == RC_OK) != (rows[i].want != REFUSED) ||
		    manifest_read(&m, json, error) != rc)
			fail_msg("%s: %d, %s", rows[i].name, (int)rc, error);
		if (rc) {
			assert_memory_equal(id, untouched, sizeof(id));
			continue;
		}
		assert_memory_equal(id, want, sizeof(id));
		assert_memory_equal(m.lineage, want, sizeof(id));
		assert_memory_equal(m.app_id, own, sizeof(id));
		assert_int_equal(m.continues, rows[i].want == OF_FIRST);
		manifest_fini(&m);
	}
}

/* Nobody can write such a manifest; the reader does not count on that. */
static void itself_refused(void **state)
{
	uint8_t id[MANIFEST_ID_LEN] = { 0 }, zero[MANIFEST_ID_LEN] = { 0 };
	json_t *word = json_string(FIRST);

	(void)state;
	assert_string_equal(lineage_read(id, first, word), "expected the id of another manifest");
	assert_memory_equal(id, zero, sizeof(id));
	assert_null(lineage_read(id, zero, word));
	assert_memory_equal(id, first, sizeof(id));
	json_decref(word);
}

static void error_names_the_key(void **state)
{
	char error[MANIFEST_ERROR_MAX] = "";
	struct manifest m;

	(void)state;
	assert_int_equal(manifest_read(&m, span_str(HEAD ",\"continues\":\"1\"}"), error),
			 RC_MALFORMED);
	assert_string_equal(error, "continues: expected 40 hex digits, the app id of the app's "
				   "first manifest");
}

static void what_is_no_manifest_refused(void **state)
{
	uint8_t id[MANIFEST_ID_LEN];
	char large[MANIFEST_MAX + 1];

	(void)state;
	assert_int_equal(lineage_of(id, span_str("")), RC_MALFORMED);
	assert_int_equal(lineage_of(id, span_str("[]")), RC_MALFORMED);
	assert_int_equal(lineage_of(id, span_str("{")), RC_MALFORMED);
	memset(large, ' ', sizeof(large));
	memcpy(large, "{}", 2);
	assert_int_equal(lineage_of(id, span_of(large, MANIFEST_MAX)), RC_OK);
	assert_int_equal(lineage_of(id, span_of(large, sizeof(large))), RC_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(itself_refused),
		cmocka_unit_test(error_names_the_key),
		cmocka_unit_test(what_is_no_manifest_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
