/* pinbook: what a look changes, the two times, and the bytes they are kept in. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/pinbook.h"

enum {
	T = 1'767'225'600,
};

static void add(struct names *out, const char *name)
{
	assert_int_equal(names_put(out, span_str(name)), RC_OK);
}

static struct pins *pins_of(const char *const *names)
{
	struct names *list = mem_new(sizeof(*list));
	struct pins *p = mem_new(sizeof(*p));

	for (; *names; names++)
		add(list, *names);
	assert_int_equal(pins_add_names(p, list), RC_OK);
	free(list);
	return p;
}

static struct pinbook *made(void)
{
	static const char *const names[] = { "a.test", "*.b.test", NULL };
	struct pins *p = pins_of(names);
	struct pinbook *b = mem_new(sizeof(*b));

	pinbook_begin(b, p, 0);
	free(p);
	return b;
}

/* The first time stays; the other begins anew whenever others were let in. */
static void looks(void **state)
{
	static const struct {
		enum pins_state saw;
		int64_t at;
		bool is_news;
		int64_t first, since;
	} table[] = {
		{ PINS_UNKNOWN, T, false, 0, 0 },
		{ PINS_DRIFTED, T + 1, false, 0, 0 },
		{ PINS_HELD, T + 2, true, T + 2, T + 2 },
		{ PINS_HELD, T + 3, false, T + 2, T + 2 },
		{ PINS_ABOVE, T + 4, false, T + 2, T + 2 },
		{ PINS_UNKNOWN, T + 5, false, T + 2, T + 2 },
		{ PINS_DRIFTED, T + 6, true, T + 2, 0 },
		{ PINS_UNKNOWN, T + 7, false, T + 2, 0 },
		{ PINS_HELD, T + 8, true, T + 2, T + 8 },
		{ PINS_BLOCKED, T + 9, true, T + 2, 0 },
		{ PINS_ABOVE, T + 10, true, T + 2, T + 10 },
		{ PINS_DRIFTED, T + 11, true, T + 2, 0 },
		{ PINS_HELD, T - 99, true, T + 2, T + 2 }, /* the clock was set back */
	};
	struct pinbook *b = made();

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct pinbook_name *n = pinbook_find(b, "b.test");

		print_message("%zu\n", i);
		assert_int_equal(pinbook_saw(b, "b.test", table[i].saw, table[i].at),
				 table[i].is_news);
		assert_int_equal(n->first_at, table[i].first);
		assert_int_equal(n->since_at, table[i].since);
	}
	assert_int_equal(pinbook_find(b, "a.test")->first_at, 0);
	assert_false(pinbook_saw(b, "c.test", PINS_HELD, T));
	assert_null(pinbook_find(b, "c.test"));
	free(b);
}

static void the_last_of_the_names_counts(void **state)
{
	struct pinbook *b = made();
	struct names *names = mem_new(sizeof(*names));
	int64_t since = T;

	(void)state;
	add(names, "192.0.2.1"); /* has no CAA */
	assert_true(pinbook_since(b, names, &since));
	assert_int_equal(since, T);
	add(names, "a.test");
	assert_false(pinbook_since(b, names, &since));
	assert_true(pinbook_saw(b, "a.test", PINS_HELD, T + 5));
	assert_true(pinbook_since(b, names, &since));
	assert_int_equal(since, T + 5);
	add(names, "*.b.test");
	assert_false(pinbook_since(b, names, &since));
	assert_true(pinbook_saw(b, "b.test", PINS_HELD, T + 3));
	since = T + 9;
	assert_true(pinbook_since(b, names, &since));
	assert_int_equal(since, T + 9);
	add(names, "unheard.test");
	assert_false(pinbook_since(b, names, &since));
	free(names);
	free(b);
}

static void names_come_and_go(void **state)
{
	static const char *const next[] = { "b.test", "c.test", NULL },
				 *const back[] = { "a.test", NULL };
	struct pins *p = pins_of(next), *q = pins_of(back);
	struct pinbook *b = made();

	(void)state;
	assert_true(pinbook_saw(b, "a.test", PINS_HELD, T));
	assert_true(pinbook_saw(b, "b.test", PINS_HELD, T));
	pinbook_begin(b, p, 0);
	assert_int_equal(b->count, 2);
	assert_int_equal(pinbook_find(b, "b.test")->since_at, T);
	assert_int_equal(pinbook_find(b, "c.test")->first_at, 0);
	/* One that was away begins anew. */
	pinbook_begin(b, q, T + 7);
	assert_int_equal(pinbook_find(b, "a.test")->first_at, T + 7);
	assert_int_equal(pinbook_find(b, "a.test")->since_at, 0);
	free(p);
	free(q);
	free(b);
}

static void document_is_read_back_and_its_prefixes_are_not(void **state)
{
	static const char *const wrong[] = {
		"{\"v\":2,\"names\":[]}",
		"{\"v\":1}",
		"{\"v\":1,\"names\":[{\"name\":\"\",\"first\":1,\"since\":1}]}",
		"{\"v\":1,\"names\":[{\"name\":\"a\",\"first\":0,\"since\":1}]}",
		"{\"v\":1,\"names\":[{\"name\":\"a\",\"first\":1}]}",
		"{\"v\":1,\"names\":[{\"name\":\"a\",\"first\":\"1\",\"since\":1}]}",
		"{\"v\":1,\"names\":[{\"name\":\"a\\u0000\",\"first\":1,\"since\":1}]}",
		("{\"v\":1,\"names\":[{\"name\":\"a\",\"first\":1,\"since\":1},"
		 "{\"name\":\"a\",\"first\":1,\"since\":1}]}"),
	};
	struct pinbook *b = made(), *back = mem_new(sizeof(*back));
	struct buf json;

	(void)state;
	assert_true(pinbook_saw(b, "a.test", PINS_HELD, T));
	assert_true(pinbook_saw(b, "a.test", PINS_DRIFTED, T));
	assert_true(pinbook_saw(b, "b.test", PINS_HELD, T + 1));
	buf_init(&json, PINBOOK_STATE_MAX);
	assert_int_equal(pinbook_write(&json, b), RC_OK);
	assert_int_equal(pinbook_read(back, buf_span(&json)), RC_OK);
	assert_memory_equal(back, b, sizeof(*b));
	for (size_t n = 0; n < json.n; n++)
		assert_int_equal(pinbook_read(back, span_of(buf_span(&json).p, n)), RC_MALFORMED);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(pinbook_read(back, span_str(wrong[i])), RC_MALFORMED);
	assert_memory_equal(back, b, sizeof(*b));
	buf_fini(&json);
	free(b);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks),
		cmocka_unit_test(the_last_of_the_names_counts),
		cmocka_unit_test(names_come_and_go),
		cmocka_unit_test(document_is_read_back_and_its_prefixes_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
