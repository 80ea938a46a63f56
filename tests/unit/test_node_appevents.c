/* The app's events on disk: what is written is read, and what is not a line is
 * none. */
#include "unit.h"

#include <string.h>

#include "folder.h"
#include "node/appevents.h"

static void written_is_read(void **state)
{
	static const struct appevent events[] = {
		{ "plain", { (const uint8_t *)"\0\xff", 2 } },
		{ "with blanks in it", { (const uint8_t *)"x", 1 } },
		{ "empty", { 0 } },
	};
	uint8_t room[APPEVENTS_MAX];
	struct folder folder;
	struct buf text, again;
	struct appevent e;
	struct span rest;

	(void)state;
	folder_make(&folder);
	buf_init(&text, APPEVENTS_MAX);
	buf_init(&again, APPEVENTS_MAX);
	assert_int_equal(appevents_load(&again, folder.path), RC_OK); /* none yet */
	assert_int_equal(again.n, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(appevents_add(&text, &events[i]), RC_OK);
	assert_int_equal(appevents_save(folder.path, buf_span(&text)), RC_OK);
	assert_int_equal(appevents_load(&again, folder.path), RC_OK);
	rest = buf_span(&again);
	for (size_t i = 0; i < 3; i++) {
		assert_true(appevents_next(&e, room, &rest));
		assert_string_equal(e.name, events[i].name);
		assert_true(span_equal(e.payload, events[i].payload));
	}
	assert_false(appevents_next(&e, room, &rest));
	buf_fini(&text);
	buf_fini(&again);
	folder_remove(&folder);
}

static void other_lines_are_none(void **state)
{
	static const char *const lines[] = { "", "\n", "name\n", " 00\n", "name 0\n", "name zz\n" };
	uint8_t room[APPEVENTS_MAX];
	char over[200];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct span text = span_str(lines[i]);
		struct appevent e;

		if (appevents_next(&e, room, &text))
			fail_msg("%s", lines[i]);
	}
	memset(over, 'n', sizeof(over));
	memcpy(over + 129, " 00", 3);
	struct span text = span_of(over, 132);
	struct appevent e;
	assert_false(appevents_next(&e, room, &text));
}

static void there_is_room_for_so_many(void **state)
{
	const struct appevent small = { "e", { 0 } };
	uint8_t bytes[16 * 1024] = { 0 };
	const struct appevent large = { "e", SPAN_ARRAY(bytes) };
	struct buf text;
	size_t count = 0;

	(void)state;
	buf_init(&text, APPEVENTS_MAX);
	while (appevents_add(&text, &small) == RC_OK)
		count++;
	assert_int_equal(count, APPEVENTS_COUNT_MAX);
	buf_reset(&text);
	assert_int_equal(appevents_add(&text, &large), RC_OK);
	assert_int_equal(appevents_add(&text, &large), RC_LIMIT);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(other_lines_are_none),
		cmocka_unit_test(there_is_room_for_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
