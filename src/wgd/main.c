/*
 * postern-wg: a WireGuard interface in userspace, driven by wg(8).
 *
 * One process, one loop: the device (wireguard/), the TUN (inner), the UDP
 * sockets (outer) and the UAPI socket (uapid).
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/server.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/sandbox.h"
#include "io/vault.h"
#include "wgd/inner.h"
#include "wgd/options.h"
#include "wgd/outer.h"
#include "wgd/uapid.h"
#include "wireguard/control.h"
#include "wireguard/device.h"
#include "wireguard/metrics.h"

enum {
	REPORT_MS = 10'000, /* between two reports of what was dropped */
	NS_PER_MS = 1'000'000,
};

struct wgd {
	struct log log;
	struct loop *loop;
	struct vault *vault; /* of the device: every key that stays */
	struct device *device;
	struct inner *inner;
	struct outer *outer;
	struct uapid *uapid;
	struct http_server *metrics; /* NULL: not asked for */
	struct loop_timer timer, report;
	struct span stable; /* memory outputs may stay in until the flush */
	uint64_t reported[DEVICE_DROP_COUNT];
};

static struct device_time now(const struct wgd *w)
{
	return (struct device_time){
		.ms = loop_now_ms(w->loop),
		.unix_ns = clock_unix_ms() * NS_PER_MS,
	};
}

/* After anything the device did: send what it made, wake when it wants. */
static void settle(struct wgd *w)
{
	uint64_t at = device_deadline(w->device);

	outer_flush(w->outer);
	w->stable = span_of(NULL, 0);
	if (at == UINT64_MAX)
		loop_timer_disarm(w->loop, &w->timer);
	else if (!loop_timer_is_armed(&w->timer) || w->timer.at_ms != at)
		loop_timer_arm(w->loop, &w->timer, at);
	if (!loop_timer_is_armed(&w->report))
		loop_timer_arm(w->loop, &w->report,
			       loop_now_ms(w->loop) + REPORT_MS);
}

static void on_timer(void *arg)
{
	struct wgd *w = arg;

	device_expire(w->device, now(w));
	settle(w);
}

/* Armed by activity only: an idle device does not wake. */
static void on_report(void *arg)
{
	struct wgd *w = arg;
	const uint64_t *drops = device_drops(w->device);

	for (unsigned i = 0; i < DEVICE_DROP_COUNT; i++) {
		if (drops[i] != w->reported[i])
			log_event(&w->log, LOG_INFO, "dropped",
				  LSTR("why", device_drop_name(i)),
				  LU64("count", drops[i] - w->reported[i]));
		w->reported[i] = drops[i];
	}
}

static void on_datagrams(void *arg, const struct device_datagram *in,
			 size_t count)
{
	struct wgd *w = arg;

	device_receive(w->device, in, count, now(w));
	inner_flush(w->inner);
	settle(w);
}

static void on_packets(void *arg, const struct device_packet *in, size_t count,
		       struct span memory)
{
	struct wgd *w = arg;

	w->stable = memory;
	device_send(w->device, in, count, now(w));
	settle(w);
}

static void on_mtu(void *arg, size_t mtu)
{
	struct wgd *w = arg;

	device_set_mtu(w->device, mtu);
}

static void on_interface_gone(void *arg)
{
	struct wgd *w = arg;

	log_event(&w->log, LOG_INFO, "stopping", LSTR("why", "interface"));
	loop_stop(w->loop);
}

static void on_socket_gone(void *arg)
{
	struct wgd *w = arg;

	log_event(&w->log, LOG_INFO, "stopping", LSTR("why", "uapi_socket"));
	loop_stop(w->loop);
}

static void on_signal(void *arg, int signal)
{
	struct wgd *w = arg;

	if (signal == SIGHUP)
		return;
	log_event(&w->log, LOG_INFO, "stopping", LSTR("why", "signal"));
	loop_stop(w->loop);
}

static void sink_datagram(void *arg, const struct endpoint *to,
			  struct span bytes, unsigned ecn)
{
	struct wgd *w = arg;

	outer_send(w->outer, to, bytes, ecn, w->stable);
}

