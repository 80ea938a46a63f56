/*
 * settle: what a machine finds in its /etc/postern before its first service
 * starts: the same files an operator would put there.
 */
#ifndef POSTERN_CLI_SETTLE_H
#define POSTERN_CLI_SETTLE_H

#include "cli/plan.h"

/* The policy with which whatever comes later accepts the public gateway:
 * trust.yaml of the state folder. */
enum rc settle_trust(const struct plan *p, char error[PLAN_ERROR_MAX]);

/* The platform's own configuration: one TD a gateway and CVM. */
enum rc settle_platform(const struct plan *p, char error[PLAN_ERROR_MAX]);

/* Everybody else's.  The platform runs by now: its trust anchor is copied, and
 * it is asked for the registers that the policies list. */
enum rc settle_machines(const struct plan *p, char error[PLAN_ERROR_MAX]);

/* Container images: each context folder's script `context` fills
 * <lib>/postern/images/<n>, which the node's engine then builds. */
enum rc settle_images(const struct plan *p, char error[PLAN_ERROR_MAX]);

#endif
