#include "folder.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	CRASHES = 25,
	SIZE = 200000,
};

static int setup(void **state)
{
	struct folder *f = test_calloc(1, sizeof(*f));

	folder_make(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	folder_remove(*state);
	test_free(*state);
	return 0;
}

static void expect_content(const char *path, const char *want)
{
	struct buf b;

	buf_init(&b, 1024);
	assert_int_equal(file_read(&b, path), RC_OK);
	assert_true(span_equal_str(buf_span(&b), want));
	buf_fini(&b);
}

static void replaced_file_is_read(void **state)
{
	char path[128];
	struct stat st;

	folder_file(path, *state, "f");
	assert_int_equal(file_replace(path, span_str("one"), 0600), RC_OK);
	expect_content(path, "one");
	assert_int_equal(file_replace(path, span_str("two, longer"), 0640), RC_OK);
	expect_content(path, "two, longer");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_replace(path, span_str(""), 0600), RC_OK);
	expect_content(path, "");
}

static void read_is_bounded(void **state)
{
	char path[128];
	struct buf b;

	folder_file(path, *state, "f");
	assert_int_equal(file_replace(path, span_str("12345"), 0600), RC_OK);
	buf_init(&b, 7);
	assert_true(buf_add(&b, span_str("ab")));
	assert_int_equal(file_read(&b, path), RC_OK);
	assert_true(span_equal_str(buf_span(&b), "ab12345"));
	buf_reset(&b);
	assert_true(buf_add(&b, span_str("abc")));
	assert_int_equal(file_read(&b, path), RC_LIMIT);
	assert_true(span_equal_str(buf_span(&b), "abc"));
	buf_fini(&b);
}

static void absent_file_fails(void **state)
{
	char path[128];
	struct buf b;

	buf_init(&b, 10);
	assert_int_equal(file_read(&b, folder_file(path, *state, "none")), RC_SYS);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(file_read(&b, ((struct folder *)*state)->path), RC_SYS);
	assert_int_equal(errno, EISDIR);
	buf_fini(&b);
}

static void replace_in_absent_folder_fails(void **state)
{
	char path[128];

	assert_int_equal(file_replace(folder_file(path, *state, "no/f"), span_str("x"), 0600),
			 RC_SYS);
	assert_int_equal(errno, ENOENT);
}

static void failed_replace_leaves_nothing_behind(void **state)
{
	char path[128], inside[128];

	folder_file(path, *state, "d");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mkdir(folder_file(inside, *state, "d/full"), 0700), 0);
	assert_int_equal(file_replace(path, span_str("x"), 0600), RC_SYS);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(rmdir(inside), 0);
	assert_int_equal(rmdir(path), 0);
	/* The folder is empty again, or this fails. */
	assert_int_equal(rmdir(((struct folder *)*state)->path), 0);
	assert_int_equal(mkdir(((struct folder *)*state)->path, 0700), 0);
}

static void folders_are_made_once(void **state)
{
	char path[128], file[128];
	struct stat st;

	folder_file(path, *state, "a/b/c");
	assert_int_equal(file_make_dirs(path, 0700), RC_OK);
	assert_int_equal(file_make_dirs(path, 0700), RC_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(file_make_dirs(folder_file(path, *state, "s//t/"), 0700), RC_OK);
	folder_file(file, *state, "file");
	assert_int_equal(file_replace(file, span_str(""), 0600), RC_OK);
	assert_int_equal(file_make_dirs(file, 0700), RC_SYS);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(file_make_dirs(folder_file(path, *state, "file/x"), 0700), RC_SYS);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(file_make_dirs("", 0700), RC_SYS);
}

/* Replaces for ever; each content is one letter many times. */
static void replace_for_ever(const char *path)
{
	char *content = mem_new(SIZE);

	for (unsigned i = 0;; i++) {
		memset(content, 'a' + (int)(i % 26), SIZE - i % 3);
		if (file_replace(path, span_of(content, SIZE - i % 3), 0600))
			_exit(1);
	}
}

static void killed_writer_leaves_a_whole_file(void **state)
{
	char path[128];
	struct buf b;

	folder_file(path, *state, "f");
	assert_int_equal(file_replace(path, span_str("z"), 0600), RC_OK);
	buf_init(&b, SIZE);
	for (int i = 0; i < CRASHES; i++) {
		struct timespec nap = { .tv_nsec = 1000000 + 1700000 * i };
		struct span s;
		int status;
		pid_t pid = fork();

		if (pid == 0)
			replace_for_ever(path);
		nanosleep(&nap, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		buf_reset(&b);
		assert_int_equal(file_read(&b, path), RC_OK);
		s = buf_span(&b);
		assert_true(s.n == 1 || s.n >= SIZE - 2);
		for (size_t k = 1; k < s.n; k++)
			assert_int_equal(s.p[k], s.p[0]);
	}
	buf_fini(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(replaced_file_is_read),
		T(read_is_bounded),
		T(absent_file_fails),
		T(replace_in_absent_folder_fails),
		T(failed_replace_leaves_nothing_behind),
		T(folders_are_made_once),
		T(killed_writer_leaves_a_whole_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
