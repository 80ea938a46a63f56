/* sockets: groups that grow, stay and go with a configuration; handed over. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "edge/handover.h"
#include "edge/sockets.h"

/* A port that was free a moment ago, and another listener can be at. */
static void free_address(struct edge_listen *l)
{
	int fd;

	*l = (struct edge_listen){ 0 };
	assert_true(sock_addr_parse(&l->address, span_str("127.0.0.1:0")));
	assert_int_equal(sock_listen(&fd, &l->address, 1), RC_OK);
	assert_int_equal(getsockname(fd, &l->address.sa, &l->address.len), 0);
	close(fd);
}

static struct edge_config config_of(struct edge_listen *l, size_t n, uint64_t workers)
{
	return (struct edge_config){ .listen = { l, n }, .workers = workers };
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void sockets_follow_the_configuration(void **state)
{
	struct sockets have = { 0 }, now = { 0 };
	char error[SOCKETS_ERROR_MAX];
	struct edge_listen l[2];
	struct edge_config c;
	uint32_t next = 0, i;
	int old[3];

	(void)state;
	free_address(&l[0]);
	free_address(&l[1]);
	c = config_of(l, 1, 3);
	assert_int_equal(sockets_make(&now, &have, &c, &next, error), RC_OK);
	sockets_replace(&have, &now);
	assert_int_equal(have.count, 3);
	for (i = 0; i < 3; i++) {
		assert_true(sockets_is_for(&have.at[i], i, 3));
		assert_false(sockets_is_for(&have.at[i], (i + 1) % 3, 3));
		old[i] = have.at[i].fd;
	}
	/* One more address: the first one's sockets are the same. */
	c = config_of(l, 2, 3);
	assert_int_equal(sockets_make(&now, &have, &c, &next, error), RC_OK);
	assert_int_equal(now.count, 6);
	for (i = 0; i < 3; i++)
		assert_int_equal(now.at[i].fd, old[i]);
	/* Not used after all: only the new ones go. */
	i = (uint32_t)now.at[4].fd;
	sockets_drop(&now, &have);
	assert_false(is_open((int)i));
	assert_true(is_open(old[0]));
	/* The other one alone. */
	c = config_of(l + 1, 1, 3);
	assert_int_equal(sockets_make(&now, &have, &c, &next, error), RC_OK);
	sockets_replace(&have, &now);
	assert_int_equal(have.count, 3);
	assert_false(is_open(old[0]));
	/* More workers: the group grows; fewer: each takes several. */
	c = config_of(l + 1, 1, 5);
	assert_int_equal(sockets_make(&now, &have, &c, &next, error), RC_OK);
	sockets_replace(&have, &now);
	assert_int_equal(have.count, 5);
	assert_true(sockets_is_for(&have.at[4], 0, 2));
	assert_true(sockets_is_for(&have.at[3], 1, 2));
	sockets_fini(&have);
}

/* Their numbers say so, to workers and to the next master. */
static void those_without_tls_are_told_apart(void **state)
{
	struct sockets have = { 0 }, now = { 0 };
	char error[SOCKETS_ERROR_MAX];
	struct edge_listen l[2];
	struct edge_config c;
	uint32_t next = 7;
	int plain;

	(void)state;
	free_address(&l[0]);
	free_address(&l[1]);
	c = config_of(l, 1, 2);
	c.http.listen = (struct conf_list){ l + 1, 1 };
	assert_int_equal(sockets_make(&now, &have, &c, &next, error), RC_OK);
	sockets_replace(&have, &now);
	assert_int_equal(have.count, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(sockets_is_plain(have.at[i].id), i >= 2);
	assert_int_equal(next, 11);
	assert_int_equal(sockets_id(5, have.at[1].text), 5);
	assert_true(sockets_is_plain(sockets_id(5, have.at[2].text)));
	/* It stays when the other goes; and its address is another one with
	 * TLS. */
	plain = have.at[2].fd;
	c.listen.count = 0;
	assert_int_equal(sockets_make(&now, &have, &c, &next, error), RC_OK);
	sockets_replace(&have, &now);
	assert_int_equal(have.count, 2);
	assert_int_equal(have.at[0].fd, plain);
	c.listen = c.http.listen;
	c.http.listen.count = 0;
	assert_int_equal(sockets_make(&now, &have, &c, &next, error), RC_SYS);
	sockets_fini(&have);
}

static void somebody_elses_address_is_refused_whole(void **state)
{
	struct sockets none = { 0 }, now = { 0 };
	char error[SOCKETS_ERROR_MAX] = "", want[64];
	struct edge_listen l[2];
	struct edge_config c = config_of(l, 2, 2);
	uint32_t next = 0;
	struct wr w = wr_over(want, sizeof(want) - 1);
	int taken, probe;

	(void)state;
	free_address(&l[0]);
	free_address(&l[1]);
	/* As another edge has it: that it would share is no reason. */
	assert_int_equal(sock_listen_group(&taken, 1, &l[1].address, 5), RC_OK);
	assert_int_equal(sockets_make(&now, &none, &c, &next, error), RC_SYS);
	sock_addr_write(&w, &l[1].address);
	want[w.n] = '\0';
	assert_non_null(strstr(error, want));
	assert_int_equal(now.count, 0);
	/* Nothing is left at the first one. */
	assert_int_equal(sock_listen(&probe, &l[0].address, 1), RC_OK);
	close(probe);
	close(taken);
}

static void next_master_gets_the_very_sockets(void **state)
{
	uint8_t id[STORE_ID_LEN] = { 9, 8, 7 };
	struct sockets have = { 0 }, now = { 0 };
	char error[SOCKETS_ERROR_MAX];
	struct files kept = { 0 };
	struct edge_listen l[1];
	struct edge_config c = config_of(l, 1, 2);
	struct handover h;
	struct sock_addr a = { .len = sizeof(a.un) };
	struct buf bytes = { 0 };
	struct board *b;
	uint32_t next = 0;
	int fds[2], fd;

	(void)state;
	free_address(l);
	assert_int_equal(sockets_make(&now, &have, &c, &next, error), RC_OK);
	sockets_replace(&have, &now);
	assert_int_equal(board_new(&b, &fd, 2), RC_OK);
	close(fd);
	assert_true(board_drain(b, id));
	assert_int_equal(files_keep(&kept, "tickets", span_str("secret")), RC_OK);
	assert_int_equal(passfd_pair(fds), RC_OK);
	assert_int_equal(handover_send(fds[0], &have, b, &kept), RC_OK);
	sockets_fini(&have);
	assert_int_equal(handover_receive(&h, fds[1]), RC_OK);
	assert_int_equal(h.sockets.count, 2);
	assert_int_equal(h.sockets.at[1].place, 1);
	assert_int_equal(getsockname(h.sockets.at[0].fd, &a.sa, &a.len), 0);
	assert_true(sock_addr_equal(&a, &l[0].address));
	assert_int_equal(h.drained_count, 1);
	assert_memory_equal(h.drained[0], id, sizeof(id));
	buf_init(&bytes, 64);
	assert_int_equal(files_read(&h.kept, &bytes, "tickets"), RC_OK);
	assert_true(span_equal_str(buf_span(&bytes), "secret"));
	buf_fini(&bytes);
	/* They are what the configuration wants: none is opened. */
	next = (uint32_t)h.sockets.count;
	assert_int_equal(sockets_make(&now, &h.sockets, &c, &next, error), RC_OK);
	assert_int_equal(next, 2);
	sockets_replace(&h.sockets, &now);
	handover_fini(&h);
	files_fini(&kept);
	board_free(b);
	close(fds[0]);
	/* An old master that dies half-way is no handover. */
	assert_int_equal(handover_receive(&h, fds[1]), RC_CLOSED);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_follow_the_configuration),
		cmocka_unit_test(those_without_tls_are_told_apart),
		cmocka_unit_test(somebody_elses_address_is_refused_whole),
		cmocka_unit_test(next_master_gets_the_very_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
