/* bulk, pool: bytes between two TCP sockets without copying, and what is lent. */
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/bulk.h"
#include "io/sock.h"

enum {
	MUCH = 3 << 20,
};

struct world {
	struct loop *loop;
	struct pool pool;
	struct bulk bulk;
	struct side from, to; /* our ends */
	int source, sink; /* the far ones */
	uint64_t total;
};

static void tcp_pair(int *near, int *far)
{
	struct sock_addr at, peer;
	int listener;

	assert_true(sock_addr_parse(&at, span_str("127.0.0.1:0")));
	assert_int_equal(sock_listen(&listener, &at, 1), RC_OK);
	assert_int_equal(getsockname(listener, &at.sa, &at.len), 0);
	*far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*far, &at.sa, at.len), 0);
	assert_int_equal(sock_accept(near, &peer, listener), RC_OK);
	close(listener);
}

static void on_side(void *arg, uint32_t events)
{
	side_event(arg, events);
}

static void open_side(struct world *w, struct side *s, int *far)
{
	int near;

	tcp_pair(&near, far);
	assert_int_equal(side_open(s, w->loop, near, SIDE_ACCEPTED, on_side, s), RC_OK);
}

static void open_world(struct world *w)
{
	(void)signal(SIGPIPE, SIG_IGN);
	memset(w, 0, sizeof(*w));
	assert_int_equal(loop_new(&w->loop), RC_OK);
	open_side(w, &w->from, &w->source);
	open_side(w, &w->to, &w->sink);
	pool_init(&w->pool, 65536);
	w->bulk.is_on = true;
}

static void close_world(struct world *w)
{
	bulk_drop(&w->bulk, &w->pool);
	assert_int_equal(w->pool.pipe_count, w->pool.pipes_open);
	pool_fini(&w->pool);
	side_close(&w->from, w->loop, false);
	side_close(&w->to, w->loop, false);
	loop_free(w->loop);
	if (w->source >= 0)
		close(w->source);
	if (w->sink >= 0)
		close(w->sink);
}

