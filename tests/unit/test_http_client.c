/* The client against servers that break HTTP; the good case is the server's. */
#include "folder.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "http/client.h"
#include "io/clock.h"
#include "io/sock.h"

/* Takes one connection, reads once, says 'say', closes or waits. */
struct fake {
	struct folder folder;
	char path[128];
	int listen_fd;
	const char *say;
	bool is_hanging;
	pthread_t thread;
	char heard[4096];
};

static void *serve(void *arg)
{
	struct fake *f = arg;
	int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	(void)!read(fd, f->heard, sizeof(f->heard) - 1);
	(void)!send(fd, f->say, strlen(f->say), MSG_NOSIGNAL);
	/* Until the client gives up. */
	if (f->is_hanging)
		(void)!read(fd, f->heard, sizeof(f->heard) - 1);
	close(fd);
	return NULL;
}

static enum rc ask(struct fake *f, const char *say, bool is_hanging, struct http_reply *r,
		   unsigned timeout_ms)
{
	struct sock_addr a;
	char text[160];
	enum rc rc;

	f->say = say;
	f->is_hanging = is_hanging;
	folder_make(&f->folder);
	folder_file(f->path, &f->folder, "s");
	snprintf(text, sizeof(text), "unix:%s", f->path);
	assert_true(sock_addr_parse(&a, span_str(text)));
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, &a.sa, a.len), 0);
	assert_int_equal(listen(f->listen_fd, 1), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
	rc = http_client_post(r, f->path, "/p", span_str("{}"), timeout_ms);
	pthread_join(f->thread, NULL);
	close(f->listen_fd);
	folder_remove(&f->folder);
	return rc;
}

static void broken_answers(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *say;
		enum rc want;
	} cases[] = {
		{ "nothing", "", RC_CLOSED },
		{ "not_http", "SSH-2.0-x\r\n", RC_MALFORMED },
		{ "cut_body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", RC_CLOSED },
		{ "unknown_encoding_is_passed", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Encoding: x\r\n\r\na", RC_OK },
		{ "redirect_is_not_followed", "HTTP/1.1 302 X\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", RC_OK },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct http_reply r = { 0 };
		struct fake f = { 0 };

		print_message("%s\n", cases[i].name);
		assert_int_equal(ask(&f, cases[i].say, false, &r, 10000), cases[i].want);
		if (cases[i].want)
			assert_int_equal(r.status, 0);
		http_reply_fini(&r);
	}
}

static void request_is_as_asked(void **state)
{
	struct http_reply r = { 0 };
	struct fake f = { 0 };

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_int_equal(ask(&f, "HTTP/1.1 204 X\r\n\r\n", false, &r, 10000), RC_OK);
	unsetenv("http_proxy");
	assert_int_equal(r.status, 204);
	assert_memory_equal(f.heard, "POST /p HTTP/1.1\r\n", 18);
	assert_non_null(strstr(f.heard, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(f.heard, "Content-Length: 2\r\n"));
	assert_non_null(strstr(f.heard, "\r\n\r\n{}"));
	assert_null(strstr(f.heard, "Expect"));
	http_reply_fini(&r);
}

static void hanging_server_is_given_up(void **state)
{
	uint64_t start = clock_boot_ms();
	struct http_reply r = { 0 };
	struct fake f = { 0 };

	(void)state;
	assert_int_equal(ask(&f, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, &r, 200),
			 RC_LIMIT);
	assert_in_range(clock_boot_ms() - start, 199, 10000);
}

/* Listens with a queue that one connection fills, and fills it. */
static int fill_queue(struct fake *f)
{
	struct sock_addr a;
	char text[160];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	folder_make(&f->folder);
	folder_file(f->path, &f->folder, "s");
	snprintf(text, sizeof(text), "unix:%s", f->path);
	assert_true(sock_addr_parse(&a, span_str(text)));
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, &a.sa, a.len), 0);
	assert_int_equal(listen(f->listen_fd, 0), 0);
	assert_int_equal(connect(fd, &a.sa, a.len), 0);
	return fd;
}

/* Lets the client knock at a full queue before it makes room. */
static void *serve_late(void *arg)
{
	struct fake *f = arg;

	usleep(100000);
	close(accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC));
	return serve(f);
}

static void full_queue_is_waited_for(void **state)
{
	struct fake f = { .say = "HTTP/1.1 204 X\r\n\r\n" };
	struct http_reply r = { 0 };
	int first = fill_queue(&f);
	uint64_t start = clock_boot_ms();

	(void)state;
	assert_int_equal(http_client_get(&r, f.path, "/", 200), RC_LIMIT);
	assert_in_range(clock_boot_ms() - start, 199, 10000);
	assert_int_equal(pthread_create(&f.thread, NULL, serve_late, &f), 0);
	assert_int_equal(http_client_get(&r, f.path, "/", 10000), RC_OK);
	assert_int_equal(r.status, 204);
	pthread_join(f.thread, NULL);
	http_reply_fini(&r);
	close(first);
	close(f.listen_fd);
	folder_remove(&f.folder);
}

static void absent_server_says_why(void **state)
{
	struct http_reply r = { 0 };

	(void)state;
	assert_int_equal(http_client_get(&r, "/no/such/socket", "/", 1000), RC_SYS);
	assert_int_equal(errno, ENOENT);
}

static void long_path_refused(void **state)
{
	struct http_reply r = { 0 };
	char path[4096];

	(void)state;
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(http_client_get(&r, "/no/such/socket", path, 1000), RC_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_answers),
		cmocka_unit_test(request_is_as_asked),
		cmocka_unit_test(hanging_server_is_given_up),
		cmocka_unit_test(full_queue_is_waited_for),
		cmocka_unit_test(absent_server_says_why),
		cmocka_unit_test(long_path_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
