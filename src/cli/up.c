#include "cli/up.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/fmt.h"
#include "cli/leftovers.h"
#include "cli/up_run.h"
#include "cli/up_signals.h"
#include "cli/up_start.h"
#include "io/clock.h"

enum {
	TICK_IDLE_MS = 500, /* once everything is up */
	STOP_WAIT_MS = 20000, /* longest service + its engine */
	NODE_DELAY_MS = 1000,
	ARENA_MAX = 4 * 1024 * 1024,
};

/* Running. */

/* Reads every report once; true when machines first..count-1 are all ready. */
static bool follow(struct up_run *u, size_t first, char *waiting, size_t n)
{
	bool is_ready = true;

	for (size_t i = u->plan.count; i > first; i--) {
		if (!reports_follow(&u->reports, &u->plan, i - 1, &u->progress,
				    waiting, n))
			is_ready = false;
	}
	return is_ready;
}

/* Without the network in between its nodes have no interface: they are made
 * again after it. */
static void end_attached(struct up_run *u)
{
	for (size_t i = PLAN_FIRST_NODE; i < u->plan.count; i++) {
		pid_t init = u->plan.machines[i].node.init;

		if (init > 0)
			(void)kill(init, SIGKILL);
	}
}

/* A node whose first process ended is made again, a second later. */
static void revive(struct up_run *u)
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
		if (!up_run_start(u, i)) {
			progress_event(&u->progress, "%s: %s",
				       u->plan.machines[i].spec.name,
				       u->error);
			u->restart_at_ms[i] = clock_boot_ms() + NODE_DELAY_MS;
		}
	}
}

static void tell_ready(struct up_run *u)
{
	const char *base = u->cloud.base;

	progress_event(&u->progress,
		       "ready: https://gateway.%s:%llu/ (authority: %s/ca.pem)",
		       base, (unsigned long long)u->options.port,
		       u->plan.places.state);
}

/* Where the CPU stops, its TDs do: with their registers, their memory. */
static void reboot_with_platform(struct up_run *u)
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
static int run(struct up_run *u)
{
	uint64_t end_ms = clock_boot_ms() + u->options.wait_s * 1000;
	bool was_ready = false, is_late = false;

	while (!up_signals_wait(was_ready ? TICK_IDLE_MS : UP_RUN_TICK_MS)) {
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

static size_t count_alive(struct up_run *u)
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

static void stop_all(struct up_run *u)
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
		(void)up_signals_wait(UP_RUN_TICK_MS);
}

static int finish(struct up_run *u, int status)
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

static int supervise_cloud(struct up_run *u)
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
	up_signals_block();
	return finish(u, up_start(u) ? run(u) : CLI_REFUSED);
}

int cli_up(int argc, char **argv)
{
	struct up_run u = { .lock = -1 };
	int status = up_options_read(&u.options, argc, argv);

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
