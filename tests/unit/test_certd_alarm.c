/* alarm: what there is no room for calls nobody, and that there is more is an alarm of its own. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "certd/alarm.h"
#include "folder.h"
#include "io/file.h"

static size_t lines_of(const char *path)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	size_t n = 0;

	buf_init(&text, 1024 * 1024);
	assert_int_equal(file_read(&text, path), RC_OK);
	for (size_t i = 0; i < text.n; i++)
		n += buf_span(&text).p[i] == '\n';
	return n;
}

static void raise_all(struct alarm *a, unsigned count)
{
	char about[16];

	for (unsigned i = 0; i < count; i++) {
		snprintf(about, sizeof(about), "%u", i);
		alarm_raise(a, "kind", about, "why");
	}
}

/* The audit log has a line for each that was told. */
static void what_has_no_room_is_told_once(void **state)
{
	struct log quiet = { .fd = -1, .program = "t" };
	char error[NODE_ERROR_MAX], lines[128];
	struct folder f;
	struct audit *audit;
	struct alarm *a;

	(void)state;
	folder_make(&f);
	folder_file(lines, &f, "audit.jsonl");
	assert_int_equal(audit_open(&audit, f.path, &quiet, error), RC_OK);
	a = alarm_new(&quiet, audit, NULL);
	raise_all(a, ALARM_MAX - 1);
	assert_int_equal(alarm_count(a), ALARM_MAX - 1);
	assert_int_equal(alarm_count_of(a, "alarm_too_many"), 0);
	for (unsigned turn = 0; turn < 3; turn++) {
		raise_all(a, ALARM_MAX + 9);
		assert_int_equal(alarm_count(a), ALARM_MAX);
		assert_int_equal(alarm_count_of(a, "alarm_too_many"), 1);
		assert_int_equal(lines_of(lines), ALARM_MAX);
	}
	/* One that was never raised makes no room. */
	alarm_over(a, "kind", "not there");
	assert_int_equal(alarm_count(a), ALARM_MAX);
	alarm_over(a, "kind", "3");
	assert_int_equal(alarm_count(a), ALARM_MAX - 2);
	assert_int_equal(lines_of(lines), ALARM_MAX + 2);
	alarm_raise(a, "kind", "late", "why");
	assert_int_equal(alarm_count_of(a, "kind"), ALARM_MAX - 1);
	assert_int_equal(lines_of(lines), ALARM_MAX + 3);
	alarm_free(a);
	audit_close(audit);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_no_room_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
