/*
 * gather: everything a running cloud says of itself, as one JSON object.
 *
 *   { ...cloud.json..., "supervisor": pid,
 *     "nodes": [ {"name", "kind", "address", "services": [...],
 *                 "status": {...}, "leases": [...], "refusals": [...],
 *                 "edge": {...}, "apps": [...], "certificates": [...]} ] }
 *
 * "status" is the registrar's or the agent's, "edge" and what follows it the
 * edge's; what does not answer is null or empty.
 */
#ifndef POSTERN_CLI_GATHER_H
#define POSTERN_CLI_GATHER_H

#include <jansson.h>

/* NULL: no such cloud runs.  Returns owned: json_decref(). */
json_t *gather_cloud(const char *name);

/* The same of a gateway that is this machine, without what only `postern up`
 * knows.  NULL: neither registrar nor edge answers. */
json_t *gather_machine(void);

/*
 * The admin socket of the cloud's public gateway (its first one), or the one
 * of this machine (/run/postern/admin.sock) when no such cloud runs.
 */
enum {
	GATHER_PATH_MAX = 512
};
void gather_admin(char out[GATHER_PATH_MAX], const char *name);

#endif
