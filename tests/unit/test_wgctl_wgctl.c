/*
 * wgctl against the real wireguard-go, in network and mount namespaces of this
 * process' own; skipped without root, TUN or wireguard-go.  The kernel backend
 * runs too where the kernel has WireGuard.
 */
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file.h"
#include "wgctl/wgctl.h"

struct fixture {
	pid_t daemon;
	struct wgctl *w;
};

/* A place where /var/run/wireguard and the interfaces are ours alone. */
static bool enter_namespaces(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    file_make_dirs("/var/run/wireguard", 0700) ||
	    mount("tmpfs", "/var/run/wireguard", "tmpfs", 0, "mode=0700") != 0)
		return false;
	return access("/dev/net/tun", R_OK | W_OK) == 0 &&
	       access("/usr/bin/wireguard-go", X_OK) == 0;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char error[256] = "";

	*state = f;
	if (!enter_namespaces())
		return 0;
	f->daemon = fork();
	if (f->daemon == 0) {
		freopen("/dev/null", "w", stdout);
		freopen("/dev/null", "w", stderr);
		execl("/usr/bin/wireguard-go", "wireguard-go", "-f", "pt0", NULL);
		_exit(127);
	}
	if (wgctl_open(&f->w, "pt0", 10000, error) != RC_OK)
		fail_msg("%s", error);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	wgctl_close(f->w);
	if (f->daemon > 0) {
		kill(f->daemon, SIGKILL);
		waitpid(f->daemon, NULL, 0);
	}
	test_free(f);
	return 0;
}

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
		assert_memory_equal(&a->allowed[i], &b->allowed[i], sizeof(a->allowed[i]));
}

static void set_peers_are_got(struct wgctl *w)
{
	struct wgctl_peer one = peer(1), two = peer(2);
	struct wgctl_device device = { 0 };
	struct seen s = { 0 };

	assert_int_equal(wgctl_set_peer(w, &one), RC_OK);
	assert_int_equal(wgctl_set_peer(w, &two), RC_OK);
	assert_int_equal(wgctl_get(w, &device, see, &s), RC_OK);
	assert_int_equal(s.count, 2);
	expect_same(&s.peers[s.peers[0].public_key[0] == 1 ? 0 : 1], &one);
	expect_same(&s.peers[s.peers[0].public_key[0] == 1 ? 1 : 0], &two);

	/* What is not said stays; allowed IPs are replaced. */
	two.has_psk = two.has_endpoint = false;
	two.allowed_count = 1;
	assert_int_equal(wgctl_remove_peer(w, one.public_key), RC_OK);
	assert_int_equal(wgctl_remove_peer(w, one.public_key), RC_OK);
	assert_int_equal(wgctl_set_peer(w, &two), RC_OK);
	s.count = 0;
	assert_int_equal(wgctl_get(w, NULL, see, &s), RC_OK);
	assert_int_equal(s.count, 1);
	two.has_psk = two.has_endpoint = true;
	expect_same(&s.peers[0], &two);
	assert_int_equal(wgctl_get(w, NULL, NULL, NULL), RC_OK);
	assert_int_equal(wgctl_remove_peer(w, two.public_key), RC_OK);
}

static void set_device_is_got(struct wgctl *w)
{
	/* Clamped already, as a device keeps it. */
	const struct key32 key = { { 0x08, 1, 2, 3, [31] = 0x41 } };
	struct wgctl_device device = { 0 };

	assert_int_equal(wgctl_get(w, &device, NULL, NULL), RC_OK);
	assert_true(key32_is_zero(&device.private_key));
	assert_int_equal(wgctl_set_device(w, &key, 51999), RC_OK);
	assert_int_equal(wgctl_get(w, &device, NULL, NULL), RC_OK);
	assert_memory_equal(&device.private_key, &key, 32);
	assert_int_equal(device.listen_port, 51999);
}

static void userspace_device_is_controlled(void **state)
{
	struct fixture *f = *state;

	if (!f->w) {
		skip();
		return;
	}
	assert_int_equal(wgctl_backend(f->w), WGCTL_USERSPACE);
	set_device_is_got(f->w);
	set_peers_are_got(f->w);
}

static void many_peers_are_got(void **state)
{
	struct fixture *f = *state;
	struct wgctl_peer p = peer(3);
	struct wgctl_device device;

	if (!f->w) {
		skip();
		return;
	}
	/* More text than one read takes. */
	for (unsigned i = 0; i < 300; i++) {
		p.public_key[1] = (uint8_t)i;
		p.public_key[2] = (uint8_t)(i >> 8);
		p.allowed_count = 0;
		assert_int_equal(wgctl_set_peer(f->w, &p), RC_OK);
	}
	assert_int_equal(wgctl_get(f->w, &device, NULL, NULL), RC_OK);
}

static void device_that_died_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct wgctl_peer p = peer(1);

	if (!f->w) {
		skip();
		return;
	}
	kill(f->daemon, SIGKILL);
	waitpid(f->daemon, NULL, 0);
	f->daemon = 0;
	assert_int_equal(wgctl_set_peer(f->w, &p), RC_SYS);
	assert_int_equal(errno, ECONNREFUSED);
}

static void kernel_device_is_controlled(void **state)
{
	struct fixture *f = *state;
	char error[256] = "";
	struct wgctl *w;

	if (!f->w || !wgctl_kernel_has_wireguard()) {
		skip();
		return;
	}
	if (wgctl_open(&w, "ptk0", 0, error) != RC_OK)
		fail_msg("%s", error);
	assert_int_equal(wgctl_backend(w), WGCTL_KERNEL);
	set_device_is_got(w);
	set_peers_are_got(w);
	wgctl_close(w);
	assert_int_equal(net_link_delete("ptk0"), RC_OK);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(userspace_device_is_controlled, setup, teardown),
		cmocka_unit_test_setup_teardown(many_peers_are_got, setup, teardown),
		cmocka_unit_test_setup_teardown(device_that_died_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(kernel_device_is_controlled, setup, teardown),
		cmocka_unit_test(absent_device_says_what_was_tried),
		cmocka_unit_test(backends_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
