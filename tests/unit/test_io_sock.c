#include "folder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/sock.h"

static const struct {
	const char *name, *text, *want; /* NULL: refused */
} addresses[] = {
	{ "v4", "192.0.2.1:443", "192.0.2.1:443" },
	{ "v4_any_port_zero", "0.0.0.0:0", "0.0.0.0:0" },
	{ "v6", "[2001:db8::1]:443", "[2001:db8::1]:443" },
	{ "v6_any", "[::]:65535", "[::]:65535" },
	{ "v6_written_short", "[2001:0db8:0:0:0:0:0:1]:1", "[2001:db8::1]:1" },
	{ "unix", "unix:/run/a.sock", "unix:/run/a.sock" },
	{ "unix_relative", "unix:a", "unix:a" },
	{ "empty", "", NULL },
	{ "no_port", "192.0.2.1", NULL },
	{ "empty_port", "192.0.2.1:", NULL },
	{ "port_too_large", "192.0.2.1:65536", NULL },
	{ "port_leading_zero", "192.0.2.1:080", NULL },
	{ "port_signed", "192.0.2.1:+80", NULL },
	{ "port_space", "192.0.2.1: 80", NULL },
	{ "no_host", ":443", NULL },
	{ "name", "localhost:443", NULL },
	{ "v4_short", "127.1:443", NULL },
	{ "v4_in_brackets", "[192.0.2.1]:443", NULL },
	{ "v6_without_brackets", "2001:db8::1:443", NULL },
	{ "v6_half_brackets", "[2001:db8::1:443", NULL },
	{ "v6_scope", "[fe80::1%lo]:443", NULL },
	{ "empty_brackets", "[]:443", NULL },
	{ "one_bracket", "[:443", NULL },
	{ "unix_empty", "unix:", NULL },
	{ "unix_upper_case", "UNIX:/a", NULL },
	{ "very_long", "2001:db8:2001:db8:2001:db8:2001:db8:2001:db8:2001:db8:1", NULL },
};

static void addresses_parse_and_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct sock_addr a, before, again;
		char text[128];
		struct wr w = WR_ARRAY(text);
		bool is_read;

		print_message("%s\n", addresses[i].name);
		memset(&a, 0x5a, sizeof(a));
		before = a;
		is_read = sock_addr_parse(&a, span_str(addresses[i].text));
		assert_int_equal(is_read, addresses[i].want != NULL);
		if (!is_read) {
			assert_memory_equal(&a, &before, sizeof(a));
			continue;
		}
		sock_addr_write(&w, &a);
		assert_true(span_equal_str(wr_span(&w), addresses[i].want));
		assert_true(sock_addr_parse(&again, wr_span(&w)));
		assert_true(sock_addr_equal(&a, &again));
	}
}

static void unix_path_lengths(void **state)
{
	char text[256] = "unix:";
	struct sock_addr a;

	(void)state;
	memset(text + 5, 'x', 108);
	assert_true(sock_addr_parse(&a, span_of(text, 5 + 107)));
	assert_false(sock_addr_parse(&a, span_of(text, 5 + 108)));
	text[6] = '\0';
	assert_false(sock_addr_parse(&a, span_of(text, 5 + 10)));
}

static struct sock_addr parsed(const char *text)
{
	struct sock_addr a;

	assert_true(sock_addr_parse(&a, span_str(text)));
	return a;
}

static void different_addresses_are_not_equal(void **state)
{
	static const char *const all[] = { "1.2.3.4:5", "1.2.3.4:6", "1.2.3.5:5", "[::1]:5",
					   "[::1]:6", "[::2]:5", "unix:/a", "unix:/ab" };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		for (size_t k = 0; k < 8; k++) {
			struct sock_addr a = parsed(all[i]), b = parsed(all[k]);

			assert_int_equal(sock_addr_equal(&a, &b), i == k);
		}
	}
}

static void expect_flags(int fd)
{
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* Connects to a listener, sends a byte each way. */
static void talk(int listen_fd, const struct sock_addr *to)
{
	struct sock_addr peer;
	int fd, accepted;
	char c = 0;

	assert_int_equal(sock_accept(&accepted, &peer, listen_fd), RC_CLOSED);
	assert_int_equal(sock_connect(&fd, to), RC_OK);
	poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 5000);
	assert_int_equal(sock_error(fd), 0);
	poll(&(struct pollfd){ .fd = listen_fd, .events = POLLIN }, 1, 5000);
	assert_int_equal(sock_accept(&accepted, &peer, listen_fd), RC_OK);
	assert_int_equal(peer.sa.sa_family, to->sa.sa_family);
	expect_flags(fd);
	expect_flags(accepted);
	expect_flags(listen_fd);
	assert_int_equal(write(fd, "x", 1), 1);
	poll(&(struct pollfd){ .fd = accepted, .events = POLLIN }, 1, 5000);
	assert_int_equal(read(accepted, &c, 1), 1);
	assert_int_equal(c, 'x');
	close(accepted);
	close(fd);
}

