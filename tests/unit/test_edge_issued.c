/* issued: postern-cert's document, its grammar and its bounds. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "edge/issued.h"

#define CERT(names) "{\"names\":" names ",\"chain\":\"C\\nD\",\"key\":\"K\"}"
#define PROOF(name) "{\"name\":" name ",\"chain\":\"P\",\"key\":\"Q\"}"
#define DOC(certs, proofs) \
	"{\"generation\":7,\"certificates\":[" certs "],\"proofs\":[" proofs "]}"

static enum rc read_text(struct issued *out, struct arena *arena, const char *text)
{
	arena_init(arena, ISSUED_ARENA_MAX);
	return issued_read(out, arena, span_str(text));
}

static void document_is_read(void **state)
{
	struct issued i;
	struct arena arena;

	(void)state;
	assert_int_equal(read_text(&i, &arena,
				   DOC(CERT("[\"*.a.test\",\"a.test\"]") "," CERT("[\"b.test\"]"),
				       PROOF("\"www.a.test\""))),
			 RC_OK);
	assert_int_equal(i.generation, 7);
	assert_int_equal(i.certificate_count, 2);
	assert_int_equal(i.certificates[0].name_count, 2);
	assert_true(span_equal_str(i.certificates[0].names[0], "*.a.test"));
	assert_true(span_equal_str(i.certificates[0].names[1], "a.test"));
	assert_true(span_equal_str(i.certificates[0].chain, "C\nD"));
	assert_true(span_equal_str(i.certificates[1].key, "K"));
	assert_int_equal(i.answer_count, 0);
	assert_int_equal(i.proof_count, 1);
	assert_true(span_equal_str(i.proofs[0].names[0], "www.a.test"));
	assert_true(span_equal_str(i.proofs[0].key, "Q"));
	arena_wipe(&arena);
}

#define ANSWER(name, token, value) \
	"{\"name\":" name ",\"token\":" token ",\"value\":" value "}"
#define WITH(answers) \
	"{\"generation\":7,\"certificates\":[],\"proofs\":[],\"answers\":" answers "}"

static void answers_are_read(void **state)
{
	struct issued i;
	struct arena arena;

	(void)state;
	assert_int_equal(read_text(&i, &arena,
				   WITH("[" ANSWER("\"a.test\"", "\"t-_9\"", "\"t-_9.x\"") "]")),
			 RC_OK);
	assert_int_equal(i.answer_count, 1);
	assert_true(span_equal_str(i.answers[0].name, "a.test"));
	assert_true(span_equal_str(i.answers[0].token, "t-_9"));
	assert_true(span_equal_str(i.answers[0].value, "t-_9.x"));
	arena_wipe(&arena);
}

static const struct {
	const char *name, *text;
	enum rc want;
} ROWS[] = {
	{ "no_answer", WITH("[]"), RC_OK },
	{ "answers_object_rejected", WITH("{}"), RC_MALFORMED },
	{ "answer_text_rejected", WITH("[\"a\"]"), RC_MALFORMED },
	{ "wildcard_answer_rejected", WITH("[" ANSWER("\"*.a.test\"", "\"t\"", "\"v\"") "]"),
	  RC_MALFORMED },
	{ "answer_of_an_address_rejected",
	  WITH("[" ANSWER("\"192.0.2.1\"", "\"t\"", "\"v\"") "]"), RC_MALFORMED },
	{ "empty_token_rejected", WITH("[" ANSWER("\"a.test\"", "\"\"", "\"v\"") "]"),
	  RC_MALFORMED },
	{ "token_with_a_slash_rejected", WITH("[" ANSWER("\"a.test\"", "\"a/b\"", "\"v\"") "]"),
	  RC_MALFORMED },
	{ "value_of_two_lines_rejected",
	  WITH("[" ANSWER("\"a.test\"", "\"t\"", "\"v\\r\\nSet-Cookie: x\"") "]"), RC_MALFORMED },
	{ "value_number_rejected", WITH("[" ANSWER("\"a.test\"", "\"t\"", "7") "]"), RC_MALFORMED },
	{ "nothing_is_issued", DOC("", ""), RC_OK },
	{ "other_members_skipped",
	  "{\"x\":[1],\"generation\":1,\"certificates\":[],\"proofs\":[]}", RC_OK },
	{ "empty_text_rejected", "", RC_MALFORMED },
	{ "no_object_rejected", "[]", RC_MALFORMED },
	{ "garbage_rejected", "<html>", RC_MALFORMED },
	{ "bytes_behind_rejected", DOC("", "") "x", RC_MALFORMED },
	{ "no_generation_rejected", "{\"certificates\":[],\"proofs\":[]}", RC_MALFORMED },
	{ "generation_text_rejected",
	  "{\"generation\":\"7\",\"certificates\":[],\"proofs\":[]}", RC_MALFORMED },
	{ "no_certificates_rejected", "{\"generation\":1,\"proofs\":[]}", RC_MALFORMED },
	{ "no_proofs_rejected", "{\"generation\":1,\"certificates\":[]}", RC_MALFORMED },
	{ "certificates_object_rejected",
	  "{\"generation\":1,\"certificates\":{},\"proofs\":[]}", RC_MALFORMED },
	{ "certificate_number_rejected", DOC("1", ""), RC_MALFORMED },
	{ "no_names_rejected", DOC(CERT("[]"), ""), RC_MALFORMED },
	{ "names_text_rejected", DOC(CERT("\"a.test\""), ""), RC_MALFORMED },
	{ "name_number_rejected", DOC(CERT("[1]"), ""), RC_MALFORMED },
	{ "upper_case_rejected", DOC(CERT("[\"A.test\"]"), ""), RC_MALFORMED },
	{ "address_rejected", DOC(CERT("[\"192.0.2.1\"]"), ""), RC_MALFORMED },
	{ "star_inside_rejected", DOC(CERT("[\"a.*.test\"]"), ""), RC_MALFORMED },
	{ "no_chain_rejected", DOC("{\"names\":[\"a.test\"],\"key\":\"K\"}", ""), RC_MALFORMED },
	{ "empty_key_rejected",
	  DOC("{\"names\":[\"a.test\"],\"chain\":\"C\",\"key\":\"\"}", ""), RC_MALFORMED },
	{ "wildcard_proof_rejected", DOC("", PROOF("\"*.a.test\"")), RC_MALFORMED },
	{ "proof_without_name_rejected", DOC("", "{\"chain\":\"P\",\"key\":\"Q\"}"), RC_MALFORMED },
};

static void mistakes_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
		struct issued out = { .generation = 99 };
		struct arena arena;
		enum rc rc = read_text(&out, &arena, ROWS[i].text);

		if (rc != ROWS[i].want || (rc && out.generation != 99))
			fail_msg("%s: %s", ROWS[i].name, rc_name(rc));
		arena_wipe(&arena);
	}
}

/* "[x,x,...]" of one more than there may be. */
static enum rc many(const char *before, const char *one, size_t count, const char *after)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct arena arena;
	struct issued out;
	enum rc rc;

	buf_init(&text, ISSUED_MAX);
	assert_true(buf_add(&text, span_str(before)));
	for (size_t i = 0; i < count; i++)
		assert_true(buf_add(&text, span_str(i ? "," : "")) &&
			    buf_add(&text, span_str(one)));
	assert_true(buf_add(&text, span_str(after)));
	arena_init(&arena, ISSUED_ARENA_MAX);
	rc = issued_read(&out, &arena, buf_span(&text));
	arena_wipe(&arena);
	return rc;
}

