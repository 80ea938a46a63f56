/* The core: written, read, and everything that is refused. */
#include "unit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "evidence_made.h"
#include "json_odd.h"

enum {
	ARENA_MAX = 1024 * 1024,
};

struct fixture {
	struct p256_private *key;
	struct buf text;
};

static int setup(void **state)
{
	static struct fixture f;
	struct evidence_core core;

	f.key = p256_private_generate();
	buf_init(&f.text, CORE_MAX);
	made_core(&core, f.key);
	assert_int_equal(evidence_core_write(&f.text, &core), RC_OK);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	p256_private_free(f->key);
	buf_fini(&f->text);
	return 0;
}

static void written_and_read_is_the_identity(void **state)
{
	struct fixture *f = *state;
	struct evidence_core core;
	struct sha256 hash;
	struct arena arena;
	struct buf again;

	arena_init(&arena, ARENA_MAX);
	buf_init(&again, CORE_MAX);
	assert_int_equal(evidence_core_read(&core, &arena, buf_span(&f->text)), RC_OK);
	assert_int_equal(evidence_core_write(&again, &core), RC_OK);
	assert_true(span_equal(buf_span(&again), buf_span(&f->text)));
	sha256_of(&hash, buf_span(&f->text));
	assert_memory_equal(core.hash.b, hash.b, sizeof(hash.b));
	assert_true(span_equal(core.bytes, buf_span(&f->text)));
	assert_int_equal(core.certs[0].scts[1].proof_count, 3);
	assert_true(span_equal(core.certs[0].scts[1].checkpoint, made_scts[1].checkpoint));
	assert_true(span_equal(core.caa[0].records[1], made_records[1]));
	assert_false(core.caa[1].has_proof);
	assert_int_equal(core.caa[0].since, MADE_AT - 90000);
	assert_int_equal(core.caa[1].since, 0);
	assert_int_equal(core.keys[1].retired_at, MADE_AT - 7000);
	assert_true(holder_is_proved(&core.account,
				     &(struct holder_context){ core.issued_at, core.expires_at,
							       core.spki, core.spki_count }));
	arena_fini(&arena);
	buf_fini(&again);
}

/* The first 'find' becomes 'put'. */
static const struct {
	const char *name, *find, *put;
	enum rc want;
} edits[] = {
	{ "same", "\"v\":2", "\"v\":2", RC_OK },
	{ "white_space", "\"v\":2", "\"v\": 2", RC_OK },
	{ "other_version", "\"v\":2", "\"v\":3", RC_UNSUPPORTED },
	{ "version_as_text", "\"v\":2", "\"v\":\"2\"", RC_MALFORMED },
	{ "unknown_member", "\"v\":2", "\"v\":2,\"w\":1", RC_MALFORMED },
	{ "member_twice", "\"v\":2", "\"v\":2,\"v\":2", RC_MALFORMED },
	{ "member_twice_escaped", "\"v\":2", "\"v\":2,\"\\u0076\":2", RC_MALFORMED },
	{ "unknown_member_inside", "\"log_id\":", "\"x\":1,\"log_id\":", RC_MALFORMED },
	{ "no_names", "[\"www.example.org\",\"*.shop.example.org\"]", "[]", RC_MALFORMED },
	{ "name_not_ascii", "\"www.example.org\"", "\"www.ex\xc3\xa4mple.org\"", RC_MALFORMED },
	{ "name_with_nul", "\"www.example.org\"", "\"www\\u0000.example.org\"", RC_MALFORMED },
	{ "name_no_text", "\"www.example.org\"", "7", RC_MALFORMED },
	{ "hash_upper_case", "\"spki_sha256\":[\"01", "\"spki_sha256\":[\"0A", RC_MALFORMED },
	{ "hash_short", "\"spki_sha256\":[\"01", "\"spki_sha256\":[\"", RC_MALFORMED },
	{ "expires_before_issue", "\"expires_at\":18000", "\"expires_at\":17000", RC_MALFORMED },
	{ "lives_too_long", "\"expires_at\":18000", "\"expires_at\":19000", RC_MALFORMED },
	{ "time_negative", "\"issued_at\":", "\"issued_at\":-", RC_MALFORMED },
	{ "since_zero", "\"since\":1799910000", "\"since\":0", RC_MALFORMED },
	{ "since_as_text", "\"since\":1799910000", "\"since\":\"1\"", RC_MALFORMED },
	{ "time_fraction", "\"t0\":1", "\"t0\":0.1", RC_MALFORMED },
	{ "directory_http", "\"directory\":\"https:", "\"directory\":\"http:", RC_MALFORMED },
	{ "curve", "P-256", "P-384", RC_MALFORMED },
	{ "key_type", "\"kty\":\"EC\"", "\"kty\":\"RSA\"", RC_MALFORMED },
	{ "key_off_curve", "\"x\":\"", "\"x\":\"AA", RC_MALFORMED },
	{ "bool_as_number", "\"quoted\":true", "\"quoted\":1", RC_MALFORMED },
	{ "proof_without_index", "\"index\":7,", "", RC_MALFORMED },
	{ "index_without_proof", "\"timestamp\":1799999000000",
	  "\"timestamp\":1799999000000,\"index\":1", RC_MALFORMED },
	{ "record_no_base64url", "\"records\":[\"AA", "\"records\":[\"A=", RC_MALFORMED },
	{ "missing_timeline", "\"timeline\"", "\"timelime\"", RC_MALFORMED },
	{ "list_no_array", "\"certs\":[", "\"certs\":{},\"cert\":[", RC_MALFORMED },
	{ "null", "\"ct\":", "\"ct\":null,\"x\":", RC_MALFORMED },
};

