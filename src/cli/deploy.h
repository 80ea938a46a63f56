/*
 * deploy: `postern deploy`, from a Compose file to an answering URL; see
 * postern-deploy(1).
 */
#ifndef POSTERN_CLI_DEPLOY_H
#define POSTERN_CLI_DEPLOY_H

#include "cli/commands.h"

cli_run_fn cli_deploy;

#endif
