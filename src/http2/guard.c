#include "http2/guard.h"

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* §3.4 */

enum {
	PREFACE_LEN = sizeof(PREFACE) - 1,
	WORDS_MAX = 16384,
	SETTING_LEN = 6, /* §6.5.1 */
	SETTING_HEADER_TABLE_SIZE = 1,
	/* The last place of the room for words is a GOAWAY's. */
	GOAWAY_LEN = FRAME_HEADER_LEN + 8,
	WORD_MAX = 64, /* bytes of a refusal */
	STATUS_OTHER_VERSION = 505,
};

void guard_init(struct guard *g, const struct vouch *vouch)
{
	*g = (struct guard){
		.vouch = vouch,
		.fields = fields_new(),
		.is_rewriting = vouch->is_forwarding,
	};
	buf_init(&g->frames, GUARD_BLOCK_MAX);
	buf_init(&g->block, GUARD_BLOCK_MAX);
	streams_init(&g->streams);
	buf_init(&g->words, WORDS_MAX);
	buf_init(&g->settings, FRAME_HEADER_LEN + FRAME_SIZE_DEFAULT);
}

void guard_fini(struct guard *g)
{
	fields_free(g->fields);
	buf_fini(&g->frames);
	buf_fini(&g->block);
	streams_fini(&g->streams);
	buf_fini(&g->words);
	buf_fini(&g->said);
	buf_fini(&g->settings);
}

static enum guard_step broken(struct guard *g, enum frame_error error,
			      const char *reason)
{
	uint8_t room[GOAWAY_LEN];
	struct wr w = WR_ARRAY(room);

	g->up = GUARD_UP_BROKEN;
	g->error = error;
	g->reason = reason;
	frame_write_goaway(&w, g->streams.last, error);
	(void)buf_add(&g->words, wr_span(&w)); /* has its place */
	return GUARD_BROKEN;
}

/* The client's last on a stream. */
static bool is_last(const struct frame *f)
{
	return f->type == FRAME_RST_STREAM ||
	       ((f->type == FRAME_DATA || f->type == FRAME_HEADERS) &&
		(f->flags & FRAME_END_STREAM));
}

static bool is_of_stream(uint8_t type)
{
	return type == FRAME_DATA || type == FRAME_PRIORITY ||
	       type == FRAME_RST_STREAM || type == FRAME_WINDOW_UPDATE;
}

static bool is_block_frame(uint8_t type)
{
	return type == FRAME_HEADERS || type == FRAME_CONTINUATION;
}

/* A frame that goes on as it is. */
static bool passes(const struct guard *g, const struct frame *f)
{
	return !g->opening.stream && !is_block_frame(f->type) &&
	       f->type != FRAME_PUSH_PROMISE &&
	       !(is_of_stream(f->type) &&
		 streams_is_refused(&g->streams, f->stream));
}

/* CVE-2023-44487: streams opened to be reset cost the backend, not the
 * client. */
static bool is_rapid_reset(struct guard *g, const struct frame *f)
{
	return f->type == FRAME_RST_STREAM && !streams_reset(&g->streams);
}

/* As many frames that pass as there are, one after the other. */
static enum guard_step pass_frames(struct guard *g, struct span *in,
				   struct span *piece)
{
	struct span rest = *in;
	struct frame f;
	size_t n;

	*piece = span_of(in->p, 0);
	while (g->up == GUARD_UP_HEADER && frame_read(&f, &rest) &&
	       passes(g, &f)) {
		if (is_rapid_reset(g, &f))
			return broken(g, FRAME_ENHANCE_YOUR_CALM, "resets");
		if (is_last(&f))
			streams_close(&g->streams, f.stream);
		n = f.length < rest.n ? f.length : rest.n;
		(void)rd_skip(&rest, n);
		piece->n = in->n - rest.n;
		g->left = f.length - (uint32_t)n;
		if (g->left)
			g->up = GUARD_UP_PASS;
	}
	(void)rd_skip(in, piece->n);
	return piece->n ? GUARD_SEND : GUARD_MORE;
}

