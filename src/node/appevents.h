/*
 * appevents: the events that an app extended into RTMR3 after its platform's,
 * kept in the state folder (file "app-events", a line each) for as long as the
 * TD lives, so that a program that starts again can explain the register.
 *
 *   <event name> <payload in hex, or "-">
 *
 * What the file says is believed only as far as RTMR3 bears it out: a TD that
 * was launched anew has none of them, and the host that changes the file gets a
 * log that does not match.
 */
#ifndef POSTERN_NODE_APPEVENTS_H
#define POSTERN_NODE_APPEVENTS_H

#include "base/buf.h"
#include "tee/eventlog.h"

enum {
	APPEVENTS_MAX = 64 * 1024, /* bytes of the file */
	APPEVENTS_COUNT_MAX = 512,
};

/* One line of the file, consumed from the front of *text; the payload is
 * written to room, which has APPEVENTS_MAX bytes.  False: the end, or no such
 * line. */
struct appevent {
	char name[129];
	struct span payload;
};
bool appevents_next(struct appevent *out, uint8_t *room, struct span *text);
/* Appends a line; RC_LIMIT when it does not fit, or is one too many. */
enum rc appevents_add(struct buf *text, const struct appevent *e);

/* Reads the file; none: an empty text.  RC_SYS, RC_LIMIT as file_read(). */
enum rc appevents_load(struct buf *text, const char *state);
/* Replaces it, on disk before it returns.  RC_SYS with errno, RC_LIMIT. */
enum rc appevents_save(const char *state, struct span text);

#endif
