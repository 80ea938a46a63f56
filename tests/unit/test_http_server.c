/* The server in a thread of its own, the client and raw sockets against it. */
#include "folder.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/client.h"
#include "http/server.h"
#include "io/sock.h"

enum {
	WAIT_MS = 20000,
	LARGE = 3000000,
	READERS = 32,
	CLIENTS = 8,
	ROUNDS = 50,
	LATER_MS = 3,
	LATER_MAX = 128,
};

/* An answer that comes LATER_MS after its request. */
struct later {
	struct fixture *fixture;
	struct http_answer *answer; /* NULL: this place is free */
	struct loop_timer timer;
	bool is_never; /* it does not come at all */
};

struct fixture {
	struct folder folder;
	char path[128];
	struct loop *loop;
	struct http_server *server;
	pthread_t thread;
	struct later later[LATER_MAX];
	size_t gone_count;
	struct shared *shared; /* LARGE bytes */
};

static void send_later(void *arg)
{
	struct later *l = arg;
	struct http_answer *a = l->answer;

	l->answer = NULL;
	a->status = 503;
	a->retry_after_s = 7;
	http_answer_send(a);
}

static void later_gone(void *arg)
{
	struct later *l = arg;

	loop_timer_disarm(l->fixture->loop, &l->timer);
	l->answer = NULL;
	l->fixture->gone_count++;
}

static void answer_later(struct fixture *f, const struct http_request *q)
{
	struct later *l = f->later;

	while (l->answer)
		l++;
	*l = (struct later){
		.fixture = f,
		.answer = http_answer_later(q, later_gone, l),
		.timer = { .fn = send_later, .arg = l },
		.is_never = strcmp(q->path, "/never") == 0,
	};
	(void)!buf_add(&l->answer->body, q->body);
	if (!l->is_never)
		loop_timer_arm(f->loop, &l->timer, loop_now_ms(f->loop) + LATER_MS);
}

static void handle(void *arg, const struct http_request *q, struct http_answer *a)
{
	struct fixture *f = arg;

	/* In the loop's thread, as promised. */
	if (!pthread_equal(pthread_self(), f->thread))
		a->status = 500;
	if (strcmp(q->path, "/large") == 0) {
		void *large = mem_new(LARGE);

		(void)!buf_add(&a->body, span_of(large, LARGE));
		mem_auto_free(&large);
		return;
	}
	if (strcmp(q->path, "/shared") == 0) {
		a->shared = shared_ref(f->shared);
		return;
	}
	if (strcmp(q->path, "/later") == 0 || strcmp(q->path, "/never") == 0) {
		(void)!buf_add(&a->body, span_str("not this one"));
		answer_later(f, q);
		return;
	}
	if (strcmp(q->path, "/field") == 0) {
		const char *value = http_request_field(q, "postern-name");

		(void)!buf_add(&a->body, span_str(value ? value : "(none)"));
		return;
	}
	if (strcmp(q->path, "/none") == 0) {
		a->status = 404;
		a->content_type = "text/plain";
		return;
	}
	(void)!buf_add(&a->body, span_str(q->method));
	(void)!buf_add(&a->body, span_str(" "));
	(void)!buf_add(&a->body, span_str(q->path));
	(void)!buf_add(&a->body, span_str(" "));
	(void)!buf_add(&a->body, q->body);
}

