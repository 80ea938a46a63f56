/*
 * settle: what a machine finds in its /etc/postern before its first service
 * starts: the same files an operator would put there.
 */
#ifndef POSTERN_CLI_SETTLE_H
#define POSTERN_CLI_SETTLE_H

#include "cli/plan.h"

/* The policy with which whatever comes later accepts the public gateway and the
 * key service: trust.yaml of the state folder.  The service's manifest is there
 * (keyservice_prepare()). */
enum rc settle_trust(const struct plan *p, char error[PLAN_ERROR_MAX]);

/* The platform's own configuration: one TD a node of the key service, gateway
 * and CVM. */
enum rc settle_platform(const struct plan *p, char error[PLAN_ERROR_MAX]);

/* Everybody else's.  The platform runs by now: its trust anchor is copied, and
 * it is asked for the registers that the policies list. */
enum rc settle_machines(const struct plan *p, char error[PLAN_ERROR_MAX]);

/* Container images: each context folder's script `context` fills
 * <lib>/postern/images/<n>, which the node's engine then builds. */
enum rc settle_images(const struct plan *p, char error[PLAN_ERROR_MAX]);

/*
 * What a policy says of an image of the simulated platform, appended: one of
 * its rows.  With a manifest (NULL: any) the row is of TDs started with it
 * alone.
 */
struct buf;
enum rc settle_row(struct buf *out, const struct plan *p, const char *image,
		   const char *manifest, char error[PLAN_ERROR_MAX]);

#endif
