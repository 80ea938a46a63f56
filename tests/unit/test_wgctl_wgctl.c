/*
 * wgctl: one table of operations, each on a fresh device of every back end that
 * is here: the kernel's, and a userspace one.  In network and mount namespaces
 * of this process' own; skipped without root, TUN, the userspace program or
 * WireGuard in the kernel.  tests/e2e/test_kernel_wireguard.py runs this very
 * program where none of them is missing, and lets it skip nothing.
 *
 *   test_wgctl_wgctl [PROGRAM]   the userspace device; default wireguard-go
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/x25519.h"
#include "io/file.h"
#include "wgctl/wgctl.h"

#define NAME "pt0"

enum {
	MANY = 300,
	PORT = 51999,
	INITIATION = 148, /* bytes */
};

/* What an operation runs on. */
struct device {
	struct wgctl *w;
	enum wgctl_backend backend;
	pid_t daemon; /* userspace */
};

static void nap(void)
{
	const struct timespec t = { .tv_nsec = 10000000 };

	nanosleep(&t, NULL);
}

/* Clamped already, as a device keeps it. */
static const struct key32 own_key = { { 0x08, 1, 2, 3, [31] = 0x41 } };

struct seen {
	struct wgctl_peer peers[8];
	size_t count;
};

static void see(void *arg, const struct wgctl_peer *p)
{
	struct seen *s = arg;

	assert_true(s->count < 8);
	s->peers[s->count++] = *p;
}

/* The peer of this number, if the device has it. */
static bool look(struct wgctl *w, struct wgctl_peer *out, uint8_t number)
{
	struct seen s = { 0 };

	assert_int_equal(wgctl_get(w, NULL, see, &s), RC_OK);
	for (size_t i = 0; i < s.count; i++)
		if (s.peers[i].public_key[0] == number)
			*out = s.peers[i];
	return s.count && out->public_key[0] == number;
}

/* A peer with everything that can be set. */
static struct wgctl_peer peer(uint8_t number)
{
	struct wgctl_peer p = {
		.public_key = { number },
		.has_psk = true,
		.psk = { { 7, number } },
		.has_endpoint = true,
		.keepalive_s = 25,
		.allowed_count = 2,
	};

	assert_true(sock_addr_parse(&p.endpoint, span_str("192.0.2.9:51820")));
	assert_true(io_prefix_parse(&p.allowed[0], span_str("10.88.0.0/30")));
	assert_true(io_prefix_parse(&p.allowed[1], span_str("fd88::1/128")));
	p.allowed[0].bytes[3] = (uint8_t)(4 * number);
	p.allowed[1].bytes[15] = number;
	return p;
}

static bool has_allowed(const struct wgctl_peer *p, const struct io_prefix *a)
{
	for (size_t i = 0; i < p->allowed_count; i++)
		if (span_equal(span_of(a, sizeof(*a)), span_of(&p->allowed[i], sizeof(*a))))
			return true;
	return false;
}

/* The order of allowed IPs is the device's. */
static void expect_same(const struct wgctl_peer *a, const struct wgctl_peer *b)
{
	assert_memory_equal(a->public_key, b->public_key, 32);
	assert_int_equal(a->has_psk, b->has_psk);
	assert_memory_equal(&a->psk, &b->psk, 32);
	assert_int_equal(a->has_endpoint, b->has_endpoint);
	assert_true(sock_addr_equal(&a->endpoint, &b->endpoint));
	assert_int_equal(a->keepalive_s, b->keepalive_s);
	assert_int_equal(a->allowed_count, b->allowed_count);
	for (size_t i = 0; i < a->allowed_count; i++)
		assert_true(has_allowed(b, &a->allowed[i]));
}

static void expect_set(struct wgctl *w, const struct wgctl_peer *p)
{
	struct wgctl_peer got = { 0 };

	assert_int_equal(wgctl_set_peer(w, p), RC_OK);
	assert_true(look(w, &got, p->public_key[0]));
	expect_same(&got, p);
}

/* The operations. */

static void key_and_port_are_got(struct device *d)
{
	struct wgctl_device got = { 0 };

	assert_int_equal(wgctl_get(d->w, &got, NULL, NULL), RC_OK);
	assert_true(key32_is_zero(&got.private_key));
	assert_int_equal(got.mark, 0);
	assert_int_equal(wgctl_set_device(d->w, &own_key, PORT), RC_OK);
	assert_int_equal(wgctl_get(d->w, &got, NULL, NULL), RC_OK);
	assert_memory_equal(&got.private_key, &own_key, 32);
	assert_int_equal(got.listen_port, PORT);
}

