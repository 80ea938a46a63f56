#include "cli/up.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/fmt.h"
#include "cli/leftovers.h"
#include "cli/net.h"
#include "cli/place.h"
#include "cli/plan.h"
#include "cli/progress.h"
#include "cli/reports.h"
#include "cli/settle.h"
#include "cli/settle_kms.h"
#include "cli/settle_vm.h"
#include "cli/vm_machine.h"
#include "cli/vm_start.h"
#include "cli/watch.h"
#include "cli/world.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sock.h"
#include "wgctl/wgctl.h"

enum {
	ARENA_MAX = 4 * 1024 * 1024,
	TICK_MS = 50,
	TICK_IDLE_MS = 500, /* once everything is up */
	PLATFORM_WAIT_MS = 20000,
	KMS_WAIT_MS = 30000,
	WORLD_WAIT_MS = 60000,
	STOP_WAIT_MS = 20000, /* longest service + its engine */
	LISTEN_BACKLOG = 512,
	NODE_DELAY_MS = 1000,
	ERROR_MAX = PLACE_ERROR_MAX,
	DEFAULT_PORT = 8443,
	DEFAULT_WAIT_S = 60,
};

struct options {
	const char *config, *state, *name, *backend, *image;
	uint64_t port, wait_s;
	bool is_ephemeral, is_once;
};

struct up {
	struct options options;
	struct arena arena;
	struct cloud cloud;
	struct plan plan;
	struct image image; /* of virtual machines, if there are some */
	struct progress progress;
	struct reports reports;
	struct watch watch;
	char run[PLACE_PATH_MAX];
	char error[ERROR_MAX];
	uint64_t restart_at_ms[PLAN_MACHINES_MAX];
	int platform_restarts; /* of its teesim, so far */
	int lock;
};

static const char up_help[] =
	"usage: postern up [--config FILE] [--port N] [--name NAME]\n"
	"                  [--state DIR] [--ephemeral] [--once] "
	"[--wait SECONDS]\n"
	"                  [--backend netns|vm] [--image DIR|NAME]\n"
	"\n"
	"Runs the cloud that FILE describes (default cloud.yaml) on this "
	"machine, each\n"
	"gateway and CVM in namespaces of its own, until Ctrl-C.  Every TD is "
	"SIMULATED.\n"
	"\n"
	"  --port N       where 127.0.0.1 and ::1 serve it (default 8443)\n"
	"  --name NAME    instead of the file's\n"
	"  --state DIR    what outlives a run (default " PLACE_STATE
	"/<name>)\n"
	"  --ephemeral    removes that folder before and after\n"
	"  --once         ends as soon as everything is up\n"
	"  --wait SECONDS how long that may take (default 60)\n"
	"  --backend vm   CVMs with containers are virtual machines, not "
	"namespaces\n"
	"  --image DIR    what they boot (default " VM_IMAGES "/default)\n";

/* Signals: blocked from the start, looked at between steps. */

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* True when somebody asked to stop; waits up to ms for it. */
static bool is_told_to_stop(unsigned ms)
{
	struct timespec wait = { .tv_nsec = (long)ms * 1000000 }; /* < 1 s */
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	got = sigtimedwait(&set, NULL, &wait);
	return got > 0 && got != SIGCHLD;
}

/* Making everything. */

static bool open_public(struct up *u, struct plan_places *places)
{
	static const char *const hosts[] = { "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < 2; i++) {
		const char *at = fmt(&u->arena, "%s:%llu", hosts[i],
				     (unsigned long long)u->options.port);
		struct sock_addr a;
		int fd;

		if (sock_addr_parse(&a, span_str(at)) &&
		    sock_listen(&fd, &a, LISTEN_BACKLOG) == RC_OK) {
			places->public_fds[places->public_count++] = fd;
			continue;
		}
		/* A machine without IPv6 is served on IPv4. */
		if (i == 1 && errno != EADDRINUSE)
			continue;
		(void)snprintf(u->error, ERROR_MAX, "%s: %s; try --port", at,
			       strerror(errno));
		return false;
	}
	return true;
}

