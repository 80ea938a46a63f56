/* pause: a listener whose client cannot be accepted does not make a loop spin. */
#include "unit.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/pause.h"
#include "io/sock.h"

struct fixture {
	struct loop *loop;
	struct loop_watch watch;
	struct pause pause;
	int listen_fd, calls, accepted;
};

static void on_listen(void *arg, uint32_t events)
{
	struct fixture *f = arg;
	struct sock_addr peer;
	enum rc rc;

	(void)events;
	f->calls++;
	rc = sock_accept(&f->accepted, &peer, f->listen_fd);
	if (rc == RC_SYS)
		pause_begin(&f->pause, f->loop, &f->watch);
}

static void no_descriptor_left_rests_then_goes_on(void **state)
{
	struct fixture f = { .accepted = -1 };
	struct rlimit all, few;
	struct sock_addr at;
	int i, fd;

	(void)state;
	assert_false(pause_is_on(&f.pause));
	assert_int_equal(loop_new(&f.loop), RC_OK);
	assert_true(sock_addr_parse(&at, span_str("127.0.0.1:0")));
	assert_int_equal(sock_listen(&f.listen_fd, &at, 4), RC_OK);
	assert_int_equal(getsockname(f.listen_fd, &at.sa, &at.len), 0);
	assert_int_equal(loop_watch_add(f.loop, &f.watch, f.listen_fd, EPOLLIN, on_listen, &f),
			 RC_OK);
	assert_int_equal(sock_connect(&fd, &at), RC_OK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (i = 0; i < 20; i++)
		assert_int_equal(loop_turn(f.loop, 1), RC_OK);
	assert_int_equal(f.calls, 1);
	assert_true(pause_is_on(&f.pause));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	for (i = 0; i < 100 && f.accepted < 0; i++)
		assert_int_equal(loop_turn(f.loop, 20), RC_OK);
	assert_true(f.accepted >= 0);
	assert_false(pause_is_on(&f.pause));
	/* Ended while it rests: the loop may go. */
	pause_begin(&f.pause, f.loop, &f.watch);
	pause_end(&f.pause);
	pause_end(&f.pause);
	loop_watch_del(f.loop, &f.watch);
	close(f.accepted);
	close(fd);
	close(f.listen_fd);
	loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_descriptor_left_rests_then_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
