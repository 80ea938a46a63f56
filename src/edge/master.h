/*
 * master: the process that a supervisor starts.  It reads the configuration
 * and the keys, holds the listening sockets, keeps the workers, and answers
 * its operator.  No byte of a stranger comes to it.
 *
 * Two things are whole or not at all: a reload (the workers go on with what
 * they had when any of it is wrong), and an upgrade (this process goes on when
 * the new one does not get as far as serving).
 */
#ifndef POSTERN_EDGE_MASTER_H
#define POSTERN_EDGE_MASTER_H

#include "edge/courier.h"
#include "edge/crew.h"
#include "edge/files.h"
#include "edge/rates.h"
#include "http/server.h"
#include "tls/tickets.h"

enum master_state {
	MASTER_STARTING,
	MASTER_TAKING, /* another master's place: waits for its GO */
	MASTER_SERVING,
	MASTER_DRAINING,
};

struct master_options {
	const char *config; /* its path */
	bool is_takeover; /* another master's socket is HANDOVER_FD */
	char **argv; /* of this process, to start its next version with */
};

struct master {
	struct master_options options;
	enum master_state state;
	int status; /* of exit(3) */
	struct log log;
	struct loop *loop;
	struct loop_watch signals;
	int signal_fd, exe_fd;
	char exe_path[512]; /* where the next version will be */

	struct setup *setup;
	uint64_t generation;
	int64_t loaded_unix_ms;
	int files_fd; /* of this generation */
	uint64_t reloads, reloads_failed;
	struct sockets sockets;
	uint32_t next_socket_id;
	/* Of all workers; what outlives this process, see handover.h. */
	struct tickets tickets;
	struct files kept;
	struct courier courier; /* from postern-cert */
	struct loop_timer epoch; /* when the tickets' keys change */

	struct board *board;
	int board_fd;
	struct crew crew;
	struct rates rates;
	struct loop_timer look; /* at the counters, every second */
	struct store *store; /* for the admin API */
	struct http_server *admin, *metrics;
	uint64_t started_ms;

	/* The next version, while it prepares itself. */
	struct spawn next;
	struct loop_watch next_control, next_end;
	struct loop_timer next_late;
	char next_error[MESSAGE_TEXT_MAX]; /* why the last one failed */
	/* The one before, when we take its place. */
	struct loop_watch before;
};

/* Runs to the end; returns the exit status. */
int master_main(const struct master_options *options);

/* Reads everything anew.  False: nothing changed, error says why. */
bool master_reload(struct master *m, char error[MESSAGE_TEXT_MAX]);
/* Takes what postern-cert has now.  False: nothing changed, error says why. */
bool master_take(struct master *m, char error[MESSAGE_TEXT_MAX]);
void master_set_level(struct master *m, enum log_level level);

/* The operator's sockets; false: logged, and which. */
bool master_open_desk(struct master *m);
/* Takes nothing new.  Our copies of the sockets go first: once the workers say
 * that theirs are closed nobody listens, unless another master does. */
void master_retire(struct master *m);

#endif
