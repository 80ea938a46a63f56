/* Questions and answers: written and read back, every prefix and a byte more refused, bounds. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "keys/message.h"

static const struct keys_head head = { .type = KEYS_GET, .session = { 1, 2, 3 }, .sequence = 9 };

static struct span body_of(struct wr *w)
{
	struct span s;

	assert_true(wr_done(w, &s));
	return s;
}

/* What stands behind the head, in an allocation of its own. */
static struct span rest_of(struct span body, uint8_t **owned, size_t n)
{
	struct keys_head h;

	assert_int_equal(keys_read_head(&h, &body), RC_OK);
	assert_memory_equal(h.session, head.session, KEYS_SESSION_LEN);
	assert_int_equal(h.sequence, 9);
	*owned = malloc(n ? n : 1);
	memcpy(*owned, body.p, n);
	return span_of(*owned, n);
}

/* Every prefix of 'body' and one byte more are refused by 'read'. */
static void check_lengths(struct span body, enum rc (*read)(void *out, struct span rest))
{
	static uint64_t out[sizeof(struct keys_keys)], before[sizeof(out) / 8];
	size_t n = body.n - KEYS_HEAD_LEN;
	uint8_t *owned;

	memset(before, 0xee, sizeof(before));
	for (size_t i = 0; i < n; i++) {
		struct span rest = rest_of(body, &owned, i);

		memcpy(out, before, sizeof(out));
		assert_int_equal(read(out, rest), RC_MALFORMED);
		assert_memory_equal(out, before, sizeof(out));
		free(owned);
	}
	owned = calloc(1, n + 1);
	memcpy(owned, body.p + KEYS_HEAD_LEN, n);
	assert_int_equal(read(out, span_of(owned, n)), RC_OK);
	assert_int_equal(read(out, span_of(owned, n + 1)), RC_MALFORMED);
	free(owned);
}

static enum rc get(void *out, struct span s)
{
	return keys_read_get(out, s);
}
static enum rc keys(void *out, struct span s)
{
	return keys_read_keys(out, s);
}
static enum rc refused(void *out, struct span s)
{
	return keys_read_refused(out, s);
}
static enum rc epoch(void *out, struct span s)
{
	return keys_read_epoch(out, s);
}
static enum rc epoch_is(void *out, struct span s)
{
	return keys_read_epoch_is(out, s);
}

static void get_written_and_read(void **state)
{
	struct keys_get m = { .wanted = { { 0, KEYS_OF_APP, "env" },
					  { 7, KEYS_OF_INSTANCE, "disk" } },
			      .count = 2 },
			got;
	uint8_t bytes[KEYS_ASK_MAX];
	struct wr w = WR_ARRAY(bytes);
	uint8_t *owned;

	(void)state;
	keys_write_get(&w, &head, &m);
	assert_int_equal(keys_read_get(&got, rest_of(body_of(&w), &owned,
						     body_of(&w).n - KEYS_HEAD_LEN)),
			 RC_OK);
	free(owned);
	assert_memory_equal(&got, &m, sizeof(m));
	check_lengths(body_of(&w), get);
}

static void longest_get_fits(void **state)
{
	struct keys_get m = { .count = KEYS_WANTED_MAX };
	uint8_t bytes[KEYS_ASK_MAX];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	for (size_t i = 0; i < KEYS_WANTED_MAX; i++) {
		m.wanted[i].scope = KEYS_OF_APP;
		memset(m.wanted[i].purpose, 'a', KEYS_PURPOSE_MAX);
	}
	keys_write_get(&w, &head, &m);
	assert_int_equal(body_of(&w).n, KEYS_ASK_MAX);
}

static void bad_gets_refused(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t n;
	} table[] = {
		{ "none", "\0", 1 },
		{ "seventeen", "\21", 1 },
		{ "scope_0", "\1\0\0\0\0\0\4disk", 11 },
		{ "scope_3", "\1\0\0\0\0\3\4disk", 11 },
		{ "purpose_empty", "\1\0\0\0\0\1\0", 7 },
		{ "purpose_upper", "\1\0\0\0\0\1\4Disk", 11 },
	};
	struct keys_get m;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (keys_read_get(&m, span_of(table[i].bytes, table[i].n)) != RC_MALFORMED)
			fail_msg("%s", table[i].name);
}