static enum guard_step begin_block(struct guard *g, const struct frame *f)
{
	uint8_t room[FRAME_HEADER_LEN];
	struct wr w = WR_ARRAY(room);

	if (f->type == FRAME_HEADERS) {
		/* §5.1.1: a client's streams are odd. */
		if (f->stream % 2 == 0)
			return broken(g, FRAME_PROTOCOL_ERROR, "stream");
		g->opening = *f;
		g->block_frames = 0;
	}
	if (f->stream != g->opening.stream)
		return broken(g, FRAME_PROTOCOL_ERROR, "continuation");
	frame_write(&w, f);
	/* CVE-2024-27316: no end of CONTINUATIONs. */
	if (++g->block_frames > GUARD_BLOCK_FRAMES_MAX ||
	    f->length > GUARD_BLOCK_MAX - FRAME_HEADER_LEN ||
	    buf_room(&g->frames) < FRAME_HEADER_LEN + f->length ||
	    !buf_add(&g->frames, wr_span(&w)))
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "block_long");
	g->left = f->length;
	g->up = GUARD_UP_BLOCK;
	return GUARD_MORE;
}

static void add_credit(struct guard *g, uint32_t n)
{
	uint32_t most = FRAME_WINDOW_MAX - g->credit;

	g->credit += n < most ? n : most;
}

/* A frame that does not pass: what is to be done with its payload. */
static enum guard_step begin_frame(struct guard *g, const struct frame *f)
{
	bool is_continuation = f->type == FRAME_CONTINUATION;

	if (is_continuation != (g->opening.stream != 0))
		return broken(g, FRAME_PROTOCOL_ERROR, "continuation");
	if (is_block_frame(f->type))
		return begin_block(g, f);
	if (f->type == FRAME_PUSH_PROMISE) /* §8.4: only servers push */
		return broken(g, FRAME_PROTOCOL_ERROR, "push");
	if (is_rapid_reset(g, f))
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "resets");
	/* §6.9: what is dropped counts all the same. */
	if (f->type == FRAME_DATA)
		add_credit(g, f->length);
	g->left = f->length;
	g->up = GUARD_UP_DROP;
	return GUARD_MORE;
}

/* Answers a stream, or sends it to the other version of HTTP; the rest of what
 * it sends is not wanted (§8.1). */
static enum guard_step refuse_stream(struct guard *g, unsigned status)
{
	uint8_t room[WORD_MAX];
	struct wr w = WR_ARRAY(room);
	uint32_t stream = g->opening.stream;

	g->is_rewriting = true;
	if (!streams_refuse(&g->streams, stream))
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "refusals");
	if (status == STATUS_OTHER_VERSION) {
		frame_write_rst_stream(&w, stream, FRAME_HTTP_1_1_REQUIRED);
	} else {
		frame_write_status(&w, stream, status);
		if (!(g->opening.flags & FRAME_END_STREAM))
			frame_write_rst_stream(&w, stream, FRAME_NO_ERROR);
	}
	(void)buf_add(&g->words, wr_span(&w)); /* 64 of these have room */
	return GUARD_MORE;
}

/* Trailers that break a rule end their stream on both sides. */
static enum guard_step reset_stream(struct guard *g, struct span *piece)
{
	uint8_t room[WORD_MAX];
	struct wr w = WR_ARRAY(room);

	g->is_rewriting = true;
	if (!streams_refuse(&g->streams, g->opening.stream))
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "refusals");
	frame_write_rst_stream(&w, g->opening.stream, FRAME_PROTOCOL_ERROR);
	(void)buf_add(&g->words, wr_span(&w)); /* as above */
	buf_reset(&g->frames);
	(void)buf_add(&g->frames, wr_span(&w)); /* it held more */
	*piece = buf_span(&g->frames);
	return GUARD_SEND;
}

