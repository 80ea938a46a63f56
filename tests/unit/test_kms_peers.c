/* peers: whom a node calls, when again, and what it says of it; what follows a channel that is
 * verified is in tests/e2e. */
#include "folder.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel/batch.h"
#include "io/loop.h"
#include "kms/peers.h"
#include "tls/tls.h"

enum {
	PEERS = 2,
	PAUSE_MIN_MS = 200, /* as in peers.c */
};

struct world {
	struct folder folder;
	struct config config;
	struct sock_addr addresses[PEERS];
	struct log log;
	struct loop *loop;
	struct keys_cluster cluster;
	struct identity identity;
	struct service s;
	struct tls_context *tls;
	struct batch *batch;
	struct peers *peers;
	int listen_fd; /* of addresses[0]; -1: nobody */
};

static enum rc no_quote(void *arg, struct buf *out, const uint8_t report_data[])
{
	(void)arg;
	(void)out;
	(void)report_data;
	return RC_SYS;
}

static void on_answered(void *arg)
{
	(void)arg;
	fail_msg("nobody answered");
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct peers_options o = { .answered = on_answered };
	char path[128], error[TLS_ERROR_MAX];

	w->listen_fd = -1;
	folder_make(&w->folder);
	for (int i = 0; i < PEERS; i++) {
		char text[160], name[8];

		snprintf(name, sizeof(name), "%d.sock", i);
		snprintf(text, sizeof(text), "unix:%s", folder_file(path, &w->folder, name));
		assert_true(sock_addr_parse(&w->addresses[i], span_str(text)));
	}
	w->config.peers = (struct conf_list){ .items = w->addresses, .count = PEERS };
	w->log = (struct log){ .fd = memfd_create("log", MFD_CLOEXEC), .max = LOG_WARN };
	w->log.program = "kms";
	w->s = (struct service){ .log = &w->log, .cluster = &w->cluster };
	w->s.config = &w->config;
	w->s.identity = &w->identity;
	keys_cluster_init(&w->cluster);
	assert_int_equal(loop_new(&w->loop), RC_OK);
	assert_int_equal(tls_attested_new(&w->tls, false, KEYS_ALPN, error), RC_OK);
	assert_int_equal(batch_new(&w->batch, w->loop, no_quote, NULL), RC_OK);
	o.config = &w->config;
	o.service = &w->s;
	o.loop = w->loop;
	o.tls = w->tls;
	o.batch = w->batch;
	w->peers = peers_new(&o);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	peers_free(w->peers);
	batch_free(w->batch);
	tls_context_free(w->tls);
	keys_cluster_fini(&w->cluster);
	if (w->listen_fd >= 0)
		close(w->listen_fd);
	loop_free(w->loop);
	close(w->log.fd);
	folder_remove(&w->folder);
	free(w);
	return 0;
}

static size_t lines_logged(const struct world *w)
{
	char text[65536] = "";
	ssize_t n = pread(w->log.fd, text, sizeof(text) - 1, 0);
	size_t found = 0;

	assert_true(n >= 0);
	for (ssize_t i = 0; i < n; i++)
		found += text[i] == '\n';
	return found;
}

static struct peer_status status(const struct world *w, size_t index)
{
	struct peer_status s;

	assert_true(peers_status(w->peers, index, &s));
	assert_true(sock_addr_equal(&s.address, &w->addresses[index]));
	assert_false(s.is_known);
	return s;
}

static void states_have_names(void **state)
{
	static const char *const names[] = { "away", "calling", "behind", "even", "self" };

	(void)state;
	for (enum peer_state s = PEER_AWAY; s <= PEER_SELF; s++)
		assert_string_equal(peer_state_name(s), names[s]);
}

/* Before there is a cluster there is nothing to tell: the others call. */
static void nobody_is_called_before_the_cluster_is_founded(void **state)
{
	struct world *w = *state;
	struct peer_status s;

	peers_tell(w->peers);
	assert_int_equal(status(w, 0).state, PEER_AWAY);
	assert_string_equal(status(w, 0).why, "");
	assert_int_equal(status(w, 1).state, PEER_AWAY);
	assert_false(peers_status(w->peers, PEERS, &s));
	assert_int_equal(lines_logged(w), 0);
}

