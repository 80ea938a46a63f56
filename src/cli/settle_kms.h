/*
 * settle_kms: the key service of a cloud that comes up: its administrator, and
 * the policy under which it gives the described CVMs their keys.
 */
#ifndef POSTERN_CLI_SETTLE_KMS_H
#define POSTERN_CLI_SETTLE_KMS_H

#include "cli/keyservice.h"
#include "cli/plan.h"

/* Its administrator's key and its manifest, before anything else; nothing
 * where the cloud has no key service. */
enum rc settle_kms_prepare(const struct plan *p, char error[PLAN_ERROR_MAX]);

/*
 * Its nodes run by now, and nobody who asks them does: makes them one service,
 * or lets the one they are go on, and tells it which apps the description has:
 * of CVMs that are to get a tunnel.  *founded as in keyservice_found().
 */
enum rc settle_kms_found(const struct plan *p, bool *founded,
			 char error[PLAN_ERROR_MAX]);

#endif
