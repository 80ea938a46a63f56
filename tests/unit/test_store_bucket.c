/* store/bucket: a page of a hash table. */
#include "unit.h"

#include <string.h>

#include "store/bucket.h"

/* Entry n: its key is two bytes, its value n / 4 bytes of n. */
struct many {
	uint8_t keys[BUCKET_ENTRIES_MAX + 1][2], values[BUCKET_VALUE_MAX];
	struct bucket_entry at[BUCKET_ENTRIES_MAX + 1];
	struct bucket b;
};

static void fill(struct many *m, size_t count, size_t value_len)
{
	memset(m->values, 0x5a, sizeof(m->values));
	for (size_t i = 0; i < count; i++) {
		m->keys[i][0] = (uint8_t)(i >> 8);
		m->keys[i][1] = (uint8_t)i;
		m->at[i] = (struct bucket_entry){ (uint32_t)i * 0x9e37'79b9, SPAN_ARRAY(m->keys[i]),
						  span_of(m->values, value_len) };
	}
	m->b = (struct bucket){ .at = m->at, .count = count };
}

/* Whether an entry is in a page, with its value. */
static void check(const uint8_t page[BUCKET_LEN], const struct bucket_entry *e, bool want)
{
	struct span value;
	bool is_found;

	assert_true(bucket_find(&value, &is_found, span_of(page, BUCKET_LEN), e->hash, e->key));
	assert_int_equal(is_found, want);
	assert_true(!want || span_equal(value, e->value));
}

static void written_is_found(void **state)
{
	static const struct {
		size_t count, value_len;
		bool fits;
	} rows[] = {
		{ 0, 0, true }, /* nothing is found in nothing */
		{ 1, BUCKET_VALUE_MAX, true },
		{ 3, BUCKET_VALUE_MAX, true },
		{ 4, BUCKET_VALUE_MAX, false },
		{ BUCKET_ENTRIES_MAX, 7, true },
		{ BUCKET_ENTRIES_MAX + 1, 7, false },
		{ BUCKET_ENTRIES_MAX, 8, false }, /* two granules each */
		{ BUCKET_ENTRIES_MAX / 2, 8, true },
	};
	uint8_t page[BUCKET_LEN];
	struct many m;

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		fill(&m, rows[r].count, rows[r].value_len);
		assert_int_equal(bucket_fits(&m.b), rows[r].fits);
		if (!rows[r].fits)
			continue;
		bucket_write(page, &m.b);
		for (size_t i = 0; i < m.b.count; i++)
			check(page, &m.at[i], true);
		check(page, &(struct bucket_entry){ 77, span_str("no"), { 0 } }, false);
	}
}

/* The same slot, tag and hash: the key decides. */
static void equal_hashes_are_told_apart(void **state)
{
	struct bucket_entry at[] = { { 7, span_str("one"), span_str("1") },
				     { 7, span_str("two"), span_str("2") },
				     { 0xff00'0007, span_str("three"), span_str("3") } };
	struct bucket b = { .at = at, .count = 3 };
	uint8_t page[BUCKET_LEN];
	struct span value;
	bool is_found;

	(void)state;
	bucket_write(page, &b);
	assert_true(bucket_find(&value, &is_found, SPAN_ARRAY(page), 7, span_str("two")));
	assert_true(is_found && span_equal_str(value, "2"));
	assert_true(bucket_find(&value, &is_found, SPAN_ARRAY(page), 7, span_str("three")));
	assert_false(is_found);
	assert_true(bucket_remove(&b, span_str("one")));
	assert_false(bucket_remove(&b, span_str("one")));
	assert_int_equal(b.count, 2);
	assert_true(span_equal_str(at[0].key, "three"));
}

static void read_is_what_was_written(void **state)
{
	struct bucket_entry at[BUCKET_ENTRIES_MAX];
	struct bucket got = { .at = at };
	uint8_t page[BUCKET_LEN];
	struct many m;

	(void)state;
	fill(&m, 100, 9);
	bucket_write(page, &m.b);
	assert_true(bucket_read(&got, SPAN_ARRAY(page)));
	assert_int_equal(got.count, 100);
	for (size_t i = 0; i < 100; i++)
		assert_true(bucket_remove(&got, m.at[i].key));
}

static void split_goes_by_the_next_bit(void **state)
{
	struct bucket_entry at[] = { { 0x4000'0000, span_str("a"), span_str("") },
				     { 0x6000'0000, span_str("b"), span_str("") },
				     { 0x5fff'ffff, span_str("c"), span_str("") } };
	struct bucket b = { .depth = 2, .at = at, .count = 3 }, upper;

	(void)state;
	bucket_split(&b, &upper);
	assert_int_equal(b.depth, 3);
	assert_int_equal(upper.depth, 3);
	assert_int_equal(b.count, 2);
	assert_int_equal(upper.count, 1);
	assert_true(span_equal_str(upper.at[0].key, "b"));
	assert_int_equal(bucket_last(0x4123'4567, 3), 0x5fff'ffff);
	assert_int_equal(bucket_last(0x4123'4567, 0), UINT32_MAX);
	assert_int_equal(bucket_last(0x4123'4567, 32), 0x4123'4567);
}

/* A refusal, a miss, or bytes of the page. */
static void check_bounds(const uint8_t page[BUCKET_LEN], const struct bucket_entry *e)
{
	struct bucket_entry at[BUCKET_ENTRIES_MAX];
	struct bucket got = { .at = at };
	struct span value, whole = span_of(page, BUCKET_LEN);
	bool is_found = false;

	(void)bucket_read(&got, whole);
	assert_true(got.count <= BUCKET_ENTRIES_MAX);
	if (bucket_find(&value, &is_found, whole, e->hash, e->key) && is_found)
		assert_true(value.p >= page && value.p + value.n <= page + BUCKET_LEN);
}

static void changed_pages_are_read_within_their_bounds(void **state)
{
	uint8_t page[BUCKET_LEN];
	struct span value;
	struct many m;
	bool is_found;

	(void)state;
	fill(&m, 3, BUCKET_VALUE_MAX);
	bucket_write(page, &m.b);
	for (size_t i = 0; i < sizeof(page); i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			page[i] ^= (uint8_t)(1 << bit);
			check_bounds(page, &m.at[2]);
			page[i] ^= (uint8_t)(1 << bit);
		}
	assert_false(bucket_find(&value, &is_found, span_of(page, BUCKET_LEN - 1), 0,
				 span_str("x")));
}

static void page_without_a_free_slot_is_none(void **state)
{
	uint8_t page[BUCKET_LEN];
	struct span value = span_str("before");
	bool is_found = true;

	(void)state;
	memset(page, 0xff, sizeof(page));
	for (size_t i = 0; i < 512; i += 2)
		page[i] = 1; /* of another tag */
	assert_false(bucket_find(&value, &is_found, SPAN_ARRAY(page), 0, span_str("x")));
	assert_true(is_found && span_equal_str(value, "before"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_found),
		cmocka_unit_test(equal_hashes_are_told_apart),
		cmocka_unit_test(read_is_what_was_written),
		cmocka_unit_test(split_goes_by_the_next_bit),
		cmocka_unit_test(changed_pages_are_read_within_their_bounds),
		cmocka_unit_test(page_without_a_free_slot_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
