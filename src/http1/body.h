/*
 * body: where the body of an HTTP/1 message ends.  Its bytes pass unchanged;
 * only their framing is read.
 *
 * A request's chunks carry no extension and no trailer: hardly a client sends
 * them, and servers differ in how they read them.  A response's may.
 *
 * Source: RFC 9112 §6.3, §7.1.
 */
#ifndef POSTERN_HTTP1_BODY_H
#define POSTERN_HTTP1_BODY_H

#include "http1/head.h"

enum body_side {
	BODY_REQUEST,
	BODY_RESPONSE,
};

enum body_state {
	BODY_DONE,
	BODY_COUNTED, /* 'left' bytes follow, then the end */
	BODY_ENDLESS,
	BODY_SIZE, /* of a chunk */
	BODY_EXTENSION,
	BODY_SIZE_LF,
	BODY_DATA, /* 'left' bytes follow, then CRLF */
	BODY_DATA_CR,
	BODY_DATA_LF,
	BODY_TRAILER, /* the start of a line after the last chunk */
	BODY_TRAILER_LINE,
	BODY_TRAILER_LF,
	BODY_LAST_LF,
};

struct body {
	enum body_side side;
	enum body_state state;
	uint64_t left;
	unsigned digits; /* of the size, so far */
	size_t overhead; /* bytes of extensions and trailers so far */
};

void body_init(struct body *b, enum body_side side, enum head_framing framing,
	       uint64_t length);
static inline bool body_is_done(const struct body *b)
{
	return b->state == BODY_DONE;
}
/*
 * *n of the bytes belong to the body, all of them until it is done.  False: the
 * chunks are malformed at the byte behind those.
 */
bool body_take(struct body *b, struct span bytes, size_t *n);

#endif
