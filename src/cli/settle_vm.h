/*
 * settle_vm: CVMs of a cloud that are virtual machines: what their keepers find
 * in the node's /var/lib/postern-vm, and what their manifests say besides.
 *
 * A machine's manifest is the description's with some keys more: "images", the
 * ids of the container images made from its contexts, "trust", the policy with
 * which it accepts the public gateway and the key service, and "key_service",
 * where there is one: its app id.  So it is another app than the same in
 * namespaces.
 */
#ifndef POSTERN_CLI_SETTLE_VM_H
#define POSTERN_CLI_SETTLE_VM_H

#include "cli/plan.h"

/* Images and manifests of all machines, before the platform measures them. */
enum rc settle_vm_apps(const struct plan *p, char error[PLAN_ERROR_MAX]);

/* A machine's folder; the platform runs by now. */
enum rc settle_vm(const struct plan *p, const struct machine *m,
		  char error[PLAN_ERROR_MAX]);

/* Adds the machines' image to a gateway's policy. */
enum rc settle_vm_policy(const struct plan *p, const struct machine *m,
			 char error[PLAN_ERROR_MAX]);

#endif
