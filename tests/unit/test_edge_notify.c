/* notify: what a supervisor hears, and the file. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "edge/notify.h"
#include "folder.h"
#include "io/file.h"

static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void supervisor_hears_each_state(void **state)
{
	char path[128], got[128];
	struct folder d;
	ssize_t n;
	int fd;

	(void)state;
	folder_make(&d);
	fd = listen_at(folder_file(path, &d, "notify"));
	setenv("NOTIFY_SOCKET", path, 1);
	notify_send("READY=1");
	n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	assert_true(span_equal_str(span_of(got, (size_t)n), "READY=1"));
	notify_main_pid(77);
	n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	assert_true(span_equal_str(span_of(got, (size_t)n), "MAINPID=77\nREADY=1"));
	/* Nobody, nonsense, too long: nothing happens. */
	close(fd);
	notify_send("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_send("READY=1");
	memset(got, 'x', sizeof(got) - 1);
	got[0] = '/';
	got[sizeof(got) - 1] = '\0';
	setenv("NOTIFY_SOCKET", got, 1);
	notify_send("READY=1");
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
	folder_remove(&d);
}

static void file_has_the_number(void **state)
{
	struct buf b = { 0 };
	struct folder d;
	char path[128];

	(void)state;
	folder_make(&d);
	folder_file(path, &d, "pid");
	assert_int_equal(notify_pid_file("", 5), RC_OK);
	assert_int_equal(notify_pid_file(path, 5), RC_OK);
	assert_int_equal(notify_pid_file(path, 4711), RC_OK);
	buf_init(&b, 64);
	assert_int_equal(file_read(&b, path), RC_OK);
	assert_true(span_equal_str(buf_span(&b), "4711\n"));
	buf_fini(&b);
	assert_int_equal(notify_pid_file("/nonexistent/pid", 5), RC_SYS);
	folder_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(supervisor_hears_each_state),
		cmocka_unit_test(file_has_the_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