static void peers_are_added(struct device *d)
{
	struct wgctl_peer one = peer(1), two = peer(2), got = { 0 };

	expect_set(d->w, &one);
	expect_set(d->w, &two);
	assert_true(look(d->w, &got, 1));
	expect_same(&got, &one);
}

static void peers_are_removed(struct device *d)
{
	struct wgctl_peer one = peer(1), two = peer(2), got = { 0 };

	expect_set(d->w, &one);
	expect_set(d->w, &two);
	assert_int_equal(wgctl_remove_peer(d->w, one.public_key), RC_OK);
	assert_int_equal(wgctl_remove_peer(d->w, one.public_key), RC_OK);
	assert_false(look(d->w, &got, 1));
	assert_true(look(d->w, &got, 2));
	expect_same(&got, &two);
}

static void what_is_not_said_stays(struct device *d)
{
	struct wgctl_peer p = peer(2), got = { 0 };

	expect_set(d->w, &p);
	p.has_psk = p.has_endpoint = false;
	assert_int_equal(wgctl_set_peer(d->w, &p), RC_OK);
	assert_true(look(d->w, &got, 2));
	p.has_psk = p.has_endpoint = true;
	expect_same(&got, &p);
}

static void psk_is_rotated_and_taken_away(struct device *d)
{
	struct wgctl_peer p = peer(1), got = { 0 };

	expect_set(d->w, &p);
	p.psk.b[9] = 0xee;
	expect_set(d->w, &p);
	p.psk = (struct key32){ 0 };
	assert_int_equal(wgctl_set_peer(d->w, &p), RC_OK);
	assert_true(look(d->w, &got, 1));
	assert_false(got.has_psk);
}

static void keepalive_is_changed_and_ended(struct device *d)
{
	static const uint16_t seconds[] = { 1, 65535, 0, 25 };
	struct wgctl_peer p = peer(1);

	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		p.keepalive_s = seconds[i];
		expect_set(d->w, &p);
	}
}

static void endpoint_changes_its_family(struct device *d)
{
	struct wgctl_peer p = peer(1);

	expect_set(d->w, &p);
	assert_true(sock_addr_parse(&p.endpoint, span_str("[2001:db8::9]:1")));
	expect_set(d->w, &p);
	assert_true(sock_addr_parse(&p.endpoint, span_str("198.51.100.1:65535")));
	expect_set(d->w, &p);
}

static void allowed_ips_are_replaced(struct device *d)
{
	struct wgctl_peer p = peer(1);

	expect_set(d->w, &p);
	p.allowed_count = 1;
	expect_set(d->w, &p);
	p.allowed_count = 0;
	expect_set(d->w, &p);
	p.allowed_count = 2;
	expect_set(d->w, &p);
	/* The default routes, of which nothing but the length is left. */
	assert_true(io_prefix_parse(&p.allowed[0], span_str("0.0.0.0/0")));
	assert_true(io_prefix_parse(&p.allowed[1], span_str("::/0")));
	expect_set(d->w, &p);
}

static void allowed_ip_moves_to_whom_it_is_given_last(struct device *d)
{
	struct wgctl_peer one = peer(1), two = peer(2), got = { 0 };

	expect_set(d->w, &one);
	two.allowed[0] = one.allowed[0];
	expect_set(d->w, &two);
	assert_true(look(d->w, &got, 1));
	assert_int_equal(got.allowed_count, 1);
	assert_memory_equal(&got.allowed[0], &one.allowed[1], sizeof(got.allowed[0]));
	/* A part of it is another prefix, and moves nothing. */
	one.allowed[0].len = 32;
	expect_set(d->w, &one);
	assert_true(look(d->w, &got, 2));
	expect_same(&got, &two);
}

static void take_one(void *arg, const struct wgctl_peer *p)
{
	unsigned *times = arg;
	unsigned i = p->public_key[1] + 256U * p->public_key[2];

	assert_true(i < MANY);
	times[i]++;
	assert_int_equal(p->allowed_count, i % 5);
	for (unsigned k = 0; k < i % 5; k++)
		assert_int_equal(p->allowed[k].bytes[1] + 256U * p->allowed[k].bytes[2], i);
}

