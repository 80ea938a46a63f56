/*
 * policy: `postern policy check`: a policy over recorded evidence.
 */
#ifndef POSTERN_CLI_POLICY_H
#define POSTERN_CLI_POLICY_H

#include "cli/commands.h"

cli_run_fn cli_policy;

#endif
