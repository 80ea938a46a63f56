#include "folder.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

static void make_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
}

/* Nobody writes to the FIFO: who waits for it is ended by the alarm. */
static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	char fifo[128], link[128], unix_socket[128];
	struct buf b;

	assert_int_equal(mkfifo(folder_file(fifo, *state, "fifo"), 0600), 0);
	assert_int_equal(symlink("fifo", folder_file(link, *state, "link")), 0);
	make_socket(folder_file(unix_socket, *state, "socket"));
	buf_init(&b, 10);
	assert_true(buf_add(&b, span_str("kept")));
	alarm(10);
	for (size_t i = 0; i < 4; i++) {
		const char *const paths[] = { fifo, link, unix_socket, "/dev/zero" };
		enum rc rc = file_read(&b, paths[i]);

		assert_int_equal(rc, RC_UNSUPPORTED);
		assert_string_equal(file_why(rc), "not a regular file");
	}
	alarm(0);
	assert_true(span_equal_str(buf_span(&b), "kept"));
	buf_fini(&b);
}

static void link_to_a_file_is_read(void **state)
{
	char file[128], link[128];

	assert_int_equal(file_replace(folder_file(file, *state, "f"), span_str("x"), 0600), RC_OK);
	assert_int_equal(symlink("f", folder_file(link, *state, "l")), 0);
	expect_content(link, "x");
}

static void argument_may_be_a_pipe(void **state)
{
	char path[64];
	struct buf b;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "piped", 5), 5);
	close(fds[1]);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	buf_init(&b, 10);
	assert_int_equal(file_read(&b, path), RC_UNSUPPORTED);
	assert_int_equal(file_read_argument(&b, path), RC_OK);
	assert_true(span_equal_str(buf_span(&b), "piped"));
	assert_int_equal(dup2(fds[0], 0), 0);
	buf_reset(&b);
	assert_int_equal(file_read_argument(&b, "-"), RC_OK); /* read to its end already */
	assert_int_equal(buf_span(&b).n, 0);
	assert_int_equal(file_read_argument(&b, "/dev/zero"), RC_LIMIT);
	close(fds[0]);
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
		T(what_is_no_regular_file_is_refused_at_once),
		T(link_to_a_file_is_read),
		T(argument_may_be_a_pipe),
		T(replace_in_absent_folder_fails),
		T(failed_replace_leaves_nothing_behind),
		T(folders_are_made_once),
		T(killed_writer_leaves_a_whole_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
