/*
 * guard: what an edge that ends TLS sees to in an HTTP/2 connection: as
 * http1/filter, a stream at a time.
 *
 * Frames pass as they are.  Only field blocks of the client are read, and one
 * that is refused never reaches the backend: the edge answers that stream
 * itself, and drops what else comes on it.  From the first such block on, and
 * always where the edge forwards, blocks are encoded anew without a table, so
 * that the backend's decoder misses nothing.  The backend's frames are looked
 * at for where one ends and which streams it resets, and its SETTINGS kept to
 * tables we can follow.
 *
 * A path of the edge's own service (vouch->own) is not served here: its stream
 * is reset with HTTP_1_1_REQUIRED (§7), upon which clients come again with
 * HTTP/1.1, where one connection has both.
 *
 * Browsers send requests for another app of one wildcard certificate over a
 * connection they have (RFC 9113 §9.1.1): 421 sends them to their own.
 *
 * One for a connection; idle, it holds two tables of HPACK.  Opens and logs
 * nothing.
 *
 * Source: RFC 9113; sections beside the rules.
 */
#ifndef POSTERN_HTTP2_GUARD_H
#define POSTERN_HTTP2_GUARD_H

#include "base/buf.h"
#include "http1/vouch.h"
#include "http2/fields.h"
#include "http2/frame.h"
#include "http2/streams.h"

enum {
	GUARD_BLOCK_MAX = 65536, /* of a field block with frame headers */
	GUARD_BLOCK_FRAMES_MAX = 16, /* frames of one block */
};

enum guard_up {
	GUARD_UP_PREFACE,
	GUARD_UP_HEADER,
	GUARD_UP_PASS,
	GUARD_UP_DROP,
	GUARD_UP_BLOCK,
	GUARD_UP_BROKEN,
};
enum guard_down {
	GUARD_DOWN_HEADER,
	GUARD_DOWN_PASS,
	GUARD_DOWN_SETTINGS,
};

struct guard {
	const struct vouch *vouch;
	struct fields *fields;
	enum guard_up up;
	enum guard_down down;
	/* A frame header that is not whole, and what its payload still owes. */
	uint8_t header[FRAME_HEADER_LEN], down_header[FRAME_HEADER_LEN];
	size_t header_n, down_header_n; /* 'header_n' counts the preface, too */
	uint32_t left, down_left;
	/* The frames of a block, as they came, and its parts joined. */
	struct buf frames, block;
	struct frame opening; /* the HEADERS it began with; stream 0: none */
	unsigned block_frames;
	bool is_rewriting;
	struct streams streams;
	uint32_t credit; /* bytes dropped, to be given back to its window */
	/* What the edge has to say, for the next place between frames. */
	struct buf words;
	struct buf said; /* given out by the last guard_down() */
	struct buf settings; /* of the backend, not whole yet */
	bool has_settings; /* the backend's first were passed on */
	bool is_down_in_block;
	/* Of the backend's frame whose payload is being passed on. */
	uint8_t down_type;
	uint32_t reset_code; /* as much as has come of it */
	struct head_refusal why; /* of the last stream refused */
	enum frame_error error; /* once broken */
	const char *reason; /* constant; NULL: not broken */
};

/* Borrows 'vouch'. */
void guard_init(struct guard *g, const struct vouch *vouch);
void guard_fini(struct guard *g);

enum guard_step {
	GUARD_SEND, /* *piece goes on; then call again */
	GUARD_MORE, /* all of 'in' was taken */
	/* The connection ends: g->reason.  Of the client's, a GOAWAY waits in
	 * guard_down(). */
	GUARD_BROKEN,
};
/* From client to backend; *piece borrows 'in' or the guard, until the next
 * call. */
enum guard_step guard_up(struct guard *g, struct span *in,
			 struct span *piece);
/* From backend to client; with nothing in 'in', what the edge has to say, if
 * this is a place for it. */
enum guard_step guard_down(struct guard *g, struct span *in,
			   struct span *piece);

#endif