static void listener_accepts(void **state)
{
	static const char *const at[] = { "127.0.0.1:0", "[::1]:0" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sock_addr a = parsed(at[i]), bound = { .len = sizeof(bound.un) };
		int fd;

		assert_int_equal(sock_listen(&fd, &a, 8), RC_OK);
		assert_int_equal(getsockname(fd, &bound.sa, &bound.len), 0);
		talk(fd, &bound);
		close(fd);
	}
}

/* The peer has the connection with its first bytes, if not before: with those
 * of the caller's that went at once, or those written later. */
static void eager_connection_brings_its_bytes(void **state)
{
	static const struct {
		const char *at, *first;
	} cases[] = {
		{ "127.0.0.1:0", "" },
		{ "[::1]:0", "" },
		{ "127.0.0.1:0", "x" },
		{ "[::1]:0", "x" },
	};
	struct sock_addr bound, peer;
	int fd, listener, accepted;
	size_t sent;
	char c = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sock_addr a = parsed(cases[i].at);
		struct span first = span_str(cases[i].first);

		bound.len = sizeof(bound.un);
		assert_int_equal(sock_listen(&listener, &a, 8), RC_OK);
		assert_int_equal(getsockname(listener, &bound.sa, &bound.len), 0);
		assert_int_equal(sock_connect_eager(&fd, &bound, first, &sent), RC_OK);
		assert_true(sent <= first.n);
		expect_flags(fd);
		poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 5000);
		assert_int_equal(sock_error(fd), 0);
		if (sent == 0)
			assert_int_equal(write(fd, "x", 1), 1);
		poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1, 5000);
		assert_int_equal(sock_accept(&accepted, &peer, listener), RC_OK);
		poll(&(struct pollfd){ .fd = accepted, .events = POLLIN }, 1, 5000);
		assert_int_equal(read(accepted, &c, 1), 1);
		assert_int_equal(c, 'x');
		/* Once. */
		assert_int_equal(recv(accepted, &c, 1, MSG_DONTWAIT), -1);
		close(accepted);
		close(fd);
		close(listener);
	}
	/* Nobody listens there any more. */
	if (sock_connect_eager(&fd, &bound, span_str("x"), &sent) == RC_OK) {
		assert_int_equal(sent, 0);
		poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 5000);
		assert_int_equal(sock_error(fd), ECONNREFUSED);
		close(fd);
	} else {
		assert_int_equal(errno, ECONNREFUSED);
		assert_int_equal(fd, -1);
	}
}

static void v4_and_v6_share_a_port(void **state)
{
	struct sock_addr six = parsed("[::]:0"), four = parsed("0.0.0.0:0");
	struct sock_addr bound = { .len = sizeof(bound.un) };
	int fd, second;

	(void)state;
	assert_int_equal(sock_listen(&fd, &six, 1), RC_OK);
	assert_int_equal(getsockname(fd, &bound.sa, &bound.len), 0);
	four.in.sin_port = bound.in6.sin6_port;
	assert_int_equal(sock_listen(&second, &four, 1), RC_OK);
	close(second);
	assert_int_equal(sock_listen(&second, &bound, 1), RC_SYS);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(second, -1);
	close(fd);
}

static void refused_connection_is_an_error(void **state)
{
	struct sock_addr a = parsed("127.0.0.1:0"), bound = { .len = sizeof(bound.un) };
	int fd, client;

	(void)state;
	assert_int_equal(sock_listen(&fd, &a, 1), RC_OK);
	assert_int_equal(getsockname(fd, &bound.sa, &bound.len), 0);
	close(fd);
	assert_int_equal(sock_connect(&client, &bound), RC_OK);
	poll(&(struct pollfd){ .fd = client, .events = POLLOUT }, 1, 5000);
	assert_int_equal(sock_error(client), ECONNREFUSED);
	close(client);
}

static void stale_unix_socket_is_replaced_and_a_living_one_is_not(void **state)
{
	struct folder f;
	char path[128], text[160];
	struct sock_addr a;
	int fd, second;

	(void)state;
	folder_make(&f);
	snprintf(text, sizeof(text), "unix:%s", folder_file(path, &f, "s"));
	a = parsed(text);
	assert_int_equal(sock_connect(&fd, &a), RC_SYS);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd, -1);
	assert_int_equal(sock_listen(&fd, &a, 4), RC_OK);
	talk(fd, &a);
	assert_int_equal(sock_listen(&second, &a, 4), RC_SYS);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	assert_int_equal(sock_listen(&fd, &a, 4), RC_OK);
	talk(fd, &a);
	close(fd);
	/* A file of another kind stays. */
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(sock_listen(&fd, &a, 4), RC_SYS);
	assert_int_equal(access(path, F_OK), 0);
	folder_remove(&f);
}