static void keys_written_and_read(void **state)
{
	struct keys_keys m = { .keys = { { 1, { { 5 } } }, { 2, { { 6 } } } }, .count = 2 }, got;
	uint8_t bytes[256];
	struct wr w = WR_ARRAY(bytes);
	uint8_t *owned;

	(void)state;
	keys_write_keys(&w, &head, &m);
	assert_int_equal(keys_read_keys(&got, rest_of(body_of(&w), &owned,
						      body_of(&w).n - KEYS_HEAD_LEN)),
			 RC_OK);
	free(owned);
	assert_memory_equal(&got, &m, sizeof(m));
	check_lengths(body_of(&w), keys);
	keys_keys_wipe(&got);
	assert_true(span_is_zero(span_of(&got, sizeof(got))));
}

static void refusal_written_and_read(void **state)
{
	struct keys_refused m = { .reason = KEYS_RATE, .detail = "so often" }, got;
	uint8_t bytes[256];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	keys_write_refused(&w, &head, &m);
	check_lengths(body_of(&w), refused);
	assert_int_equal(keys_read_refused(&got, span_of("\xff\xff\2\1x", 5)), RC_OK);
	assert_int_equal(got.reason, KEYS_UNKNOWN);
	assert_string_equal(got.detail, "?x");
	assert_int_equal(keys_read_refused(&got, span_of("\0\0\0", 3)), RC_MALFORMED);
}

static void numbers_written_and_read(void **state)
{
	struct keys_epoch m = { .name = "disk", .raise_to = UINT64_MAX };
	uint8_t bytes[256];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	keys_write_epoch(&w, &head, &m);
	check_lengths(body_of(&w), epoch);
	w = WR_ARRAY(bytes);
	keys_write_epoch_is(&w, &head, 5);
	check_lengths(body_of(&w), epoch_is);
}

static void heads(void **state)
{
	uint8_t bytes[KEYS_HEAD_LEN];
	struct wr w = WR_ARRAY(bytes);
	struct keys_head h;
	struct span s;

	(void)state;
	keys_write_head(&w, &head);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		s = span_of(bytes, i);
		assert_int_equal(keys_read_head(&h, &s), RC_MALFORMED);
		assert_int_equal(s.n, i);
	}
	bytes[0] = 2;
	s = SPAN_ARRAY(bytes);
	assert_int_equal(keys_read_head(&h, &s), RC_UNSUPPORTED);
	bytes[0] = 1;
	for (unsigned t = 0; t < 256; t++) {
		bytes[1] = (uint8_t)t;
		s = SPAN_ARRAY(bytes);
		assert_int_equal(keys_read_head(&h, &s) == RC_OK,
				 (t >= 1 && t <= 5) || t == 16 || t == 17);
	}
}

static void reasons(void **state)
{
	(void)state;
	assert_string_equal(keys_reason_name(KEYS_RATE), "rate_limited");
	assert_string_equal(keys_reason_name(KEYS_REASON_COUNT), "reason_unknown");
	assert_int_equal(KEYS_UNKNOWN, 24);
	assert_true(keys_reason_is_passing(KEYS_NO_QUORUM));
	assert_false(keys_reason_is_passing(KEYS_MEASUREMENT));
}

static void keys_are_erased(void **state)
{
	struct keys_key key = { .epoch = 1, .key = { { 7 } } };

	(void)state;
	keys_key_wipe(&key);
	assert_int_equal(key.key.b[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_written_and_read),
		cmocka_unit_test(longest_get_fits),
		cmocka_unit_test(bad_gets_refused),
		cmocka_unit_test(keys_written_and_read),
		cmocka_unit_test(refusal_written_and_read),
		cmocka_unit_test(numbers_written_and_read),
		cmocka_unit_test(heads),
		cmocka_unit_test(reasons),
		cmocka_unit_test(keys_are_erased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
