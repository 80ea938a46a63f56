/*
 * server: a unix socket, its connections, their buffers and deadlines.
 *
 * What the bytes mean is the owner's business: it is called when some arrived,
 * takes what it understands from conn->in, answers with server_send(), and may
 * stop the reading while it works on an answer.
 */
#ifndef POSTERN_TEESIM_SERVER_H
#define POSTERN_TEESIM_SERVER_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/rc.h"
#include "io/loop.h"
#include "io/pause.h"

struct server;

struct server_conn {
	struct server *server;
	struct server_conn *next;
	int fd;
	struct loop_watch watch;
	struct loop_timer deadline;
	struct buf in, out;
	bool is_held; /* not reading: an answer is being made */
	bool is_ending; /* closes when 'out' is sent */
	bool is_dead;
	void *user; /* the owner's */
};

/* What a socket is for; static, shared by all of its kind. */
struct server_kind {
	size_t in_max, out_max; /* bytes buffered per connection */
	size_t conn_max; /* more wait in the kernel's queue */
	uint64_t idle_ms; /* a connection quiet for so long is closed */
	mode_t mode; /* of the socket file */
	bool is_for_owner; /* refuses peers that are neither us nor root */
	void (*input)(struct server_conn *c);
	/* The connection is gone; forget it.  May be NULL. */
	void (*closed)(struct server_conn *c);
};

struct server {
	struct loop *loop;
	const struct server_kind *kind;
	void *arg; /* the owner's */
	char path[108];
	int fd;
	struct loop_watch watch;
	struct pause pause; /* of accepting */
	struct server_conn *conns;
	size_t conn_count;
	bool is_open;
};

/* RC_SYS with errno.  Makes the folders above the socket. */
enum rc server_open(struct server *s, struct loop *loop, const char *path,
		    const struct server_kind *kind, void *arg);
/* Closes all connections and removes the socket file; harmless when closed. */
void server_close(struct server *s);

/* Queues bytes; a connection whose 'out' is full is closed. */
void server_send(struct server_conn *c, struct span bytes);
/* Stops (or goes on) calling input(). */
void server_hold(struct server_conn *c, bool hold);
/* Closes once what was queued is sent. */
void server_end(struct server_conn *c);

#endif
