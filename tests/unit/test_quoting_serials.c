/* serials: what was seen of lists is written, read back, and never goes back. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "io/file.h"
#include "quoting/serials.h"

static char names[POLICY_LISTS_MAX][PLATFORM_NAME_MAX + 1];

/* One of a policy's lists, by a key of its own, as it was read. */
static struct policy_list list_of(unsigned i, enum platform_use use, uint32_t serial)
{
	struct policy_list l = { .name = names[i], .use = use, .list = { .serial = serial } };

	(void)snprintf(names[i], sizeof(names[i]), "the list %u", i);
	l.key.xy[0] = (uint8_t)(i + 1);
	return l;
}

static bool learn(struct serials *s, struct policy_list *lists, size_t count)
{
	const struct tee_policy p = { .lists = lists, .list_count = count };
	bool is_new = false;

	assert_int_equal(serials_learn(s, &is_new, &p), RC_OK);
	return is_new;
}

static void highest_counts(void **state)
{
	struct serials *s = test_calloc(1, sizeof(*s));
	struct policy_list l[3] = { list_of(0, PLATFORM_DENY, 7), list_of(0, PLATFORM_ALLOW, 2),
				    list_of(1, PLATFORM_DENY, 0) };

	(void)state;
	assert_true(learn(s, l, 3));
	assert_int_equal(s->count, 3); /* the use makes another list */
	assert_false(learn(s, l, 3));
	l[0].list.serial = 6;
	l[1].list.serial = 3;
	assert_true(learn(s, l, 3));
	assert_int_equal(s->entries[0].serial, 7);
	assert_int_equal(s->entries[1].serial, 3);
	/* What is not in order says nothing. */
	l[0].list.serial = 100;
	l[0].state = TEE_LIST_SIGNATURE;
	assert_false(learn(s, l, 3));
	l[0].state = TEE_OK;
	l[0].key.xy[63] = 1; /* another signer's */
	assert_true(learn(s, l, 3));
	assert_int_equal(s->count, 4);
	assert_int_equal(s->entries[0].serial, 7);
	test_free(s);
}

static void too_many_are_refused_whole(void **state)
{
	struct serials *s = test_calloc(1, sizeof(*s));
	struct policy_list l[2] = { list_of(0, PLATFORM_DENY, 9), list_of(1, PLATFORM_DENY, 1) };
	const struct tee_policy p = { .lists = l, .list_count = 2 };
	bool is_new = false;

	(void)state;
	for (unsigned i = 0; i < SERIALS_MAX; i++) {
		l[0].key.xy[1] = (uint8_t)i;
		l[0].list.serial = i == 0 ? 5 : 6;
		assert_true(learn(s, l, 1));
	}
	l[0].key.xy[1] = 0;
	l[0].list.serial = 9;
	assert_int_equal(serials_learn(s, &is_new, &p), RC_LIMIT);
	assert_false(is_new);
	assert_int_equal(s->entries[0].serial, 5);
	test_free(s);
}

static void written_is_read(void **state)
{
	struct serials *s = test_calloc(1, sizeof(*s)), *back = test_calloc(1, sizeof(*s));
	struct policy_list l[2] = { list_of(3, PLATFORM_DENY, 7),
				    list_of(4, PLATFORM_ALLOW, UINT32_MAX) };
	struct policy_list *before = test_calloc(SERIALS_MAX, sizeof(*before));
	char path[128], text[512];
	struct wr w = WR_ARRAY(text);
	struct tee_policy p;
	struct folder f;

	(void)state;
	assert_true(learn(s, l, 2));
	serials_write(&w, s);
	assert_false(w.over);
	for (size_t n = 0; n < w.n; n++) {
		enum rc rc;

		memset(back, 0x5a, sizeof(*back));
		rc = serials_parse(back, span_of(text, n));
		/* what ends with a line is a shorter file */
		if (n && text[n - 1] == '\n')
			assert_int_equal(rc, RC_OK);
		else
			assert_int_equal(rc, RC_MALFORMED);
	}
	folder_make(&f);
	folder_file(path, &f, "platform-serials");
	assert_int_equal(serials_load(back, path), RC_OK); /* not there */
	assert_int_equal(back->count, 0);
	assert_int_equal(serials_save(s, path), RC_OK);
	assert_int_equal(serials_load(back, path), RC_OK);
	assert_memory_equal(back, s, sizeof(*s));
	p = serials_as_policy(back, before);
	assert_int_equal(p.list_count, 2);
	assert_string_equal(p.lists[1].name, "the list 4");
	assert_int_equal(p.lists[1].min_serial, UINT32_MAX);
	assert_int_equal(p.lists[1].use, PLATFORM_ALLOW);
	folder_remove(&f);
	assert_int_equal(serials_save(s, path), RC_SYS);
	assert_int_equal(errno, ENOENT);
	test_free(before);
	test_free(back);
	test_free(s);
}

#define FIRST "postern-platform-serials 1\n"
#define Z16 "0000000000000000"
#define KEY Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16

static void what_is_not_of_the_form_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum rc want;
	} rows[] = {
		{ FIRST, RC_OK },
		{ FIRST "deny 1 " KEY " a\nallow 1 " KEY " a\n", RC_OK },
		{ "", RC_MALFORMED },
		{ "postern-platform-serials 2\n", RC_MALFORMED },
		{ FIRST "\n", RC_MALFORMED },
		{ FIRST "deny 1 " KEY " a\ndeny 2 " KEY " a\n", RC_MALFORMED },
		{ FIRST "Deny 1 " KEY " a\n", RC_MALFORMED },
		{ FIRST "deny 01 " KEY " a\n", RC_MALFORMED },
		{ FIRST "deny -1 " KEY " a\n", RC_MALFORMED },
		{ FIRST "deny 4294967296 " KEY " a\n", RC_MALFORMED },
		{ FIRST "deny 1 00" KEY " a\n", RC_MALFORMED },
		{ FIRST "deny 1 " KEY "\n", RC_MALFORMED },
		{ FIRST "deny 1 " KEY " \n", RC_MALFORMED },
		{ FIRST "deny 1 " KEY " \"\n", RC_MALFORMED },
		{ FIRST "deny 1 " KEY " " Z16 Z16 Z16 Z16 "\n", RC_MALFORMED }, /* 64 */
	};
	struct serials *s = test_calloc(1, sizeof(*s)), *kept = test_calloc(1, sizeof(*s));

	(void)state;
	memset(kept, 0x5a, sizeof(*kept));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum rc rc;

		*s = *kept;
		rc = serials_parse(s, span_str(rows[i].text));
		if (rc != rows[i].want)
			fail_msg("%s: %s", rows[i].text, rc_name(rc));
		if (rc)
			assert_memory_equal(s, kept, sizeof(*s));
	}
	test_free(kept);
	test_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(highest_counts),
		cmocka_unit_test(too_many_are_refused_whole),
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(what_is_not_of_the_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