static void reset(int *fd)
{
	const struct linger now = { .l_onoff = 1 };

	assert_int_equal(setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(*fd);
	*fd = -1;
}

/* Moves until nothing does; events come as they would. */
static enum bulk_status move(struct world *w)
{
	enum bulk_status status;
	int waits = 0;

	do {
		status = bulk_move(&w->bulk, &w->pool, &w->from, &w->to, &w->total);
		if (status == BULK_WAIT) {
			(void)usleep(1000);
			w->from.can_read = w->to.can_write = true;
			waits++;
		} else {
			waits = 0;
		}
		w->bulk.is_on = true; /* small pieces, too */
	} while (status == BULK_MOVED || (status == BULK_WAIT && waits < 20));
	return status;
}

/* The kernel of a busy machine takes its time: until 'want', for seconds. */
static void expect(struct world *w, enum bulk_status want)
{
	enum bulk_status status = BULK_WAIT;
	int i;

	for (i = 0; i < 5000 && status == BULK_WAIT; i++) {
		(void)usleep(1000);
		w->from.can_read = w->to.can_write = true;
		status = bulk_move(&w->bulk, &w->pool, &w->from, &w->to, &w->total);
	}
	assert_int_equal(status, want);
}

/* Byte i of every stream here. */
static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

/* Sends what the socket takes of bytes from..to. */
static size_t say(int fd, size_t from, size_t to)
{
	uint8_t bytes[65536];
	size_t i, n = to - from < sizeof(bytes) ? to - from : sizeof(bytes);
	ssize_t sent;

	for (i = 0; i < n; i++)
		bytes[i] = byte_at(from + i);
	sent = send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent > 0 ? (size_t)sent : 0;
}

/* Reads what there is and checks it; 1 more to come, 0 end, -1 reset. */
static int hear(int fd, size_t *at)
{
	uint8_t bytes[65536];
	ssize_t n, i;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		for (i = 0; i < n; i++, (*at)++)
			if (bytes[i] != byte_at(*at))
				fail_msg("byte %zu", *at);
	return n == 0 ? 0 : errno == EAGAIN ? 1
					    : -1;
}

static void much_arrives_whole_and_in_order(void **state)
{
	struct world w;
	size_t said = 0, heard = 0;

	(void)state;
	open_world(&w);
	while (heard < MUCH) {
		said += say(w.source, said, MUCH);
		w.from.can_read = w.to.can_write = true;
		(void)bulk_move(&w.bulk, &w.pool, &w.from, &w.to, &w.total);
		w.bulk.is_on = true;
		assert_int_equal(hear(w.sink, &heard), 1);
	}
	assert_int_equal(w.total, MUCH);
	/* Between moves it holds nothing. */
	assert_null(w.bulk.pipe);
	assert_int_equal(w.pool.pipes_open, 1);
	close_world(&w);
}

/* The source has ended, and its last bytes are in a pipe before a full socket. */
static void end_waits_for_what_is_in_the_pipe(void **state)
{
	const int small = 4096;
	struct world w;
	size_t said = 0, heard = 0;
	int i;

	(void)state;
	open_world(&w);
	assert_int_equal(setsockopt(w.to.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	for (i = 0; i < 200 && !w.bulk.pipe; i++) {
		said += say(w.source, said, MUCH);
		(void)move(&w);
	}
	assert_non_null(w.bulk.pipe);
	assert_true(w.bulk.pipe->n > 0);
	assert_int_equal(shutdown(w.source, SHUT_WR), 0);
	while (move(&w) != BULK_EOF)
		assert_int_equal(hear(w.sink, &heard), 1);
	assert_int_equal(w.total, said);
	assert_int_equal(shutdown(w.to.fd, SHUT_WR), 0);
	while (hear(w.sink, &heard) == 1)
		(void)usleep(1000);
	assert_int_equal(heard, said);
	close_world(&w);
}

/* Nobody reads: what is taken from the source is bounded, and stays so. */
static void reader_that_stops_holds_its_source_back(void **state)
{
	struct world w;
	size_t said = 0, before = 1;

	(void)state;
	open_world(&w);
	while (said != before) {
		before = said;
		said += say(w.source, said, 1ul << 30);
		(void)move(&w);
	}
	assert_true(said < 64 << 20);
	assert_true(w.bulk.pipe && w.bulk.pipe->n <= 1 << 20);
	assert_int_equal(w.pool.pipes_open, 1);
	close_world(&w);
	assert_int_equal(w.pool.pipes_open, 0);
}

static bool is_reset(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == ECONNRESET;
}

static void reset_of_the_sink_is_told_and_the_pipe_dropped(void **state)
{
	struct world w;
	int i;

	(void)state;
	open_world(&w);
	reset(&w.sink);
	for (i = 0; i < 5000 && !is_reset(w.to.fd); i++)
		(void)usleep(1000);
	(void)say(w.source, 0, 30000);
	expect(&w, BULK_SINK_BROKEN);
	assert_non_null(w.bulk.pipe);
	bulk_drop(&w.bulk, &w.pool);
	assert_int_equal(w.pool.pipes_open, 0);
	close_world(&w);
}

static void reset_of_the_source_is_told_and_is_no_end(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	reset(&w.source);
	expect(&w, BULK_SOURCE_BROKEN);
	assert_int_equal(w.from.error, ECONNRESET);
	close_world(&w);
}

static void without_a_pipe_it_is_off(void **state)
{
	struct pipe *all[POOL_PIPES_MAX];
	struct world w;
	int i;

	(void)state;
	open_world(&w);
	for (i = 0; i < POOL_PIPES_MAX; i++)
		assert_non_null(all[i] = pool_pipe(&w.pool));
	assert_null(pool_pipe(&w.pool));
	(void)say(w.source, 0, 1000);
	assert_int_equal(bulk_move(&w.bulk, &w.pool, &w.from, &w.to, &w.total), BULK_OFF);
	assert_false(bulk_is_on(&w.bulk));
	for (i = 0; i < POOL_PIPES_MAX; i++)
		pool_pipe_back(&w.pool, all[i]);
	bulk_see(&w.bulk, 100000);
	expect(&w, BULK_MOVED);
	assert_int_equal(w.total, 1000);
	close_world(&w);
}

static void only_large_reads_turn_it_on(void **state)
{
	struct bulk b = { 0 };

	(void)state;
	assert_false(bulk_is_on(&b));
	bulk_see(&b, 65535);
	assert_false(bulk_is_on(&b));
	bulk_see(&b, 65536);
	assert_true(bulk_is_on(&b));
	bulk_see(&b, 1);
	assert_false(bulk_is_on(&b));
}

static void buffers_are_lent_and_come_back(void **state)
{
	struct pool p;
	struct buf a, b, small;
	uint8_t *first;

	(void)state;
	pool_init(&p, 8192);
	buf_init(&a, 10000);
	buf_init(&b, 10000);
	buf_init(&small, 4096);
	pool_lend(&p, &a);
	first = a.p;
	assert_int_equal(a.cap, 8192);
	/* One whose bound is below gets none. */
	pool_lend(&p, &small);
	assert_int_equal(small.cap, 0);
	/* Not while there is something in it. */
	assert_true(buf_add(&a, span_str("x")));
	pool_settle(&p, &a);
	assert_int_equal(a.cap, 8192);
	buf_consume(&a, 1);
	pool_settle(&p, &a);
	assert_int_equal(a.cap, 0);
	assert_int_equal(a.max, 10000);
	/* The last one back is the next one out. */
	pool_lend(&p, &b);
	assert_ptr_equal(b.p, first);
	/* Storage of its own is freed, not kept; what is in it moves along. */
	buf_fini(&b);
	assert_true(buf_add(&b, span_str("xy")));
	buf_consume(&b, 1);
	buf_init(&a, 10000);
	assert_true(buf_add(&a, span_str("xyz")));
	buf_consume(&a, 1);
	pool_lend(&p, &a);
	assert_int_equal(a.cap, 8192);
	assert_true(span_equal_str(buf_span(&a), "yz"));
	buf_fini(&a);
	buf_consume(&b, 1);
	pool_settle(&p, &b);
	assert_int_equal(p.buffer_count, 0);
	pool_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_arrives_whole_and_in_order),
		cmocka_unit_test(end_waits_for_what_is_in_the_pipe),
		cmocka_unit_test(reader_that_stops_holds_its_source_back),
		cmocka_unit_test(reset_of_the_sink_is_told_and_the_pipe_dropped),
		cmocka_unit_test(reset_of_the_source_is_told_and_is_no_end),
		cmocka_unit_test(without_a_pipe_it_is_off),
		cmocka_unit_test(only_large_reads_turn_it_on),
		cmocka_unit_test(buffers_are_lent_and_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