/* The block in frames of the default size, in place of those that came. */
static bool frame_anew(struct guard *g, enum fields_kind kind)
{
	struct frame f = {
		.type = FRAME_HEADERS,
		.flags = g->opening.flags & FRAME_END_STREAM,
		.stream = g->opening.stream,
	};
	uint8_t room[FRAME_HEADER_LEN];
	struct span rest, part;

	buf_reset(&g->frames);
	buf_reset(&g->block);
	if (!fields_write(g->fields, &g->block, kind, g->vouch,
			  g->streams.requests))
		return false;
	rest = buf_span(&g->block);
	do {
		struct wr w = WR_ARRAY(room);

		f.length = FRAME_SIZE_DEFAULT;
		if (rest.n < FRAME_SIZE_DEFAULT)
			f.length = (uint32_t)rest.n;
		if (!rd_n(&rest, &part, f.length))
			return false;
		if (rd_end(&rest))
			f.flags |= FRAME_END_HEADERS;
		frame_write(&w, &f);
		if (!buf_add(&g->frames, wr_span(&w)) ||
		    !buf_add(&g->frames, part))
			return false;
		f.type = FRAME_CONTINUATION;
		f.flags = 0;
	} while (!rd_end(&rest));
	return true;
}

static enum guard_step pass_block(struct guard *g, struct span *piece,
				  enum fields_kind kind)
{
	if (g->is_rewriting && !frame_anew(g, kind))
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "block_long");
	if (kind == FIELDS_REQUEST)
		g->streams.requests++;
	if (is_last(&g->opening))
		streams_close(&g->streams, g->opening.stream);
	else if (kind == FIELDS_REQUEST &&
		 !streams_open(&g->streams, g->opening.stream))
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "streams");
	*piece = buf_span(&g->frames);
	return GUARD_SEND;
}

/* Joins the parts of the block into g->block. */
static bool join(struct guard *g)
{
	struct span rest = buf_span(&g->frames), payload, part;
	struct frame f;

	buf_reset(&g->block);
	while (frame_read(&f, &rest))
		if (!rd_n(&rest, &payload, f.length) ||
		    !frame_block(&part, &f, payload) ||
		    !buf_add(&g->block, part))
			return false;
	return rd_end(&rest);
}

/* Whether what comes on the stream is for nobody any more. */
static bool is_over(const struct guard *g, uint32_t stream)
{
	return streams_is_refused(&g->streams, stream) ||
	       streams_has_ended(&g->streams, stream);
}

/* Read for the table's sake; the backend's has to do without (§4.3). */
static enum guard_step drop_block(struct guard *g)
{
	g->is_rewriting = true;
	return GUARD_MORE;
}

/* A whole block: a request, or the trailers of one. */
static enum guard_step judge(struct guard *g, struct span *piece)
{
	uint32_t stream = g->opening.stream;
	enum fields_kind kind = FIELDS_TRAILERS;

	if (!join(g))
		return broken(g, FRAME_PROTOCOL_ERROR, "padding");
	if (stream > g->streams.last) {
		kind = FIELDS_REQUEST;
		g->streams.last = stream;
	} else if (!is_over(g, stream) &&
		   !streams_is_open(&g->streams, stream)) {
		/* §5.1: to the backend, which has not seen those refused, it
		 * could be a new one. */
		return broken(g, FRAME_PROTOCOL_ERROR, "stream_closed");
	}
	switch (fields_read(g->fields, &g->why, buf_span(&g->block), kind,
			    g->vouch)) {
	case FIELDS_GOOD:
		if (is_over(g, stream))
			return drop_block(g);
		return pass_block(g, piece, kind);
	case FIELDS_REFUSED:
		if (is_over(g, stream))
			return drop_block(g);
		if (kind == FIELDS_REQUEST)
			return refuse_stream(g, g->why.status);
		return reset_stream(g, piece);
	case FIELDS_BROKEN:
		break;
	case FIELDS_TOO_LARGE:
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "fields_large");
	}
	return broken(g, FRAME_COMPRESSION_ERROR, "hpack");
}

static enum guard_step end_block(struct guard *g, struct span *piece)
{
	struct span last = buf_span(&g->frames);
	enum guard_step step = GUARD_MORE;
	struct frame f = { 0 };

