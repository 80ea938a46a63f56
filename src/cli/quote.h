/*
 * quote: `postern quote verify` and `postern quote show`.
 */
#ifndef POSTERN_CLI_QUOTE_H
#define POSTERN_CLI_QUOTE_H

#include "cli/commands.h"

cli_run_fn cli_quote;

#endif