static void *run_loop(void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(loop_run(f->loop), RC_OK);
	return NULL;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static struct shared *make_shared(void)
{
	struct buf b;
	size_t n;

	buf_init(&b, LARGE);
	memset(buf_space(&b, LARGE, &n), 's', LARGE);
	buf_commit(&b, LARGE);
	return shared_of(&b);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->shared = make_shared();

	folder_make(&f->folder);
	folder_file(f->path, &f->folder, "s");
	assert_int_equal(loop_new(&f->loop), RC_OK);
	assert_int_equal(http_server_new(&f->server, f->loop, f->path, 0600, handle, f), RC_OK);
	assert_int_equal(pthread_create(&f->thread, NULL, run_loop, f), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_post(f->loop, stop, f->loop);
	pthread_join(f->thread, NULL);
	http_server_free(f->server);
	loop_free(f->loop);
	shared_unref(f->shared);
	assert_int_equal(access(f->path, F_OK), -1);
	folder_remove(&f->folder);
	test_free(f);
	return 0;
}

static void expect(struct fixture *f, const char *method, const char *path, const char *body,
		   unsigned status, const char *want)
{
	struct http_reply r = { 0 };

	assert_int_equal(http_client_ask(&r, f->path, method, path, span_str(body), WAIT_MS),
			 RC_OK);
	assert_int_equal(r.status, status);
	if (!span_equal_str(buf_span(&r.body), want))
		fail_msg("got \"%.*s\"", (int)r.body.n, (const char *)buf_span(&r.body).p);
	http_reply_fini(&r);
}

static void requests_reach_the_handler(void **state)
{
	struct fixture *f = *state;
	struct http_reply r = { 0 };

	expect(f, "GET", "/v1/leases", "", 200, "GET /v1/leases ");
	expect(f, "DELETE", "/v1/leases/00", "", 200, "DELETE /v1/leases/00 ");
	expect(f, "POST", "/x", "{\"a\":1}", 200, "POST /x {\"a\":1}");
	expect(f, "GET", "/none", "", 404, "");
	expect(f, "GET", "/a%2Fb/../c?query=1", "", 200, "GET /a%2Fb/../c ");
	assert_int_equal(http_client_get(&r, f->path, "/g", WAIT_MS), RC_OK);
	http_reply_fini(&r);
	assert_int_equal(http_client_delete(&r, f->path, "/d", WAIT_MS), RC_OK);
	http_reply_fini(&r);
	assert_int_equal(http_client_post(&r, f->path, "/p", span_str("b"), WAIT_MS), RC_OK);
	assert_true(span_equal_str(buf_span(&r.body), "POST /p b"));
	http_reply_fini(&r);
}

static void large_answer_arrives_whole(void **state)
{
	struct fixture *f = *state;
	struct http_reply r = { 0 };

	assert_int_equal(http_client_get(&r, f->path, "/large", WAIT_MS), RC_OK);
	assert_int_equal(r.body.n, LARGE);
	http_reply_fini(&r);
}

static void body_up_to_its_bound(void **state)
{
	struct fixture *f = *state;
	char *body = mem_new(HTTP_BODY_MAX + 2);
	struct http_reply r = { 0 };

	memset(body, 'b', HTTP_BODY_MAX);
	assert_int_equal(http_client_post(&r, f->path, "/", span_str(body), WAIT_MS), RC_OK);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.n, strlen("POST / ") + HTTP_BODY_MAX);
	http_reply_fini(&r);
	body[HTTP_BODY_MAX] = 'b';
	assert_int_equal(http_client_post(&r, f->path, "/", span_str(body), WAIT_MS), RC_OK);
	assert_int_equal(r.status, 413);
	http_reply_fini(&r);
	mem_auto_free(&body);
}

static int raw_connect(const struct fixture *f)
{
	struct sock_addr a = { .un = { .sun_family = AF_UNIX }, .len = sizeof(a.un) };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.un.sun_path, f->path);
	assert_int_equal(connect(fd, &a.sa, a.len), 0);
	return fd;
}

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void slow_readers_share_one_answer(void **state)
{
	static const char get[] = "GET /shared HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture *f = *state;
	struct http_reply r = { 0 };
	size_t before = in_use();
	int fds[READERS];
	char byte;

	for (size_t i = 0; i < READERS; i++) {
		fds[i] = raw_connect(f);
		assert_int_equal(send(fds[i], get, strlen(get), 0), strlen(get));
	}
	/* One byte each: the answer is made, and most of it waits. */
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(recv(fds[i], &byte, 1, 0), 1);
	assert_true(in_use() < before + LARGE);
	assert_int_equal(http_client_get(&r, f->path, "/shared", WAIT_MS), RC_OK);
	assert_int_equal(r.body.n, LARGE);
	assert_int_equal(buf_span(&r.body).p[LARGE - 1], 's');
	http_reply_fini(&r);
	for (size_t i = 0; i < READERS; i++)
		close(fds[i]);
}

/* Everything the server says to these bytes until it closes or goes quiet. */
static void raw(const struct fixture *f, const char *text, size_t n, char answer[4096])
{
	int fd = raw_connect(f);
	size_t at = 0;
	ssize_t got = 1;

	/* The server may close before it has read all. */
	(void)!send(fd, text, n, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (got > 0 && at < 4095) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		got = read(fd, answer + at, 4095 - at);
		at += got > 0 ? (size_t)got : 0;
	}
	answer[at] = '\0';
	close(fd);
}

