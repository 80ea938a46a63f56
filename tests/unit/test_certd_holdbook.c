/* holdbook: what is held stays so until a person has seen why. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/holdbook.h"

static struct sha256 hash(unsigned n)
{
	struct sha256 h = { .b = { (uint8_t)n, (uint8_t)(n >> 8) } };

	return h;
}

static void held_until_it_is_released(void **state)
{
	struct holdbook *b = mem_new(sizeof(*b));
	const struct sha256 names = hash(1), other = hash(2), cause = hash(3), next = hash(4);

	(void)state;
	assert_false(holdbook_release(b));
	assert_true(holdbook_hold(b, &names, &cause));
	assert_false(holdbook_hold(b, &names, &cause));
	assert_true(holdbook_is_held(b, &names));
	assert_false(holdbook_is_held(b, &other));
	assert_true(holdbook_hold(b, &other, &cause)); /* the same covers two */
	assert_true(holdbook_release(b));
	assert_false(holdbook_is_held(b, &names));
	/* What was seen holds nothing back again; another does. */
	assert_false(holdbook_hold(b, &names, &cause));
	assert_false(holdbook_is_held(b, &names));
	assert_true(holdbook_hold(b, &names, &next));
	assert_true(holdbook_is_held(b, &names));
	free(b);
}

static void more_causes_than_fit_hold_again(void **state)
{
	struct holdbook *b = mem_new(sizeof(*b));
	const struct sha256 names = hash(1);

	(void)state;
	for (unsigned n = 0; n <= HOLDBOOK_CAUSES_MAX; n++) {
		const struct sha256 cause = hash(1000 + n);

		assert_int_equal(holdbook_hold(b, &names, &cause), n < HOLDBOOK_CAUSES_MAX);
		assert_int_equal(holdbook_is_full(b), n + 1 >= HOLDBOOK_CAUSES_MAX);
	}
	assert_true(holdbook_release(b));
	for (unsigned n = 0; n <= HOLDBOOK_CAUSES_MAX; n++) {
		const struct sha256 cause = hash(1000 + n);

		assert_int_equal(holdbook_hold(b, &names, &cause), n == HOLDBOOK_CAUSES_MAX);
	}
	/* The newest that was seen takes the oldest one's place. */
	assert_true(holdbook_release(b));
	assert_int_equal(b->seen.count, HOLDBOOK_CAUSES_MAX);
	assert_int_equal(b->seen.of[HOLDBOOK_CAUSES_MAX - 1].b[0],
			 (uint8_t)(1000 + HOLDBOOK_CAUSES_MAX));
	free(b);
}

/* Names of before a change of the configuration take room, too. */
static void more_names_than_fit_hold_everything(void **state)
{
	struct holdbook *b = mem_new(sizeof(*b)), *back = mem_new(sizeof(*back));
	const struct sha256 cause = hash(1), over = hash(5000), never = hash(6000);
	struct buf json;

	(void)state;
	for (unsigned n = 0; n < HOLDBOOK_HELD_MAX; n++) {
		const struct sha256 names = hash(100 + n);

		assert_true(holdbook_hold(b, &names, &cause));
	}
	assert_false(holdbook_is_full(b));
	assert_false(holdbook_is_held(b, &over));
	assert_true(holdbook_hold(b, &over, &cause));
	assert_false(holdbook_hold(b, &over, &cause));
	assert_true(holdbook_is_held(b, &over));
	assert_true(holdbook_is_held(b, &never)); /* nobody knows */
	assert_true(holdbook_is_full(b));
	/* It is kept, and ended by a person alone. */
	buf_init(&json, HOLDBOOK_STATE_MAX);
	assert_int_equal(holdbook_write(&json, b), RC_OK);
	assert_int_equal(holdbook_read(back, buf_span(&json)), RC_OK);
	assert_true(holdbook_is_held(back, &over));
	assert_true(holdbook_release(back));
	assert_false(holdbook_is_held(back, &over));
	assert_false(holdbook_is_full(back));
	/* Also where nothing else is left of it. */
	b->held.count = b->causes.count = 0;
	assert_true(holdbook_release(b));
	buf_fini(&json);
	free(b);
	free(back);
}

static void document_is_read_back_and_its_prefixes_are_not(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"v\":2,\"held\":[],\"causes\":[],\"seen\":[]}",
		"{\"v\":1,\"held\":[],\"causes\":[]}",
		"{\"v\":1,\"held\":[1],\"causes\":[],\"seen\":[]}",
		"{\"v\":1,\"held\":[\"00\"],\"causes\":[],\"seen\":[]}",
		"{\"v\":1,\"held\":{},\"causes\":[],\"seen\":[]}",
		"{\"v\":1,\"held\":[],\"causes\":[],\"seen\":[],\"over\":false}",
		"{\"v\":1,\"held\":[],\"causes\":[],\"seen\":[],\"over\":1}",
	};
	struct holdbook *b = mem_new(sizeof(*b)), *back = mem_new(sizeof(*back));
	const struct sha256 names = hash(1), cause = hash(2), next = hash(3);
	struct buf json;

	(void)state;
	assert_true(holdbook_hold(b, &names, &cause));
	assert_true(holdbook_release(b));
	assert_true(holdbook_hold(b, &names, &next));
	buf_init(&json, HOLDBOOK_STATE_MAX);
	assert_int_equal(holdbook_write(&json, b), RC_OK);
	assert_int_equal(holdbook_read(back, buf_span(&json)), RC_OK);
	assert_memory_equal(back, b, sizeof(*b));
	for (size_t n = 0; n < json.n; n++)
		assert_int_equal(holdbook_read(back, span_of(buf_span(&json).p, n)),
				 RC_MALFORMED);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(holdbook_read(back, span_str(wrong[i])), RC_MALFORMED);
	assert_memory_equal(back, b, sizeof(*b));
	buf_fini(&json);
	free(b);
	free(back);
}

/* As full as it can be. */
static void a_full_one_fits(void **state)
{
	struct holdbook *b = mem_new(sizeof(*b));
	struct buf json;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (unsigned n = 0; n < HOLDBOOK_CAUSES_MAX; n++) {
			const struct sha256 names = hash(n);
			const struct sha256 cause = hash(1000U * (unsigned)(round + 1) + n);

			(void)holdbook_hold(b, &names, &cause);
		}
		if (round == 0)
			assert_true(holdbook_release(b));
	}
	assert_int_equal(b->held.count, HOLDBOOK_HELD_MAX);
	buf_init(&json, HOLDBOOK_STATE_MAX);
	assert_int_equal(holdbook_write(&json, b), RC_OK);
	assert_int_equal(holdbook_read(b, buf_span(&json)), RC_OK);
	buf_fini(&json);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_until_it_is_released),
		cmocka_unit_test(more_causes_than_fit_hold_again),
		cmocka_unit_test(more_names_than_fit_hold_everything),
		cmocka_unit_test(document_is_read_back_and_its_prefixes_are_not),
		cmocka_unit_test(a_full_one_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
