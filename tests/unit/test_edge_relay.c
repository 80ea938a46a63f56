/* relay: a connection between two TCP sockets of ours, one end of each in hand. */
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/relay.h"
#include "edge/worker.h"
#include "tls_peer.h"

enum {
	BUFFER = 64 * 1024,
};

static const struct setup made = {
	.config = {
		.timeouts = { .hello = 60000, .idle = 60000, .half_closed = 60000 },
		.limits = { .connections = 4, .per_source = 4, .per_app = 4, .buffer = BUFFER },
	},
};
static const struct log nowhere = { .fd = -1, .program = "test" };

struct world {
	struct board *board;
	struct worker worker;
	struct conn *conn;
	int client, backend; /* the far ends */
	struct peer_client peer; /* with TLS */
};

/* Two ends of a TCP connection over loopback. */
static void tcp_pair(int *near, int *far)
{
	struct sock_addr at, peer;
	const int on = 1;
	int listener;

	assert_true(sock_addr_parse(&at, span_str("127.0.0.1:0")));
	assert_int_equal(sock_listen(&listener, &at, 1), RC_OK);
	assert_int_equal(getsockname(listener, &at.sa, &at.len), 0);
	*far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*far, &at.sa, at.len), 0);
	assert_int_equal(setsockopt(*far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	assert_int_equal(sock_accept(near, &peer, listener), RC_OK);
	close(listener);
}

static void on_backend(void *arg, uint32_t events)
{
	struct conn *c = arg;

	side_event(&c->backend, events);
	conn_run(c);
}

static void shake(struct world *w)
{
	struct tls_context *context;
	char error[TLS_ERROR_MAX];
	struct peer_pem pem;

	assert_true(peer_pem_make(&pem));
	assert_int_equal(tls_server_new(&context, span_str(pem.chain), span_str(pem.key), NULL,
					error),
			 RC_OK);
	assert_int_equal(tls_conn_new(&w->conn->tls, context, NULL), RC_OK);
	tls_context_free(context);
	peer_client_init(&w->peer, TLS1_3_VERSION);
	assert_int_equal(peer_client_pump(&w->peer, w->conn->tls), TLS_OK);
}

/* A connection in RELAY whose client end is 'near'. */
static void open_over(struct world *w, int near, bool has_tls)
{
	struct worker_options options = { .setup = &made, .log = &nowhere, .files_max = 4 };
	struct sock_addr from;
	struct tickets tickets;
	int board_fd;

	tickets_init(&tickets, 0);
	options.tickets = &tickets;
	assert_true(sock_addr_parse(&from, span_str("192.0.2.1:1")));
	assert_int_equal(board_new(&w->board, &board_fd, 1), RC_OK);
	close(board_fd);
	options.board = w->board;
	assert_int_equal(worker_init(&w->worker, &options), RC_OK);
	assert_int_equal(conn_start(&(struct listener){ .worker = &w->worker }, near, &from, 0),
			 RC_OK);
	w->conn = w->worker.conns;
	tcp_pair(&near, &w->backend);
	assert_int_equal(side_open(&w->conn->backend, w->worker.loop, near, SIDE_CONNECTING,
				   on_backend, w->conn),
			 RC_OK);
	w->conn->state = CONN_RELAY;
	w->conn->active_ms = loop_now_ms(w->worker.loop);
	if (has_tls)
		shake(w);
}

static void open_world(struct world *w, bool has_tls)
{
	int near;

	memset(w, 0, sizeof(*w));
	tcp_pair(&near, &w->client);
	open_over(w, near, has_tls);
}

static void close_world(struct world *w)
{
	worker_stop(&w->worker);
	assert_int_equal(loop_turn(w->worker.loop, 0), RC_OK);
	worker_fini(&w->worker);
	board_free(w->board);
	peer_client_fini(&w->peer);
	close(w->client);
	if (w->backend >= 0)
		close(w->backend);
}

static void turns(struct world *w, int count)
{
	while (count-- > 0)
		assert_int_equal(loop_turn(w->worker.loop, 5), RC_OK);
}

/* Little of what the client does not read fits into the kernel. */
static void shrink(const struct world *w)
{
	const int small = 4096, near = w->conn->client.fd;

	assert_int_equal(setsockopt(near, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_int_equal(setsockopt(w->client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
}

static void say(int fd, size_t n)
{
	uint8_t *bytes = mem_new(n);

	memset(bytes, 'y', n);
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
	free(bytes);
}

static void reset(int *fd)
{
	const struct linger now = { .l_onoff = 1 };

	assert_int_equal(setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(*fd);
	*fd = -1;
}

/* Reads until the end or EAGAIN; -errno when it is no end. */
static int drain_socket(int fd, size_t *total, BIO *into)
{
	char bytes[65536];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		*total += (size_t)n;
		if (into)
			BIO_write(into, bytes, (int)n);
	}
	return n < 0 ? -errno : 0;
}

/* The client's bytes reach the backend's socket after its reset: sending is
 * told, and reading then sees an end like any other. */
static void reset_seen_by_sending_is_no_clean_end(void **state)
{
	struct world w;
	char bytes[65536];
	size_t got = 0;
	int n;

	(void)state;
	open_world(&w, true);
	say(w.backend, 1000);
	reset(&w.backend);
	assert_int_equal(SSL_write(w.peer.ssl, "more", 4), 4);
	while ((n = BIO_read(w.peer.out, bytes, sizeof(bytes))) > 0)
		assert_int_equal(send(w.client, bytes, (size_t)n, 0), n);
	turns(&w, 4);
	(void)drain_socket(w.client, &got, w.peer.in);
	for (got = 0; (n = SSL_read(w.peer.ssl, bytes, sizeof(bytes))) > 0;)
		got += (size_t)n;
	assert_int_equal(got, 1000);
	assert_int_not_equal(SSL_get_error(w.peer.ssl, n), SSL_ERROR_ZERO_RETURN);
	close_world(&w);
}

static void end_is_a_clean_end(void **state)
{
	struct world w;
	char bytes[64];
	size_t got = 0;
	int n;

	(void)state;
	open_world(&w, true);
	say(w.backend, 10);
	assert_int_equal(shutdown(w.backend, SHUT_WR), 0);
	turns(&w, 4);
	assert_int_equal(drain_socket(w.client, &got, w.peer.in), 0);
	assert_int_equal(SSL_read(w.peer.ssl, bytes, sizeof(bytes)), 10);
	n = SSL_read(w.peer.ssl, bytes, sizeof(bytes));
	assert_int_equal(SSL_get_error(w.peer.ssl, n), SSL_ERROR_ZERO_RETURN);
	close_world(&w);
}

/* Bytes that leave for a slow reader count, though none come in. */
static void slow_reader_is_not_idle(void **state)
{
	uint64_t before;
	struct world w;
	size_t got = 0;

	(void)state;
	open_world(&w, false);
	shrink(&w);
	while (w.conn->down.n == 0) {
		say(w.backend, BUFFER / 4);
		turns(&w, 2);
	}
	before = w.conn->active_ms;
	(void)usleep(20000);
	while (w.conn->down.n > 0) {
		(void)drain_socket(w.client, &got, NULL);
		turns(&w, 1);
	}
	assert_true(w.conn->active_ms >= before + 20);
	close_world(&w);
}

/* The tail of an answer outlives an abort; the backend sees it. */
static void abort_spares_a_client_whose_end_is_queued(void **state)
{
	struct world w;
	size_t got = 0;
	int i;

	(void)state;
	open_world(&w, false);
	for (i = 0; i < 3; i++) {
		say(w.backend, BUFFER);
		turns(&w, 2);
	}
	assert_int_equal(shutdown(w.backend, SHUT_WR), 0);
	turns(&w, 4);
	assert_true(w.conn->client.is_shut);
	conn_abort(w.conn, "half_closed_timeout");
	(void)usleep(20000);
	assert_int_equal(drain_socket(w.client, &got, NULL), 0);
	assert_int_equal(got, 3 * BUFFER);
	got = 0;
	assert_int_equal(drain_socket(w.backend, &got, NULL), -ECONNRESET);
	close_world(&w);
}

static void abort_resets_both(void **state)
{
	struct world w;
	size_t got = 0;

	(void)state;
	open_world(&w, false);
	conn_abort(w.conn, "idle_timeout");
	assert_int_equal(drain_socket(w.client, &got, NULL), -ECONNRESET);
	assert_int_equal(drain_socket(w.backend, &got, NULL), -ECONNRESET);
	close_world(&w);
}

/* Sends 32 key updates and a byte, again and again, and reads nothing. */
static void unread_answers_to_key_updates_are_bounded(void **state)
{
	static char bytes[65536];
	size_t got = 0;
	struct world w = { 0 };
	int i, k, n, left = 0, ends[2];

	(void)state;
	/* Not TCP, which slows down where a reader's window is shut. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	w.client = ends[1];
	open_over(&w, ends[0], true);
	for (i = 0; i < 1500; i++) {
		for (k = 0; k < 32 && left == 0; k++) {
			assert_int_equal(SSL_key_update(w.peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
			assert_int_equal(SSL_do_handshake(w.peer.ssl), 1);
		}
		if (left == 0) {
			assert_int_equal(SSL_write(w.peer.ssl, "x", 1), 1);
			left = BIO_read(w.peer.out, bytes, sizeof(bytes));
		}
		n = (int)send(w.client, bytes, (size_t)left, MSG_DONTWAIT);
		if (n > 0 && n < left)
			memmove(bytes, bytes + n, (size_t)(left - n));
		left -= n > 0 ? n : 0;
		assert_int_equal(loop_turn(w.worker.loop, 0), RC_OK);
		assert_true(w.conn->state == CONN_RELAY);
		assert_true(tls_output(w.conn->tls)->n <= 4 * BUFFER);
		(void)drain_socket(w.backend, &got, NULL);
	}
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset_seen_by_sending_is_no_clean_end),
		cmocka_unit_test(end_is_a_clean_end),
		cmocka_unit_test(slow_reader_is_not_idle),
		cmocka_unit_test(abort_spares_a_client_whose_end_is_queued),
		cmocka_unit_test(abort_resets_both),
		cmocka_unit_test(unread_answers_to_key_updates_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
