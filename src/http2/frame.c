#include "http2/frame.h"

enum {
	STREAM_BITS = 0x7fffffff,
	PRIORITY_LEN = 5, /* §6.2: dependency and weight */
	/* RFC 7541 §6.2.2: literal, not indexed; ":status" is name 8 of
	 * Appendix A. */
	LITERAL_STATUS = 0x08,
	STATUS_LEN = 3,
};

bool frame_read(struct frame *out, struct span *bytes)
{
	struct span header;
	struct frame f;

	if (!rd_n(bytes, &header, FRAME_HEADER_LEN))
		return false;
	(void)(rd_be24(&header, &f.length) && rd_u8(&header, &f.type) &&
	       rd_u8(&header, &f.flags) && rd_be32(&header, &f.stream));
	f.stream &= STREAM_BITS;
	*out = f;
	return true;
}

void frame_write(struct wr *w, const struct frame *f)
{
	wr_be24(w, f->length);
	wr_u8(w, f->type);
	wr_u8(w, f->flags);
	wr_be32(w, f->stream);
}

void frame_write_rst_stream(struct wr *w, uint32_t stream,
			    enum frame_error error)
{
	frame_write(w, &(struct frame){ 4, FRAME_RST_STREAM, 0, stream });
	wr_be32(w, error);
}

void frame_write_goaway(struct wr *w, uint32_t last_stream,
			enum frame_error error)
{
	frame_write(w, &(struct frame){ 8, FRAME_GOAWAY, 0, 0 });
	wr_be32(w, last_stream);
	wr_be32(w, error);
}

void frame_write_window_update(struct wr *w, uint32_t stream, uint32_t more)
{
	frame_write(w, &(struct frame){ 4, FRAME_WINDOW_UPDATE, 0, stream });
	wr_be32(w, more);
}

void frame_write_status(struct wr *w, uint32_t stream, unsigned status)
{
	frame_write(w, &(struct frame){ 2 + STATUS_LEN, FRAME_HEADERS,
					FRAME_END_HEADERS | FRAME_END_STREAM,
					stream });
	wr_u8(w, LITERAL_STATUS);
	wr_u8(w, STATUS_LEN);
	wr_printf(w, "%03u", status);
}

bool frame_block(struct span *out, const struct frame *f, struct span payload)
{
	bool is_headers = f->type == FRAME_HEADERS;
	uint8_t pad = 0;

	if (is_headers && (f->flags & FRAME_PADDED) && !rd_u8(&payload, &pad))
		return false;
	if (is_headers && (f->flags & FRAME_WITH_PRIORITY) &&
	    !rd_skip(&payload, PRIORITY_LEN))
		return false;
	if (pad > payload.n)
		return false;
	*out = span_of(payload.p, payload.n - pad);
	return true;
}