/* More than one netlink message, and more text than one read, takes. */
static void many_peers_are_got_once_each(struct device *d)
{
	struct wgctl_peer p = peer(3);
	unsigned times[MANY] = { 0 };

	for (unsigned i = 0; i < MANY; i++) {
		p.public_key[1] = (uint8_t)i;
		p.public_key[2] = (uint8_t)(i >> 8);
		p.allowed_count = i % 5;
		for (unsigned k = 0; k < p.allowed_count; k++)
			p.allowed[k] = (struct io_prefix){
				.bytes = { 10, (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)k },
				.len = 32,
			};
		assert_int_equal(wgctl_set_peer(d->w, &p), RC_OK);
	}
	assert_int_equal(wgctl_get(d->w, NULL, take_one, times), RC_OK);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(times[i], 1);
}

/* A device is no peer of its own: neither when it has the key already, ... */
static void own_public_key_is_no_peer(struct device *d)
{
	struct wgctl_peer p = peer(1), got = { 0 };

	assert_int_equal(wgctl_set_device(d->w, &own_key, PORT), RC_OK);
	x25519_public(p.public_key, &own_key);
	assert_int_equal(wgctl_set_peer(d->w, &p), RC_OK);
	assert_false(look(d->w, &got, p.public_key[0]));
}

/* ... nor when it gets it. */
static void peer_whose_key_becomes_ours_is_gone(struct device *d)
{
	struct wgctl_peer p = peer(1), got = { 0 };

	x25519_public(p.public_key, &own_key);
	expect_set(d->w, &p);
	assert_int_equal(wgctl_set_device(d->w, &own_key, PORT), RC_OK);
	assert_false(look(d->w, &got, p.public_key[0]));
}

static uint16_t wait_for_port(struct device *d)
{
	struct wgctl_device got = { 0 };

	for (int i = 0; i < 500 && !got.listen_port; i++) {
		nap();
		assert_int_equal(wgctl_get(d->w, &got, NULL, NULL), RC_OK);
	}
	assert_int_not_equal(got.listen_port, 0);
	return got.listen_port;
}

static int udp_socket(struct sockaddr_in *at)
{
	socklen_t n = sizeof(*at);
	const struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)at, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &n), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

static void port_in_use_is_refused(struct device *d)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct wgctl_device got = { 0 };
	int fd = udp_socket(&at);

	/* A device that is up has its socket. */
	assert_int_equal(net_link_up(NAME, 1420), RC_OK);
	(void)wait_for_port(d);
	assert_int_equal(wgctl_set_device(d->w, &own_key, ntohs(at.sin_port)), RC_SYS);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	assert_int_equal(wgctl_set_device(d->w, &own_key, ntohs(at.sin_port)), RC_OK);
	assert_int_equal(wgctl_get(d->w, &got, NULL, NULL), RC_OK);
	assert_int_equal(got.listen_port, ntohs(at.sin_port));
}

/* A keepalive begins a handshake, which nobody answers. */
static void what_was_sent_is_counted(struct device *d)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct wgctl_peer p = peer(1), got = { 0 };
	const struct key32 theirs = { { 0x10, 9, [31] = 0x42 } };
	uint8_t first[256];
	int fd = udp_socket(&at);

	assert_int_equal(wgctl_set_device(d->w, &own_key, PORT), RC_OK);
	assert_int_equal(net_link_up(NAME, 1420), RC_OK);
	x25519_public(p.public_key, &theirs);
	p.endpoint = (struct sock_addr){ .in = at, .len = sizeof(at) };
	p.keepalive_s = 1;
	assert_int_equal(wgctl_set_peer(d->w, &p), RC_OK);
	assert_int_equal(recv(fd, first, sizeof(first), 0), INITIATION);
	assert_int_equal(first[0], 1);
	for (int i = 0; i < 100 && !got.tx_bytes; i++) {
		nap();
		assert_true(look(d->w, &got, p.public_key[0]));
	}
	assert_int_equal(got.tx_bytes % INITIATION, 0);
	assert_true(got.tx_bytes > 0 && got.tx_bytes <= 3 * INITIATION);
	assert_int_equal(got.rx_bytes, 0);
	assert_int_equal(got.handshake_unix_s, 0);
	close(fd);
}

/* Somebody else's handle, taken while ours is open, sees the same. */
static void device_is_found_again(struct device *d)
{
	struct wgctl_peer p = peer(1), got = { 0 };
	char error[256] = "";
	struct wgctl *again;

	expect_set(d->w, &p);
	assert_int_equal(wgctl_open_again(&again, NAME, d->backend, error), RC_OK);
	assert_true(look(again, &got, 1));
	expect_same(&got, &p);
	wgctl_close(again);
	assert_int_equal(wgctl_open(&again, NAME, 0, error), RC_OK);
	assert_int_equal(wgctl_backend(again), d->backend);
	wgctl_close(again);
}

