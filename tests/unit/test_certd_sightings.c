/* sightings: what makes evidence out of date: all but heads, and CAA by what was published. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/sightings.h"

static struct sighting_caa caa(const char *name, uint8_t set, bool is_exclusive)
{
	struct sighting_caa c = { .set = { { set } }, .is_exclusive = is_exclusive };

	strcpy(c.name, name);
	return c;
}

static void caa_is_news_when_evidence_says_otherwise(void **state)
{
	static const struct {
		const char *what, *name;
		uint8_t set;
		bool is_exclusive, is_news;
	} table[] = {
		{ "the_same", "b.test", 2, true, false },
		{ "another_set", "b.test", 3, true, true },
		{ "open_above", "b.test", 2, false, true },
		{ "not_shown", "c.test", 9, false, false },
	};
	const struct sighting_caa shown[] = { caa("a.test", 1, true), caa("b.test", 2, true) };
	struct sightings *s = sightings_new();

	(void)state;
	/* Before there is evidence nothing can be out of date. */
	assert_false(sightings_caa_seen(s, shown, 2));
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct sighting_caa seen[] = {
			caa("a.test", 1, true),
			caa(table[i].name, table[i].set, table[i].is_exclusive),
		};
		uint64_t before;

		print_message("%s\n", table[i].what);
		sightings_caa_shown(s, shown, 2);
		before = sightings_version(s);
		assert_int_equal(sightings_caa_seen(s, seen, 2), table[i].is_news);
		assert_int_equal(sightings_version(s) != before, table[i].is_news);
		/* Until it was made anew it is so at each look. */
		assert_int_equal(sightings_caa_seen(s, seen, 2), table[i].is_news);
		sightings_caa_shown(s, seen, 2);
		assert_false(sightings_caa_seen(s, seen, 2));
	}
	sightings_free(s);
}

static void heads_alone_are_no_news(void **state)
{
	struct sightings *s = sightings_new();
	struct sightings_view *v = mem_new(sizeof(*v));
	uint64_t version;

	(void)state;
	v->head_count = 1;
	v->legacy_count = v->unknown_count = 1;
	sightings_put(s, v);
	version = sightings_version(s);
	v->heads[0].size = 7;
	sightings_put(s, v);
	assert_int_equal(sightings_version(s), version);
	v->legacy[0].is_revoked = true;
	sightings_put(s, v);
	assert_int_equal(sightings_version(s), version + 1);
	v->legacy[0].tbs.b[5] = 1;
	sightings_put(s, v);
	assert_int_equal(sightings_version(s), version + 2);
	v->unknown[0].b[0] = 1;
	sightings_put(s, v);
	assert_int_equal(sightings_version(s), version + 3);
	free(v);
	sightings_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caa_is_news_when_evidence_says_otherwise),
		cmocka_unit_test(heads_alone_are_no_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
