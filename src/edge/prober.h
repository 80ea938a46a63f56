/*
 * prober: the thread that checks instances through the tunnel, as their
 * measured manifests ask, and publishes which ports are down.
 *
 * It reads the store every second for who is to be checked, and touches no
 * app without checks.  Each check has its own time, spread by chance; so many
 * run at once.  An instance whose lease ends is no longer checked, and no
 * longer down.
 *
 * It runs in one process of all that share the board, and begins with the
 * verdicts that it finds there: those of one that died.
 */
#ifndef POSTERN_EDGE_PROBER_H
#define POSTERN_EDGE_PROBER_H

#include "edge/config.h"
#include "edge/health.h"
#include "io/log.h"

struct prober;

/* Starts the thread; store and board are borrowed until prober_stop(), the
 * others copied.  RC_SYS with errno. */
enum rc prober_start(struct prober **out, const struct edge_tunnel *tunnel,
		     const struct log *log, struct store *store,
		     struct health_board *board);
/* Logs as this one does from now on; copies it.  NULL is fine. */
void prober_log(struct prober *p, const struct log *log);
/* Ends it; NULL is fine. */
void prober_stop(struct prober *p);

#endif