static void kill_daemon(struct device *d)
{
	if (d->daemon > 0) {
		kill(d->daemon, SIGKILL);
		waitpid(d->daemon, NULL, 0);
	}
	d->daemon = 0;
}

/* The kernel makes a new one for who asks again; a daemon has to be started. */
static void device_that_went_away_is_an_error(struct device *d)
{
	const bool is_kernel = d->backend == WGCTL_KERNEL;
	struct wgctl_peer p = peer(1), got = { 0 };
	char error[256] = "";
	struct wgctl *again = NULL;

	expect_set(d->w, &p);
	if (is_kernel)
		assert_int_equal(net_link_delete(NAME), RC_OK);
	else
		kill_daemon(d);
	assert_int_equal(wgctl_set_peer(d->w, &p), RC_SYS);
	assert_int_equal(errno, is_kernel ? ENODEV : ECONNREFUSED);
	assert_int_equal(wgctl_remove_peer(d->w, p.public_key), RC_SYS);
	assert_int_equal(wgctl_get(d->w, NULL, NULL, NULL), RC_SYS);
	assert_int_equal(wgctl_set_device(d->w, &own_key, PORT), RC_SYS);
	assert_int_equal(wgctl_open_again(&again, NAME, d->backend, error),
			 is_kernel ? RC_OK : RC_CLOSED);
	if (!is_kernel)
		return;
	assert_false(look(again, &got, 1));
	wgctl_close(again);
}

static const struct {
	const char *name;
	void (*run)(struct device *d);
} operations[] = {
	{ "key_and_port_are_got", key_and_port_are_got },
	{ "peers_are_added", peers_are_added },
	{ "peers_are_removed", peers_are_removed },
	{ "what_is_not_said_stays", what_is_not_said_stays },
	{ "psk_is_rotated_and_taken_away", psk_is_rotated_and_taken_away },
	{ "keepalive_is_changed_and_ended", keepalive_is_changed_and_ended },
	{ "endpoint_changes_its_family", endpoint_changes_its_family },
	{ "allowed_ips_are_replaced", allowed_ips_are_replaced },
	{ "allowed_ip_moves_to_whom_it_is_given_last", allowed_ip_moves_to_whom_it_is_given_last },
	{ "many_peers_are_got_once_each", many_peers_are_got_once_each },
	{ "own_public_key_is_no_peer", own_public_key_is_no_peer },
	{ "peer_whose_key_becomes_ours_is_gone", peer_whose_key_becomes_ours_is_gone },
	{ "port_in_use_is_refused", port_in_use_is_refused },
	{ "what_was_sent_is_counted", what_was_sent_is_counted },
	{ "device_is_found_again", device_is_found_again },
	{ "device_that_went_away_is_an_error", device_that_went_away_is_an_error },
};

enum {
	OPERATIONS = sizeof(operations) / sizeof(*operations),
};

/* One operation on one back end. */
struct trial {
	char name[96];
	size_t operation;
	enum wgctl_backend backend;
	const char *program;
	struct device device;
};

static pid_t start_daemon(const char *program)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		_exit(126);
	execl(program, program, "-f", NAME, NULL);
	_exit(127);
}

/* Until it listens: a kernel that can would be asked first. */
static void wait_for_daemon(void)
{
	for (int i = 0; i < 1000 && access("/var/run/wireguard/" NAME ".sock", F_OK) != 0; i++)
		nap();
}

static void try(void **state)
{
	struct trial *t = *state;
	struct device *d = &t->device;
	char error[256] = "";

	d->backend = t->backend;
	if (t->backend == WGCTL_USERSPACE) {
		d->daemon = start_daemon(t->program);
		wait_for_daemon();
	}
	if (wgctl_open(&d->w, NAME, t->backend == WGCTL_KERNEL ? 0 : 10000, error) != RC_OK)
		fail_msg("%s", error);
	assert_int_equal(wgctl_backend(d->w), t->backend);
	operations[t->operation].run(d);
}

static void forget_device(struct device *d)
{
	wgctl_close(d->w);
	kill_daemon(d);
	(void)!net_link_delete(NAME); /* some go by themselves */
	(void)unlink("/var/run/wireguard/" NAME ".sock");
	*d = (struct device){ 0 };
}

static int tidy(void **state)
{
	struct trial *t = *state;

	forget_device(&t->device);
	return 0;
}

