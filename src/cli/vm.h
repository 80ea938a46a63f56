/*
 * vm: `postern vm`, virtual machines on this host; see postern-vm(1).
 */
#ifndef POSTERN_CLI_VM_H
#define POSTERN_CLI_VM_H

#include "cli/commands.h"

cli_run_fn cli_vm;

#endif
