#include "cli/verify_conn.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "http1/body.h"
#include "http1/head.h"
#include "io/clock.h"
#include "io/sock.h"
#include "tls/tls.h"

enum {
	READ_MAX = 16 * 1024, /* bytes at a time */
};

struct verify_conn {
	int fd;
	struct tls_context *context;
	struct tls_conn *tls;
	const char *host, *port; /* borrowed */
	uint64_t give_up_at_ms;
	struct buf in; /* decrypted, not consumed */
};

void verify_conn_free(struct verify_conn *c)
{
	if (!c)
		return;
	tls_conn_free(c->tls);
	tls_context_free(c->context);
	if (c->fd >= 0)
		(void)close(c->fd);
	buf_fini(&c->in);
	free(c);
}

void verify_conn_auto(struct verify_conn **c)
{
	verify_conn_free(*c);
}

static bool fail(char error[CONN_ERROR_MAX], const char *what, const char *why)
{
	(void)snprintf(error, CONN_ERROR_MAX, "%s: %s", what, why);
	return false;
}

/* ---- TCP */

static bool wait_for(int fd, short events, uint64_t give_up_at_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = clock_boot_ms(),
		 left = give_up_at_ms > now ? give_up_at_ms - now : 0;
	int n;

	/* Data that is ready would be a success of poll() all the same. */
	if (!left) {
		errno = ETIMEDOUT;
		return false;
	}
	do
		n = poll(&p, 1,
			 left < CONN_TIMEOUT_MS ? (int)left : CONN_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0;
}

static bool connect_to(int *fd, const struct sock_addr *to,
		       uint64_t give_up_at_ms)
{
	int e;

	if (sock_connect(fd, to))
		return false;
	if (wait_for(*fd, POLLOUT, give_up_at_ms)) {
		e = sock_error(*fd);
		if (!e)
			return true;
		errno = e;
	}
	e = errno;
	(void)close(*fd);
	*fd = -1;
	errno = e;
	return false;
}

static bool connect_by_name(int *fd, const struct conn_target *t,
			    char error[CONN_ERROR_MAX])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_ADDRCONFIG };
	struct addrinfo *all;
	int e = getaddrinfo(t->host, t->port, &hints, &all);

	if (e)
		return fail(error, t->host, gai_strerror(e));
	for (const struct addrinfo *a = all; a && *fd < 0; a = a->ai_next) {
		struct sock_addr to = { .len = a->ai_addrlen };

		memcpy(&to.sa, a->ai_addr, a->ai_addrlen);
		/* the last one's errno is told */
		(void)connect_to(fd, &to, t->give_up_at_ms);
	}
	e = errno;
	freeaddrinfo(all);
	return *fd >= 0 || fail(error, t->host, strerror(e));
}

static bool open_tcp(int *fd, const struct conn_target *t,
		     char error[CONN_ERROR_MAX])
{
	struct sock_addr to;

	if (!t->connect)
		return connect_by_name(fd, t, error);
	if (!sock_addr_parse(&to, span_str(t->connect)))
		return fail(error, t->connect, "not an address and a port");
	return connect_to(fd, &to, t->give_up_at_ms) ||
	       fail(error, t->connect, strerror(errno));
}

/* ---- TLS */

static bool send_all(struct verify_conn *c)
{
	struct buf *out = tls_output(c->tls);

	while (buf_span(out).n) {
		struct span s = buf_span(out);
		ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n > 0)
			buf_consume(out, (size_t)n);
		else if (n < 0 && errno == EAGAIN
				 ? !wait_for(c->fd, POLLOUT, c->give_up_at_ms)
				 : errno != EINTR)
			return false;
	}
	return true;
}

/* More ciphertext, or the end of it. */
static bool receive(struct verify_conn *c)
{
	uint8_t bytes[READ_MAX];
	ssize_t n;

	if (!wait_for(c->fd, POLLIN, c->give_up_at_ms))
		return false;
	n = recv(c->fd, bytes, sizeof(bytes), 0);
	if (n == 0)
		tls_feed_eof(c->tls);
	else if (n > 0)
		return tls_feed(c->tls, span_of(bytes, (size_t)n)) == RC_OK;
	return n == 0 || errno == EAGAIN || errno == EINTR;
}

