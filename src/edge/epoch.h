/*
 * epoch: the keys of session tickets (tls/tickets.h) on their way: made once by
 * the master, to every worker beside a setup's files, and to the next master.
 */
#ifndef POSTERN_EDGE_EPOCH_H
#define POSTERN_EDGE_EPOCH_H

#include "edge/files.h"
#include "tls/tickets.h"

/* Puts them there, in place of those that were.  RC_LIMIT: too many files. */
enum rc epoch_keep(struct files *f, const struct tickets *t);
/* False: there are none, or those of a version that has others. */
bool epoch_find(struct tickets *out, const struct files *f);

#endif
