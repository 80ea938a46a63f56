/* Memory for secrets: what the kernel says of it, and that it forgets. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/vault.h"

static void *take(struct vault *v, size_t n)
{
	return secret_take(vault_memory(v), n);
}

/* "dd", "wf", ...: the flags of the mapping in which p is, with a space before and behind. */
static void flags_of(char out[512], const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	bool is_here = false;

	assert_non_null(f);
	out[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		unsigned long low, high;

		if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
			is_here = (uintptr_t)p >= low && (uintptr_t)p < high;
		if (is_here && !strncmp(line, "VmFlags:", 8))
			(void)snprintf(out, 512, "%s", line + 8);
	}
	(void)fclose(f);
	assert_true(out[0]);
}

static void not_dumped_and_wiped_on_fork(void **state)
{
	struct vault *v = vault_new();
	char flags[512];
	void *p[600], *heap = mem_new(64);

	(void)state;
	flags_of(flags, heap);
	assert_null(strstr(flags, " dd "));
	assert_null(strstr(flags, " wf "));
	/* More than a block holds. */
	for (size_t i = 0; i < 600; i++)
		p[i] = take(v, 1500);
	for (size_t i = 0; i < 600; i++) {
		flags_of(flags, p[i]);
		assert_non_null(strstr(flags, " dd "));
		assert_non_null(strstr(flags, " wf "));
		assert_int_equal(!!strstr(flags, " lo "), !!(vault_guards(v) & VAULT_LOCKED));
	}
	assert_int_equal(vault_guards(v) | VAULT_LOCKED, VAULT_ALL);
	flags_of(flags, v);
	assert_non_null(strstr(flags, " dd "));
	vault_free(v);
	free(heap);
}

static void without_the_right_to_lock_it_says_so(void **state)
{
	struct vault *v = vault_new();
	const struct rlimit none = { 0, 0 };
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() == 0)
		assert_int_equal(vault_guards(v), VAULT_ALL);
	vault_free(v);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* Nobody, so that the limit counts and cannot be raised. */
		if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
		    (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
			_exit(3);
		v = vault_new();
		_exit((int)vault_guards(v));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), VAULT_NOT_DUMPED | VAULT_WIPED_ON_FORK);
}

static void child_finds_zeros(void **state)
{
	struct vault *v = vault_new();
	uint8_t *p = take(v, 4000), *heap = mem_new(4000);
	int status;
	pid_t pid;

	(void)state;
	memset(p, 0x5a, 4000);
	memset(heap, 0x5a, 4000);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int sum = 0;

		for (size_t i = 0; i < 4000; i++)
			sum |= p[i];
		_exit(sum == 0 && heap[7] == 0x5a ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(p[3999], 0x5a);
	secret_give(vault_memory(v), p, 4000);
	vault_free(v);
	free(heap);
}

/* Objects of many sizes, taken and given back at random, each filled with its own byte: none
 * reaches into another, and each begins as zeros. */
static void objects_stay_apart_and_begin_as_zeros(void **state)
{
	enum {
		N = 64
	};
	struct vault *v = vault_new();
	struct {
		uint8_t *p;
		size_t n;
	} objects[N] = { 0 };
	uint32_t random = 7;

	(void)state;
	for (int round = 0; round < 20'000; round++) {
		size_t i = (random >> 8) % N, n;

		random = random * 1664525u + 1013904223u;
		n = 1 + (random >> 8) % (i ? 3000 : VAULT_OBJECT_MAX);
		if (objects[i].p) {
			for (size_t k = 0; k < objects[i].n; k++)
				assert_int_equal(objects[i].p[k], 1 + i);
			secret_give(vault_memory(v), objects[i].p, objects[i].n);
		}
		objects[i].p = take(v, n);
		objects[i].n = n;
		assert_int_equal((uintptr_t)objects[i].p % 64, 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(objects[i].p[k], 0);
		memset(objects[i].p, 1 + (int)i, n);
	}
	vault_free(v);
}

static void given_back_serves_again(void **state)
{
	struct vault *v = vault_new();
	uint8_t *first = take(v, 100), *second;

	(void)state;
	memset(first, 9, 100);
	secret_give(vault_memory(v), first, 100);
	second = take(v, 65); /* of the same size in grains */
	assert_ptr_equal(first, second);
	for (size_t k = 0; k < 100; k++)
		assert_int_equal(second[k], 0);
	secret_give(vault_memory(v), NULL, 65);
	vault_free(v);
	vault_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_dumped_and_wiped_on_fork),
		cmocka_unit_test(without_the_right_to_lock_it_says_so),
		cmocka_unit_test(child_finds_zeros),
		cmocka_unit_test(objects_stay_apart_and_begin_as_zeros),
		cmocka_unit_test(given_back_serves_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
