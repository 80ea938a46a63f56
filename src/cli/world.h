/*
 * world: what the Internet has and a cloud on one machine lacks: a DNS with
 * DNSSEC that serves the cloud's base, a CA that speaks ACME, CT logs and those
 * who search them.  A program runs all of it in the network in the middle, so
 * whoever controls that network controls them, too; tests/world/world.py does.
 *
 * With it postern-cert, in the public gateway's TD, makes an account and gets
 * the certificate for *.<base> and gateway.<base> as it would anywhere.
 *
 *   <state>/world/         the program's; world.json says what it made
 *   <state>/world.records  what its DNS has at first
 *   <state>/world.zones    its zones beside the base: those of custom domains
 *   <state>/ca.pem         roots of its CA
 *
 * Its CA keeps accounts in memory: each time a cloud comes up it has another
 * world, and postern-cert makes another account.
 *
 * Source: tests/world/README.md.
 */
#ifndef POSTERN_CLI_WORLD_H
#define POSTERN_CLI_WORLD_H

#include <stdbool.h>

#include "cli/plan.h"

/* Whether its CA certifies that gateway. */
bool world_certifies(const struct cloud *c, const struct cloud_gateway *g);

/* What runs it, with its files below <state>.  Strings live in the arena. */
struct service world_service(const struct cloud *c, const char *state,
			     struct arena *arena);

/* Before it starts: its records; and nothing of the one before. */
enum rc world_prepare(const struct plan *p, char error[PLAN_ERROR_MAX]);

/* When it runs: what postern-cert of that gateway finds in /etc/postern, and
 * <state>/ca.pem. */
enum rc world_settle(const struct plan *p, const struct machine *m,
		     char error[PLAN_ERROR_MAX]);

/* The same for a CVM with an ingress: what it trusts, and what its agent.yaml
 * says of it ("" without a world). */
enum rc world_settle_ingress(const char **text, const struct plan *p,
			     const struct machine *m,
			     char error[PLAN_ERROR_MAX]);
/* What edge.yaml says of a world's DNS; "" without one. */
const char *world_edge_text(const struct cloud *c,
			    const struct cloud_gateway *g);

#endif