	/* The flags of the last frame. */
	while (frame_read(&f, &last))
		(void)rd_skip(&last, f.length);
	g->up = GUARD_UP_HEADER;
	if (f.flags & FRAME_END_HEADERS) {
		step = judge(g, piece);
		g->opening.stream = 0;
		fields_forget(g->fields);
		buf_fini(&g->block);
		if (step != GUARD_SEND) /* else they are being sent */
			buf_fini(&g->frames);
	}
	return step;
}

static enum guard_step take_block(struct guard *g, struct span *in,
				  struct span *piece)
{
	struct span part;

	if (!rd_n(in, &part, g->left < in->n ? g->left : in->n) ||
	    !buf_add(&g->frames, part))
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "block_long");
	g->left -= (uint32_t)part.n;
	return g->left ? GUARD_MORE : end_block(g, piece);
}

/* A header that came in parts, or of a frame that does not pass. */
static enum guard_step take_header(struct guard *g, struct span *in,
				   struct span *piece)
{
	size_t want = FRAME_HEADER_LEN - g->header_n;
	struct span part, whole;
	enum guard_step step;
	struct frame f;

	(void)rd_n(in, &part, want < in->n ? want : in->n);
	memcpy(g->header + g->header_n, part.p, part.n);
	g->header_n += part.n;
	if (g->header_n < FRAME_HEADER_LEN)
		return GUARD_MORE;
	g->header_n = 0;
	whole = SPAN_ARRAY(g->header);
	(void)frame_read(&f, &whole); /* nine bytes are there */
	if (!passes(g, &f)) {
		step = begin_frame(g, &f);
		if (step == GUARD_MORE && g->up == GUARD_UP_BLOCK && !g->left)
			return end_block(g, piece);
		return step;
	}
	if (is_rapid_reset(g, &f))
		return broken(g, FRAME_ENHANCE_YOUR_CALM, "resets");
	if (is_last(&f))
		streams_close(&g->streams, f.stream);
	g->left = f.length;
	g->up = f.length ? GUARD_UP_PASS : GUARD_UP_HEADER;
	*piece = SPAN_ARRAY(g->header);
	return GUARD_SEND;
}

static enum guard_step take_preface(struct guard *g, struct span *in,
				    struct span *piece)
{
	size_t want = PREFACE_LEN - g->header_n;

	(void)rd_n(in, piece, want < in->n ? want : in->n);
	if (!span_equal(*piece, span_of(PREFACE + g->header_n, piece->n)))
		return broken(g, FRAME_PROTOCOL_ERROR, "preface");
	g->header_n += piece->n;
	if (g->header_n == PREFACE_LEN) {
		g->header_n = 0;
		g->up = GUARD_UP_HEADER;
	}
	return GUARD_SEND;
}

/* Some of the payload, which goes on or is dropped. */
static struct span take_payload(struct guard *g, struct span *in)
{
	struct span part = { NULL, 0 };

	(void)rd_n(in, &part, g->left < in->n ? g->left : in->n);
	g->left -= (uint32_t)part.n;
	if (!g->left)
		g->up = GUARD_UP_HEADER;
	return part;
}

static enum guard_step step_up(struct guard *g, struct span *in,
			       struct span *piece)
{
	enum guard_step step;

	switch (g->up) {
	case GUARD_UP_PREFACE:
		return take_preface(g, in, piece);
	case GUARD_UP_HEADER:
		step = g->header_n ? GUARD_MORE : pass_frames(g, in, piece);
		return step == GUARD_MORE ? take_header(g, in, piece) : step;
	case GUARD_UP_PASS:
		*piece = take_payload(g, in);
		return GUARD_SEND;
	case GUARD_UP_DROP:
		(void)take_payload(g, in);
		return GUARD_MORE;
	case GUARD_UP_BLOCK:
		return take_block(g, in, piece);
	case GUARD_UP_BROKEN:
		break;
	}
	return GUARD_BROKEN;
}

enum guard_step guard_up(struct guard *g, struct span *in,
			 struct span *piece)
{
	enum guard_step step = GUARD_MORE;

