#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void memory_is_zeroed(void **state)
{
	char *p = mem_new(100), *q = mem_new_array(10, 10);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i] | q[i], 0);
	free(p);
	free(q);
	/* Nothing is something that can be freed. */
	p = mem_new(0);
	assert_non_null(p);
	free(p);
	p = mem_new_array(0, 5);
	assert_non_null(p);
	free(p);
}

static void growing_keeps_the_content(void **state)
{
	char *p = mem_grow(NULL, 2, 2);

	(void)state;
	memcpy(p, "abc", 4);
	p = mem_grow(p, 1000, 100);
	assert_string_equal(p, "abc");
	free(p);
}

static void copies_end_in_nul(void **state)
{
	char *p = mem_dup("abc"), *q = mem_dup_n("a\0bc", 3), *r = mem_dup_n(NULL, 0);

	(void)state;
	assert_string_equal(p, "abc");
	assert_memory_equal(q, "a\0b", 4);
	assert_string_equal(r, "");
	free(p);
	free(q);
	free(r);
}

static void stolen_pointers_outlive_their_scope(void **state)
{
	char *kept;

	(void)state;
	{
		AUTO(mem_auto_free)
		char *p = mem_dup("abc");

		kept = STEAL(p);
		assert_null(p);
	}
	assert_string_equal(kept, "abc");
	free(kept);
}

static void descriptors_close_with_their_scope(void **state)
{
	int number;

	(void)state;
	{
		AUTO(mem_auto_close)
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		AUTO(mem_auto_close)
		int none = -1;

		number = fd;
		assert_true(fd >= 0 && none == -1);
	}
	assert_int_equal(fcntl(number, F_GETFD), -1);
}

/* It aborts; under ASan, that ends the process in its own way first. */
static void running_out_ends_the_process(void **state)
{
	struct rlimit none = { 0, 0 };
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		void *p;

		setrlimit(RLIMIT_CORE, &none);
		(void)!freopen("/dev/null", "w", stderr);
		p = mem_new_array(SIZE_MAX / 2, 3);
		free(p);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_not_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed),
		cmocka_unit_test(growing_keeps_the_content),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(stolen_pointers_outlive_their_scope),
		cmocka_unit_test(descriptors_close_with_their_scope),
		cmocka_unit_test(running_out_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