static bool shake_hands(struct verify_conn *c, char error[CONN_ERROR_MAX])
{
	for (;;) {
		enum tls_status s = tls_handshake(c->tls);

		if (!send_all(c) && s != TLS_FAILED)
			return fail(error, "TLS", strerror(errno));
		if (s == TLS_OK)
			return true;
		if (s != TLS_WANT)
			return fail(error, "TLS", tls_conn_error(c->tls));
		if (!receive(c))
			return fail(error, "TLS", strerror(errno));
	}
}

static void note_session(struct material_tls *tls, struct arena *arena,
			 const struct verify_conn *c)
{
	enum {
		CHAIN_MAX = 10,
	};
	struct span *chain = arena_new(arena, CHAIN_MAX, sizeof(*chain));

	/* The room makes nothing older than TLS 1.3. */
	*tls = (struct material_tls){ .is_there = true, .is_tls13 = true };
	tls->has_exporter = tls_export(c->tls, tls->exporter, ATTEST_EXPORTER,
				       span_of(NULL, 0));
	tls->chain = chain;
	if (chain)
		tls->chain_count = tls_conn_peer_chain(c->tls, chain, CHAIN_MAX,
						       arena);
}

bool verify_conn_open(struct verify_conn **out, struct material_tls *tls,
		      struct arena *arena, const struct conn_target *target,
		      char error[CONN_ERROR_MAX])
{
	static const char *const alpn[] = { "http/1.1", NULL };
	struct verify_conn *c AUTO(verify_conn_auto) = mem_new(sizeof(*c));
	char why[TLS_ERROR_MAX];

	c->fd = -1;
	c->host = target->host;
	c->port = target->port;
	c->give_up_at_ms = target->give_up_at_ms;
	if (!open_tcp(&c->fd, target, error))
		return false;
	if (tls_client_new(&c->context, alpn, why) ||
	    tls_conn_new(&c->tls, c->context, target->host))
		return fail(error, "TLS", "no context");
	if (!shake_hands(c, error))
		return false;
	note_session(tls, arena, c);
	*out = STEAL(c);
	return true;
}

/* ---- HTTP */

/* Decrypted bytes; *is_end: the server closed. */
static bool more(struct verify_conn *c, bool *is_end,
		 char error[CONN_ERROR_MAX])
{
	for (;;) {
		uint8_t bytes[READ_MAX];
		size_t n;
		enum tls_status s =
			tls_read(c->tls, bytes, sizeof(bytes), &n);

		(void)send_all(c); /* an answer to a key update */
		if (s == TLS_OK)
			return buf_add(&c->in, span_of(bytes, n)) ||
			       fail(error, c->host, "the answer is too large");
		*is_end = s == TLS_EOF;
		if (s == TLS_EOF)
			return true;
		if (s == TLS_FAILED)
			return fail(error, c->host, tls_conn_error(c->tls));
		if (!receive(c))
			return fail(error, c->host, strerror(errno));
	}
}

static bool send_request(struct verify_conn *c, const char *path,
			 struct span body, char error[CONN_ERROR_MAX])
{
	char head[1024];
	struct wr w = WR_ARRAY(head);

	wr_printf(&w, "%s %s HTTP/1.1\r\nHost: %s%s%s\r\n",
		  body.n ? "POST" : "GET", path, c->host,
		  strcmp(c->port, "443") == 0 ? "" : ":",
		  strcmp(c->port, "443") == 0 ? "" : c->port);
	wr_str(&w, "User-Agent: postern-verify\r\nAccept: */*\r\n");
	if (body.n)
		wr_printf(&w,
			  "Content-Type: application/json\r\n"
			  "Content-Length: %zu\r\n",
			  body.n);
	wr_str(&w, "\r\n");
	if (w.over || tls_write(c->tls, wr_span(&w)) != TLS_OK ||
	    (body.n && tls_write(c->tls, body) != TLS_OK) || !send_all(c))
		return fail(error, c->host, "the request cannot be sent");
	return true;
}

static bool read_head(struct verify_conn *c, struct span *head,
		      char error[CONN_ERROR_MAX])
{
	struct head_scan scan = { 0 };
	bool is_end = false;
	size_t n;

	for (;;) {
		switch (head_scan(&scan, buf_span(&c->in), &n)) {
		case HEAD_WHOLE:
			*head = span_of(buf_span(&c->in).p, n);
			return true;
		case HEAD_BARE_LF:
			return fail(error, c->host, "the answer is no HTTP");
		case HEAD_MORE:
			break;
		}
		if (buf_span(&c->in).n > HEAD_MAX)
			return fail(error, c->host, "a head without an end");
		if (is_end)
			return fail(error, c->host, "closed in an answer");
		if (!more(c, &is_end, error))
			return false;
	}
}

