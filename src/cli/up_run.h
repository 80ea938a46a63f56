/*
 * up_run: a cloud that this process runs: what is kept of it from its start to
 * its end, and one of its machines at a time.
 *
 * In which order machines start is up_start's matter; when one starts again,
 * and when all end, up's.
 */
#ifndef POSTERN_CLI_UP_RUN_H
#define POSTERN_CLI_UP_RUN_H

#include "base/arena.h"
#include "cli/place.h"
#include "cli/plan.h"
#include "cli/progress.h"
#include "cli/reports.h"
#include "cli/up_options.h"
#include "cli/vm_machine.h"
#include "cli/watch.h"

enum {
	UP_RUN_ERROR_MAX = PLACE_ERROR_MAX,
	UP_RUN_TICK_MS = 50, /* between two looks */
};

/* Whatever returns false leaves the reason in error, without a line's end. */
struct up_run {
	struct up_options options;
	struct arena arena; /* of the cloud and the plan */
	struct cloud cloud;
	struct plan plan;
	struct image image; /* of virtual machines, if there are some */
	struct progress progress;
	struct reports reports;
	struct watch watch;
	char run[PLACE_PATH_MAX]; /* the run folder */
	char error[UP_RUN_ERROR_MAX];
	uint64_t restart_at_ms[PLAN_MACHINES_MAX]; /* 0: it is not due */
	int platform_restarts; /* of its teesim, so far; -1: its node ended */
	int lock; /* place_lock(); -1: not taken */
};

/*
 * Starts machine i of the plan, the first time or again: what is left of its
 * life before is removed, and it stands on the network when its first service
 * starts.  False: nothing of it runs.
 */
bool up_run_start(struct up_run *u, size_t i);

/* Waits until the services of machine i are ready.  False: they are not after
 * wait_ms, or we were told to stop. */
bool up_run_wait(struct up_run *u, size_t i, unsigned wait_ms);

#endif
