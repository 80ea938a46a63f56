#include "cli/up_start.h"

#include "cli/settle.h"
#include "cli/settle_kms.h"
#include "cli/settle_vm.h"
#include "cli/up_prepare.h"
#include "cli/world.h"

enum {
	PLATFORM_WAIT_MS = 20000,
	KMS_WAIT_MS = 30000,
	WORLD_WAIT_MS = 60000,
};

static bool start_platform(struct up_run *u)
{
	return settle_platform(&u->plan, u->error) == RC_OK &&
	       up_run_start(u, PLAN_PLATFORM) &&
	       up_run_wait(u, PLAN_PLATFORM, PLATFORM_WAIT_MS);
}

/* Gateways are told where it is and what it trusts: it is there before them. */
static bool start_hostile(struct up_run *u)
{
	if (u->cloud.world && world_prepare(&u->plan, u->error))
		return false;
	return up_run_start(u, PLAN_HOSTILE);
}

/* Its nodes are there, founded, before anybody asks them. */
static bool start_kms(struct up_run *u)
{
	const struct plan *p = &u->plan;
	bool founded;

	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		if (p->machines[i].kms && !up_run_start(u, i))
			return false;
	}
	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		if (p->machines[i].kms && !up_run_wait(u, i, KMS_WAIT_MS))
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

bool up_start(struct up_run *u)
{
	if (!up_prepare(u) || settle_kms_prepare(&u->plan, u->error) ||
	    settle_trust(&u->plan, u->error) ||
	    settle_vm_apps(&u->plan, u->error) || !start_platform(u))
		return false;
	progress_event(&u->progress,
		       "platform: SIMULATED TDX with a root of its own");
	u->platform_restarts = u->reports.restarts[PLAN_PLATFORM][0];
	if (!start_hostile(u) || settle_images(&u->plan, u->error) ||
	    !up_run_wait(u, PLAN_HOSTILE, WORLD_WAIT_MS) ||
	    settle_machines(&u->plan, u->error))
		return false;
	if (u->cloud.kms.count && !start_kms(u))
		return false;
	for (size_t i = PLAN_FIRST_NODE; i < u->plan.count; i++) {
		if (!u->plan.machines[i].kms && !up_run_start(u, i))
			return false;
	}
	progress_event(&u->progress,
		       "network in the middle: 198.51.100.0/24, %zu nodes on "
		       "it",
		       u->plan.count - PLAN_FIRST_NODE);
	return true;
}
