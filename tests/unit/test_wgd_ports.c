/* Sockets that share a port, and which of them the kernel gives a datagram to. */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/sock.h"
#include "wgd/ports.h"
#include "wireguard/device.h"

enum {
	WORKERS = 4,
	MESSAGE_LEN = 148,
};

static struct sock_addr parsed(const char *text)
{
	struct sock_addr a;

	assert_true(sock_addr_parse(&a, span_str(text)));
	return a;
}

static void close_ports(const struct ports *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		close(p->at[i].v4);
		if (p->at[i].v6 >= 0)
			close(p->at[i].v6);
	}
}

/* The socket that has something to read, which is read; -1: none. */
static int who_got_it(const struct ports *p, bool is_v6)
{
	struct pollfd fds[WORKERS];
	char bytes[256];
	int who = -1;

	for (unsigned i = 0; i < p->count; i++)
		fds[i] = (struct pollfd){ .fd = is_v6 ? p->at[i].v6 : p->at[i].v4,
					  .events = POLLIN };
	if (poll(fds, p->count, 5000) < 1)
		return -1;
	for (unsigned i = 0; i < p->count; i++)
		if (fds[i].revents & POLLIN) {
			assert_int_equal(who, -1); /* no other got it, too */
			assert_true(read(fds[i].fd, bytes, sizeof(bytes)) >= 0);
			who = (int)i;
		}
	return who;
}

static int ask(const struct ports *p, const char *source, const char *target, const uint8_t *bytes,
	       size_t n)
{
	char text[64];
	struct sock_addr from = parsed(source), to;
	bool is_v6 = source[0] == '[';
	int fd;

	(void)snprintf(text, sizeof(text), "%s:%u", target, p->port);
	to = parsed(text);
	assert_int_equal(sock_udp(&fd, &from), RC_OK);
	assert_int_equal(sendto(fd, bytes, n, 0, &to.sa, to.len), n);
	close(fd);
	return who_got_it(p, is_v6);
}

static void messages_go_where_their_index_says(void **state)
{
	static const struct {
		uint8_t type;
		size_t at;
	} types[] = { { 2, 8 }, { 3, 4 }, { 4, 4 } };
	struct ports p;

	(void)state;
	for (unsigned count = 1; count <= WORKERS; count++) {
		assert_int_equal(ports_open(&p, count, 0, 0), 0);
		for (unsigned k = 0; k < 3 * 256; k++) {
			uint8_t m[MESSAGE_LEN] = { types[k / 256].type };
			uint32_t index = (k & 255) << 24 | 0x00abcdef;
			struct wr w = wr_over(m + types[k / 256].at, 4);

			memset(m + 4, 0x5a, 8);
			wr_le32(&w, index);
			assert_int_equal(ask(&p, "127.0.0.1:0", "127.0.0.1", m, sizeof(m)),
					 device_index_shard(index, count));
			if (p.at[0].v6 >= 0 && k % 16 == 0)
				assert_int_equal(ask(&p, "[::1]:0", "[::1]", m, sizeof(m)),
						 device_index_shard(index, count));
		}
		close_ports(&p);
	}
}

/* All of one network meet in one worker, whatever their port; others do not. */
static void initiations_go_by_their_source(void **state)
{
	bool used[WORKERS] = { false };
	struct ports p;

	(void)state;
	assert_int_equal(ports_open(&p, WORKERS, 0, 0), 0);
	for (unsigned i = 1; i < 64; i++) {
		uint8_t m[MESSAGE_LEN] = { 1 };
		char source[32];
		int who;

		(void)snprintf(source, sizeof(source), "127.0.%u.%u:0", i * 3 % 7, i);
		memset(m + 4, (int)i, 8);
		who = ask(&p, source, "127.0.0.1", m, sizeof(m));
		assert_true(who >= 0);
		used[who] = true;
		for (unsigned again = 0; again < 4; again++) {
			memset(m + 4, (int)(i + again), 100);
			assert_int_equal(ask(&p, source, "127.0.0.1", m, sizeof(m)), who);
		}
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_true(used[i]);
	close_ports(&p);
}

static void short_ones_go_to_the_first(void **state)
{
	struct ports p;

	(void)state;
	assert_int_equal(ports_open(&p, WORKERS, 0, 0), 0);
	for (uint8_t type = 2; type < 6; type++)
		for (size_t n = 0; n < (type == 2 ? 12 : 8); n++) {
			const uint8_t m[12] = { type, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

			assert_int_equal(ask(&p, "127.0.0.1:0", "127.0.0.1", m, n), 0);
		}
	close_ports(&p);
}

/* Also of those that would share it: nobody gets messages of another daemon. */
static void port_of_others_refused(void **state)
{
	struct ports one, two;
	char text[32];
	int other;

	(void)state;
	for (unsigned count = 1; count <= WORKERS; count++) {
		struct sock_addr at;

		assert_int_equal(ports_open(&one, count, 0, 0), 0);
		memset(&two, 0x5a, sizeof(two));
		assert_int_equal(ports_open(&two, WORKERS, one.port, 0), EADDRINUSE);
		assert_int_equal(ports_open(&two, 1, one.port, 0), EADDRINUSE);
		assert_int_equal(two.count, 0x5a5a5a5a);
		(void)snprintf(text, sizeof(text), "127.0.0.1:%u", one.port);
		at = parsed(text);
		assert_int_equal(sock_udp(&other, &at), RC_SYS);
		assert_int_equal(errno, EADDRINUSE);
		close_ports(&one);
	}
	/* Free again, and with it a port that only IPv6 has taken is not free. */
	assert_int_equal(ports_open(&two, WORKERS, one.port, 0), 0);
	close_ports(&two);
	(void)snprintf(text, sizeof(text), "[::]:%u", one.port);
	if (sock_udp(&other, &(struct sock_addr[]){ parsed(text) }[0]) == RC_OK) {
		assert_int_equal(ports_open(&two, WORKERS, one.port, 0), EADDRINUSE);
		close(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_where_their_index_says),
		cmocka_unit_test(initiations_go_by_their_source),
		cmocka_unit_test(short_ones_go_to_the_first),
		cmocka_unit_test(port_of_others_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