static bool own_folder(struct up *u, const char **bin)
{
	char path[PLACE_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	*slash = '\0';
	*bin = fmt(&u->arena, "%s", path);
	return true;
}

/* For the commands that look at a running cloud. */
static bool note_cloud(struct up *u)
{
	char path[PLACE_PATH_MAX];
	json_t *nodes = json_array(), *root;
	char *text;
	enum rc rc;

	for (size_t i = 0; i < u->plan.count; i++) {
		const struct machine *m = &u->plan.machines[i];
		const char *kind = m->cvm	? "cvm"
				   : m->gateway ? "gateway"
				   : m->kms	? "kms"
						: m->spec.name;

		(void)json_array_append_new(
			nodes,
			json_pack("{s:s, s:s, s:s, s:b}", "name", m->spec.name,
				  "kind", kind, "address",
				  m->address ? m->address : "", "public",
				  m->gateway && m->gateway->is_public));
	}
	root = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:o}", "name",
			 u->cloud.name, "state", u->plan.places.state, "base",
			 u->cloud.base, "control", u->plan.control, "port",
			 (json_int_t)u->options.port, "lease_ms",
			 (json_int_t)u->cloud.lease_ms, "simulated", 1, "nodes",
			 nodes);
	text = json_dumps(root, JSON_INDENT(1));
	place_path(path, u->cloud.name, "cloud.json");
	rc = fmt_file(path, 0644, text);
	free(text);
	json_decref(root);
	return rc == RC_OK;
}

/* A machine that starts finds /run empty but for the platform's socket. */
static void empty_run(const struct machine *m)
{
	char postern[PLACE_PATH_MAX];

	(void)snprintf(postern, sizeof(postern), "%.500s/postern", m->spec.run);
	/* What stays is an old socket at worst, which its owner replaces. */
	(void)fmt_empty_folder(m->spec.run, "postern");
	(void)fmt_empty_folder(postern, "tee.sock");
}

static enum rc attach(struct up *u, const struct machine *m,
		      const char *hostile)
{
	if (m->cvm && m->cvm->is_machine)
		return net_attach_guest(hostile, m->spec.netns, m->spec.name,
					u->error);
	return net_attach(hostile, m->spec.netns, m->spec.name, m->address,
			  u->error);
}

static bool start_machine(struct up *u, size_t i)
{
	struct machine *m = &u->plan.machines[i];
	const char *hostile = u->plan.machines[PLAN_HOSTILE].spec.netns;
	char netns[PLACE_PATH_MAX];

	/* Of its life before, when this is a restart. */
	(void)snprintf(netns, sizeof(netns), "/run/netns/%s", m->spec.netns);
	(void)leftovers_remove_netns(netns);
	memset(u->reports.restarts[i], 0, sizeof(u->reports.restarts[i]));
	u->reports.was_ready[i] = false;
	if (i == PLAN_PLATFORM)
		u->platform_restarts = 0;
	empty_run(m);
	if (node_start(&m->node, &m->spec, u->error))
		return false;
	if ((i == PLAN_HOSTILE && net_bridge(hostile, u->error)) ||
	    (m->address && attach(u, m, hostile))) {
		node_abandon(&m->node);
		return false;
	}
	node_go(&m->node);
	return true;
}

/* Reads every report once; true when machines first..count-1 are all ready. */
static bool follow(struct up *u, size_t first, char *waiting, size_t n)
{
	bool is_ready = true;

	for (size_t i = u->plan.count; i > first; i--) {
		if (!reports_follow(&u->reports, &u->plan, i - 1, &u->progress,
				    waiting, n))
			is_ready = false;
	}
	return is_ready;
}

/* Until the services of one machine are ready. */
static bool wait_machine(struct up *u, size_t i, unsigned wait_ms)
{
	const struct node_spec *spec = &u->plan.machines[i].spec;
	uint64_t end_ms = clock_boot_ms() + wait_ms;
	char waiting[64];

	while (!reports_follow(&u->reports, &u->plan, i, &u->progress, waiting,
			       sizeof(waiting))) {
		if (is_told_to_stop(TICK_MS)) {
			(void)snprintf(u->error, ERROR_MAX, "interrupted");
			return false;
		}
		if (clock_boot_ms() > end_ms) {
			(void)snprintf(u->error, ERROR_MAX,
				       "%s does not start; see %.300s/%s.log",
				       spec->services[0].name, spec->log,
				       spec->services[0].name);
			return false;
		}
	}
	return true;
}

static bool start_platform(struct up *u)
{
	return settle_platform(&u->plan, u->error) == RC_OK &&
	       start_machine(u, PLAN_PLATFORM) &&
	       wait_machine(u, PLAN_PLATFORM, PLATFORM_WAIT_MS);
}

