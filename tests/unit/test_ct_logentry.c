/* logentry: entries of both kinds of log, laid out a field to a line; prefixes
 * and every refusal. */
#include "unit.h"

#include "base/text.h"
#include "ct/logentry.h"
#include "stupid_tree.h"
#include "vectors.h"

#define LEAF "0000" /* v1, timestamped_entry */
#define TIME "000001a0b1c2d3e4"
#define X509 "0000" \
	     "000003" \
	     "300102"
#define KEY "1111111111111111111111111111111111111111111111111111111111111111"
#define PRECERT "0001" KEY "000004" \
		"30023003"
#define NO_EXT "0000"
#define CHAIN "000008" \
	      "000002" \
	      "aabb" \
	      "000000"
#define PRINT "2222222222222222222222222222222222222222222222222222222222222222"

static const struct {
	const char *name, *leaf, *extra;
	enum rc want;
} cases[] = {
	{ "certificate", LEAF TIME X509 NO_EXT, "000000", RC_OK },
	{ "certificate_with_chain", LEAF TIME X509 NO_EXT, CHAIN, RC_OK },
	{ "precertificate", LEAF TIME PRECERT NO_EXT, "000002"
						      "3000" CHAIN,
	  RC_OK },
	{ "extensions", LEAF TIME X509 "0003"
				       "010203",
	  "000000", RC_OK },
	{ "version_2", "0100" TIME X509 NO_EXT, "000000", RC_UNSUPPORTED },
	{ "other_leaf_type", "0001" TIME X509 NO_EXT, "000000", RC_UNSUPPORTED },
	{ "other_entry_type", LEAF TIME "8000"
					"000003"
					"300102" NO_EXT,
	  "000000",
	  RC_UNSUPPORTED },
	{ "empty_certificate", LEAF TIME "0000"
					 "000000" NO_EXT,
	  "000000", RC_MALFORMED },
	{ "empty_tbs", LEAF TIME "0001" KEY "000000" NO_EXT, "000002"
							     "3000" CHAIN,
	  RC_MALFORMED },
	{ "leaf_too_long", LEAF TIME X509 NO_EXT "00", "000000", RC_MALFORMED },
	{ "no_precertificate", LEAF TIME PRECERT NO_EXT, "000000" CHAIN, RC_MALFORMED },
	{ "extra_too_long", LEAF TIME X509 NO_EXT, "000000"
						   "00",
	  RC_MALFORMED },
	{ "chain_does_not_tile", LEAF TIME X509 NO_EXT, "000003"
							"000001",
	  RC_MALFORMED },
};

static void entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t leaf[256], extra[256];
		size_t n, m;
		struct logentry e;

		print_message("%s\n", cases[i].name);
		assert_true(text_hex_decode_any(leaf, sizeof(leaf), &n, span_str(cases[i].leaf)));
		assert_true(
			text_hex_decode_any(extra, sizeof(extra), &m, span_str(cases[i].extra)));
		memset(&e, 0x5a, sizeof(e));
		assert_int_equal(logentry_read(&e, span_of(leaf, n), span_of(extra, m)),
				 cases[i].want);
		if (cases[i].want) {
			assert_int_equal(*(uint8_t *)&e, 0x5a);
			continue;
		}
		assert_int_equal(e.timestamp_ms, 0x1a0b1c2d3e4);
		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *part = vector_copy(span_of(leaf, cut));

			assert_int_equal(
				logentry_read(&e, span_of(part, cut), span_of(extra, m)),
				RC_MALFORMED);
			free(part);
		}
		for (size_t cut = 0; cut < m; cut++) {
			uint8_t *part = vector_copy(span_of(extra, cut));

			assert_int_equal(
				logentry_read(&e, span_of(leaf, n), span_of(part, cut)),
				RC_MALFORMED);
			free(part);
		}
	}
}

static void chain_walked(void **state)
{
	uint8_t leaf[256], extra[256];
	struct logentry e;
	struct span left, issuer;
	size_t n, m;

	(void)state;
	assert_true(text_hex_decode_any(leaf, sizeof(leaf), &n,
					span_str(LEAF TIME PRECERT NO_EXT)));
	assert_true(text_hex_decode_any(extra, sizeof(extra), &m,
					span_str("000002"
						 "3000" CHAIN)));
	assert_int_equal(logentry_read(&e, span_of(leaf, n), span_of(extra, m)), RC_OK);
	assert_int_equal(e.type, SCT_ENTRY_PRECERT);
	assert_int_equal(e.issuer_key_hash[31], 0x11);
	assert_int_equal(e.tbs.n, 4);
	assert_int_equal(e.precert.n, 2);
	assert_int_equal(e.chain_count, 2);
	left = e.chain;
	assert_true(logentry_chain_next(&left, e.form, &issuer));
	assert_int_equal(issuer.n, 2);
	assert_true(logentry_chain_next(&left, e.form, &issuer));
	assert_int_equal(issuer.n, 0);
	assert_false(logentry_chain_next(&left, e.form, &issuer));
}

/* Two entries of a data tile; the leaf is the entry with two bytes in front. */
static void data_tile(void **state)
{
	uint8_t tile[512], leaf[256];
	struct span s;
	struct logentry e;
	struct merkle_hash got, want;
	size_t n, m;

	(void)state;
	assert_true(text_hex_decode_any(tile, sizeof(tile), &n,
					span_str(TIME X509 NO_EXT "0000" TIME PRECERT NO_EXT
								  "000002"
								  "3000"
								  "0020" PRINT)));
	s = span_of(tile, n);
	assert_int_equal(logentry_rd_tile(&e, &got, &s), RC_OK);
	assert_true(text_hex_decode_any(leaf, sizeof(leaf), &m, span_str(LEAF TIME X509 NO_EXT)));
	want = stupid_leaf(leaf, m);
	assert_memory_equal(&got, &want, sizeof(want));
	assert_int_equal(logentry_rd_tile(&e, &got, &s), RC_OK);
	assert_true(rd_end(&s));
	assert_true(
		text_hex_decode_any(leaf, sizeof(leaf), &m, span_str(LEAF TIME PRECERT NO_EXT)));
	want = stupid_leaf(leaf, m);
	assert_memory_equal(&got, &want, sizeof(want));
	assert_int_equal(e.form, LOGENTRY_FINGERPRINTS);
	assert_int_equal(e.chain_count, 1);
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *part = vector_copy(span_of(tile, cut));

		s = span_of(part, cut);
		while (!rd_end(&s) && logentry_rd_tile(&e, &got, &s) == RC_OK)
			assert_true(cut >= 20);
		free(part);
	}
	/* fingerprints of another length */
	assert_true(text_hex_decode_any(tile, sizeof(tile), &n,
					span_str(TIME X509 NO_EXT "0002"
								  "2222")));
	s = span_of(tile, n);
	assert_int_equal(logentry_rd_tile(&e, &got, &s), RC_MALFORMED);
	assert_int_equal(s.n, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(chain_walked),
		cmocka_unit_test(data_tile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
