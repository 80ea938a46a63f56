/*
 * tlsserve: what stands behind a proxy, and the least that one can be, for
 * bench/edge.
 *
 *   tlsserve backend ADDRESS PORT
 *     Answers HTTP/1.1: GET /N with N bytes, GET / with a few.  A connection
 *     that begins with a TLS record gets 128 bytes for it.
 *   tlsserve relay ADDRESS PORT BACKEND PORT
 *     Accepts, connects, copies both ways: the system calls no proxy is
 *     without, and nothing else.
 *
 * One thread, epoll.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHUNK = 256 * 1024,
	RAW_ANSWER = 128,
	TLS_HEADER = 5,
};

struct server {
	int epoll_fd, listen_fd;
	bool is_relay;
	struct sockaddr_in at, backend;
	char bytes[CHUNK];
};

/* A backend's connection, or one of the two ends of a relayed one. */
struct peer {
	int fd;
	struct peer *other; /* relay */
	bool can_write;
	bool has_begun, is_last; /* backend */
	long owed; /* backend: bytes of the body yet to be sent */
	char *kept; /* relay: what 'other' has read and fd did not take */
	size_t kept_from, kept_to;
	bool is_over; /* relay: the other end has ended */
};

static void die(const char *what)
{
	fprintf(stderr, "tlsserve: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct peer *watch(struct server *s, int fd)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				 .data = { .ptr = p } };
	int one = 1;

	p->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
		die("epoll_ctl");
	return p;
}

static void end(struct peer *p)
{
	close(p->fd);
	p->fd = -1;
}

/* Backend. */

static void send_owed(struct server *s, struct peer *p)
{
	ssize_t n;

	while (p->owed > 0) {
		size_t want = p->owed < CHUNK ? (size_t)p->owed : CHUNK;

		n = send(p->fd, s->bytes, want, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		p->owed -= n;
	}
	if (p->is_last) {
		shutdown(p->fd, SHUT_WR);
		p->is_last = false;
	}
}

static void answer(struct server *s, struct peer *p, const char *request)
{
	long body = atol(request + 5); /* "GET /" */
	char out[256];
	int n;

	if (body == 0)
		n = snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n"
					       "hello, world\n");
	else
		n = snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n",
			     body);
	send(p->fd, out, (size_t)n, MSG_NOSIGNAL);
	p->owed = body;
	p->is_last = strstr(request, "Connection: close") || strstr(request, "HTTP/1.0");
	send_owed(s, p);
}

static void run_backend(struct server *s, struct peer *p)
{
	static const char raw[RAW_ANSWER] = { 0 };
	char in[8192], *at = in;
	ssize_t n;

	send_owed(s, p);
	for (;;) {
		n = recv(p->fd, in, sizeof(in) - 1, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end(p);
			free(p);
			return;
		}
		in[n] = '\0';
		at = in;
		if (!p->has_begun && in[0] == 22 && n > TLS_HEADER) {
			send(p->fd, raw, sizeof(raw), MSG_NOSIGNAL);
			at += TLS_HEADER + ((uint8_t)in[3] << 8 | (uint8_t)in[4]);
		}
		p->has_begun = true;
		if (at < in + n)
			answer(s, p, at);
	}
}

/* Relay. */

/* From p to its other end, until one of them has enough; false: both are over. */
static bool copy(struct server *s, struct peer *p)
{
	struct peer *to = p->other;
	ssize_t n, sent = 0;

	for (;;) {
		while (to->kept_from < to->kept_to) {
			n = send(to->fd, to->kept + to->kept_from, to->kept_to - to->kept_from,
				 MSG_NOSIGNAL);
			if (n < 0)
				return errno == EAGAIN;
			to->kept_from += (size_t)n;
		}
		n = recv(p->fd, s->bytes, CHUNK, 0);
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0) {
			shutdown(to->fd, SHUT_WR);
			to->is_over = true;
			return !p->is_over;
		}
		sent = send(to->fd, s->bytes, (size_t)n, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			return false;
		sent = sent < 0 ? 0 : sent;
		if (sent == n && n < CHUNK)
			return true;
		if (sent == n)
			continue;
		if (!to->kept)
			to->kept = malloc(CHUNK);
		memcpy(to->kept, s->bytes + sent, (size_t)(n - sent));
		to->kept_from = 0;
		to->kept_to = (size_t)(n - sent);
	}
}

static void run_relay(struct server *s, struct peer *p, uint32_t events, struct peer **dead)
{
	bool is_alive = true;

	if (p->fd < 0)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		is_alive = copy(s, p);
	if (is_alive && (events & EPOLLOUT) && p->kept_from < p->kept_to)
		is_alive = copy(s, p->other);
	if (is_alive)
		return;
	end(p);
	end(p->other);
	*dead = p;
}

static void accept_all(struct server *s)
{
	struct peer *p;
	int fd, to;

	while ((fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		p = watch(s, fd);
		if (!s->is_relay)
			continue;
		to = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(to, (struct sockaddr *)&s->backend, sizeof(s->backend)) != 0 &&
		    errno != EINPROGRESS)
			die("connect");
		p->other = watch(s, to);
		p->other->other = p;
	}
}

static void turn(struct server *s)
{
	struct epoll_event events[256];
	struct peer *dead[256] = { 0 };
	int n = epoll_wait(s->epoll_fd, events, 256, -1), i;

	for (i = 0; i < n; i++) {
		struct peer *p = events[i].data.ptr;

		if (!p)
			accept_all(s);
		else if (s->is_relay)
			run_relay(s, p, events[i].events, &dead[i]);
		else
			run_backend(s, p);
	}
	for (i = 0; i < n; i++) {
		if (!dead[i])
			continue;
		free(dead[i]->other->kept);
		free(dead[i]->other);
		free(dead[i]->kept);
		free(dead[i]);
	}
}

static bool read_address(struct sockaddr_in *out, char **argv)
{
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)atoi(argv[1]));
	return inet_pton(AF_INET, argv[0], &out->sin_addr) == 1;
}

int main(int argc, char **argv)
{
	static struct server s;
	struct epoll_event e = { .events = EPOLLIN };
	int one = 1;

	signal(SIGPIPE, SIG_IGN);
	s.is_relay = argc == 6 && strcmp(argv[1], "relay") == 0;
	if ((argc != 4 && !s.is_relay) || !read_address(&s.at, argv + 2) ||
	    (s.is_relay && !read_address(&s.backend, argv + 4)))
		return 2;
	s.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(s.listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s.listen_fd, (struct sockaddr *)&s.at, sizeof(s.at)) != 0 ||
	    listen(s.listen_fd, 4096) != 0 ||
	    epoll_ctl(s.epoll_fd, EPOLL_CTL_ADD, s.listen_fd, &e) != 0)
		die("listen");
	for (;;)
		turn(&s);
}
