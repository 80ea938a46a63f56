/*
 * quote_get: `postern quote get`: a fresh quote from this machine.
 */
#ifndef POSTERN_CLI_QUOTE_GET_H
#define POSTERN_CLI_QUOTE_GET_H

#include "cli/commands.h"

cli_run_fn cli_quote_get;

#endif
