/*
 * prober: the thread that checks instances through the tunnel, as their
 * measured manifests ask, and publishes which ports are down.
 *
 * It reads the store every second for who is to be checked, and touches no
 * app without checks.  Each check has its own time, spread by chance; so many
 * run at once.  An instance whose lease ends is no longer checked, and no
 * longer down.
 */
#ifndef POSTERN_EDGE_PROBER_H
#define POSTERN_EDGE_PROBER_H

#include "edge/config.h"
#include "edge/health.h"
#include "io/log.h"

struct prober;

/* Starts the thread; all arguments are borrowed until prober_stop().  RC_SYS
 * with errno. */
enum rc prober_start(struct prober **out, const struct edge_config *config,
		     const struct log *log, struct store *store,
		     struct health_board *board);
/* Ends it; NULL is fine. */
void prober_stop(struct prober *p);

#endif
