/* door: who may come in, who is counted, and who is closed without a word. */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel/batch.h"
#include "node/door.h"
#include "tls/tls.h"

enum {
	VISITS_MAX = 64,
};

static struct sock_addr address(const char *text)
{
	struct sock_addr a;

	assert_true(sock_addr_parse(&a, span_str(text)));
	return a;
}

/* ---- whom a limit keeps out; no socket is open */

struct inside {
	const char *from;
	int verified, strangers;
};

/* clang-format off */
static const struct {
	const char *name;
	struct door_limits limits;
	struct inside inside[3];
	const char *from, *want;
} cases[] = {
	{ "nobody_inside", { 100, 4, 0 }, { { 0 } }, "192.0.2.1:1", NULL },
	{ "last_place", { 3, 4, 0 }, { { "192.0.2.1:1", 2, 0 } }, "192.0.2.1:2", NULL },
	{ "no_place", { 3, 4, 0 }, { { "192.0.2.1:1", 3, 0 } }, "192.0.2.1:2", "max_channels" },
	{ "sixteen_strangers_at_least", { 20, 99, 0 }, { { "unix:/a", 0, 15 } }, "unix:/a", NULL },
	{ "seventeenth_stranger", { 20, 99, 0 }, { { "unix:/a", 0, 16 } }, "unix:/a", "unverified" },
	{ "a_quarter_strangers", { 80, 99, 0 }, { { "unix:/a", 20, 19 } }, "192.0.2.1:1", NULL },
	{ "more_than_a_quarter", { 80, 99, 0 }, { { "unix:/a", 0, 20 } }, "192.0.2.1:1", "unverified" },
	{ "the_verified_are_no_strangers", { 80, 4, 0 }, { { "192.0.2.1:1", 79, 0 } },
	  "192.0.2.1:1", NULL },
	{ "strangers_of_one_address", { 80, 4, 0 }, { { "192.0.2.1:1", 9, 3 } }, "192.0.2.1:9", NULL },
	{ "one_too_many_of_them", { 80, 4, 0 }, { { "192.0.2.1:1", 0, 4 } }, "192.0.2.1:9", "source" },
	{ "others_are_let_in", { 80, 4, 0 }, { { "192.0.2.1:1", 0, 4 } }, "192.0.2.2:1", NULL },
	{ "all_of_one_address", { 80, 4, 8 }, { { "192.0.2.1:1", 7, 0 } }, "192.0.2.1:1", NULL },
	{ "one_too_many_in_all", { 80, 4, 8 }, { { "192.0.2.1:1", 5, 3 } }, "192.0.2.1:1", "source" },
	{ "same_slash_64", { 80, 4, 0 }, { { "[2001:db8::1]:1", 0, 4 } },
	  "[2001:db8::ffff:0:0:9]:7", "source" },
	{ "next_slash_64", { 80, 4, 0 }, { { "[2001:db8::1]:1", 0, 4 } }, "[2001:db8:0:1::1]:1", NULL },
	{ "v4_is_no_start_of_v6", { 80, 4, 0 }, { { "32.1.13.184:1", 0, 4 } }, "[2001:db8::]:1", NULL },
	{ "unix_has_no_address", { 80, 4, 4 }, { { "unix:/a", 9, 9 } }, "unix:/a", NULL },
	{ "sums_over_entries", { 80, 4, 0 },
	  { { "192.0.2.1:1", 0, 2 }, { "unix:/a", 0, 2 }, { "192.0.2.1:2", 0, 2 } }, "192.0.2.1:3", "source" },
};
/* clang-format on */

static void enter_many(struct door *d, struct door_visit *visits, const struct inside *from)
{
	struct sock_addr a = address(from->from);

	for (int i = 0; i < from->verified + from->strangers; i++) {
		struct door_visit *v = &visits[d->counts.channels];

		door_visit_init(v, d, &a);
		door_enter(d, v);
		if (i < from->verified)
			door_verified(d, v);
	}
}

