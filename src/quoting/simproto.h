/*
 * simproto: what a trust domain and the simulated platform say to each other
 * over a unix socket: the guest's part of TDX, as messages.
 *
 * A frame is a big-endian u32 length and that many bytes.  The guest sends one
 * request, the platform answers it, and so on; the connection carries no state.
 *
 *   request   u8 op, then by op
 *               1 quote    64 bytes of report data
 *               2 extend   u8 register (2 or 3), 48 bytes of digest
 *               3 read     u8 register (0..3)
 *               4 key      32 bytes of label
 *   reply     u8 status, then, when it is 0, by op: the quote, the
 *             register's 48 bytes (after extend: the new value), or 32 bytes
 *             of key that no other platform, measurement or label has
 *
 * Which trust domain speaks is known by the socket it speaks through, as a CPU
 * knows which one executes; nothing in a request says it.
 *
 * Pure: bytes in, structs out.
 */
#ifndef POSTERN_QUOTING_SIMPROTO_H
#define POSTERN_QUOTING_SIMPROTO_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"
#include "crypto/hash.h"
#include "tee/quote.h"

enum {
	SIMPROTO_HEADER_LEN = 4,
	SIMPROTO_LABEL_LEN = 32,
	SIMPROTO_REQUEST_MAX = 1 + 64, /* bytes in a request's frame */
	SIMPROTO_REPLY_MAX = 1 + QUOTE_MAX, /* bytes in a reply's frame */
};

enum simproto_op {
	SIMPROTO_QUOTE = 1,
	SIMPROTO_EXTEND = 2,
	SIMPROTO_READ = 3,
	SIMPROTO_KEY = 4,
};

enum simproto_status {
	SIMPROTO_OK = 0,
	SIMPROTO_MALFORMED = 1, /* the request breaks the grammar above */
	SIMPROTO_DENIED = 2, /* that register cannot be extended */
	SIMPROTO_FAILED = 3, /* the platform could not; try again */
};

struct simproto_request {
	enum simproto_op op;
	uint8_t report_data[QUOTE_REPORT_DATA_LEN]; /* quote */
	uint8_t rtmr; /* extend, read: below QUOTE_RTMR_COUNT */
	struct sha384 digest; /* extend */
	uint8_t label[SIMPROTO_LABEL_LEN]; /* key */
};

/* Whether a whole frame stands at the front of the bytes received so far. */
enum simproto_framing {
	SIMPROTO_FRAME, /* *frame: its content; *whole: with header */
	SIMPROTO_MORE, /* not yet */
	SIMPROTO_TOO_LONG, /* it says more than 'max', or nothing at all */
};
enum simproto_framing simproto_frame(struct span *frame, size_t *whole,
				     struct span received, size_t max);

/*
 * Reads the content of a request's frame.  RC_MALFORMED: unknown op, register
 * that does not exist, bytes missing or left over; *out is untouched.
 */
enum rc simproto_request_read(struct simproto_request *out, struct span frame);
/* Writes a request with its frame header. */
void simproto_request_write(struct wr *w, const struct simproto_request *r);

/* Writes a reply with its frame header; 'body' is empty but for SIMPROTO_OK. */
void simproto_reply_write(struct wr *w, enum simproto_status status,
			  struct span body);
/* Reads a reply's frame; RC_MALFORMED: no such status, or a body beside one
 * that has none.  *body borrows the frame. */
enum rc simproto_reply_read(enum simproto_status *status, struct span *body,
			    struct span frame);

#endif
