/* message: written and read again, with descriptors; every other thing refused. */
#include "unit.h"

#include <string.h>
#include <unistd.h>

#include "edge/message.h"

static void what_is_sent_is_read(void **state)
{
	struct message m = {
		.type = MESSAGE_SETUP,
		.a = 7,
		.b = UINT64_MAX,
		.c = 1,
		.ids = { 3, UINT32_MAX },
		.id_count = 2,
		.text = "/etc/edge.yaml",
	};
	struct passfd p = { 0 };
	struct message got;
	int fds[2], pipe_fds[2];
	char byte;

	(void)state;
	assert_int_equal(passfd_pair(fds), RC_OK);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(message_send(fds[0], &m, pipe_fds, 1, 100), RC_OK);
	assert_int_equal(passfd_recv(fds[1], &p, 100), RC_OK);
	assert_int_equal(message_read(&got, &p), RC_OK);
	assert_memory_equal(&got, &m, sizeof(m));
	assert_int_equal(p.count, 1);
	/* The same pipe, by another number. */
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(read(p.fds[0], &byte, 1), 1);
	passfd_fini(&p);
	assert_int_equal(passfd_recv(fds[1], &p, 0), RC_LIMIT);
	close(fds[0]);
	assert_int_equal(passfd_recv(fds[1], &p, 100), RC_CLOSED);
	assert_int_equal(message_send(fds[1], &m, NULL, 0, 100), RC_CLOSED);
	close(fds[1]);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Every prefix, a byte more, another version, type or count. */
static void what_is_not_one_is_refused(void **state)
{
	const struct message m = {
		.type = MESSAGE_COMMIT,
		.a = 1,
		.ids = { 5 },
		.id_count = 1,
		.text = "t",
	};
	struct passfd p = { 0 };
	struct message got = { .text = "untouched" };
	size_t n, whole;
	int fds[2];

	(void)state;
	assert_int_equal(passfd_pair(fds), RC_OK);
	assert_int_equal(message_send(fds[0], &m, NULL, 0, 100), RC_OK);
	assert_int_equal(passfd_recv(fds[1], &p, 100), RC_OK);
	whole = p.n;
	for (n = 0; n < whole; n++) {
		p.n = n;
		assert_int_equal(message_read(&got, &p), RC_MALFORMED);
	}
	p.n = whole + 1;
	assert_int_equal(message_read(&got, &p), RC_MALFORMED);
	p.n = whole;
	p.bytes[0] ^= 1; /* version */
	assert_int_equal(message_read(&got, &p), RC_MALFORMED);
	p.bytes[0] ^= 1;
	p.bytes[1] = MESSAGE_TYPE_COUNT;
	assert_int_equal(message_read(&got, &p), RC_MALFORMED);
	p.bytes[1] = 0;
	assert_int_equal(message_read(&got, &p), RC_MALFORMED);
	assert_string_equal(got.text, "untouched");
	p.bytes[1] = MESSAGE_COMMIT;
	assert_int_equal(message_read(&got, &p), RC_OK);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_is_read),
		cmocka_unit_test(what_is_not_one_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