	/* A block that was sent by the call before. */
	if (g->frames.n && !g->opening.stream)
		buf_fini(&g->frames);
	if (g->up == GUARD_UP_BROKEN)
		return GUARD_BROKEN;
	while (in->n && step == GUARD_MORE)
		step = step_up(g, in, piece);
	return step;
}

/* What the edge says: never before the backend's SETTINGS (§3.4), nor within a
 * block of its (§4.3). */
static bool take_words(struct guard *g, struct span *piece)
{
	uint8_t room[FRAME_HEADER_LEN + 4];
	struct wr w = WR_ARRAY(room);

	if (g->down != GUARD_DOWN_HEADER || g->is_down_in_block ||
	    !g->has_settings)
		return false;
	if (g->credit && g->up != GUARD_UP_BROKEN) {
		frame_write_window_update(&w, 0, g->credit);
		if (buf_add(&g->words, wr_span(&w)))
			g->credit = 0;
	}
	if (!g->words.n)
		return false;
	g->said = g->words;
	buf_init(&g->words, WORDS_MAX);
	*piece = buf_span(&g->said);
	return true;
}

/* Keeps the table of the client's encoder to what our decoder has. */
static void patch_settings(struct guard *g)
{
	/* The buffer is ours: written in place. */
	uint8_t *p = g->settings.p + g->settings.at + FRAME_HEADER_LEN;
	size_t n = g->settings.n - FRAME_HEADER_LEN;
	struct span setting;
	uint32_t value;
	uint16_t id;

	for (; n >= SETTING_LEN; p += SETTING_LEN, n -= SETTING_LEN) {
		setting = span_of(p, SETTING_LEN);
		if (!rd_be16(&setting, &id) || !rd_be32(&setting, &value) ||
		    id != SETTING_HEADER_TABLE_SIZE ||
		    value <= FIELDS_TABLE_MAX)
			continue;
		struct wr w = wr_over(p + 2, 4);

		wr_be32(&w, FIELDS_TABLE_MAX);
	}
}

static enum guard_step end_settings(struct guard *g, struct span *piece)
{
	patch_settings(g);
	g->has_settings = true;
	g->down = GUARD_DOWN_HEADER;
	*piece = buf_span(&g->settings);
	return GUARD_SEND;
}

static enum guard_step take_settings(struct guard *g, struct span *in,
				     struct span *piece)
{
	struct span part;

	(void)rd_n(in, &part, g->down_left < in->n ? g->down_left : in->n);
	(void)buf_add(&g->settings, part); /* there is room: begin_down() */
	g->down_left -= (uint32_t)part.n;
	return g->down_left ? GUARD_MORE : end_settings(g, piece);
}

/* A frame of the backend begins. */
static void note_frame(struct guard *g, const struct frame *f)
{
	/* Whether it is within a block behind this frame. */
	if (f->type == FRAME_HEADERS || f->type == FRAME_PUSH_PROMISE ||
	    f->type == FRAME_CONTINUATION)
		g->is_down_in_block = !(f->flags & FRAME_END_HEADERS);
	if (f->type == FRAME_RST_STREAM)
		streams_end(&g->streams, f->stream);
	g->down_type = f->type;
	g->reset_code = 0;
}

/* CVE-2025-8671: a client that breaks a rule on each stream has the backend
 * reset it, and the request runs on.  Counted as the client's own resets. */
static bool is_for_client(uint32_t code)
{
	switch (code) {
	case FRAME_PROTOCOL_ERROR:
	case FRAME_FLOW_CONTROL_ERROR:
	case FRAME_STREAM_CLOSED:
	case FRAME_SIZE_ERROR:
	case FRAME_ENHANCE_YOUR_CALM:
		return true;
	default:
		return false;
	}
}

/* A part of its payload, of which 'left' bytes are still to come. */
static void note_payload(struct guard *g, struct span part, size_t left)
{
	uint8_t byte;

	if (g->down_type != FRAME_RST_STREAM)
		return;
	while (rd_u8(&part, &byte))
		g->reset_code = g->reset_code << 8 | byte;
	/* The client learns by guard_down(); guard_up() takes no more. */
	if (!left && is_for_client(g->reset_code) &&
	    !streams_reset(&g->streams) && g->up != GUARD_UP_BROKEN)
		(void)broken(g, FRAME_ENHANCE_YOUR_CALM, "resets");
}

