/*
 * measure: `postern measure`, see postern-measure(1).
 */
#ifndef POSTERN_CLI_MEASURE_H
#define POSTERN_CLI_MEASURE_H

#include "cli/commands.h"

cli_run_fn cli_measure;

#endif
