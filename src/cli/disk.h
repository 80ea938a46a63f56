/*
 * disk: `postern disk`, see postern-disk(1).
 */
#ifndef POSTERN_CLI_DISK_H
#define POSTERN_CLI_DISK_H

#include "cli/commands.h"

cli_run_fn cli_disk;

#endif
