/*
 * platforms: a signed list of platforms: what is read, every mistake refused,
 * written and read back, each byte changed and each prefix.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "tee/platforms.h"

#define PPID "0102030405060708090a0b0c0d0e0f10"
#define HEAD "{\"type\":\"postern/platforms/v1\",\"name\":\"example\","
#define MIDDLE \
	"\"serial\":12,\"issued\":\"2026-03-01T00:00:00Z\"," \
	"\"expires\":\"2026-06-01T00:00:00Z\","
#define EMPTY HEAD "\"use\":\"allow\"," MIDDLE "\"platforms\":[]}"
/* One platform with these members. */
#define ONE(members) HEAD "\"use\":\"allow\"," MIDDLE "\"platforms\":[{" members "}]}"

struct fixture {
	struct p256_private *key;
	struct p256_point at;
	struct arena arena;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->key = p256_private_generate();
	p256_private_point(f->key, &f->at);
	arena_init(&f->arena, 1024 * 1024);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	p256_private_free(f->key);
	arena_fini(&f->arena);
	test_free(f);
	return 0;
}

/* Signs an object's bytes as they stand and wraps them. */
static struct span sign(const struct fixture *f, void *room, size_t cap, const char *object)
{
	struct wr w = wr_over(room, cap);
	struct p256_signature sig;

	p256_sign(f->key, &sig, span_str(object));
	wr_printf(&w, "{\"platform_list\": %s,\"signature\":\"", object);
	text_hex(&w, SPAN_ARRAY(sig.rs));
	wr_str(&w, "\"}");
	assert_false(w.over);
	return wr_span(&w);
}