/* A userspace device that is there comes first, were the kernel able or not. */
static void choice_is_made_at_run_time(void **state)
{
	struct trial *t = *state;
	struct device *d = &t->device;
	char error[256] = "";

	d->daemon = start_daemon(t->program);
	wait_for_daemon();
	assert_int_equal(wgctl_open(&d->w, NAME, 10000, error), RC_OK);
	assert_int_equal(wgctl_backend(d->w), WGCTL_USERSPACE);
	forget_device(d);
	/* Without one, the kernel's, if there is such a thing. */
	if (!wgctl_kernel_has_wireguard()) {
		assert_int_equal(wgctl_open(&d->w, NAME, 0, error), RC_CLOSED);
		return;
	}
	assert_int_equal(wgctl_open(&d->w, NAME, 0, error), RC_OK);
	assert_int_equal(wgctl_backend(d->w), WGCTL_KERNEL);
}

static void back_end_is_missing(void **state)
{
	(void)state;
	skip();
}

static void absent_device_says_what_was_tried(void **state)
{
	char error[256] = "";
	struct wgctl *w = NULL;

	(void)state;
	assert_int_equal(wgctl_open(&w, "lo", 30, error), RC_CLOSED);
	assert_non_null(strstr(error, "/var/run/wireguard/lo.sock"));
	assert_null(w);
	assert_int_equal(wgctl_open(&w, "a/b", 0, error), RC_SYS);
	assert_int_equal(wgctl_open(&w, "", 0, error), RC_SYS);
	assert_int_equal(wgctl_open(&w, "sixteen-letters.", 0, error), RC_SYS);
}

static void backends_have_names(void **state)
{
	(void)state;
	assert_string_equal(wgctl_backend_name(WGCTL_KERNEL), "kernel");
	assert_string_equal(wgctl_backend_name(WGCTL_USERSPACE), "userspace");
}

/* A place where /var/run/wireguard and the interfaces are ours alone. */
static bool enter_namespaces(void)
{
	return unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       file_make_dirs("/var/run/wireguard", 0700) == RC_OK &&
	       mount("tmpfs", "/var/run/wireguard", "tmpfs", 0, "mode=0700") == 0 &&
	       net_link_up("lo", 0) == RC_OK;
}

static size_t add_trials(struct CMUnitTest *tests, struct trial *trials, enum wgctl_backend backend,
			 const char *program, bool is_here)
{
	static const char *const missing[] = {
		[WGCTL_KERNEL] = "kernel_back_end",
		[WGCTL_USERSPACE] = "userspace_back_end",
	};

	if (!is_here) {
		tests[0] = (struct CMUnitTest){ .name = missing[backend],
						.test_func = back_end_is_missing };
		return 1;
	}
	for (size_t i = 0; i < OPERATIONS; i++) {
		trials[i].operation = i;
		trials[i].backend = backend;
		trials[i].program = program;
		snprintf(trials[i].name, sizeof(trials[i].name), "%s_%s",
			 wgctl_backend_name(backend), operations[i].name);
		tests[i] = (struct CMUnitTest){ .name = trials[i].name,
						.test_func = try,
						.teardown_func = tidy,
						.initial_state = &trials[i] };
	}
	return OPERATIONS;
}

int main(int argc, char **argv)
{
	static struct trial trials[2 * OPERATIONS];
	static struct CMUnitTest tests[2 * OPERATIONS + 1];
	const char *program = argc > 1 ? argv[1] : "/usr/bin/wireguard-go";
	struct trial choice = { .program = program };
	bool is_alone = enter_namespaces();
	bool has_program = is_alone && access("/dev/net/tun", R_OK | W_OK) == 0 &&
			   access(program, X_OK) == 0;
	bool has_kernel = is_alone && wgctl_kernel_has_wireguard();
	const struct CMUnitTest any[] = {
		cmocka_unit_test(absent_device_says_what_was_tried),
		cmocka_unit_test(backends_have_names),
	};
	size_t n = add_trials(tests, trials, WGCTL_USERSPACE, program, has_program);
	int failed;

	n += add_trials(tests + n, trials + OPERATIONS, WGCTL_KERNEL, NULL, has_kernel);
	if (has_program)
		tests[n++] = (struct CMUnitTest){ .name = "choice_is_made_at_run_time",
						  .test_func = choice_is_made_at_run_time,
						  .teardown_func = tidy,
						  .initial_state = &choice };
	failed = _cmocka_run_group_tests("devices", tests, n, NULL, NULL);
	return failed + cmocka_run_group_tests(any, NULL, NULL);
}