static void sink_packet(void *arg, struct span packet)
{
	struct wgd *w = arg;

	inner_write(w->inner, packet);
}

static void sink_event(void *arg, const struct device_event *e)
{
	static const char *const names[] = {
		[DEVICE_HANDSHAKE] = "handshake",
		[DEVICE_MOVED] = "moved",
		[DEVICE_GAVE_UP] = "gave_up",
		[DEVICE_STRAYED] = "strayed",
	};
	struct device_peer_view v = device_peer_view(e->peer);
	struct wgd *w = arg;
	uint8_t text[64];
	struct wr at = WR_ARRAY(text);

	if (v.endpoint)
		endpoint_write(&at, v.endpoint);
	log_event(&w->log, LOG_DEBUG, names[e->kind],
		  LHEX("peer", span_of(v.public_key, 8)),
		  LSPAN("endpoint", wr_span(&at)));
}

static int host_set_port(void *arg, uint16_t port)
{
	struct wgd *w = arg;
	int error = outer_bind(w->outer, port);

	if (error)
		log_event(&w->log, LOG_WARN, "bind_failed",
			  LU64("port", port), LERRNO("error", error));
	return error;
}

static int host_set_mark(void *arg, uint32_t mark)
{
	return outer_set_mark(((struct wgd *)arg)->outer, mark);
}

static uint16_t host_port(void *arg)
{
	return outer_port(((const struct wgd *)arg)->outer);
}

static uint32_t host_mark(void *arg)
{
	return outer_mark(((const struct wgd *)arg)->outer);
}

static uint32_t host_scope(void *arg, const char *interface)
{
	(void)arg;
	return if_nametoindex(interface);
}

static bool on_request(void *arg, struct buf *answer, struct span request)
{
	struct wgd *w = arg;
	const struct control_host host = {
		host_set_port, host_set_mark, host_port,
		host_mark, host_scope, w
	};
	bool ok = control_request(w->device, answer, request, &host, now(w));

	settle(w);
	return ok;
}

static void on_http(void *arg, const struct http_request *request,
		    struct http_answer *answer)
{
	const struct wgd *w = arg;

	if (strcmp(request->method, "GET") != 0) {
		answer->status = 405;
	} else if (strcmp(request->path, "/metrics") != 0) {
		answer->status = 404;
	} else if (metrics_write(&answer->body, w->device, now(w))) {
		/* More peers than an answer holds. */
		buf_reset(&answer->body);
		answer->status = 500;
	} else {
		answer->content_type = "text/plain; version=0.0.4";
	}
}

/* Beside the UAPI socket, and like that for root only. */
static enum rc serve_metrics(struct wgd *w, const char *interface)
{
	char path[sizeof("/var/run/wireguard/.metrics") + IFNAMSIZ];

	(void)snprintf(path, sizeof(path), "/var/run/wireguard/%s.metrics",
		       interface); /* the name is shorter than IFNAMSIZ */
	return http_server_new(&w->metrics, w->loop, path, 0600, on_http, w);
}

static void stop(struct wgd *w)
{
	http_server_free(w->metrics);
	uapid_free(w->uapid);
	inner_free(w->inner);
	outer_free(w->outer);
	device_free(w->device);
	vault_free(w->vault);
	loop_free(w->loop);
}

/* Says what could not be set up, with errno as it is. */
static bool failed(const struct wgd *w, const char *what)
{
	log_event(&w->log, LOG_ERROR, "start_failed", LSTR("what", what),
		  LERRNO("error", errno));
	return false;
}

static void pin(struct device *d, const struct options *o)
{
	static_assert(OPTIONS_PINS_MAX <= (int)DEVICE_PINS_MAX);
	if (o->pins_all)
		device_pin_all(d);
	for (size_t i = 0; i < o->pin_count; i++)
		(void)device_pin(d, o->pins[i]); /* there is room: above */
}

