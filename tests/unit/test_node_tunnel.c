/*
 * The interface as wanted, against a userspace device that forgets, refuses and
 * falls silent; in namespaces of this process' own, skipped without root.
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/file.h"
#include "node/tunnel.h"

#define SOCKET "/var/run/wireguard/pttun0.sock"

/* What it was last told, and how it behaves. */
struct device {
	int listen_fd;
	pthread_t thread;
	atomic_bool refuses, is_silent;
	atomic_uint requests;
	pthread_mutex_t lock; /* of the rest */
	char private_key[65], public_key[65], psk[65], endpoint[65], allowed[65];
};

static void take_line(struct device *d, const char *line)
{
	(void)!sscanf(line, "private_key=%64s", d->private_key);
	(void)!sscanf(line, "public_key=%64s", d->public_key);
	(void)!sscanf(line, "preshared_key=%64s", d->psk);
	(void)!sscanf(line, "endpoint=%64s", d->endpoint);
	(void)!sscanf(line, "allowed_ip=%64s", d->allowed);
	if (!strcmp(line, "remove=true"))
		d->public_key[0] = '\0';
}

static void answer(struct device *d, int fd, char *request)
{
	bool is_get = !strncmp(request, "get", 3);
	char *rest = NULL;

	pthread_mutex_lock(&d->lock);
	if (is_get && d->private_key[0])
		dprintf(fd, "private_key=%s\n", d->private_key);
	if (is_get && d->public_key[0])
		dprintf(fd, "public_key=%s\npreshared_key=%s\n", d->public_key, d->psk);
	if (is_get && d->public_key[0] && d->endpoint[0])
		dprintf(fd, "endpoint=%s\n", d->endpoint);
	if (is_get && d->public_key[0] && d->allowed[0])
		dprintf(fd, "allowed_ip=%s\n", d->allowed);
	if (!is_get && !d->refuses)
		for (char *l = strtok_r(request, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest))
			take_line(d, l);
	pthread_mutex_unlock(&d->lock);
	dprintf(fd, "errno=%d\n\n", !is_get && d->refuses ? 1 : 0);
}

