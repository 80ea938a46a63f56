/*
 * secret: `postern secret`: environment variables for an app, encrypted to it
 * before it runs.
 */
#ifndef POSTERN_CLI_SECRET_H
#define POSTERN_CLI_SECRET_H

#include "cli/commands.h"

cli_run_fn cli_secret;

#endif
