/*
 * deploy_vm: an app in a virtual machine: in a running cloud, or one that is
 * started for it; see postern-deploy(1).
 *
 * A machine that is there already and would get what it has is left alone.
 */
#ifndef POSTERN_CLI_DEPLOY_VM_H
#define POSTERN_CLI_DEPLOY_VM_H

#include "cli/deploy_app.h"

/*
 * Puts the app that deploy_app_read() read into its machine, waits until it
 * answers and prints its URLs.  With manifest_only it ends when that is
 * written.
 *
 * False: there is no cloud, no image, no machine, or no answer in wait_s.  A
 * machine that was started then goes on.
 */
bool deploy_vm(struct deploy_app *d);

#endif
