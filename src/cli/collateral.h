/*
 * collateral: `postern collateral`: Intel's documents about platforms, fetched,
 * shown, and carried to machines that reach no server.
 */
#ifndef POSTERN_CLI_COLLATERAL_H
#define POSTERN_CLI_COLLATERAL_H

#include "cli/commands.h"

cli_run_fn cli_collateral;

#endif
