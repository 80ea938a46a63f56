/* passfd: messages with descriptors, their bounds, and a far end that goes. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/passfd.h"

static void messages_stay_apart(void **state)
{
	struct passfd *p = mem_new(sizeof(*p));
	int fds[2];

	(void)state;
	assert_int_equal(passfd_pair(fds), RC_OK);
	assert_int_equal(passfd_send(fds[0], span_str("one"), NULL, 0, 100), RC_OK);
	assert_int_equal(passfd_send(fds[0], span_str("two2"), NULL, 0, 100), RC_OK);
	assert_int_equal(passfd_recv(fds[1], p, 100), RC_OK);
	assert_true(span_equal_str(span_of(p->bytes, p->n), "one"));
	assert_int_equal(passfd_recv(fds[1], p, 100), RC_OK);
	assert_true(span_equal_str(span_of(p->bytes, p->n), "two2"));
	assert_int_equal(p->count, 0);
	assert_int_equal(passfd_recv(fds[1], p, 0), RC_LIMIT);
	assert_int_equal(passfd_recv(fds[1], p, 10), RC_LIMIT);
	close(fds[0]);
	assert_int_equal(passfd_recv(fds[1], p, 100), RC_CLOSED);
	assert_int_equal(passfd_send(fds[1], span_str("x"), NULL, 0, 100), RC_CLOSED);
	close(fds[1]);
	free(p);
}

static void bounds_are_kept(void **state)
{
	uint8_t *big = mem_new(PASSFD_BYTES_MAX + 1);
	struct passfd *p = mem_new(sizeof(*p));
	int many[PASSFD_COUNT_MAX + 1], fds[2];
	size_t i;

	(void)state;
	assert_int_equal(passfd_pair(fds), RC_OK);
	for (i = 0; i <= PASSFD_COUNT_MAX; i++)
		many[i] = fds[0];
	assert_int_equal(passfd_send(fds[0], span_of(big, 0), NULL, 0, 1), RC_LIMIT);
	assert_int_equal(passfd_send(fds[0], span_of(big, PASSFD_BYTES_MAX + 1), NULL, 0, 1),
			 RC_LIMIT);
	assert_int_equal(passfd_send(fds[0], span_of(big, 1), many, PASSFD_COUNT_MAX + 1, 1),
			 RC_LIMIT);
	assert_int_equal(passfd_send(fds[0], span_of(big, PASSFD_BYTES_MAX), many,
				     PASSFD_COUNT_MAX, 100),
			 RC_OK);
	assert_int_equal(passfd_recv(fds[1], p, 100), RC_OK);
	assert_int_equal(p->n, PASSFD_BYTES_MAX);
	assert_int_equal(p->count, PASSFD_COUNT_MAX);
	for (i = 0; i < p->count; i++)
		assert_true(fcntl(p->fds[i], F_GETFD) & FD_CLOEXEC);
	i = (size_t)p->fds[5];
	passfd_fini(p);
	assert_int_equal(fcntl((int)i, F_GETFD), -1);
	/* A reader that does not read: the sender waits only so long. */
	do {
		errno = 0;
	} while (passfd_send(fds[0], span_of(big, 4096), NULL, 0, 10) == RC_OK);
	assert_int_equal(passfd_send(fds[0], span_of(big, 4096), NULL, 0, 10), RC_LIMIT);
	close(fds[0]);
	close(fds[1]);
	free(big);
	free(p);
}

/* A plain socket may bring more than there is room for. */
static void what_does_not_fit_is_refused_whole(void **state)
{
	uint8_t *big = mem_new(PASSFD_BYTES_MAX + 1);
	struct passfd *p = mem_new(sizeof(*p));
	int fds[2];

	(void)state;
	assert_int_equal(passfd_pair(fds), RC_OK);
	assert_int_equal(write(fds[0], big, PASSFD_BYTES_MAX + 1), PASSFD_BYTES_MAX + 1);
	assert_int_equal(passfd_recv(fds[1], p, 100), RC_MALFORMED);
	close(fds[0]);
	close(fds[1]);
	free(big);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_stay_apart),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(what_does_not_fit_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
