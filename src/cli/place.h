/*
 * place: where a cloud that runs on this machine keeps its things, and who
 * supervises it.
 *
 *   /run/postern-cloud/<name>.lock    held by its supervisor, holds its pid
 *   /run/postern-cloud/<name>/        its run folder
 *   /run/postern-cloud/<name>/cloud.json   what it is, for other commands:
 *     {"name": "demo", "state": "/var/lib/postern-cloud/demo", "port": 8443,
 *      "base": "postern.localhost", "nodes": [{"name": "hello",
 *      "kind": "cvm", "address": "198.51.100.11"}]}
 */
#ifndef POSTERN_CLI_PLACE_H
#define POSTERN_CLI_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/rc.h"

#define PLACE_RUN "/run/postern-cloud"
#define PLACE_STATE "/var/lib/postern-cloud"
#define PLACE_DEFAULT_NAME "demo"

enum {
	PLACE_PATH_MAX = 512,
	PLACE_ERROR_MAX = 512,
};

/* <run folder>/<rest>, or the lock with place_lock_path(). */
void place_path(char out[PLACE_PATH_MAX], const char *name, const char *rest);
void place_lock_path(char out[PLACE_PATH_MAX], const char *name);

/*
 * Takes the cloud's lock and writes our pid into it.  RC_DENIED: another
 * supervisor holds it; RC_SYS with errno.
 */
enum rc place_lock(int *fd, const char *name);
struct place_state_options {
	const char *name; /* of the cloud */
	const char *chosen; /* by the person; NULL: PLACE_STATE/<name> */
	bool is_ephemeral; /* what is there is removed first */
};

/*
 * Makes the state folder; its whole path lives in the arena.
 *
 * RC_DENIED  ephemeral, and the chosen folder holds what no cloud made, or its
 *            path cannot be an option of the overlay file system
 * RC_SYS     it cannot be made or removed
 *
 * error says which; nothing was removed then.
 */
enum rc place_state(const char **out, struct arena *arena,
		    const struct place_state_options *options,
		    char error[PLACE_ERROR_MAX]);

/* The supervisor of the cloud; 0: nobody runs it. */
pid_t place_supervisor(const char *name);

/* The node's first process, as this namespace sees it; 0: it does not run. */
pid_t place_node(const char *name, const char *node);

#endif
