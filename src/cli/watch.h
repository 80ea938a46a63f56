/*
 * watch: whether each CVM of a cloud got what its description expects: a
 * tunnel, or a refusal; asked of its agent until it did.
 */
#ifndef POSTERN_CLI_WATCH_H
#define POSTERN_CLI_WATCH_H

#include "cli/plan.h"
#include "cli/progress.h"

struct watch {
	bool is_settled[PLAN_MACHINES_MAX];
	uint64_t next_ms; /* when to ask again */
};

/*
 * Asks those that are not settled yet, a few times a second at most, and
 * prints those that now are.  True when all are; else *waiting (of waiting_len
 * bytes) names one that is not.
 */
bool watch_cvms(struct watch *w, const struct plan *p,
		struct progress *progress, uint64_t now_ms, char *waiting,
		size_t waiting_len);

#endif
