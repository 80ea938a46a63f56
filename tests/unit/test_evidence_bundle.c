/* One document with everything: members, and what may be missing. */
#include "unit.h"

#include <string.h>

#include "evidence/bundle.h"
#include "json_odd.h"

#define S(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static const struct evidence_bundle whole = {
	.core = S("{\"v\":2}"),
	.quote = S("\x04\x00"),
	.event_log = S("[]"),
	.acme_info = S("{\"account_uri\":\"\"}"),
	.manifest = S("{}"),
	.files = { .item = { { S("acme-account.json"), S("{}") }, { S("sha256sum.txt"), S("x") } },
		   .count = 2 },
	.collateral = { .item = { { S("root_ca.crl.der"), S("crl") },
				  { S("tcb_info.json"), S("tcb") } },
			.count = 2 },
	.dnssec = { .item = { { S("00ff"), S("proof") } }, .count = 1 },
};

static void written_and_read_is_the_identity(void **state)
{
	struct evidence_bundle b;
	struct tee_collateral c;
	struct arena arena;
	struct buf out, again;

	(void)state;
	arena_init(&arena, 256 * 1024);
	buf_init(&out, 4096);
	buf_init(&again, 4096);
	assert_int_equal(evidence_bundle_write(&out, &whole), RC_OK);
	assert_int_equal(evidence_bundle_read(&b, &arena, buf_span(&out)), RC_OK);
	assert_true(span_equal(b.core, whole.core));
	assert_true(span_equal(b.quote, whole.quote));
	assert_true(span_equal_str(bundle_item_get(&b.files, span_str("acme-account.json")), "{}"));
	assert_int_equal(bundle_item_get(&b.files, span_str("quote.json")).n, 0);
	assert_int_equal(evidence_bundle_write(&again, &b), RC_OK);
	assert_true(span_equal(buf_span(&again), buf_span(&out)));
	evidence_bundle_collateral(&c, &b.collateral);
	assert_true(span_equal_str(c.root_crl, "crl"));
	assert_true(span_equal_str(c.tcb_info, "tcb"));
	assert_int_equal(c.pck_crl.n, 0);
	arena_fini(&arena);
	buf_fini(&out);
	buf_fini(&again);
}

static void what_must_be_there(void **state)
{
	static const struct {
		const char *name, *text;
		enum rc want;
	} cases[] = {
		{ "least",
		  "{\"core\":[\"a/b\",\"AA\"],\"quote\":[\"a/b\",\"AA\"],\"files\":{\"x\":[\"a/"
		  "b\",\"AA\"]}}",
		  RC_OK },
		{ "more",
		  "{\"core\":[\"a/b\",\"AA\"],\"quote\":[\"a/b\",\"AA\"],\"files\":{\"x\":[\"a/"
		  "b\",\"AA\"]},"
		  "\"later\":[\"a/b\",\"AA\"]}",
		  RC_OK },
		{ "no_core", "{\"quote\":[\"a/b\",\"AA\"],\"files\":{\"x\":[\"a/b\",\"AA\"]}}",
		  RC_MALFORMED },
		{ "empty_core",
		  "{\"core\":[\"a/b\",\"\"],\"quote\":[\"a/b\",\"AA\"],\"files\":{\"x\":[\"a/"
		  "b\",\"AA\"]}}",
		  RC_MALFORMED },
		{ "core_a_collection",
		  "{\"core\":{\"x\":[\"a/b\",\"AA\"]},\"quote\":[\"a/"
		  "b\",\"AA\"],\"files\":{\"x\":[\"a/"
		  "b\",\"AA\"]}}",
		  RC_MALFORMED },
		{ "no_quote", "{\"core\":[\"a/b\",\"AA\"],\"files\":{\"x\":[\"a/b\",\"AA\"]}}",
		  RC_MALFORMED },
		{ "no_files", "{\"core\":[\"a/b\",\"AA\"],\"quote\":[\"a/b\",\"AA\"]}",
		  RC_MALFORMED },
		{ "files_a_record",
		  "{\"core\":[\"a/b\",\"AA\"],\"quote\":[\"a/b\",\"AA\"],\"files\":[\"a/"
		  "b\",\"AA\"]}",
		  RC_MALFORMED },
		{ "files_nested",
		  "{\"core\":[\"a/b\",\"AA\"],\"quote\":[\"a/"
		  "b\",\"AA\"],\"files\":{\"x\":{\"y\":[\"a/"
		  "b\",\"AA\"]}}}",
		  RC_MALFORMED },
		{ "no_json", "core", RC_MALFORMED },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evidence_bundle b = { .core = span_str("before") };
		struct arena arena;
		enum rc rc;

		arena_init(&arena, 256 * 1024);
		rc = evidence_bundle_read(&b, &arena, span_str(cases[i].text));
		if (rc != cases[i].want || (rc && !span_equal_str(b.core, "before"))) {
			print_message("%s: %s\n", cases[i].name, rc_name(rc));
			bad++;
		}
		arena_fini(&arena);
	}
	assert_int_equal(bad, 0);
}

static void what_is_not_whole_is_not_written(void **state)
{
	struct evidence_bundle b = whole;
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	assert_int_equal(evidence_bundle_write(&out, &b), RC_LIMIT);
	b.quote.n = 0;
	assert_int_equal(evidence_bundle_write(&out, &b), RC_MALFORMED);
	assert_int_equal(buf_span(&out).n, 0);
	buf_fini(&out);
}

static enum rc read_whole(struct arena *arena, struct span text)
{
	struct evidence_bundle b, before;
	enum rc rc;

	memset(&b, 0xa5, sizeof(b));
	before = b;
	rc = evidence_bundle_read(&b, arena, text);
	if (rc)
		assert_memory_equal(&b, &before, sizeof(b));
	return rc;
}

static void members_one_by_one(void **state)
{
	/* Kinds of members and of bytes are for people; what else is not there
	 * is missed by whoever needs it. */
	static const char *const may[] = { ".__cmwc_t gone", ".__cmwc_t text", "*.0 text",
					   "*.2 gone", "*.2 7", ".event-log gone",
					   ".files.*[!01] gone", ".collateral gone",
					   ".collateral.*[!01] gone", ".acme-info gone",
					   ".manifest gone", ".dnssec gone", NULL };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(evidence_bundle_write(&out, &whole), RC_OK);
	odd_in_arena(read_whole, buf_span(&out), may);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read_is_the_identity),
		cmocka_unit_test(what_must_be_there),
		cmocka_unit_test(what_is_not_whole_is_not_written),
		cmocka_unit_test(members_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