static struct span edited(struct buf *out, struct span text, const char *find, const char *put)
{
	const uint8_t *at = memmem(text.p, text.n, find, strlen(find));

	if (!at)
		fail_msg("not there: %s", find);
	buf_reset(out);
	assert_true(buf_add(out, span_of(text.p, (size_t)(at - text.p))));
	assert_true(buf_add(out, span_str(put)));
	at += strlen(find);
	assert_true(buf_add(out, span_of(at, text.n - (size_t)(at - text.p))));
	return buf_span(out);
}

static void edits_are_judged(void **state)
{
	struct fixture *f = *state;
	struct buf out;
	int bad = 0;

	buf_init(&out, CORE_MAX);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		struct evidence_core core = { .issued_at = 42 };
		struct span text = edited(&out, buf_span(&f->text), edits[i].find, edits[i].put);
		struct arena arena;
		enum rc rc;

		arena_init(&arena, ARENA_MAX);
		rc = evidence_core_read(&core, &arena, text);
		if (rc != edits[i].want || (rc && core.issued_at != 42)) {
			print_message("%s: %s\n", edits[i].name, rc_name(rc));
			bad++;
		}
		arena_fini(&arena);
	}
	buf_fini(&out);
	assert_int_equal(bad, 0);
}

/* By a name's own word, where there is one. */
static void pinned_since_is_a_names_own(void **state)
{
	struct core_caa caa[] = {
		{ .name = span_str("a.test"), .since = 1000 },
		{ .name = span_str("*.a.test"), .since = 2000 },
		{ .name = span_str("www.a.test"), .since = 3000 },
		{ .name = span_str("b.test") },
	};
	static const struct {
		const char *host;
		int64_t t1, want;
	} table[] = {
		{ "a.test", 90000, 1000 },
		{ "x.a.test", 90000, 2000 },
		{ "www.a.test", 90000, 3000 }, /* the last that stands for it */
		{ "b.test", 90000, 90000 - CORE_REUSE_S },
		{ "c.test", 90000, 90000 - CORE_REUSE_S },
		{ "b.test", CORE_NEVER, CORE_NEVER },
		{ "a.test", CORE_NEVER, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct evidence_core core = { .caa = caa,
						    .caa_count = 4,
						    .timeline = { .t1 = table[i].t1 } };

		if (core_pinned_at(&core, span_str(table[i].host)) != table[i].want)
			fail_msg("%s %zu", table[i].host, i);
	}
}

static void every_prefix_is_refused(void **state)
{
	struct fixture *f = *state;
	struct span text = buf_span(&f->text);

	for (size_t n = 0; n < text.n; n++) {
		uint8_t *copy = mem_new(n + !n);
		struct evidence_core core;
		struct arena arena;

		memcpy(copy, text.p, n);
		arena_init(&arena, ARENA_MAX);
		assert_int_equal(evidence_core_read(&core, &arena, span_of(copy, n)), RC_MALFORMED);
		arena_fini(&arena);
		free(copy);
	}
}

static void limits_are_limits(void **state)
{
	struct fixture *f = *state;
	struct evidence_core core;
	struct arena arena;
	struct buf out;
	uint8_t *large = mem_new(CORE_MAX + 1);

	arena_init(&arena, ARENA_MAX);
	assert_int_equal(evidence_core_read(&core, &arena, span_of(large, CORE_MAX + 1)), RC_LIMIT);
	arena_fini(&arena);
	arena_init(&arena, 4096);
	assert_int_equal(evidence_core_read(&core, &arena, buf_span(&f->text)), RC_LIMIT);
	arena_fini(&arena);
	free(large);

	buf_init(&out, 100);
	made_core(&core, f->key);
	assert_int_equal(evidence_core_write(&out, &core), RC_LIMIT);
	assert_int_equal(buf_span(&out).n, 0);
	buf_fini(&out);

	core.name_count = 0;
	buf_init(&out, CORE_MAX);
	assert_int_equal(evidence_core_write(&out, &core), RC_MALFORMED);
	assert_int_equal(buf_span(&out).n, 0);
	buf_fini(&out);
}

static enum rc read_core(struct arena *arena, struct span text)
{
	static struct evidence_core c, before;
	enum rc rc;

	memset(&c, 0xa5, sizeof(c));
	before = c;
	rc = evidence_core_read(&c, arena, text);
	if (rc)
		assert_memory_equal(&c, &before, sizeof(c));
	return rc;
}

static void members_one_by_one(void **state)
{
	/* Lists of any length but for names and keys, which are not empty; times
	 * and sizes of any value, and texts that are names of things. */
	static const char *const may[] = {
		"*.[0-9] gone",
		"*.[0-9] twice",
		".certs array",
		".keys array",
		".caa array",
		"*.scts array",
		"*.proof array",
		".keys.?.tbs_sha256 array",
		"*.records array",
		"*.sources array",
		"*.legacy array",
		"*.heads array",
		"*.unknown array",
		"*.not_before 7",
		"*.not_after 7",
		"*.timestamp 7",
		"*.index 7",
		"*.size 7",
		"*.made_at 7",
		"*.retired_at 7",
		".caa.?.at 7",
		".caa.?.since 7",
		".caa.?.since gone",
		".timeline.t[01] 7",
		"*.safe_at 7",
		"*ed true",
		"*.exclusive true",
		".names.? text",
		".acme.profile text",
		".acme.challenges text",
		"*.file text",
		"*.checkpoint text",
		".caa.?.name text",
		".caa.?.found_at text",
		"*.sources.? text",
		"*.proof_sha256 gone",
		".ct.log_list_sha256 gone",
		NULL
	};
	struct p256_private *key = p256_private_generate();
	struct evidence_core core;
	struct buf out;

	(void)state;
	made_core(&core, key);
	p256_private_free(key);
	buf_init(&out, CORE_MAX);
	assert_int_equal(evidence_core_write(&out, &core), RC_OK);
	odd_in_arena(read_core, buf_span(&out), may);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read_is_the_identity),
		cmocka_unit_test(pinned_since_is_a_names_own),
		cmocka_unit_test(edits_are_judged),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(limits_are_limits),
		cmocka_unit_test(members_one_by_one),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
