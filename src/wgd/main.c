/*
 * postern-wg: a WireGuard interface in userspace, driven by wg(8).
 *
 * One process, a worker for each CPU (team, worker), and a UAPI socket (admin)
 * served by the first of them.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/sandbox.h"
#include "io/vault.h"
#include "wgd/admin.h"
#include "wgd/team.h"
#include "wgd/options.h"
#include "wireguard/device.h"

struct wgd {
	struct log log;
	struct loop *loop; /* of the main thread; the team's */
	struct team *team;
	struct admin *admin;
};

static void stop(struct wgd *w, const char *why)
{
	log_event(&w->log, LOG_INFO, "stopping", LSTR("why", why));
	loop_stop(w->loop);
}

static void on_interface_gone(void *arg)
{
	stop(arg, "interface");
}

static void on_socket_gone(void *arg)
{
	stop(arg, "uapi_socket");
}

static void on_signal(void *arg, int signal)
{
	if (signal != SIGHUP)
		stop(arg, "signal");
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

/* As many as there are CPUs for us, unless somebody said how many. */
static unsigned workers_wanted(const struct options *o)
{
	cpu_set_t cpus;
	int count = 1;

	static_assert(OPTIONS_WORKERS_MAX <= (int)DEVICE_SHARDS_MAX);
	if (o->workers)
		return o->workers;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = CPU_COUNT(&cpus);
	return count < OPTIONS_WORKERS_MAX ? (unsigned)count
					   : OPTIONS_WORKERS_MAX;
}

static bool start_team(struct wgd *w, const struct options *o)
{
	const struct team_events events = { on_interface_gone, w };

	if (team_new(&w->team, w->loop, workers_wanted(o), &w->log, &events)) {
		w->loop = NULL;
		return failed(w, "workers");
	}
	pin(team_device(w->team), o);
	errno = team_bind(w->team, 0);
	if (errno)
		return failed(w, "udp");
	return !team_open(w->team, o->interface) || failed(w, "tun");
}

static bool start(struct wgd *w, const struct options *o)
{
	struct admin_setup admin;

	if (sandbox_basics() || loop_new(&w->loop) ||
	    loop_signals(w->loop, on_signal, w))
		return failed(w, "process");
	if (!start_team(w, o))
		return false;
	admin = (struct admin_setup){
		w->loop, w->team, &w->log, o->interface, on_socket_gone, w
	};
	if (admin_new(&w->admin, &admin))
		return failed(w, "uapi_socket");
	if (o->has_metrics && admin_serve_metrics(w->admin))
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
	if (sandbox_seccomp(SANDBOX_TUNNEL))
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
	unsigned missing = VAULT_ALL & ~team_guards(w->team);

	if (missing)
		log_event(&w->log, LOG_WARN, "keys_not_guarded",
			  LU64("missing", missing));
	log_event(&w->log, LOG_INFO, "ready", LSTR("interface", interface),
		  LU64("port", team_port(w->team)),
		  LU64("workers", team_count(w->team)));
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
	/* Only now: what a thread may do is what it inherits. */
	if (team_start(w->team)) {
		failed(w, "threads");
		return 1;
	}
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
	admin_free(w.admin);
	if (w.team)
		team_free(w.team);
	else
		loop_free(w.loop);
	return status;
}
