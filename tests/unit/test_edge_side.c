/* side: what is tried on a socket, and what is reported of it. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/side.h"

struct world {
	struct loop *loop;
	struct side side;
	int far;
	unsigned calls;
	uint32_t events; /* of the last call */
};

static void on_side(void *arg, uint32_t events)
{
	struct world *w = arg;

	w->calls++;
	w->events = events;
	side_event(&w->side, events);
}

static void open_world(struct world *w, enum side_origin origin)
{
	int ends[2];

	*w = (struct world){ .side = SIDE_NULL };
	assert_int_equal(loop_new(&w->loop), RC_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	w->far = ends[1];
	assert_int_equal(side_open(&w->side, w->loop, ends[0], origin, on_side, w), RC_OK);
}

static void close_world(struct world *w)
{
	side_close(&w->side, w->loop, false);
	close(w->far);
	loop_free(w->loop);
}

/* Sends until nothing goes; how much that was. */
static size_t fill(struct world *w)
{
	static const uint8_t bytes[65536];
	size_t all = 0, n;

	while (side_send(&w->side, span_of(bytes, sizeof(bytes)), SIDE_NO_MORE, &n) == SIDE_MOVED)
		all += n;
	return all;
}

static void take(struct world *w, size_t all)
{
	uint8_t bytes[65536];
	ssize_t n;

	for (; all > 0; all -= (size_t)n) {
		n = read(w->far, bytes, sizeof(bytes));
		assert_true(n > 0);
	}
}

static void turn(struct world *w)
{
	assert_int_equal(loop_turn(w->loop, 0), RC_OK);
}

static void accepted_wakes_nobody_for_room(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, SIDE_ACCEPTED);
	assert_true(w.side.can_write);
	turn(&w);
	assert_int_equal(w.calls, 0);
	close_world(&w);
}

static void connecting_is_told_of_room(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, SIDE_CONNECTING);
	assert_false(w.side.can_write);
	turn(&w);
	assert_true(w.side.can_write);
	close_world(&w);
}

static void full_is_told_of_room_each_time(void **state)
{
	struct world w;
	size_t sent;
	int i;

	(void)state;
	open_world(&w, SIDE_ACCEPTED);
	for (i = 0; i < 3; i++) {
		sent = fill(&w);
		assert_true(sent > 0);
		assert_false(w.side.can_write);
		turn(&w);
		assert_false(w.side.can_write);
		take(&w, sent);
		turn(&w);
		assert_true(w.side.can_write);
	}
	close_world(&w);
}

/* Between the send that found no room and the word that room is wanted. */
static void room_that_came_before_is_told_of(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, SIDE_ACCEPTED);
	take(&w, fill(&w));
	assert_false(w.side.can_write);
	turn(&w);
	assert_true(w.side.can_write);
	close_world(&w);
}

/* Connects over TCP; the peer says 'words' and resets before it is our turn. */
static void open_reset(struct world *w, const char *words)
{
	const struct linger at_once = { .l_onoff = 1 };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int near = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), peer;
	socklen_t len = sizeof(at);

	*w = (struct world){ .side = SIDE_NULL };
	assert_int_equal(loop_new(&w->loop), RC_OK);
	w->far = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(w->far, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(w->far, 1), 0);
	assert_int_equal(getsockname(w->far, (struct sockaddr *)&at, &len), 0);
	assert_true(connect(near, (struct sockaddr *)&at, len) == 0 || errno == EINPROGRESS);
	assert_int_equal(side_open(&w->side, w->loop, near, SIDE_CONNECTING, on_side, w), RC_OK);
	peer = accept(w->far, NULL, NULL);
	assert_int_equal(write(peer, words, strlen(words)), (ssize_t)strlen(words));
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(peer);
	turn(w);
	assert_true(w->side.is_failed);
}

static void reset_behind_words_is_a_connection(void **state)
{
	enum side_status status;
	struct world w;
	char got[16];
	size_t n;

	(void)state;
	open_reset(&w, "words");
	assert_true(side_has_connected(&w.side));
	assert_int_equal(side_recv(&w.side, got, sizeof(got), &n), SIDE_MOVED);
	assert_int_equal(n, 5);
	status = side_recv(&w.side, got, sizeof(got), &n);
	assert_int_equal(status, SIDE_BROKEN);
	assert_int_equal(w.side.error, ECONNRESET);
	close_world(&w);
}

static void reset_without_a_word_is_none(void **state)
{
	struct world w;

	(void)state;
	open_reset(&w, "");
	assert_false(side_has_connected(&w.side));
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_wakes_nobody_for_room),
		cmocka_unit_test(connecting_is_told_of_room),
		cmocka_unit_test(full_is_told_of_room_each_time),
		cmocka_unit_test(room_that_came_before_is_told_of),
		cmocka_unit_test(reset_behind_words_is_a_connection),
		cmocka_unit_test(reset_without_a_word_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
