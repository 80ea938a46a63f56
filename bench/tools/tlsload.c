/*
 * tlsload: load for bench/edge.
 *
 *   tlsload backend ADDRESS PORT
 *     Answers the first bytes of each connection: with a small HTTP response,
 *     or, to a TLS hello, with 128 bytes; then closes once the peer has.
 *   tlsload request ADDRESS PORT NAME PARALLEL COUNT
 *     COUNT full TLS 1.3 handshakes with one HTTP request each.
 *   tlsload pass ADDRESS PORT HELLO PARALLEL COUNT
 *     COUNT connections that send the hello in file HELLO and read the answer.
 *
 * Prints "done N failed N seconds S".  One thread, epoll.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char RESPONSE[] = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n"
			       "hello, world\n";
enum {
	CHUNK = 16384,
	RAW_ANSWER = 128,
};

struct load {
	int epoll_fd;
	bool is_backend;
	struct sockaddr_in to;
	SSL_CTX *ctx; /* NULL: raw bytes */
	const char *name;
	char request[CHUNK];
	size_t request_len;
	long want, started, done, failed;
	int listen_fd;
};

struct peer {
	int fd;
	SSL *ssl;
	bool is_sent, has_answer;
};

static void die(const char *what)
{
	fprintf(stderr, "tlsload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void watch(struct load *l, struct peer *p)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data = { .ptr = p } };
	int one = 1;

	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, p->fd, &e) != 0)
		die("epoll_ctl");
}

static void start(struct load *l)
{
	struct peer *p = calloc(1, sizeof(*p));

	l->started++;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		die("socket");
	if (connect(p->fd, (struct sockaddr *)&l->to, sizeof(l->to)) != 0 && errno != EINPROGRESS)
		die("connect");
	if (l->ctx) {
		p->ssl = SSL_new(l->ctx);
		SSL_set_fd(p->ssl, p->fd);
		SSL_set_tlsext_host_name(p->ssl, l->name);
		SSL_set_connect_state(p->ssl);
	}
	watch(l, p);
}

static void finish(struct load *l, struct peer *p, bool is_ok)
{
	/* Both ends of a client close in order, so that proxies see a clean end. */
	if (p->ssl) {
		if (is_ok)
			SSL_shutdown(p->ssl);
		SSL_free(p->ssl);
		ERR_clear_error();
	}
	close(p->fd);
	free(p);
	if (l->is_backend)
		return;
	if (is_ok)
		l->done++;
	else
		l->failed++;
	if (l->started < l->want)
		start(l);
}

/* One attempt to move bytes; 1 moved, 0 blocked, -1 over. */
static int get(struct peer *p, char *out)
{
	ssize_t n;

	if (p->ssl) {
		n = SSL_read(p->ssl, out, CHUNK);
		if (n > 0)
			return 1;
		return SSL_get_error(p->ssl, (int)n) == SSL_ERROR_WANT_READ ? 0 : -1;
	}
	n = recv(p->fd, out, CHUNK, 0);
	if (n > 0)
		return 1;
	return n < 0 && errno == EAGAIN ? 0 : -1;
}

static bool put(struct load *l, struct peer *p)
{
	if (p->ssl)
		return SSL_write(p->ssl, l->request, (int)l->request_len) == (int)l->request_len;
	return send(p->fd, l->request, l->request_len, MSG_NOSIGNAL) == (ssize_t)l->request_len;
}

static void run_client(struct load *l, struct peer *p)
{
	char bytes[CHUNK];
	int r;

	if (!p->is_sent && p->ssl) {
		r = SSL_do_handshake(p->ssl);
		if (r != 1 && SSL_get_error(p->ssl, r) == SSL_ERROR_WANT_READ)
			return;
		if (r != 1) {
			finish(l, p, false);
			return;
		}
	}
	if (!p->is_sent) {
		p->is_sent = put(l, p);
		if (!p->is_sent && errno != EAGAIN && errno != ENOTCONN)
			finish(l, p, false);
		if (!p->is_sent)
			return;
	}
	while ((r = get(p, bytes)) == 1)
		p->has_answer = true;
	/* A raw answer is one piece; HTTP ends with the connection. */
	if (r < 0 || (!p->ssl && p->has_answer))
		finish(l, p, p->has_answer);
}

static void run_backend(struct load *l, struct peer *p)
{
	static const char raw[RAW_ANSWER] = { 0 };
	char bytes[CHUNK];
	ssize_t n;

	for (;;) {
		n = recv(p->fd, bytes, sizeof(bytes), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			finish(l, p, true);
			return;
		}
		if (p->is_sent)
			continue;
		p->is_sent = true;
		if (bytes[0] == 22) {
			send(p->fd, raw, sizeof(raw), MSG_NOSIGNAL);
		} else {
			send(p->fd, RESPONSE, sizeof(RESPONSE) - 1, MSG_NOSIGNAL);
			shutdown(p->fd, SHUT_WR);
		}
	}
}

static void accept_all(struct load *l)
{
	struct peer *p;
	int fd;

	while ((fd = accept4(l->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		p = calloc(1, sizeof(*p));
		p->fd = fd;
		watch(l, p);
	}
}

static void turn(struct load *l)
{
	struct epoll_event events[256];
	int n = epoll_wait(l->epoll_fd, events, 256, 5000), i;

	if (n == 0 && !l->is_backend)
		die("no answer for 5 s");
	for (i = 0; i < n; i++) {
		struct peer *p = events[i].data.ptr;

		if (!p)
			accept_all(l);
		else if (l->is_backend)
			run_backend(l, p);
		else
			run_client(l, p);
	}
}

static void listen_at(struct load *l)
{
	struct epoll_event e = { .events = EPOLLIN };
	int one = 1;

	l->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(l->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l->listen_fd, (struct sockaddr *)&l->to, sizeof(l->to)) != 0 ||
	    listen(l->listen_fd, 4096) != 0 ||
	    epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->listen_fd, &e) != 0)
		die("listen");
}

static void prepare_request(struct load *l, const char *name)
{
	l->name = name;
	l->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(l->ctx, TLS1_3_VERSION);
	SSL_CTX_set_session_cache_mode(l->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(l->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	l->request_len = (size_t)snprintf(l->request, sizeof(l->request),
					  "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
					  name);
}

static void prepare_pass(struct load *l, const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		die(path);
	l->request_len = fread(l->request, 1, sizeof(l->request), f);
	fclose(f);
}

int main(int argc, char **argv)
{
	struct load l = { .to = { .sin_family = AF_INET } };
	double started = now();
	long parallel, i;

	if (argc < 4 || inet_pton(AF_INET, argv[2], &l.to.sin_addr) != 1)
		return 2;
	l.to.sin_port = htons((uint16_t)atoi(argv[3]));
	l.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l.is_backend = strcmp(argv[1], "backend") == 0;
	if (l.is_backend) {
		listen_at(&l);
		for (;;)
			turn(&l);
	}
	if (argc != 7)
		return 2;
	if (strcmp(argv[1], "request") == 0)
		prepare_request(&l, argv[4]);
	else
		prepare_pass(&l, argv[4]);
	parallel = atol(argv[5]);
	l.want = atol(argv[6]);
	for (i = 0; i < parallel && l.started < l.want; i++)
		start(&l);
	while (l.done + l.failed < l.want)
		turn(&l);
	printf("done %ld failed %ld seconds %.3f\n", l.done, l.failed, now() - started);
	SSL_CTX_free(l.ctx);
	return l.failed ? 1 : 0;
}