static bool start(struct wgd *w, const struct options *o)
{
	const char *interface = o->interface;
	const struct device_sink sink = { .datagram = sink_datagram,
					  .packet = sink_packet,
					  .event = sink_event,
					  .arg = w };
	const struct inner_events inner = { on_packets, on_mtu,
					    on_interface_gone, w };
	const struct uapid_events uapid = { on_request, on_socket_gone, w };

	w->timer = (struct loop_timer){ .fn = on_timer, .arg = w };
	w->report = (struct loop_timer){ .fn = on_report, .arg = w };
	if (sandbox_basics() || loop_new(&w->loop) ||
	    loop_signals(w->loop, on_signal, w))
		return failed(w, "process");
	w->vault = vault_new();
	w->device = device_new_in(&sink, vault_memory(w->vault));
	pin(w->device, o);
	w->outer = outer_new(w->loop, on_datagrams, w);
	errno = outer_bind(w->outer, 0);
	if (errno)
		return failed(w, "udp");
	if (inner_new(&w->inner, w->loop, interface, &inner))
		return failed(w, "tun");
	if (uapid_new(&w->uapid, w->loop, interface, &uapid))
		return failed(w, "uapi_socket");
	if (o->has_metrics && serve_metrics(w, interface))
		return failed(w, "metrics_socket");
	return true;
}

/* Those of 'wanted' that we have: a container may give fewer. */
static uint64_t held(uint64_t wanted)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets) != 0)
		return 0;
	return wanted &
	       (sets[0].permitted | (uint64_t)sets[1].permitted << 32);
}

/* Marks and larger buffers need the one, ports below 1024 the other. */
static bool confine(const struct wgd *w)
{
	static const struct sandbox_path paths[] = {
		{ .path = "/var/run/wireguard", .is_writable = true },
		{ .path = NULL },
	};
	uint64_t keep = held(1ull << CAP_NET_ADMIN |
			     1ull << CAP_NET_BIND_SERVICE);
	enum rc rc;

	if (sandbox_drop(keep, NULL))
		return failed(w, "capabilities");
	rc = sandbox_landlock(paths);
	if (rc == RC_UNSUPPORTED)
		log_event(&w->log, LOG_WARN, "no_landlock");
	else if (rc)
		return failed(w, "landlock");
	if (sandbox_seccomp(SANDBOX_NETWORK))
		return failed(w, "seccomp");
	return true;
}

/* The parent waits until the child is ready, then leaves it alone.  Returns in
 * the child only, with the descriptor by which it says so. */
static int daemonize(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) != 0)
		exit(1);
	pid = fork();
	if (pid < 0)
		exit(1);
	if (pid > 0) {
		(void)close(ready[1]); /* so that its death ends the read */
		exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
	}
	(void)close(ready[0]);
	(void)setsid(); /* a child just forked leads no group: cannot fail */
	return ready[1];
}

/* Nobody reads a daemon's output; a pipe it held would never end. */
static void detach(void)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null_fd >= 0 && fd <= 2; fd++)
		(void)dup2(null_fd, fd);
	mem_auto_close(&null_fd);
	(void)!chdir("/");
}

static void say_ready(const struct wgd *w, const char *interface, int ready_fd)
{
	if (vault_guards(w->vault) != VAULT_ALL)
		log_event(&w->log, LOG_WARN, "keys_not_guarded",
			  LU64("missing",
			       VAULT_ALL & ~vault_guards(w->vault)));
	log_event(&w->log, LOG_INFO, "ready", LSTR("interface", interface),
		  LU64("port", outer_port(w->outer)));
	if (ready_fd < 0)
		return;
	(void)!write(ready_fd, "", 1); /* a dead parent needs no word */
	(void)close(ready_fd);
}

static int run(struct wgd *w, const struct options *o)
{
	int ready_fd = o->is_foreground ? -1 : daemonize();

	if (!start(w, o))
		return 1;
	if (ready_fd >= 0)
		detach();
	if (!confine(w))
		return 1;
	say_ready(w, o->interface, ready_fd);
	return loop_run(w->loop) ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct wgd w = {
		.log = { .fd = 2, .program = "wg", .max = LOG_INFO },
	};
	struct options o;
	int status;

	if (!options_parse(&o, argc, argv))
		return options_usage();
	if (o.is_verbose)
		w.log.max = LOG_DEBUG;
	status = run(&w, &o);
	stop(&w);
	return status;
}