static void odd_requests(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
		{ "plain", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /a " },
		{ "head_has_no_body", "HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200 OK" },
		{ "no_host_refused", "GET /a HTTP/1.1\r\n\r\n", "400 Bad" },
		{ "garbage_length_refused", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\nab", "400 Bad" },
		{ "huge_length_refused_at_once", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", "413 " },
		{ "absolute_form", "GET http://unix.socket/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /a " },
		{ "absolute_form_of_the_root", "GET http://unix.socket HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / " },
		{ "absolute_form_with_control_byte_refused", "GET http://x/\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad" },
		{ "other_scheme_refused", "GET https://x/a HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad" },
		{ "path_without_slash_refused", "GET http:a HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad" },
		{ "path_with_control_byte_refused", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad" },
		{ "path_with_high_byte_refused", "GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad" },
		{ "chunked_body", "POST /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "POST /c abc" },
		{ "two_requests_on_one_connection", "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /2 " },
	};
	/* clang-format on */
	struct fixture *f = *state;
	char answer[4096];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("%s\n", cases[i].name);
		raw(f, cases[i].text, strlen(cases[i].text), answer);
		if (!strstr(answer, cases[i].want))
			fail_msg("got \"%s\"", answer);
	}
}

/* Where no Host is needed everything else still is as it should be. */
static void clients_without_a_host(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
		{ "no_host", "GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /a " },
		{ "with_host", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /a " },
		{ "absolute_form", "GET http://unix.socket/a HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /a " },
		{ "garbage_length_refused", "POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\nab", "400 Bad" },
		{ "huge_length_refused_at_once", "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "413 " },
		{ "space_in_path_refused", "GET /a b HTTP/1.1\r\n\r\n", "400 Bad" },
		{ "path_with_control_byte_refused", "GET /\x01 HTTP/1.1\r\n\r\n", "400 Bad" },
	};
	/* clang-format on */
	struct fixture *f = *state;
	struct fixture other = { .folder = f->folder };
	char answer[4096];

	folder_file(other.path, &f->folder, "hostless");
	assert_int_equal(loop_new(&other.loop), RC_OK);
	assert_int_equal(http_server_new_hostless(&other.server, other.loop, other.path, 0600,
						  handle, &other),
			 RC_OK);
	assert_int_equal(pthread_create(&other.thread, NULL, run_loop, &other), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("%s\n", cases[i].name);
		raw(&other, cases[i].text, strlen(cases[i].text), answer);
		if (!strstr(answer, cases[i].want))
			fail_msg("got \"%s\"", answer);
	}
	loop_post(other.loop, stop, other.loop);
	pthread_join(other.thread, NULL);
	http_server_free(other.server);
	loop_free(other.loop);
}

static void answers_are_not_cached_or_sniffed(void **state)
{
	char answer[4096];
	const char *get = "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

	raw(*state, get, strlen(get), answer);
	assert_non_null(strstr(answer, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(answer, "Content-Security-Policy: default-src 'none'; "));
	assert_non_null(strstr(answer, "Content-Type: text/plain\r\n"));
}

static void fields_can_be_asked_for(void **state)
{
	char answer[4096];
	const char *two = "GET /field HTTP/1.1\r\nHost: x\r\nPostern-Name: a.test\r\n\r\n"
			  "GET /field HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	const char *first;

	raw(*state, two, strlen(two), answer);
	first = strstr(answer, "\r\n\r\na.test");
	assert_non_null(first);
	assert_non_null(strstr(first, "\r\n\r\n(none)"));
}

static void later_answer_comes_whole(void **state)
{
	char answer[4096], *second;
	const char *two = "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
			  "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

	expect(*state, "POST", "/later", "nonce", 503, "nonce");
	/* The next request on its connection waits for it. */
	raw(*state, two, strlen(two), answer);
	assert_non_null(strstr(answer, "Retry-After: 7\r\n"));
	assert_null(strstr(answer, "not this one"));
	second = strstr(answer, "\r\n\r\none");
	assert_non_null(second);
	assert_non_null(strstr(second, "GET /next "));
	assert_null(strstr(second, "Retry-After"));
}

/* In a server's own time: the clients of others are not held up. */
static void *ask_later(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct fixture *f = arg;
		struct http_reply r = { 0 };
		bool ok = !http_client_post(&r, f->path, "/later", span_str("b"), WAIT_MS) &&
			  r.status == 503 && span_equal_str(buf_span(&r.body), "b");

		http_reply_fini(&r);
		if (!ok)
			return f;
	}
	return NULL;
}

static void many_wait_at_once(void **state)
{
	pthread_t threads[CLIENTS];
	void *failed;

	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_later, *state), 0);
	for (int i = 0; i < ROUNDS; i++)
		expect(*state, "GET", "/x", "", 200, "GET /x ");
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

/* The server is freed (teardown) below who waits; who hung up is no trouble. */
static void freed_server_lets_go_of_who_waits(void **state)
{
	static const char never[] = "GET /never HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture *f = *state;
	int fds[4];

	for (int i = 0; i < 4; i++) {
		fds[i] = raw_connect(f);
		assert_int_equal(send(fds[i], never, sizeof(never) - 1, 0), sizeof(never) - 1);
	}
	expect(f, "GET", "/x", "", 200, "GET /x ");
	expect(f, "GET", "/x", "", 200, "GET /x ");
	close(fds[0]);
	loop_post(f->loop, stop, f->loop);
	pthread_join(f->thread, NULL);
	http_server_free(f->server);
	assert_int_equal(f->gone_count, 4);
	for (int i = 1; i < 4; i++) {
		char c;

		assert_int_equal(read(fds[i], &c, 1), 0);
		close(fds[i]);
	}
	assert_int_equal(http_server_new(&f->server, f->loop, f->path, 0600, handle, f), RC_OK);
	assert_int_equal(pthread_create(&f->thread, NULL, run_loop, f), 0);
}

static void more_connections_where_told(void **state)
{
	static const char get[] = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture *f = *state;
	int fds[100];
	char c;

	assert_int_equal(http_server_limit(f->server, 101), RC_OK);
	for (int i = 0; i < 100; i++)
		fds[i] = raw_connect(f);
	/* The last one is answered while all others are open and silent. */
	assert_int_equal(send(fds[99], get, sizeof(get) - 1, 0), sizeof(get) - 1);
	assert_int_equal(read(fds[99], &c, 1), 1);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
}

static void endless_chunks_are_cut_off(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: x\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";
	char *text = mem_new(200000), answer[4096];
	size_t n = sizeof(head) - 1;

	memcpy(text, head, n);
	while (n < 190000)
		n += (size_t)sprintf(text + n, "10\r\n0123456789abcdef\r\n");
	raw(*state, text, n, answer);
	assert_null(strstr(answer, "200 OK"));
	mem_auto_free(&text);
}

static void socket_has_its_mode(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* A client of another user, past the file's mode. */
static int ask_as_nobody(struct fixture *f)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = raw_connect(f); /* as root; credentials count from here */
		char c;

		close(fd);
		if (chmod(f->folder.path, 0755) || chmod(f->path, 0666) || setgid(65534) ||
		    setuid(65534))
			_exit(2);
		fd = raw_connect(f);
		(void)!send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL);
		_exit(read(fd, &c, 1) == 1 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void stranger_is_refused_by_credentials(void **state)
{
	if (geteuid() != 0) {
		skip();
		return;
	}
	assert_int_equal(ask_as_nobody(*state), 0);
}

static void open_socket_serves_everybody(void **state)
{
	struct fixture *f = *state;
	struct fixture other = { .folder = f->folder };

	if (geteuid() != 0) {
		skip();
		return;
	}
	folder_file(other.path, &f->folder, "open");
	assert_int_equal(loop_new(&other.loop), RC_OK);
	assert_int_equal(http_server_new(&other.server, other.loop, other.path, 0666, handle,
					 &other),
			 RC_OK);
	assert_int_equal(pthread_create(&other.thread, NULL, run_loop, &other), 0);
	assert_int_equal(ask_as_nobody(&other), 1);
	loop_post(other.loop, stop, other.loop);
	pthread_join(other.thread, NULL);
	http_server_free(other.server);
	loop_free(other.loop);
}

static void *ask_many(void *arg)
{
	struct fixture *f = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct http_reply r = { 0 };

		if (http_client_get(&r, f->path, "/x", WAIT_MS) || r.status != 200)
			return f;
		http_reply_fini(&r);
	}
	return NULL;
}

static void many_clients_at_once(void **state)
{
	pthread_t threads[CLIENTS];
	void *failed;

	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_many, *state), 0);
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static void clients_over_the_limit_wait(void **state)
{
	struct fixture *f = *state;
	int fds[100];

	for (int i = 0; i < 100; i++)
		fds[i] = raw_connect(f);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	expect(f, "GET", "/x", "", 200, "GET /x ");
}

static void taken_path_fails(void **state)
{
	struct fixture *f = *state;
	struct http_server *s = NULL;
	char deep[300];

	assert_int_equal(http_server_new(&s, f->loop, f->path, 0600, handle, f), RC_SYS);
	assert_int_equal(errno, EADDRINUSE);
	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(http_server_new(&s, f->loop, deep, 0600, handle, f), RC_SYS);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_null(s);
	expect(f, "GET", "/x", "", 200, "GET /x ");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(requests_reach_the_handler),
		T(large_answer_arrives_whole),
		T(slow_readers_share_one_answer),
		T(body_up_to_its_bound),
		T(odd_requests),
		T(clients_without_a_host),
		T(answers_are_not_cached_or_sniffed),
		T(fields_can_be_asked_for),
		T(later_answer_comes_whole),
		T(many_wait_at_once),
		T(freed_server_lets_go_of_who_waits),
		T(more_connections_where_told),
		T(endless_chunks_are_cut_off),
		T(socket_has_its_mode),
		T(stranger_is_refused_by_credentials),
		T(open_socket_serves_everybody),
		T(many_clients_at_once),
		T(clients_over_the_limit_wait),
		T(taken_path_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