/* clang-format off */
static const struct {
	const char *name, *object;
	enum tee_reason want;
} cases[] = {
	{ "empty", EMPTY, TEE_OK },
	{ "spaced_out", " {\n \"type\" : \"postern/platforms/v1\", \"name\":\"a b\",\"use\":\"deny\","
	  MIDDLE "\"platforms\":[ ] }", TEE_LIST_SIGNATURE },
	{ "spaced_inside", "{\n \"type\" : \"postern/platforms/v1\", \"name\":\"a b\",\"use\":\"deny\","
	  MIDDLE "\"platforms\":[ ] }", TEE_OK },
	{ "platform", ONE("\"ppid\":\"" PPID "\""), TEE_OK },
	{ "ppid_in_upper_case", ONE("\"ppid\":\"0102030405060708090A0B0C0D0E0F10\""), TEE_OK },
	{ "no_ppid", ONE("\"level\":1"), TEE_LIST_MALFORMED },
	{ "short_ppid", ONE("\"ppid\":\"01\""), TEE_LIST_MALFORMED },
	{ "ppid_twice", ONE("\"ppid\":\"" PPID "\",\"ppid\":\"" PPID "\""), TEE_LIST_MALFORMED },
	{ "unknown_member", ONE("\"ppid\":\"" PPID "\",\"from\":1"), TEE_LIST_MALFORMED },
	{ "instance", ONE("\"ppid\":\"" PPID "\",\"instance\":\"" PPID "\""), TEE_OK },
	{ "instance_zero", ONE("\"ppid\":\"" PPID "\",\"instance\":\"00000000000000000000000000000000\""), TEE_LIST_MALFORMED },
	{ "short_instance", ONE("\"ppid\":\"" PPID "\",\"instance\":\"00\""), TEE_LIST_MALFORMED },
	{ "until", ONE("\"ppid\":\"" PPID "\",\"until\":\"2026-05-01T00:00:00Z\""), TEE_OK },
	{ "until_1970_is_not_for_ever", ONE("\"ppid\":\"" PPID "\",\"until\":\"1970-01-01T00:00:00Z\""), TEE_LIST_MALFORMED },
	{ "until_is_number", ONE("\"ppid\":\"" PPID "\",\"until\":1777593600"), TEE_LIST_MALFORMED },
	{ "level", ONE("\"ppid\":\"" PPID "\",\"level\":255"), TEE_OK },
	{ "level_zero", ONE("\"ppid\":\"" PPID "\",\"level\":0"), TEE_LIST_MALFORMED },
	{ "level_too_high", ONE("\"ppid\":\"" PPID "\",\"level\":256"), TEE_LIST_MALFORMED },
	{ "operator", ONE("\"ppid\":\"" PPID "\",\"operator\":\"Example GmbH\""), TEE_OK },
	{ "operator_empty", ONE("\"ppid\":\"" PPID "\",\"operator\":\"\""), TEE_LIST_MALFORMED },
	{ "operator_escaped", ONE("\"ppid\":\"" PPID "\",\"operator\":\"a\\u0007\""), TEE_LIST_MALFORMED },
	{ "operator_null", ONE("\"ppid\":\"" PPID "\",\"operator\":null"), TEE_LIST_MALFORMED },
	{ "platform_is_text", HEAD "\"use\":\"allow\"," MIDDLE "\"platforms\":[\"" PPID "\"]}", TEE_LIST_MALFORMED },
	{ "no_platforms", HEAD "\"use\":\"allow\"," MIDDLE "\"more\":1}", TEE_LIST_MALFORMED },
	{ "unknown_list_member", HEAD "\"use\":\"allow\"," MIDDLE "\"platforms\":[],\"min\":1}", TEE_LIST_MALFORMED },
	{ "unknown_use", HEAD "\"use\":\"shun\"," MIDDLE "\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "use_twice", HEAD "\"use\":\"allow\",\"use\":\"deny\"," MIDDLE "\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "another_type", "{\"type\":\"postern/platforms/v2\",\"name\":\"a\",\"use\":\"allow\"," MIDDLE "\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "no_type", "{\"name\":\"a\",\"use\":\"allow\"," MIDDLE "\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "no_name", "{\"type\":\"postern/platforms/v1\",\"use\":\"allow\"," MIDDLE "\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "expires_before_it_is_issued", HEAD "\"use\":\"allow\",\"serial\":1,\"issued\":\"2026-03-01T00:00:01Z\",\"expires\":\"2026-03-01T00:00:00Z\",\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "in_force_for_a_second", HEAD "\"use\":\"allow\",\"serial\":0,\"issued\":\"2026-03-01T00:00:00Z\",\"expires\":\"2026-03-01T00:00:00Z\",\"platforms\":[]}", TEE_OK },
	{ "never_expires", HEAD "\"use\":\"allow\",\"serial\":1,\"issued\":\"2026-03-01T00:00:01Z\",\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "serial_too_large", HEAD "\"use\":\"allow\",\"serial\":4294967296,\"issued\":\"2026-03-01T00:00:00Z\",\"expires\":\"2026-03-02T00:00:00Z\",\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "serial_negative", HEAD "\"use\":\"allow\",\"serial\":-1,\"issued\":\"2026-03-01T00:00:00Z\",\"expires\":\"2026-03-02T00:00:00Z\",\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "serial_is_text", HEAD "\"use\":\"allow\",\"serial\":\"1\",\"issued\":\"2026-03-01T00:00:00Z\",\"expires\":\"2026-03-02T00:00:00Z\",\"platforms\":[]}", TEE_LIST_MALFORMED },
	{ "list_is_no_object", "[]", TEE_LIST_MALFORMED },
};
/* clang-format on */

static void lists(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct platform_list list, kept;
		char room[1024];

		print_message("%s\n", cases[i].name);
		memset(&list, 0x5a, sizeof(list));
		kept = list;
		assert_int_equal(platforms_read(&list, &f->arena,
						sign(f, room, sizeof(room), cases[i].object),
						&f->at),
				 cases[i].want);
		if (cases[i].want)
			assert_memory_equal(&list, &kept, sizeof(list));
	}
}

/* clang-format off */
static const struct platform two[] = {
	{ .ppid = { 1, 2 }, .instance = { 3 }, .until = 1777593600, .operator= "Example GmbH & sons", .level = 2 },
	{ .ppid = { 0xff } },
};
/* clang-format on */

static const struct platform_list example = {
	.name = "an example/1",
	.use = PLATFORM_DENY,
	.serial = UINT32_MAX,
	.issued_at = 1772323200,
	.expires_at = 1780272000,
	.platforms = two,
	.count = 2,
};

static void read_is_what_was_written(void **state)
{
	struct fixture *f = *state;
	struct platform_list list;
	char room[2048];
	struct wr w = WR_ARRAY(room);

	platforms_write(&w, &example, f->key);
	assert_int_equal(platforms_read(&list, &f->arena, wr_span(&w), &f->at), TEE_OK);
	assert_string_equal(list.name, example.name);
	assert_int_equal(list.use, example.use);
	assert_true(list.serial == example.serial);
	assert_true(list.issued_at == example.issued_at && list.expires_at == example.expires_at);
	assert_int_equal(list.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct platform *p = &list.platforms[i];

		assert_memory_equal(p->ppid, two[i].ppid, 16);
		assert_memory_equal(p->instance, two[i].instance, 16);
		assert_true(p->until == two[i].until && p->level == two[i].level);
	}
	assert_string_equal(list.platforms[0].operator, two[0].operator);
	assert_null(list.platforms[1].operator);
	/* an arena too small, and a writer */
	struct arena tiny;

	arena_init(&tiny, 64);
	assert_int_equal(platforms_read(&list, &tiny, wr_span(&w), &f->at), TEE_LIST_MALFORMED);
	arena_fini(&tiny);
	for (size_t cap = 0; cap < w.n; cap++) {
		char little[2048];
		struct wr v = wr_over(little, cap);

		platforms_write(&v, &example, f->key);
		assert_true(v.over);
	}
}

/* Nothing of the text can be changed: in the signature's digits not the
 * number, in the rest not a byte (but for the case of hex digits outside what
 * is signed). */
static void every_byte_and_prefix(void **state)
{
	struct fixture *f = *state;
	struct platform_list list;
	char room[2048];
	struct wr w = WR_ARRAY(room);
	struct span text;

	platforms_write(&w, &example, f->key);
	text = wr_span(&w);
	for (size_t n = 0; n + 1 < text.n; n++) { /* the last is a newline */
		uint8_t *own = malloc(n ? n : 1);

		memcpy(own, text.p, n);
		assert_int_equal(platforms_read(&list, &f->arena, span_of(own, n), &f->at),
				 TEE_LIST_MALFORMED);
		free(own);
	}
	for (size_t i = 0; i + 1 < text.n; i++) {
		room[i] ^= 1;
		assert_int_not_equal(platforms_read(&list, &f->arena, text, &f->at), TEE_OK);
		room[i] ^= 1;
	}
	assert_int_equal(platforms_read(&list, &f->arena, text, &f->at), TEE_OK);
}

static void envelope(void **state)
{
	struct fixture *f = *state;
	struct p256_private *other = p256_private_generate();
	struct p256_point at, off = { { 1 } };
	struct platform_list list;
	char room[2048];
	struct wr w = WR_ARRAY(room);
	uint8_t *large = calloc(1, PLATFORM_LIST_MAX + 1);

	p256_private_point(other, &at);
	platforms_write(&w, &example, f->key);
	assert_int_equal(platforms_read(&list, &f->arena, wr_span(&w), &at), TEE_LIST_SIGNATURE);
	assert_int_equal(platforms_read(&list, &f->arena, wr_span(&w), &off), TEE_LIST_SIGNATURE);
	/* white space after it is no part of what is signed; more of it, is too much */
	memset(large, ' ', PLATFORM_LIST_MAX + 1);
	memcpy(large, room, w.n);
	assert_int_equal(platforms_read(&list, &f->arena, span_of(large, PLATFORM_LIST_MAX),
					&f->at),
			 TEE_OK);
	assert_int_equal(platforms_read(&list, &f->arena, span_of(large, PLATFORM_LIST_MAX + 1),
					&f->at),
			 TEE_LIST_MALFORMED);
	/* Intel's envelope by the same key is no list of platforms */
	memcpy(large, "{\"tcbInfo\":{},", 14);
	assert_int_equal(platforms_read(&list, &f->arena, span_of(large, w.n), &f->at),
			 TEE_LIST_MALFORMED);
	free(large);
	p256_private_free(other);
}

static void names(void **state)
{
	char long_name[PLATFORM_NAME_MAX + 1];

	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	assert_true(platform_is_name(span_str("a B/1.~")));
	assert_true(platform_is_name(span_of(long_name, PLATFORM_NAME_MAX)));
	assert_false(platform_is_name(span_of(long_name, PLATFORM_NAME_MAX + 1)));
	assert_false(platform_is_name(span_str("")));
	assert_false(platform_is_name(span_str("a\"")));
	assert_false(platform_is_name(span_str("a\\")));
	assert_false(platform_is_name(span_str("a\n")));
	assert_false(platform_is_name(span_str("a\x7f")));
	assert_false(platform_is_name(span_str("\xc3\xa4")));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(lists),
		T(read_is_what_was_written),
		T(every_byte_and_prefix),
		T(envelope),
		T(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
