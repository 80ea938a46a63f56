/*
 * manage: the management port's words: one JSON object a line each way.
 *
 *   guest    {"step":"network","ms":1234}     how far the start is; since boot
 *            {"service":"engine","state":"started"|"ended","status":0,"ms":1}
 *            {"refused":"config: ...","ms":1}  the machine stops now
 *            {"stopping":true,"ms":1}
 *   host     {"stop":{}}                       end in order and power off
 *
 * Pure.
 */
#ifndef POSTERN_GUESTINIT_MANAGE_H
#define POSTERN_GUESTINIT_MANAGE_H

#include "base/buf.h"

enum {
	MANAGE_LINE_MAX = 1024, /* bytes of a line, with its end */
	MANAGE_TEXT_MAX = 256, /* of a text in one of ours */
};

enum manage_request {
	MANAGE_STOP,
	MANAGE_UNKNOWN, /* no request of ours: refused, and nothing done */
};
enum manage_request manage_read(struct span line);

/* Each appends one line; "ms" is since the kernel's start.  Texts are cut after
 * MANAGE_TEXT_MAX bytes; what does not fit into 'out' is dropped whole. */
void manage_step(struct buf *out, const char *step, uint64_t ms);
void manage_service(struct buf *out, const char *name, const char *state,
		    unsigned status, uint64_t ms);
void manage_refused(struct buf *out, struct span reason, uint64_t ms);
void manage_stopping(struct buf *out, uint64_t ms);

#endif
