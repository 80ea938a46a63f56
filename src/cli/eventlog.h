/*
 * eventlog: `postern eventlog`, see postern-eventlog(1).
 */
#ifndef POSTERN_CLI_EVENTLOG_H
#define POSTERN_CLI_EVENTLOG_H

#include "cli/commands.h"

cli_run_fn cli_eventlog;

#endif
