/*
 * wg: shows WireGuard interfaces as wg(8) does, those of postern-wg and the
 * kernel's alike.  Keys other than public ones are never shown.
 */
#ifndef POSTERN_CLI_WG_H
#define POSTERN_CLI_WG_H

#include "cli/commands.h"

cli_run_fn cli_wg;

#endif