/* Gateways are told where it is and what it trusts: it is there before them. */
static bool start_hostile(struct up *u)
{
	if (u->cloud.world && world_prepare(&u->plan, u->error))
		return false;
	return start_machine(u, PLAN_HOSTILE);
}

/* Which CVMs are virtual machines: those in which something is to run. */
static bool choose_machines(struct up *u, struct plan_places *places)
{
	struct cloud_cvm *cvms = u->cloud.cvms.items;
	const char *given = u->options.image;

	if (strcmp(u->options.backend, "vm") != 0)
		return true;
	if (!strchr(given, '/'))
		given = fmt(&u->arena, VM_IMAGES "/%s", given);
	if (vm_image_open(&u->image, &u->arena, given, u->error))
		return false;
	for (size_t i = 0; i < u->cloud.cvms.count; i++) {
		cvms[i].is_machine = cvms[i].engine == CLOUD_DOCKER &&
				     cvms[i].expect == CLOUD_EXPECT_TUNNEL;
		if (cvms[i].is_machine)
			places->image = &u->image;
	}
	return true;
}

static bool prepare(struct up *u)
{
	struct plan_places places = {
		.run = u->run,
		.has_kernel_wireguard = wgctl_kernel_has_wireguard(),
	};

	if (!choose_machines(u, &places))
		return false;
	if (!leftovers_remove(u->cloud.name, u->run, u->error))
		return false;
	/* Nothing is made on disk where the port cannot be had. */
	if (!open_public(u, &places))
		return false;
	if (!own_folder(u, &places.bin)) {
		(void)snprintf(u->error, ERROR_MAX, "/proc/self/exe: %s",
			       strerror(errno));
		return false;
	}
	if (place_state(&places.state, &u->arena,
			&(struct place_state_options){
				.name = u->cloud.name,
				.chosen = u->options.state,
				.is_ephemeral = u->options.is_ephemeral },
			u->error))
		return false;
	plan_make(&u->plan, &u->cloud, &places, &u->arena);
	if (plan_folders(&u->plan, u->error))
		return false;
	if (!note_cloud(u)) {
		(void)snprintf(u->error, ERROR_MAX, "%.400s: %s", u->run,
			       strerror(errno));
		return false;
	}
	return true;
}

/* Its nodes are there, founded, before anybody asks them. */
static bool start_kms(struct up *u)
{
	const struct plan *p = &u->plan;
	bool founded;

	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		if (p->machines[i].kms && !start_machine(u, i))
			return false;
	}
	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		if (p->machines[i].kms && !wait_machine(u, i, KMS_WAIT_MS))
			return false;
	}
	if (settle_kms_found(p, &founded, u->error))
		return false;
	progress_event(&u->progress,
		       "key service: %s, %zu node%s; its only administrator's "
		       "key is on this host: %s/kms-admin.pem",
		       founded ? "founded" : "goes on", p->cloud->kms.count,
		       p->cloud->kms.count == 1 ? "" : "s", p->places.state);
	return true;
}

static bool start_all(struct up *u)
{
	if (!prepare(u) || settle_kms_prepare(&u->plan, u->error) ||
	    settle_trust(&u->plan, u->error) ||
	    settle_vm_apps(&u->plan, u->error) || !start_platform(u))
		return false;
	progress_event(&u->progress,
		       "platform: SIMULATED TDX with a root of its own");
	u->platform_restarts = u->reports.restarts[PLAN_PLATFORM][0];
	if (!start_hostile(u) || settle_images(&u->plan, u->error) ||
	    !wait_machine(u, PLAN_HOSTILE, WORLD_WAIT_MS) ||
	    settle_machines(&u->plan, u->error))
		return false;
	if (u->cloud.kms.count && !start_kms(u))
		return false;
	for (size_t i = PLAN_FIRST_NODE; i < u->plan.count; i++) {
		if (!u->plan.machines[i].kms && !start_machine(u, i))
			return false;
	}
	progress_event(&u->progress,
		       "network in the middle: 198.51.100.0/24, %zu nodes on "
		       "it",
		       u->plan.count - PLAN_FIRST_NODE);
	return true;
}

/* Running. */

/* Without the network in between its nodes have no interface: they are made
 * again after it. */
