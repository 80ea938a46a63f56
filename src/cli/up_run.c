#include "cli/up_run.h"

#include <stdio.h>
#include <string.h>

#include "cli/fmt.h"
#include "cli/leftovers.h"
#include "cli/net.h"
#include "cli/up_signals.h"
#include "io/clock.h"

/* A machine that starts finds /run empty but for the platform's socket. */
static void empty_run(const struct machine *m)
{
	char postern[PLACE_PATH_MAX];

	(void)snprintf(postern, sizeof(postern), "%.500s/postern", m->spec.run);
	/* What stays is an old socket at worst, which its owner replaces. */
	(void)fmt_empty_folder(m->spec.run, "postern");
	(void)fmt_empty_folder(postern, "tee.sock");
}

static enum rc attach(struct up_run *u, const struct machine *m,
		      const char *hostile)
{
	if (m->cvm && m->cvm->is_machine)
		return net_attach_guest(hostile, m->spec.netns, m->spec.name,
					u->error);
	return net_attach(hostile, m->spec.netns, m->spec.name, m->address,
			  u->error);
}

bool up_run_start(struct up_run *u, size_t i)
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

bool up_run_wait(struct up_run *u, size_t i, unsigned wait_ms)
{
	const struct node_spec *spec = &u->plan.machines[i].spec;
	uint64_t end_ms = clock_boot_ms() + wait_ms;
	char waiting[64];

	while (!reports_follow(&u->reports, &u->plan, i, &u->progress, waiting,
			       sizeof(waiting))) {
		if (up_signals_wait(UP_RUN_TICK_MS)) {
			(void)snprintf(u->error, UP_RUN_ERROR_MAX,
				       "interrupted");
			return false;
		}
		if (clock_boot_ms() > end_ms) {
			(void)snprintf(u->error, UP_RUN_ERROR_MAX,
				       "%s does not start; see %.300s/%s.log",
				       spec->services[0].name, spec->log,
				       spec->services[0].name);
			return false;
		}
	}
	return true;
}