static void bounds_hold(void **state)
{
	static const struct {
		const char *before, *one, *after;
		size_t max;
	} rows[] = {
		{ "{\"generation\":1,\"proofs\":[],\"certificates\":[", CERT("[\"a.test\"]"), "]}",
		  ISSUED_CERTIFICATES_MAX },
		{ "{\"generation\":1,\"certificates\":[],\"proofs\":[", PROOF("\"a.test\""), "]}",
		  ISSUED_PROOFS_MAX },
		{ "{\"generation\":1,\"proofs\":[],\"certificates\":[{\"chain\":\"C\","
		  "\"key\":\"K\",\"names\":[",
		  "\"a.test\"", "]}]}", ISSUED_NAMES_MAX },
		{ "{\"generation\":1,\"proofs\":[],\"certificates\":[],\"answers\":[",
		  ANSWER("\"a.test\"", "\"t\"", "\"v\""), "]}", ISSUED_ANSWERS_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(many(rows[i].before, rows[i].one, rows[i].max, rows[i].after),
				 RC_OK);
		assert_int_equal(many(rows[i].before, rows[i].one, rows[i].max + 1, rows[i].after),
				 RC_LIMIT);
	}
}

static void every_prefix_is_refused(void **state)
{
	static const char text[] = DOC(CERT("[\"a.test\"]"), PROOF("\"b.test\""));

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		AUTO(mem_auto_free)
		char *part = mem_dup_n(text, n);
		struct issued out;
		struct arena arena;

		assert_int_equal(read_text(&out, &arena, part), RC_MALFORMED);
		arena_wipe(&arena);
	}
}

static void is_kept_beside_files(void **state)
{
	struct files f = { 0 };
	struct span found;

	(void)state;
	assert_false(issued_find(&f, &found));
	assert_int_equal(issued_keep(&f, span_str("one")), RC_OK);
	assert_int_equal(issued_keep(&f, span_str("two")), RC_OK);
	assert_true(issued_find(&f, &found) && span_equal_str(found, "two"));
	assert_int_equal(f.count, 1);
	files_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document_is_read),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(mistakes_are_refused),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(is_kept_beside_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
