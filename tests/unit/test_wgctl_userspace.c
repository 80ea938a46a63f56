/* The UAPI client against a device that breaks the protocol. */
#include "folder.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "io/clock.h"
#include "wgctl/userspace.h"

/* Takes one connection, reads one request, says 'say' times over, closes. */
struct fake {
	struct folder folder;
	struct sock_addr at;
	int listen_fd;
	const char *say;
	unsigned times;
	bool is_silent; /* says nothing and holds the connection */
	pthread_t thread;
	char heard[256];
};

static void *serve(void *arg)
{
	struct fake *f = arg;
	int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	size_t n = 0;

	while (n < 2 || memcmp(f->heard + n - 2, "\n\n", 2) != 0) { /* public: a test's */
		ssize_t got = read(fd, f->heard + n, sizeof(f->heard) - n - 1);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (f->is_silent)
		(void)!read(fd, &(char){ 0 }, 1);
	for (unsigned i = 0; !f->is_silent && i < f->times; i++)
		if (send(fd, f->say, strlen(f->say), MSG_NOSIGNAL) < 0)
			break;
	close(fd);
	return NULL;
}

static void count(void *arg, const struct wgctl_peer *p)
{
	(void)p;
	++*(unsigned *)arg;
}

static enum rc ask(struct fake *f, const char *say, unsigned times, unsigned *peers)
{
	char path[128], text[160];
	enum rc rc;
	int error;

	*f = (struct fake){ .say = say, .times = times, .is_silent = times == 0 };
	folder_make(&f->folder);
	snprintf(text, sizeof(text), "unix:%s", folder_file(path, &f->folder, "wg0.sock"));
	assert_true(sock_addr_parse(&f->at, span_str(text)));
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listen_fd, &f->at.sa, f->at.len), 0);
	assert_int_equal(listen(f->listen_fd, 1), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
	rc = userspace_ask(&f->at, span_str("get=1\n\n"), NULL, count, peers);
	error = errno;
	pthread_join(f->thread, NULL);
	close(f->listen_fd);
	folder_remove(&f->folder);
	errno = error;
	return rc;
}

/* Longer than a line, so that it comes soon. */
#define LINES8(s) s s s s s s s s
#define LINES(s) LINES8(LINES8(LINES8(s)))
#define KEY "0123456789abcdef0123456789abcdef" \
	    "0123456789abcdef0123456789abcdef"

static void answers_and_failures(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *say;
		unsigned times, peers;
		enum rc want;
		int error;
	} cases[] = {
		{ "answered", "errno=0\n\n", 1, 0, RC_OK, 0 },
		{ "peers_are_told", "public_key=" KEY "\npublic_key=" KEY "\nerrno=0\n\n", 1, 2, RC_OK, 0 },
		{ "refused_by_the_device", "errno=22\n\n", 1, 0, RC_SYS, EINVAL },
		{ "refused_with_a_negative_number", "errno=-1\n\n", 1, 0, RC_SYS, EPERM },
		{ "no_answer", "", 1, 0, RC_CLOSED, 0 },
		{ "cut_answer", "errno=0\n", 1, 0, RC_CLOSED, 0 },
		{ "no_protocol", "HTTP/1.1 400 Bad Request\r\n\n\n", 1, 0, RC_MALFORMED, 0 },
		{ "endless_answer", LINES("listen_port=1\n"), 3000, 0, RC_LIMIT, 0 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned peers = 0;
		struct fake f;

		print_message("%s\n", cases[i].name);
		assert_int_equal(ask(&f, cases[i].say, cases[i].times, &peers), cases[i].want);
		if (cases[i].error)
			assert_int_equal(errno, cases[i].error);
		assert_int_equal(peers, cases[i].peers);
		assert_string_equal(f.heard, "get=1\n\n");
	}
}

static void silent_device_is_not_waited_for(void **state)
{
	uint64_t start = clock_boot_ms();
	unsigned peers = 0;
	struct fake f;

	(void)state;
	assert_int_equal(ask(&f, "", 0, &peers), RC_SYS);
	assert_int_equal(errno, ETIMEDOUT);
	assert_in_range(clock_boot_ms() - start, 400, 3000);
}

static void absent_device_is_told(void **state)
{
	struct sock_addr at;

	(void)state;
	assert_true(sock_addr_parse(&at, span_str("unix:/no/such/socket")));
	assert_false(userspace_is_there(&at));
	assert_int_equal(userspace_ask(&at, span_str("get=1\n\n"), NULL, NULL, NULL), RC_SYS);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_and_failures),
		cmocka_unit_test(silent_device_is_not_waited_for),
		cmocka_unit_test(absent_device_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
