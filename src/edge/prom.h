/*
 * prom: the edge's counters as Prometheus reads them.
 *
 * Series are bounded: results are the program's words, and apps as board.h
 * says, of which the first PROM_APPS_MAX are named and the rest are one, app
 * "other".
 *
 * Source: Prometheus, "Exposition formats", text format 0.0.4.
 */
#ifndef POSTERN_EDGE_PROM_H
#define POSTERN_EDGE_PROM_H

#include "base/buf.h"
#include "base/rc.h"

struct master;

enum {
	PROM_APPS_MAX = 100,
	PROM_LINE_MAX = 512,
};

/* RC_LIMIT: 'out' has no room for all. */
enum rc prom_write(struct buf *out, const struct master *m);

#endif
