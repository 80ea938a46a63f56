/*
 * vm_wait: until a machine that was started is where it is wanted.
 */
#ifndef POSTERN_CLI_VM_WAIT_H
#define POSTERN_CLI_VM_WAIT_H

#include "vm/folder.h"

/* The step at which the guest has its tunnel. */
#define VM_STEP_TUNNEL "tunnel"
/* ... and the app's containers run. */
#define VM_STEP_CONTAINERS "containers"

enum vm_wait {
	VM_WAIT_MORE,
	VM_WAIT_THERE,
	VM_WAIT_ENDED, /* it does not run any more */
};

/*
 * Whether the guest says that its tunnel is up, or the gateway of its cloud
 * gave it a lease since it was started.  *run is its last report.
 */
enum vm_wait vm_wait_tunnel(struct vm_run *run, const char *name);

/* A step of the run, or NULL. */
const struct vm_step *vm_find_step(const struct vm_run *run, const char *step);

#endif
