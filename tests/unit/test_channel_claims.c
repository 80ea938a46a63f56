/* What a side says of itself: written and read back, and nothing else taken. */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "channel/claims.h"

#define ID "00112233445566778899aabbccddeeff01020304"
#define HASH "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LABELS ",\"node_id\":\"n-1\",\"purpose\":\"cvm-tunnel\",\"version\":\"0.1.0\""
#define HEAD \
	"{\"app_id\":\"" ID "\",\"instance_id\":\"" ID "\",\"manifest_hash\":\"" HASH "\"" LABELS

static const struct {
	const char *name, *json;
	enum rc want;
	bool has_lineage;
} rows[] = {
	{ "without_a_lineage", HEAD "}", RC_OK, false },
	{ "with_one", HEAD ",\"lineage\":\"" HASH "\"}", RC_OK, true },
	{ "lineage_null", HEAD ",\"lineage\":null}", RC_MALFORMED, false },
	{ "lineage_of_20_bytes", HEAD ",\"lineage\":\"" ID "\"}", RC_MALFORMED, false },
	{ "lineage_no_hex", HEAD ",\"lineage\":\"zz112233445566778899aabbccddeeff00112233445566778"
				 "899aabbccddeeff\"}",
	  RC_MALFORMED, false },
	{ "lineage_twice", HEAD ",\"lineage\":\"" HASH "\",\"lineage\":\"" HASH "\"}", RC_MALFORMED,
	  false },
	{ "lineage_instead_of_another",
	  "{\"app_id\":\"" ID "\",\"instance_id\":\"" ID "\"" LABELS ",\"lineage\":\"" HASH "\"}",
	  RC_MALFORMED, false },
	{ "another_key", HEAD ",\"line\":\"" HASH "\"}", RC_MALFORMED, false },
	{ "another_key_beside_it", HEAD ",\"lineage\":\"" HASH "\",\"x\":1}", RC_MALFORMED, false },
	{ "no_hash", "{\"app_id\":\"" ID "\",\"instance_id\":\"" ID "\"" LABELS "}", RC_MALFORMED,
	  false },
	{ "no_object", "[]", RC_MALFORMED, false },
	{ "empty", "", RC_MALFORMED, false },
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct channel_claims c, before;
		enum rc rc;

		memset(&c, 0x5a, sizeof(c));
		before = c;
		rc = channel_claims_read(&c, span_str(rows[i].json));
		if (rc != rows[i].want || (!rc && c.has_lineage != rows[i].has_lineage))
			fail_msg("%s: %s", rows[i].name, rc_name(rc));
		if (rc)
			assert_memory_equal(&c, &before, sizeof(c));
	}
}

/* Byte for byte: the hash of the text is in the binder. */
static void written_as_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO(buf_fini)
		struct buf out = { 0 };
		struct channel_claims c;

		buf_init(&out, CHANNEL_CLAIMS_MAX);
		assert_int_equal(channel_claims_read(&c, span_str(rows[i].json)), RC_OK);
		assert_int_equal(channel_claims_write(&out, &c), RC_OK);
		assert_true(span_equal_str(buf_span(&out), rows[i].json));
		if (c.has_lineage)
			assert_int_equal(c.lineage.b[0], 0xff);
	}
}

static void each_prefix_refused(void **state)
{
	const char *whole = rows[1].json;
	struct channel_claims c;

	(void)state;
	for (size_t n = 0; n < strlen(whole); n++) {
		char *copy = test_malloc(n + 1);

		memcpy(copy, whole, n);
		assert_int_equal(channel_claims_read(&c, span_of(copy, n)), RC_MALFORMED);
		test_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(written_as_read),
		cmocka_unit_test(each_prefix_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
