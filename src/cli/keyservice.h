/*
 * keyservice: the key service of a cloud of this machine, as its operator
 * handles it: its administrator's key, its manifest, its founding, and which
 * apps it gives their keys to.
 *
 *   <state>/kms-admin.pem       private key of the only administrator
 *   <state>/kms-manifest.json   that names him; measured in every node
 *
 * The key lies on the host whose TDs the service keeps secrets from.  That is
 * what a SIMULATED cloud is worth; elsewhere administrators are several, and
 * none of them is the host's (docs/PROTOCOL.kms.md §2).
 */
#ifndef POSTERN_CLI_KEYSERVICE_H
#define POSTERN_CLI_KEYSERVICE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/rc.h"
#include "cli/release.h"

enum {
	KEYSERVICE_ERROR_MAX = 512,
	KEYSERVICE_NODES_MAX = 8,
	KEYSERVICE_PORT = 8446,
};

struct keyservice {
	const char *cloud, *state; /* its name, its state folder */
	const char *nodes[KEYSERVICE_NODES_MAX]; /* their names */
	size_t count; /* 0: the cloud has none */
};

/* Both paths, in the arena. */
const char *keyservice_admin(struct arena *a, const char *state);
const char *keyservice_manifest(struct arena *a, const char *state);

/* Its app id, of that manifest, in hex and in the arena; NULL: the manifest
 * cannot be read, errno. */
const char *keyservice_id(struct arena *a, const char *state);

/* Makes the two files of a state folder, unless they are there.  RC_SYS, and
 * RC_MALFORMED where the key is none. */
enum rc keyservice_prepare(const char *state, char error[KEYSERVICE_ERROR_MAX]);

/*
 * Nodes that run become one service under a policy that has these apps besides
 * all it had before, and are waited for: all of them are ready then.  *founded:
 * there was none before.
 *
 * RC_CLOSED  a node does not answer, or is not ready in time
 * RC_DENIED  a node refuses the policy
 * else       as release_allow(), release_sign(); error is a line
 */
enum rc keyservice_found(const struct keyservice *k, bool *founded,
			 const struct release_app *apps, size_t count,
			 char error[KEYSERVICE_ERROR_MAX]);

/*
 * The same with one app more, of a service that is founded; a majority of its
 * nodes has the policy then.  *changed: it had to be told.
 */
enum rc keyservice_allow(const struct keyservice *k, bool *changed,
			 const struct release_app *app,
			 char error[KEYSERVICE_ERROR_MAX]);

#endif
