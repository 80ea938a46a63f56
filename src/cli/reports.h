/*
 * reports: follows what the first processes of a cloud's nodes report of their
 * services (see supervise.h), and tells what is new.
 */
#ifndef POSTERN_CLI_REPORTS_H
#define POSTERN_CLI_REPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/plan.h"
#include "cli/progress.h"

struct reports {
	int restarts[PLAN_MACHINES_MAX][SERVICES_MAX]; /* seen so far */
	bool was_ready[PLAN_MACHINES_MAX];
};

/*
 * Reads one machine's report and prints what is new: that it is ready, that a
 * service ended.
 * True when all its services are ready or done; otherwise *waiting (of
 * waiting_len bytes) names the first that is not.
 */
bool reports_follow(struct reports *r, const struct plan *p, size_t machine,
		    struct progress *progress, char *waiting,
		    size_t waiting_len);

#endif