static enum guard_step begin_down(struct guard *g, const struct frame *f,
				  struct span *piece)
{
	note_frame(g, f);
	g->down_left = f->length;
	if (f->type == FRAME_SETTINGS && !(f->flags & FRAME_ACK)) {
		if (f->length > FRAME_SIZE_DEFAULT ||
		    !buf_add(&g->settings, SPAN_ARRAY(g->down_header))) {
			g->reason = "settings_long";
			return GUARD_BROKEN;
		}
		g->down = GUARD_DOWN_SETTINGS;
		return f->length ? GUARD_MORE : end_settings(g, piece);
	}
	if (!g->has_settings) { /* §3.4 */
		g->reason = "backend_preface";
		return GUARD_BROKEN;
	}
	g->down = f->length ? GUARD_DOWN_PASS : GUARD_DOWN_HEADER;
	*piece = SPAN_ARRAY(g->down_header);
	return GUARD_SEND;
}

static enum guard_step take_down_header(struct guard *g, struct span *in,
					struct span *piece)
{
	size_t want = FRAME_HEADER_LEN - g->down_header_n;
	struct span part, whole;
	struct frame f;

	(void)rd_n(in, &part, want < in->n ? want : in->n);
	memcpy(g->down_header + g->down_header_n, part.p, part.n);
	g->down_header_n += part.n;
	if (g->down_header_n < FRAME_HEADER_LEN)
		return GUARD_MORE;
	g->down_header_n = 0;
	whole = SPAN_ARRAY(g->down_header);
	(void)frame_read(&f, &whole); /* nine bytes are there */
	return begin_down(g, &f, piece);
}

/* Frames as they are, and the one behind them in part. */
static bool pass_down(struct guard *g, struct span *in, struct span *piece)
{
	struct span rest = *in;
	struct frame f;
	size_t n;

	*piece = span_of(in->p, 0);
	while (g->has_settings && frame_read(&f, &rest) &&
	       (f.type != FRAME_SETTINGS || f.flags & FRAME_ACK)) {
		note_frame(g, &f);
		n = f.length < rest.n ? f.length : rest.n;
		g->down_left = f.length - (uint32_t)n;
		note_payload(g, span_of(rest.p, n), g->down_left);
		(void)rd_skip(&rest, n);
		piece->n = in->n - rest.n;
		if (g->down_left) {
			g->down = GUARD_DOWN_PASS;
			break;
		}
	}
	(void)rd_skip(in, piece->n);
	return piece->n > 0;
}

static enum guard_step step_down(struct guard *g, struct span *in,
				 struct span *piece)
{
	switch (g->down) {
	case GUARD_DOWN_HEADER:
		if (!g->down_header_n && pass_down(g, in, piece))
			return GUARD_SEND;
		return take_down_header(g, in, piece);
	case GUARD_DOWN_PASS:
		(void)rd_n(in, piece,
			   g->down_left < in->n ? g->down_left : in->n);
		g->down_left -= (uint32_t)piece->n;
		note_payload(g, *piece, g->down_left);
		if (!g->down_left)
			g->down = GUARD_DOWN_HEADER;
		return GUARD_SEND;
	case GUARD_DOWN_SETTINGS:
		return take_settings(g, in, piece);
	}
	return GUARD_BROKEN;
}

enum guard_step guard_down(struct guard *g, struct span *in,
			   struct span *piece)
{
	enum guard_step step = GUARD_MORE;

	/* What the call before gave out has been sent. */
	buf_fini(&g->said);
	if (g->down == GUARD_DOWN_HEADER)
		buf_fini(&g->settings);
	if (take_words(g, piece))
		return GUARD_SEND;
	while (in->n && step == GUARD_MORE)
		step = step_down(g, in, piece);
	return step;
}