/* The value of Location, in the arena. */
static struct span location_of(struct span head, struct arena *arena)
{
	struct span line;

	while (rd_until(&head, &line, '\n')) {
		struct span name, value;
		const char *copy;

		if (!rd_until(&line, &name, ':') ||
		    !span_equal_nocase(name, span_str("location")))
			continue;
		value = line;
		while (value.n && (value.p[0] == ' ' || value.p[0] == '\t'))
			(void)rd_skip(&value, 1);
		while (value.n && value.p[value.n - 1] <= ' ')
			value.n--;
		copy = arena_dup(arena, value);
		return span_of(copy, copy ? value.n : 0);
	}
	return span_of(NULL, 0);
}

/* Takes a digit from the span's front. */
static bool rd_hex(struct span *s, uint64_t *digit)
{
	uint8_t c = s->n ? s->p[0] : 0, low = c | 0x20;

	if (c >= '0' && c <= '9')
		*digit = c - (uint64_t)'0';
	else if (low >= 'a' && low <= 'f')
		*digit = low - (uint64_t)'a' + 10;
	else
		return false;
	return rd_skip(s, 1);
}

/* Chunks are taken apart here: http1/body.h only finds their end. */
static bool rd_chunk(struct span *s, struct span *data)
{
	struct span line, size;
	uint64_t n, digit;

	if (!memchr(s->p, '\n', s->n) || !rd_until(s, &line, '\n') ||
	    !rd_until(&line, &size, ';') || !rd_hex(&size, &n))
		return false;
	while (rd_hex(&size, &digit)) {
		if (n >> 32)
			return false;
		n = n * 16 + digit;
	}
	if (size.n && size.p[0] > ' ')
		return false;
	return rd_n(s, data, (size_t)n) && (!n || rd_skip(s, 2));
}

static bool keep_body(struct conn_answer *out, struct arena *arena,
		      struct span raw, enum head_framing framing)
{
	uint8_t *room = arena_new(arena, raw.n + 1, 1);
	struct wr w = wr_over(room, room ? raw.n : 0);
	struct span data = { .n = 1 };

	if (!room)
		return false;
	if (framing == HEAD_CHUNKED) {
		while (data.n) {
			if (!rd_chunk(&raw, &data))
				return false;
			wr_bytes(&w, data);
		}
	} else {
		wr_bytes(&w, raw);
	}
	out->body = wr_span(&w);
	return true;
}

static bool read_body(struct conn_answer *out, struct verify_conn *c,
		      struct arena *arena, const struct head_response *head,
		      char error[CONN_ERROR_MAX])
{
	struct body body;
	size_t at = 0, n;
	bool is_end = false;

	body_init(&body, BODY_RESPONSE, head->framing, head->length);
	for (;;) {
		struct span in = buf_span(&c->in);

		if (!body_take(&body, span_of(in.p + at, in.n - at), &n))
			return fail(error, c->host, "the body is malformed");
		at += n;
		if (body_is_done(&body) ||
		    (is_end && head->framing == HEAD_UNTIL_CLOSE))
			break;
		if (is_end)
			return fail(error, c->host, "closed in an answer");
		if (!more(c, &is_end, error))
			return false;
	}
	if (!keep_body(out, arena, span_of(buf_span(&c->in).p, at),
		       head->framing))
		return fail(error, c->host, "the answer is too large");
	buf_consume(&c->in, at);
	return true;
}

bool verify_conn_ask(struct conn_answer *out, struct verify_conn *c,
		     struct arena *arena, const char *path, struct span body,
		     size_t max, char error[CONN_ERROR_MAX])
{
	struct conn_answer answer = { 0 };
	struct head_response response;
	struct span head;

	buf_fini(&c->in);
	buf_init(&c->in, max + max / 8 + 2 * HEAD_MAX);
	if (!send_request(c, path, body, error) || !read_head(c, &head, error))
		return false;
	if (!head_response(&response, head) || response.status < 200)
		return fail(error, c->host, "the answer is no HTTP we know");
	answer.status = response.status;
	answer.location = location_of(head, arena);
	buf_consume(&c->in, head.n);
	if (!read_body(&answer, c, arena, &response, error))
		return false;
	*out = answer;
	return true;
}