static void udp_sockets_exchange(void **state)
{
	struct sock_addr any = parsed("127.0.0.1:0"), at = { .len = sizeof(at.un) };
	char c = 0;
	int a, b;

	(void)state;
	assert_int_equal(sock_udp(&a, &any), RC_OK);
	assert_int_equal(sock_udp(&b, &any), RC_OK);
	expect_flags(a);
	assert_int_equal(getsockname(b, &at.sa, &at.len), 0);
	assert_int_equal(sendto(a, "y", 1, 0, &at.sa, at.len), 1);
	poll(&(struct pollfd){ .fd = b, .events = POLLIN }, 1, 5000);
	assert_int_equal(read(b, &c, 1), 1);
	close(a);
	close(b);
}

/* Only when it is asked: the first has its port alone until then. */
static void udp_sockets_share_a_port(void **state)
{
	struct sock_addr any = parsed("127.0.0.1:0"), at = { .len = sizeof(at.un) };
	int first, second, other;

	(void)state;
	assert_int_equal(sock_udp(&first, &any), RC_OK);
	assert_int_equal(getsockname(first, &at.sa, &at.len), 0);
	assert_int_equal(sock_udp(&other, &at), RC_SYS);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(sock_udp_beside(&second, first), RC_OK);
	expect_flags(second);
	assert_int_equal(sock_udp(&other, &at), RC_SYS);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(sock_udp_beside(&other, -1), RC_SYS);
	assert_int_equal(other, -1);
	close(first);
	close(second);
}

/* In a child, because descriptor 3 and the environment are the process'. */
static int inherit(int at_3, const char *pid, const char *fds, unsigned index)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		char own[16];
		int fd;

		snprintf(own, sizeof(own), "%d", getpid());
		dup2(at_3, 3);
		unsetenv("LISTEN_PID");
		if (pid)
			setenv("LISTEN_PID", pid[0] ? pid : own, 1);
		setenv("LISTEN_FDS", fds, 1);
		if (sock_inherited(&fd, index))
			_exit(errno);
		_exit(fd == 3 && fcntl(fd, F_GETFD) & FD_CLOEXEC &&
				      fcntl(fd, F_GETFL) & O_NONBLOCK
			      ? 0
			      : 200);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void inherited_listener_is_taken(void **state)
{
	struct sock_addr a = parsed("127.0.0.1:0");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other;

	(void)state;
	assert_int_equal(bind(fd, &a.sa, a.len), 0);
	assert_int_equal(inherit(fd, "", "1", 0), EINVAL);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(inherit(fd, "", "1", 0), 0);
	assert_int_equal(inherit(fd, "", "1", 1), ENOENT);
	assert_int_equal(inherit(fd, "", "x", 0), ENOENT);
	assert_int_equal(inherit(fd, "1", "1", 0), ENOENT);
	assert_int_equal(inherit(fd, NULL, "1", 0), ENOENT);
	other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(inherit(other, "", "1", 0), ENOTSOCK);
	close(other);
	close(fd);
}

static void accept_on_no_listener_fails(void **state)
{
	struct sock_addr peer;
	int fd;

	(void)state;
	assert_int_equal(sock_accept(&fd, &peer, -1), RC_SYS);
	assert_int_equal(errno, EBADF);
}

static void mapped_peer_is_ipv4(void **state)
{
	struct sock_addr at, to, peer;
	const int off = 0;
	int listen_fd, fd, accepted;

	(void)state;
	assert_true(sock_addr_parse(&at, span_str("[::]:0")));
	listen_fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
	assert_int_equal(bind(listen_fd, &at.sa, at.len), 0);
	assert_int_equal(listen(listen_fd, 1), 0);
	assert_int_equal(getsockname(listen_fd, &at.sa, &at.len), 0);
	assert_true(sock_addr_parse(&to, span_str("127.0.0.1:1")));
	to.in.sin_port = at.in6.sin6_port;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, &to.sa, to.len), 0);
	assert_int_equal(sock_accept(&accepted, &peer, listen_fd), RC_OK);
	assert_int_equal(getsockname(fd, &at.sa, &at.len), 0);
	assert_int_equal(peer.len, sizeof(peer.in));
	assert_true(sock_addr_equal(&peer, &at));
	/* A real IPv6 address stays. */
	assert_true(sock_addr_parse(&at, span_str("[2001:db8::ffff:1.2.3.4]:5")));
	peer = at;
	sock_addr_unmap(&peer);
	assert_true(sock_addr_equal(&peer, &at));
	close(accepted);
	close(fd);
	close(listen_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_parse_and_write),
		cmocka_unit_test(unix_path_lengths),
		cmocka_unit_test(different_addresses_are_not_equal),
		cmocka_unit_test(listener_accepts),
		cmocka_unit_test(eager_connection_brings_its_bytes),
		cmocka_unit_test(v4_and_v6_share_a_port),
		cmocka_unit_test(refused_connection_is_an_error),
		cmocka_unit_test(stale_unix_socket_is_replaced_and_a_living_one_is_not),
		cmocka_unit_test(udp_sockets_exchange),
		cmocka_unit_test(udp_sockets_share_a_port),
		cmocka_unit_test(inherited_listener_is_taken),
		cmocka_unit_test(accept_on_no_listener_fails),
		cmocka_unit_test(mapped_peer_is_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