static void *serve(void *arg)
{
	struct device *d = arg;
	int fd;

	while ((fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		char request[4096] = "";
		ssize_t n = read(fd, request, sizeof(request) - 1);

		if (n > 0)
			d->requests++;
		if (n > 0 && d->is_silent)
			(void)!read(fd, request, 1);
		else if (n > 0)
			answer(d, fd, request);
		close(fd);
	}
	return NULL;
}

static void device_start(struct device *d)
{
	struct sock_addr at;

	*d = (struct device){ .listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	pthread_mutex_init(&d->lock, NULL);
	assert_true(sock_addr_parse(&at, span_str("unix:" SOCKET)));
	assert_int_equal(bind(d->listen_fd, &at.sa, at.len), 0);
	assert_int_equal(listen(d->listen_fd, 16), 0);
	assert_int_equal(pthread_create(&d->thread, NULL, serve, d), 0);
}

static void device_stop(struct device *d)
{
	shutdown(d->listen_fd, SHUT_RDWR);
	pthread_join(d->thread, NULL);
	close(d->listen_fd);
	unlink(SOCKET);
	pthread_mutex_destroy(&d->lock);
}

static bool is_alone;

static int setup(void **state)
{
	(void)state;
	is_alone = unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
		   mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		   file_make_dirs("/var/run/wireguard", 0700) == RC_OK &&
		   mount("tmpfs", "/var/run/wireguard", "tmpfs", 0, "mode=0700") == 0;
	return 0;
}

static struct tunnel *opened(struct device *d)
{
	const struct tunnel_options o = { .interface = "pttun0", .listen_port = 51821 };
	char error[NODE_ERROR_MAX] = "";
	struct tunnel *t;

	if (geteuid() != 0)
		skip();
	assert_true(is_alone);
	device_start(d);
	if (tunnel_open(&t, &o, error))
		fail_msg("%s", error);
	return t;
}

static enum rc want(struct tunnel *t, uint8_t psk)
{
	const struct wgctl_peer p = { .public_key = { 1 }, .has_psk = true, .psk = { { psk } } };

	return tunnel_peer_set(t, &p);
}

static void failed_change_is_made_by_a_tick(void **state)
{
	struct device d;
	struct tunnel *t = opened(&d);

	(void)state;
	assert_int_equal(want(t, 0xaa), RC_OK);
	assert_int_equal(tunnel_tick(t), TUNNEL_SAME);
	d.refuses = true;
	assert_int_equal(want(t, 0xbb), RC_SYS);
	d.refuses = false;
	assert_memory_equal(d.psk, "aa00", 4);
	assert_int_equal(tunnel_tick(t), TUNNEL_RESTORED);
	assert_memory_equal(d.psk, "bb00", 4);
	assert_int_equal(tunnel_tick(t), TUNNEL_SAME);
	tunnel_free(t);
	device_stop(&d);
}

static void silent_device_is_asked_less_and_less(void **state)
{
	struct device d;
	struct tunnel *t = opened(&d);
	uint64_t start;
	unsigned before;

	(void)state;
	d.is_silent = true;
	before = d.requests;
	for (int i = 0; i < 8; i++)
		assert_int_equal(tunnel_tick(t), TUNNEL_DOWN);
	assert_int_equal(d.requests - before, 4);
	start = clock_boot_ms();
	assert_int_equal(want(t, 0xcc), RC_CLOSED);
	assert_true(clock_boot_ms() - start < 300);
	d.is_silent = false;
	for (int i = 0; i < 7; i++)
		assert_int_equal(tunnel_tick(t), TUNNEL_DOWN);
	assert_int_equal(tunnel_tick(t), TUNNEL_RESTORED);
	assert_memory_equal(d.psk, "cc00", 4);
	tunnel_free(t);
	device_stop(&d);
}

static void restarted_device_gets_everything_again(void **state)
{
	struct device d;
	struct tunnel *t = opened(&d);

	(void)state;
	assert_int_equal(want(t, 0xdd), RC_OK);
	device_stop(&d);
	assert_int_equal(tunnel_tick(t), TUNNEL_DOWN);
	assert_int_equal(tunnel_tick(t), TUNNEL_DOWN);
	assert_int_equal(tunnel_backend(t), WGCTL_USERSPACE);
	/* the kernel did not take the name */
	assert_false(net_link_exists("pttun0"));
	device_start(&d);
	assert_int_equal(tunnel_tick(t), TUNNEL_RESTORED);
	assert_memory_equal(d.psk, "dd00", 4);
	assert_int_equal(tunnel_tick(t), TUNNEL_SAME);
	tunnel_free(t);
	device_stop(&d);
}

/* Also when no tick came between the adoption and the restart. */
static void adopted_peer_is_put_back_where_it_was_heard(void **state)
{
	struct device d;
	struct tunnel *t = opened(&d);
	struct io_prefix allowed;
	uint8_t key[32] = { 7 };

	(void)state;
	pthread_mutex_lock(&d.lock);
	snprintf(d.public_key, 65, "07%062d", 0);
	snprintf(d.psk, 65, "ee%062d", 0);
	strcpy(d.endpoint, "198.51.100.11:51821");
	strcpy(d.allowed, "10.88.0.2/32");
	pthread_mutex_unlock(&d.lock);
	assert_true(io_prefix_parse(&allowed, span_str("10.88.0.2/32")));
	assert_true(tunnel_adopt(t, key, &allowed));
	device_stop(&d);
	device_start(&d);
	assert_int_equal(tunnel_tick(t), TUNNEL_RESTORED);
	assert_memory_equal(d.psk, "ee00", 4);
	assert_string_equal(d.endpoint, "198.51.100.11:51821");
	tunnel_free(t);
	device_stop(&d);
}

/* A change reached the new device before a tick saw that it is new. */
static void changed_peer_is_put_back_where_it_was_heard(void **state)
{
	struct device d;
	struct tunnel *t = opened(&d);

	(void)state;
	assert_int_equal(want(t, 0xa1), RC_OK);
	pthread_mutex_lock(&d.lock);
	strcpy(d.endpoint, "198.51.100.11:51821");
	pthread_mutex_unlock(&d.lock);
	assert_int_equal(tunnel_tick(t), TUNNEL_SAME);
	device_stop(&d);
	device_start(&d);
	assert_int_equal(want(t, 0xa2), RC_OK);
	assert_string_equal(d.endpoint, "");
	assert_int_equal(tunnel_tick(t), TUNNEL_RESTORED);
	assert_string_equal(d.endpoint, "198.51.100.11:51821");
	tunnel_free(t);
	device_stop(&d);
}

/* Where nobody listens and the kernel can, the interface is the kernel's, and
 * stays so: one that is deleted is made again. */
static void kernel_device_is_chosen_and_made_again(void **state)
{
	const struct tunnel_options o = { .interface = "pttunk", .listen_port = 51822 };
	char error[NODE_ERROR_MAX] = "";
	struct io_prefix address;
	struct tunnel *t;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(is_alone);
	if (!wgctl_kernel_has_wireguard())
		skip();
	if (tunnel_open(&t, &o, error))
		fail_msg("%s", error);
	assert_int_equal(tunnel_backend(t), WGCTL_KERNEL);
	assert_true(io_prefix_parse(&address, span_str("10.88.0.1/24")));
	tunnel_set_address(t, &address);
	assert_int_equal(want(t, 0xa5), RC_OK);
	assert_int_equal(tunnel_tick(t), TUNNEL_SAME);
	assert_int_equal(net_link_delete("pttunk"), RC_OK);
	assert_int_equal(tunnel_tick(t), TUNNEL_DOWN);
	assert_int_equal(tunnel_tick(t), TUNNEL_RESTORED);
	assert_int_equal(tunnel_backend(t), WGCTL_KERNEL);
	assert_int_equal(tunnel_tick(t), TUNNEL_SAME);
	tunnel_free(t);
	assert_int_equal(net_link_delete("pttunk"), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_change_is_made_by_a_tick),
		cmocka_unit_test(silent_device_is_asked_less_and_less),
		cmocka_unit_test(restarted_device_gets_everything_again),
		cmocka_unit_test(changed_peer_is_put_back_where_it_was_heard),
		cmocka_unit_test(adopted_peer_is_put_back_where_it_was_heard),
		cmocka_unit_test(kernel_device_is_chosen_and_made_again),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
