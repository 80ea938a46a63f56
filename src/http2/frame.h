/*
 * frame: the nine bytes before each frame of HTTP/2, and those an edge says
 * itself.
 *
 * Source: RFC 9113 §4.1, §6, §7.
 */
#ifndef POSTERN_HTTP2_FRAME_H
#define POSTERN_HTTP2_FRAME_H

#include "base/span.h"
#include "base/wr.h"

enum {
	FRAME_HEADER_LEN = 9,
	FRAME_SIZE_DEFAULT = 16384, /* SETTINGS_MAX_FRAME_SIZE, §6.5.2 */
	FRAME_WINDOW_MAX = 0x7fffffff, /* §6.9.1 */
};

enum frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_PRIORITY = 2,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PUSH_PROMISE = 5,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FRAME_WINDOW_UPDATE = 8,
	FRAME_CONTINUATION = 9,
};

enum frame_flag {
	FRAME_ACK = 0x1,
	FRAME_END_STREAM = 0x1,
	FRAME_END_HEADERS = 0x4,
	FRAME_PADDED = 0x8,
	FRAME_WITH_PRIORITY = 0x20,
};

enum frame_error { /* §7 */
	FRAME_NO_ERROR = 0x0,
	FRAME_PROTOCOL_ERROR = 0x1,
	FRAME_FLOW_CONTROL_ERROR = 0x3,
	FRAME_STREAM_CLOSED = 0x5,
	FRAME_SIZE_ERROR = 0x6,
	FRAME_COMPRESSION_ERROR = 0x9,
	FRAME_ENHANCE_YOUR_CALM = 0xb,
	FRAME_HTTP_1_1_REQUIRED = 0xd,
};

struct frame {
	uint32_t length; /* of the payload, 24 bits */
	uint8_t type; /* enum frame_type, or one we do not know */
	uint8_t flags;
	uint32_t stream; /* 31 bits: the reserved one is ignored, §4.1 */
};

/* Consumes nine bytes; false, and nothing changed, when there are fewer. */
bool frame_read(struct frame *out, struct span *bytes);
/* The nine bytes; 'length' more are to follow. */
void frame_write(struct wr *w, const struct frame *f);

void frame_write_rst_stream(struct wr *w, uint32_t stream,
			    enum frame_error error);
void frame_write_goaway(struct wr *w, uint32_t last_stream,
			enum frame_error error);
/* 1..FRAME_WINDOW_MAX more bytes; stream 0: the connection's. */
void frame_write_window_update(struct wr *w, uint32_t stream, uint32_t more);
/* A whole response without content; 'status' is 200..599. */
void frame_write_status(struct wr *w, uint32_t stream, unsigned status);

/*
 * The field block in a HEADERS or CONTINUATION frame: its payload without
 * padding and priority.  False: those do not fit, §6.2.
 */
bool frame_block(struct span *out, const struct frame *f, struct span payload);

#endif
