/*
 * up_start: the order in which a cloud comes up.  The platform is first, for
 * everybody asks it; then the network between the nodes, the key service, and
 * all others at once.  Each finds its files before it starts (cli/settle.h).
 */
#ifndef POSTERN_CLI_UP_START_H
#define POSTERN_CLI_UP_START_H

#include "cli/up_run.h"

/*
 * Prepares the cloud (up_prepare()) and starts all its machines.  The platform,
 * the network and the key service are ready then, others may not be.
 *
 * False: one of them did not start, or we were told to stop.  What was started
 * runs on.
 */
bool up_start(struct up_run *u);

#endif
