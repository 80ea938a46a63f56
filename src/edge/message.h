/*
 * message: what the edge's processes say to each other over io/passfd.
 *
 * Between a master and its worker, and between a master and the one that is to
 * take its place.  Both ends are the same program, or two versions of it: a
 * message of an unknown type or version is refused, never guessed at.
 *
 *   master → worker   SETUP, COMMIT, ABORT, DRAIN, LEVEL, REPORT
 *   worker → master   PREPARED, FAILED, DRAINING, REPORTED
 *   old → new master  LISTENERS, DRAINED (an instance), KEPT, GO
 *   new → old master  TAKING, SERVING, FAILED
 */
#ifndef POSTERN_EDGE_MESSAGE_H
#define POSTERN_EDGE_MESSAGE_H

#include "base/rc.h"
#include "io/passfd.h"

enum {
	MESSAGE_VERSION = 1,
	MESSAGE_IDS_MAX = 1024,
	MESSAGE_TEXT_MAX = 1024,
};

enum message_type {
	/* fds: files, then (to a new worker) the board, then the listeners that
	 * it does not hold yet.  a: generation.  b: its number.  c: how many
	 * listeners are new.  ids: all its listeners, the new ones last.  text:
	 * the configuration's path. */
	MESSAGE_SETUP = 1,
	MESSAGE_COMMIT, /* a: generation: use it from now on */
	MESSAGE_ABORT, /* a: generation: forget it */
	MESSAGE_DRAIN, /* stop listening, let connections finish, end */
	MESSAGE_LEVEL, /* a: enum log_level */
	MESSAGE_REPORT, /* fds: memory to write the connections into */
	MESSAGE_PREPARED, /* a: generation: it would work */
	MESSAGE_FAILED, /* a: generation; text: why it would not */
	MESSAGE_DRAINING, /* its listeners are closed */
	MESSAGE_REPORTED,
	/* a: number in the group; b: 1 + index when inherited; text: address;
	 * fds: one socket */
	MESSAGE_LISTENER,
	MESSAGE_DRAINED, /* text: an instance id in hex */
	MESSAGE_KEPT, /* fds: files of what is to outlive the old one */
	MESSAGE_TAKING, /* everything is ready to begin */
	MESSAGE_GO, /* and may: the old one's other sockets are free */
	MESSAGE_SERVING, /* the old one may drain */
	MESSAGE_TYPE_COUNT,
};

struct message {
	enum message_type type;
	uint64_t a, b, c;
	uint32_t ids[MESSAGE_IDS_MAX];
	size_t id_count;
	char text[MESSAGE_TEXT_MAX]; /* cut when longer */
};

/* Sends it with descriptors, as passfd_send(). */
enum rc message_send(int sock, const struct message *m, const int *fds,
		     size_t count, int timeout_ms);
/* RC_MALFORMED: 'p' holds no message of this version. */
enum rc message_read(struct message *out, const struct passfd *p);

#endif
