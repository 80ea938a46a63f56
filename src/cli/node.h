/*
 * node: one machine of a cloud on this machine: network, mount, process, IPC
 * and host name namespaces of its own, with the file system of the host and,
 * over it, a private /run, /var/lib and /etc.
 *
 * So every program in it runs with the paths and arguments of production and
 * still meets no other node's files.  The node's first process supervises its
 * services; it dies with the process that started it, however that ends, and
 * the kernel then ends everything in the node.
 *
 * /sys is left alone: containers need the control groups mounted beneath it.
 *
 * Source: namespaces(7), pid_namespaces(7), mount_namespaces(7).
 */
#ifndef POSTERN_CLI_NODE_H
#define POSTERN_CLI_NODE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/rc.h"
#include "supervise/supervise.h"

enum {
	NODE_ERROR_MAX = 256
};

enum node_kind {
	NODE_MACHINE, /* all of the above */
	NODE_NETWORK, /* the host's file system, a network of its own */
};

/* What a node is made of; strings outlive it. */
struct node_spec {
	const char *name; /* its host name */
	enum node_kind kind;
	const char *netns; /* name under /run/netns */
	/* Folders on the host: */
	const char *run; /* its /run; of a NODE_NETWORK only the report */
	const char *lib; /* its /var/lib */
	const char *etc; /* laid over /etc; no ',' or ':' in this path */
	const char *overlay; /* where the layer it writes to is mounted */
	const char *log; /* one file a service */
	const char *bin; /* its /usr/local/bin */
	const char *collateral; /* or NULL; at <lib>/postern/collateral */
	const char *lock; /* held while it lives, holds its process id */
	struct service services[SERVICES_MAX];
	size_t service_count;
};

struct node {
	const struct node_spec *spec;
	pid_t init; /* as the host sees it; 0: not running */
	int go; /* written to when its network is there; -1: it was */
};

/*
 * Makes the node's namespaces and its first process, which waits for
 * node_go(), and binds its network namespace to /run/netns/<netns>.
 * RC_SYS: error says what failed; nothing is left.
 */
enum rc node_start(struct node *out, const struct node_spec *spec,
		   char error[NODE_ERROR_MAX]);
/* Lets it set itself up and start its services. */
void node_go(struct node *n);
/* Ends one whose network could not be made. */
void node_abandon(struct node *n);

/*
 * The process id in the lock file, when its holder lives; 0 otherwise.
 */
pid_t node_alive(const char *lock);

/*
 * Runs argv inside the node whose first process is 'init', with our standard
 * streams, and ends it when we end.  Returns its exit status, 128 + signal, 127
 * when there is no such command and 126 when the node cannot be entered.
 */
int node_exec(pid_t init, char *const *argv);

#endif