static void end_attached(struct up *u)
{
	for (size_t i = PLAN_FIRST_NODE; i < u->plan.count; i++) {
		pid_t init = u->plan.machines[i].node.init;

		if (init > 0)
			(void)kill(init, SIGKILL);
	}
}

/* A node whose first process ended is made again, a second later. */
static void revive(struct up *u)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < u->plan.count; i++) {
			struct machine *m = &u->plan.machines[i];

			if (m->node.init != pid)
				continue;
			progress_event(&u->progress,
				       "%s: the node ended (status %#x), "
				       "restarting",
				       m->spec.name, (unsigned)status);
			m->node.init = 0;
			if (i == PLAN_PLATFORM)
				u->platform_restarts = -1;
			u->restart_at_ms[i] = clock_boot_ms() + NODE_DELAY_MS;
			if (i == PLAN_HOSTILE)
				end_attached(u);
		}
	}
	for (size_t i = 0; i < u->plan.count; i++) {
		if (u->restart_at_ms[i] == 0 ||
		    clock_boot_ms() < u->restart_at_ms[i])
			continue;
		u->restart_at_ms[i] = 0;
		if (!start_machine(u, i)) {
			progress_event(&u->progress, "%s: %s",
				       u->plan.machines[i].spec.name,
				       u->error);
			u->restart_at_ms[i] = clock_boot_ms() + NODE_DELAY_MS;
		}
	}
}

static void tell_ready(struct up *u)
{
	const char *base = u->cloud.base;

	progress_event(&u->progress,
		       "ready: https://gateway.%s:%llu/ (authority: %s/ca.pem)",
		       base, (unsigned long long)u->options.port,
		       u->plan.places.state);
}

/* Where the CPU stops, its TDs do: with their registers, their memory. */
static void reboot_with_platform(struct up *u)
{
	int restarts = u->reports.restarts[PLAN_PLATFORM][0];

	if (restarts == u->platform_restarts)
		return;
	u->platform_restarts = restarts;
	progress_event(&u->progress, "platform: its TDs start anew");
	for (size_t i = PLAN_FIRST_NODE; i < u->plan.count; i++) {
		if (u->plan.machines[i].node.init > 0)
			(void)kill(u->plan.machines[i].node.init, SIGKILL);
	}
}

/* Until told to stop; CLI_REFUSED when --once waited in vain. */
static int run(struct up *u)
{
	uint64_t end_ms = clock_boot_ms() + u->options.wait_s * 1000;
	bool was_ready = false, is_late = false;

	while (!is_told_to_stop(was_ready ? TICK_IDLE_MS : TICK_MS)) {
		char waiting[64] = "";
		bool is_ready;

		revive(u);
		is_ready = follow(u, PLAN_PLATFORM, waiting, sizeof(waiting));
		reboot_with_platform(u);
		if (was_ready)
			continue;
		is_ready = is_ready &&
			   watch_cvms(&u->watch, &u->plan, &u->progress,
				      clock_boot_ms(), waiting,
				      sizeof(waiting));
		if (!is_ready)
			progress_waiting(&u->progress, waiting);
		if (is_ready) {
			was_ready = true;
			tell_ready(u);
			if (u->options.is_once)
				return CLI_OK;
		} else if (clock_boot_ms() > end_ms && !is_late) {
			is_late = true;
			progress_event(&u->progress,
				       "still waiting for %s; see `postern "
				       "logs`",
				       waiting);
			if (u->options.is_once)
				return CLI_REFUSED;
		}
	}
	progress_event(&u->progress, "stopping");
	return CLI_OK;
}

/* Ending. */

static size_t count_alive(struct up *u)
{
	size_t alive = 0;

	for (size_t i = 0; i < u->plan.count; i++) {
		struct node *n = &u->plan.machines[i].node;

		if (n->init > 0 && waitpid(n->init, NULL, WNOHANG) == n->init)
			n->init = 0;
		alive += n->init > 0;
	}
	return alive;
}

static void stop_all(struct up *u)
{
	uint64_t end_ms = clock_boot_ms() + STOP_WAIT_MS;
	int sig = u->options.is_ephemeral ? SIGKILL : SIGTERM;

	/* What will be thrown away needs no good-bye.  The platform goes last:
	 * nobody complains of its absence then. */
	for (size_t i = u->plan.count; i > 0; i--) {
		pid_t init = u->plan.machines[i - 1].node.init;

		if (init > 0)
			(void)kill(init, sig);
	}
	while (count_alive(u) > 0 && clock_boot_ms() < end_ms)
		(void)is_told_to_stop(TICK_MS);
}