static void limits_keep_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		static const size_t entries = 3;
		struct door_visit visits[VISITS_MAX * 2];
		struct door d = { .o.limits = cases[i].limits, .fd = -1 };
		struct sock_addr from = address(cases[i].from);
		const char *got;

		print_message("%s\n", cases[i].name);
		for (size_t k = 0; k < entries && cases[i].inside[k].from; k++)
			enter_many(&d, visits, &cases[i].inside[k]);
		got = door_limit(&d, &from);
		if (!cases[i].want)
			assert_null(got);
		else
			assert_string_equal(got ? got : "let in", cases[i].want);
	}
}

static void names_are_addresses(void **state)
{
	static const char *const texts[][2] = {
		{ "192.0.2.1:443", "192.0.2.1:443" },
		{ "[2001:db8::1]:443", "[2001:db8::1]:443" },
		{ "unix:/run/secret.sock", "unix" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct sock_addr a = address(texts[i][0]);
		struct door_visit v;

		door_visit_init(&v, &a, &a);
		assert_string_equal(v.name, texts[i][1]);
		assert_ptr_equal(v.owner, &a);
		assert_true(sock_addr_equal(&v.from, &a));
		assert_false(v.is_verified);
	}
}

/* ---- counting, against a stupid model */

static bool is_listed(const struct door *d, const struct door_visit *v)
{
	const struct door_visit *before = NULL, *at = d->visits;

	for (; at && at != v; at = at->next) {
		assert_ptr_equal(at->prev, before);
		before = at;
	}
	return at != NULL;
}

static void counts_are_those_inside(void **state)
{
	struct door_visit visits[VISITS_MAX];
	bool inside[VISITS_MAX] = { 0 };
	struct door d = { .fd = -1 };
	struct sock_addr a = address("192.0.2.1:1");
	uint32_t seed = 12345;
	uint64_t entered = 0;

	(void)state;
	print_message("seed %u\n", seed);
	for (int step = 0; step < 5000; step++) {
		size_t channels = 0, unverified = 0;
		struct door_visit *v;
		size_t i;

		seed = seed * 1664525 + 1013904223;
		i = (seed >> 16) % VISITS_MAX;
		v = &visits[i];
		if (!inside[i]) {
			door_visit_init(v, NULL, &a);
			door_enter(&d, v);
			inside[i] = true;
			entered++;
		} else if (seed >> 30) {
			door_verified(&d, v); /* perhaps once more */
		} else {
			door_leave(&d, v);
			inside[i] = false;
		}
		for (i = 0; i < VISITS_MAX; i++) {
			channels += inside[i];
			unverified += inside[i] && !visits[i].is_verified;
			assert_int_equal(is_listed(&d, &visits[i]), inside[i]);
		}
		assert_int_equal(d.counts.channels, channels);
		assert_int_equal(d.counts.unverified, unverified);
		assert_int_equal(d.counts.accepted, entered);
	}
}

/* ---- a door that is open */

struct fixture {
	struct folder folder;
	struct log log;
	struct loop *loop;
	struct door door;
	struct door_visit visits[VISITS_MAX];
	int fds[VISITS_MAX];
	size_t count;
	bool refuses;
};

static bool welcome(void *arg, int fd, const struct sock_addr *from)
{
	struct fixture *f = arg;

	if (f->refuses)
		return false;
	assert_true(f->count < VISITS_MAX);
	door_visit_init(&f->visits[f->count], f, from);
	door_enter(&f->door, &f->visits[f->count]);
	f->fds[f->count++] = fd;
	return true;
}

static enum rc open_at(struct fixture *f, const char *listen, size_t channels)
{
	const struct door_options o = {
		.loop = f->loop,
		.log = &f->log,
		.listen = address(listen),
		.backlog = 128,
		.limits = { .channels = channels, .source_unverified = 8 },
		.welcome = welcome,
		.arg = f,
	};

	return door_open(&f->door, &o);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	folder_make(&f->folder);
	f->log = (struct log){ .fd = memfd_create("log", MFD_CLOEXEC),
			       .program = "test",
			       .max = LOG_WARN };
	assert_int_equal(loop_new(&f->loop), RC_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < f->count; i++)
		close(f->fds[i]);
	close(f->log.fd);
	loop_free(f->loop);
	folder_remove(&f->folder);
	free(f);
	return 0;
}

static int knock(const struct fixture *f)
{
	struct sock_addr at = f->door.o.listen;
	int fd;

	if (at.sa.sa_family == AF_INET)
		assert_int_equal(getsockname(f->door.fd, &at.sa, &at.len), 0);
	assert_int_equal(sock_connect(&fd, &at), RC_OK);
	return fd;
}

static void turn_until(struct fixture *f, uint64_t arrived)
{
	const struct door_counts *c = &f->door.counts;

	for (int i = 0; i < 500 && c->accepted + c->turned_away < arrived; i++)
		assert_int_equal(loop_turn(f->loop, 20), RC_OK);
	assert_int_equal(c->accepted + c->turned_away, arrived);
}

/* The other side closed it, and said nothing. */
static void closed_without_a_word(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;
	ssize_t n;

	assert_int_equal(poll(&p, 1, 10000), 1);
	n = read(fd, &byte, 1);
	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
}

static size_t log_count(const struct fixture *f, const char *what)
{
	char text[65536] = "";
	ssize_t n = pread(f->log.fd, text, sizeof(text) - 1, 0);
	size_t found = 0;

	assert_true(n >= 0);
	for (const char *at = text; (at = strstr(at, what)); at++)
		found++;
	return found;
}

static void ninth_stranger_of_an_address_turned_away(void **state)
{
	struct fixture *f = *state;
	int fds[9];

	assert_int_equal(open_at(f, "127.0.0.1:0", 100), RC_OK);
	for (uint64_t i = 0; i < 9; i++) {
		fds[i] = knock(f);
		turn_until(f, i + 1);
	}
	assert_int_equal(f->door.counts.accepted, 8);
	assert_int_equal(f->door.counts.turned_away, 1);
	closed_without_a_word(fds[8]);
	assert_int_equal(log_count(f, "event=channel_turned_away"), 1);
	assert_int_equal(log_count(f, "limit=source"), 1);
	assert_int_equal(log_count(f, "peer=127.0.0.1:"), 1);
	/* One is verified: there is room again. */
	door_verified(&f->door, &f->visits[3]);
	close(fds[8]);
	fds[8] = knock(f);
	turn_until(f, 10);
	assert_int_equal(f->door.counts.accepted, 9);
	for (size_t i = 0; i < 9; i++)
		close(fds[i]);
	door_close(&f->door);
}

static void lines_of_strangers_are_limited(void **state)
{
	struct fixture *f = *state;
	char path[128], listen[160];

	snprintf(listen, sizeof(listen), "unix:%s", folder_file(path, &f->folder, "s"));
	assert_int_equal(open_at(f, listen, 0), RC_OK);
	for (uint64_t i = 0; i < 40; i++) {
		int fd = knock(f);

		turn_until(f, i + 1);
		closed_without_a_word(fd);
		close(fd);
	}
	assert_int_equal(f->door.counts.turned_away, 40);
	assert_true(log_count(f, "peer=unix limit=max_channels") >= 8);
	assert_true(log_count(f, "event=") < 40);
	door_close(&f->door);
}

static void not_welcome_is_closed(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->refuses = true;
	assert_int_equal(open_at(f, "127.0.0.1:0", 100), RC_OK);
	fd = knock(f);
	for (int i = 0; i < 500; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_int_equal(loop_turn(f->loop, 20), RC_OK);
		if (poll(&p, 1, 0) == 1)
			break;
	}
	closed_without_a_word(fd);
	assert_int_equal(f->door.counts.accepted, 0);
	assert_int_equal(f->door.counts.channels, 0);
	close(fd);
	door_close(&f->door);
}

static void closed_door_refuses_and_keeps_who_is_inside(void **state)
{
	struct fixture *f = *state;
	struct sock_addr at;
	int fd, other;

	assert_int_equal(open_at(f, "127.0.0.1:0", 100), RC_OK);
	at = f->door.o.listen;
	assert_int_equal(getsockname(f->door.fd, &at.sa, &at.len), 0);
	fd = knock(f);
	turn_until(f, 1);
	door_close(&f->door);
	door_close(&f->door);
	assert_int_equal(f->door.fd, -1);
	assert_false(f->door.watch.is_added);
	assert_int_equal(f->door.counts.channels, 1);
	if (sock_connect(&other, &at) == RC_OK) {
		struct pollfd p = { .fd = other, .events = POLLOUT };

		assert_int_equal(poll(&p, 1, 10000), 1);
		assert_int_equal(sock_error(other), ECONNREFUSED);
		close(other);
	}
	close(fd);
}

static void no_address_to_listen_at_is_an_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_at(f, "unix:/nowhere/at/all", 100), RC_SYS);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(f->door.fd, -1);
}

