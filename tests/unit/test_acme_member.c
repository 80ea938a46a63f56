/* member: what is there, of another type, or too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/member.h"
#include "base/arena.h"

static void members_by_their_type(void **state)
{
	struct arena arena = { 0 };
	const struct jtree *o;
	char text[4] = "old";
	int64_t number = -1;
	bool yes = false;

	(void)state;
	arena_init(&arena, 65536);
	o = jtree_read(&arena, span_str("{\"t\":\"abc\",\"u\":\"abcd\",\"e\":\"\",\"n\":"
					"9223372036854775807,"
					"\"m\":9223372036854775808,\"b\":true,\"l\":[]}"));
	assert_non_null(o);
	assert_true(span_equal_str(member_text(o, "t"), "abc"));
	assert_int_equal(member_text(o, "n").n, 0);
	assert_int_equal(member_text(NULL, "t").n, 0);
	assert_false(MEMBER_COPY(text, o, "u"));
	assert_false(MEMBER_COPY(text, o, "n"));
	assert_false(MEMBER_COPY(text, o, "none"));
	assert_string_equal(text, "old");
	assert_true(MEMBER_COPY(text, o, "t"));
	assert_string_equal(text, "abc");
	assert_true(MEMBER_COPY(text, o, "e"));
	assert_string_equal(text, "");
	assert_false(member_number(&number, o, "m"));
	assert_false(member_number(&number, o, "t"));
	assert_int_equal(number, -1);
	assert_true(member_number(&number, o, "n"));
	assert_true(number == INT64_MAX);
	assert_false(member_bool(&yes, o, "n"));
	assert_true(member_bool(&yes, o, "b") && yes);
	assert_non_null(member_list(o, "l"));
	assert_null(member_list(o, "t"));
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_by_their_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