static int finish(struct up *u, int status)
{
	char lock[PLACE_PATH_MAX];

	progress_clear(&u->progress);
	if (status != CLI_OK && u->error[0])
		fprintf(stderr, "postern up: %s\n", u->error);
	stop_all(u);
	if (!leftovers_remove(u->cloud.name, u->run, u->error)) {
		fprintf(stderr, "postern up: %s\n", u->error);
		status = CLI_REFUSED;
	}
	if (u->options.is_ephemeral && u->plan.places.state &&
	    fmt_remove_tree(u->plan.places.state)) {
		fprintf(stderr, "postern up: %s: %s\n", u->plan.places.state,
			strerror(errno));
		status = CLI_REFUSED;
	}
	place_lock_path(lock, u->cloud.name);
	(void)unlink(lock);
	(void)rmdir(PLACE_RUN); /* stays while another cloud runs */
	if (!u->options.state)
		(void)rmdir(PLACE_STATE); /* stays while it holds something */
	if (status == CLI_OK)
		progress_event(&u->progress, "everything is taken away again");
	return status;
}

static int options_read(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "port", required_argument, NULL, 'p' },
		{ "state", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'n' },
		{ "wait", required_argument, NULL, 'w' },
		{ "backend", required_argument, NULL, 'b' },
		{ "image", required_argument, NULL, 'i' },
		{ "ephemeral", no_argument, NULL, 'e' },
		{ "once", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'c')
			o->config = optarg;
		else if (c == 's')
			o->state = optarg;
		else if (c == 'n')
			o->name = optarg;
		else if (c == 'b')
			o->backend = optarg;
		else if (c == 'i')
			o->image = optarg;
		else if (c == 'e')
			o->is_ephemeral = true;
		else if (c == 'o')
			o->is_once = true;
		else if (c == 'p' && (!text_u64(&o->port, span_str(optarg),
						65535) ||
				      o->port == 0))
			return cli_usage("up", "--port takes 1 to 65535");
		else if (c == 'w' &&
			 !text_u64(&o->wait_s, span_str(optarg), 86400))
			return cli_usage("up", "--wait takes seconds");
		else if (c == 'h') {
			fputs(up_help, stdout);
			return -1;
		} else if (c == '?')
			return cli_usage("up", "wrong arguments");
	}
	if (optind < argc)
		return cli_usage("up", "what is '%s'?", argv[optind]);
	if (strcmp(o->backend, "netns") != 0 && strcmp(o->backend, "vm") != 0)
		return cli_usage("up", "--backend takes netns or vm");
	if (o->name && !cloud_is_name(o->name))
		return cli_usage("up", "--name takes 1 to 15 of a-z, 0-9, -");
	return CLI_OK;
}

static int supervise_cloud(struct up *u)
{
	enum rc rc = place_lock(&u->lock, u->cloud.name);

	if (rc) {
		const char *why = strerror(errno);

		if (rc == RC_DENIED)
			why = "runs already; `postern down` ends it";
		fprintf(stderr, "postern up: %s: %s\n", u->cloud.name, why);
		return CLI_REFUSED;
	}
	place_path(u->run, u->cloud.name, "");
	u->progress = progress_start();
	block_signals();
	return finish(u, start_all(u) ? run(u) : CLI_REFUSED);
}

int cli_up(int argc, char **argv)
{
	struct up u = { .options = { .config = "cloud.yaml",
				     .backend = "netns",
				     .image = "default",
				     .port = DEFAULT_PORT,
				     .wait_s = DEFAULT_WAIT_S },
			.lock = -1 };
	int status = options_read(&u.options, argc, argv);

	if (status != CLI_OK)
		return status < 0 ? CLI_OK : status;
	arena_init(&u.arena, ARENA_MAX);
	if (cloud_read(&u.cloud, &u.arena, u.options.config, u.error) ||
	    cloud_check_files(&u.cloud, u.options.config, u.error)) {
		fprintf(stderr, "postern up: %s\n", u.error);
		status = CLI_USAGE;
	} else if (!cli_is_root("up")) {
		status = CLI_REFUSED;
	} else {
		if (u.options.name)
			u.cloud.name = u.options.name;
		status = supervise_cloud(&u);
	}
	arena_fini(&u.arena);
	return status;
}