/* ---- with links */

struct guest {
	struct door *door;
	struct door_visit at;
	char why[64];
};

static enum rc no_log(void *arg, struct buf *out)
{
	(void)arg;
	(void)out;
	return RC_OK;
}

static enum rc no_quote(void *arg, struct buf *out, const uint8_t report_data[])
{
	(void)arg;
	(void)out;
	(void)report_data;
	return RC_SYS;
}

static void no_verdict(void *arg, struct tee_verdict *out, struct span quote)
{
	(void)arg;
	(void)out;
	(void)quote;
	fail_msg("nobody sent evidence");
}

static void no_event(void *arg, struct link *l, const struct channel_event *e)
{
	(void)arg;
	(void)l;
	(void)e;
}

static void on_closed(void *arg, struct link *l, const char *why)
{
	struct guest *g = arg;

	(void)l;
	snprintf(g->why, sizeof(g->why), "%s", why);
	door_leave(g->door, &g->at);
}

static void all_links_end_with_the_reason(void **state)
{
	enum {
		GUESTS = 3
	};
	struct fixture *f = *state;
	struct guest guests[GUESTS] = { 0 };
	struct sock_addr from = address("192.0.2.1:1");
	struct tls_context *tls;
	struct batch *batch;
	char error[TLS_ERROR_MAX];
	int pair[GUESTS][2];

	assert_int_equal(tls_attested_new(&tls, true, CHANNEL_ALPN, error), RC_OK);
	assert_int_equal(batch_new(&batch, f->loop, no_quote, NULL), RC_OK);
	for (int i = 0; i < GUESTS; i++) {
		struct guest *g = &guests[i];
		const struct link_options o = {
			.loop = f->loop,
			.tls = tls,
			.batch = batch,
			.role = CHANNEL_SERVER,
			.purpose = "cvm-tunnel",
			.claims = span_str("{}"),
			.manifest = span_str("{}"),
			.eventlog = no_log,
			.verify = no_verdict,
			.event = no_event,
			.closed = on_closed,
			.arg = g,
			.handshake_timeout_ms = 60000,
			.step_timeout_ms = 60000,
		};

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair[i]), 0);
		g->door = &f->door;
		door_visit_init(&g->at, g, &from);
		assert_int_equal(link_new(&g->at.link, &o, pair[i][0]), RC_OK);
		door_enter(&f->door, &g->at);
	}
	door_end_all(&f->door, "to be verified anew");
	for (int i = 0; i < 500 && f->door.visits; i++)
		assert_int_equal(loop_turn(f->loop, 20), RC_OK);
	assert_null(f->door.visits);
	assert_int_equal(f->door.counts.channels, 0);
	for (int i = 0; i < GUESTS; i++) {
		assert_string_equal(guests[i].why, "to be verified anew");
		link_free(guests[i].at.link);
		close(pair[i][1]);
	}
	batch_free(batch);
	tls_context_free(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_keep_out),
		cmocka_unit_test(names_are_addresses),
		cmocka_unit_test(counts_are_those_inside),
		cmocka_unit_test_setup_teardown(ninth_stranger_of_an_address_turned_away, setup,
						teardown),
		cmocka_unit_test_setup_teardown(lines_of_strangers_are_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(not_welcome_is_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(closed_door_refuses_and_keeps_who_is_inside, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_address_to_listen_at_is_an_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(all_links_end_with_the_reason, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