static void turn_for(struct world *w, uint64_t ms)
{
	const uint64_t end = loop_now_ms(w->loop) + ms;

	while (loop_now_ms(w->loop) < end)
		assert_int_equal(loop_turn(w->loop, 10), RC_OK);
}

/* A reason is logged once, however often it comes. */
static void who_is_away_is_called_again_and_logged_once(void **state)
{
	struct world *w = *state;

	w->cluster.is_founded = true;
	for (int i = 0; i < 3; i++) {
		peers_tell(w->peers);
		assert_int_equal(status(w, 0).state, PEER_AWAY);
		assert_string_equal(status(w, 0).why, "connect: No such file or directory");
		assert_int_equal(lines_logged(w), PEERS);
		turn_for(w, (uint64_t)PAUSE_MIN_MS << i);
	}
	/* Somebody listens there now. */
	assert_int_equal(sock_listen(&w->listen_fd, &w->addresses[0], 4), RC_OK);
	turn_for(w, (uint64_t)PAUSE_MIN_MS << 3);
	peers_tell(w->peers);
	assert_int_equal(status(w, 0).state, PEER_CALLING);
	assert_int_equal(status(w, 1).state, PEER_AWAY);
}

static void who_failed_is_left_alone_for_a_while(void **state)
{
	struct world *w = *state;
	struct sock_addr from;
	int fd;

	w->cluster.is_founded = true;
	assert_int_equal(loop_turn(w->loop, 0), RC_OK);
	peers_tell(w->peers); /* nobody */
	assert_int_equal(sock_listen(&w->listen_fd, &w->addresses[0], 4), RC_OK);
	peers_tell(w->peers); /* too early */
	assert_int_equal(status(w, 0).state, PEER_AWAY);
	assert_int_equal(sock_accept(&fd, &from, w->listen_fd), RC_CLOSED);
}

static void accept_one(const struct world *w, int *fd)
{
	struct sock_addr from;

	for (int i = 0; i < 500; i++) {
		if (sock_accept(fd, &from, w->listen_fd) == RC_OK)
			return;
		assert_int_equal(loop_turn(w->loop, 10), RC_OK);
	}
	fail_msg("nobody called");
}

static void wait_for(struct world *w, enum peer_state want)
{
	for (int i = 0; i < 500 && status(w, 0).state != want; i++)
		assert_int_equal(loop_turn(w->loop, 10), RC_OK);
	assert_int_equal(status(w, 0).state, want);
}

/* One that hangs up before it says who it is. */
static void who_hangs_up_is_away_again(void **state)
{
	struct world *w = *state;
	int fd;

	assert_int_equal(sock_listen(&w->listen_fd, &w->addresses[0], 4), RC_OK);
	w->cluster.is_founded = true;
	peers_tell(w->peers);
	accept_one(w, &fd);
	wait_for(w, PEER_CALLING);
	close(fd);
	wait_for(w, PEER_AWAY);
	assert_string_not_equal(status(w, 0).why, "");
	assert_int_equal(w->s.quorum.count, 0); /* it is no node to us */
}

static void ended_ones_are_called_anew(void **state)
{
	struct world *w = *state;
	int fd;

	assert_int_equal(sock_listen(&w->listen_fd, &w->addresses[0], 4), RC_OK);
	w->cluster.is_founded = true;
	peers_tell(w->peers);
	accept_one(w, &fd);
	peers_end_all(w->peers);
	wait_for(w, PEER_AWAY);
	assert_string_equal(status(w, 0).why, "to be verified anew");
	close(fd);
	turn_for(w, PAUSE_MIN_MS);
	peers_tell(w->peers);
	accept_one(w, &fd);
	assert_int_equal(status(w, 0).state, PEER_CALLING);
	close(fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_have_names),
		T(nobody_is_called_before_the_cluster_is_founded),
		T(who_is_away_is_called_again_and_logged_once),
		T(who_failed_is_left_alone_for_a_while),
		T(who_hangs_up_is_away_again),
		T(ended_ones_are_called_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
