/*
 * handover: from a master to the one that takes its place, without a moment in
 * which nobody listens.
 *
 * The old master starts the new program and sends what it holds: the listening
 * sockets themselves, so that what is queued at them is not lost, the list of
 * drained instances, and bytes that are to outlive it (handover_kept()).  Then:
 *
 *   new: workers are ready          TAKING  →
 *                                   ← GO      old: its unix sockets are free
 *   new: workers listen             SERVING →
 *                                             old: drains, and ends
 *
 * Both listen at the same sockets between GO and the drain.  A new master that
 * says FAILED, ends, or takes longer than HANDOVER_MS is killed, and the old
 * one goes on as before.
 */
#ifndef POSTERN_EDGE_HANDOVER_H
#define POSTERN_EDGE_HANDOVER_H

#include "edge/board.h"
#include "edge/files.h"
#include "edge/message.h"
#include "edge/sockets.h"

enum {
	HANDOVER_FD = 3, /* the new master's end of the socket */
	HANDOVER_MS = 30000,
	HANDOVER_DRAINED_MAX = BOARD_DRAINED_MAX,
};

/* What goes over. */
struct handover {
	struct sockets sockets;
	uint8_t drained[HANDOVER_DRAINED_MAX][STORE_ID_LEN];
	size_t drained_count;
	/* By name; keys of session tickets belong here. */
	struct files kept;
};

void handover_fini(struct handover *h);

/* The old master's side.  RC_* of message_send(). */
enum rc handover_send(int control, const struct sockets *sockets,
		      const struct board *board, const struct files *kept);
/* The new one's: waits for all of it.  RC_MALFORMED, or of passfd_recv(). */
enum rc handover_receive(struct handover *out, int control);

/* One step of the drawing above. */
enum rc handover_say(int control, enum message_type type, const char *text);

#endif
