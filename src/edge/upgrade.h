/*
 * upgrade: the old master's side of a change to the next version: starts it,
 * hands over the sockets (see handover.h), and drains once it serves; goes on
 * when it does not get there.
 */
#ifndef POSTERN_EDGE_UPGRADE_H
#define POSTERN_EDGE_UPGRADE_H

#include <stdbool.h>

#include "edge/message.h"

struct master;

/* Starts the next version; false: error says why.  How it ends is seen later.
 */
bool upgrade_start(struct master *m, char error[MESSAGE_TEXT_MAX]);
bool upgrade_is_on(const struct master *m);
/* It took too long; takes the master. */
void upgrade_late(void *arg);

#endif
