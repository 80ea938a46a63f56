#include "quoting/simproto.h"

enum simproto_framing simproto_frame(struct span *frame, size_t *whole,
				     struct span received, size_t max)
{
	struct span rest = received;
	struct span content;
	uint32_t n;

	if (!rd_be32(&rest, &n))
		return SIMPROTO_MORE;
	if (n == 0 || n > max)
		return SIMPROTO_TOO_LONG;
	if (!rd_n(&rest, &content, n))
		return SIMPROTO_MORE;
	*frame = content;
	*whole = SIMPROTO_HEADER_LEN + n;
	return SIMPROTO_FRAME;
}

static bool rd_register(struct span *s, uint8_t *rtmr)
{
	return rd_u8(s, rtmr) && *rtmr < QUOTE_RTMR_COUNT;
}

enum rc simproto_request_read(struct simproto_request *out, struct span frame)
{
	struct simproto_request r = { 0 };
	bool ok = false;
	uint8_t op;

	if (!rd_u8(&frame, &op))
		return RC_MALFORMED;
	switch (op) {
	case SIMPROTO_QUOTE:
		ok = rd_copy(&frame, r.report_data, sizeof(r.report_data));
		break;
	case SIMPROTO_EXTEND:
		ok = rd_register(&frame, &r.rtmr) &&
		     rd_copy(&frame, r.digest.b, sizeof(r.digest.b));
		break;
	case SIMPROTO_READ:
		ok = rd_register(&frame, &r.rtmr);
		break;
	case SIMPROTO_KEY:
		ok = rd_copy(&frame, r.label, sizeof(r.label));
		break;
	default:
		break;
	}
	if (!ok || !rd_end(&frame))
		return RC_MALFORMED;
	r.op = (enum simproto_op)op;
	*out = r;
	return RC_OK;
}

void simproto_request_write(struct wr *w, const struct simproto_request *r)
{
	struct wr_mark m = wr_open(w, SIMPROTO_HEADER_LEN);

	wr_u8(w, (uint8_t)r->op);
	switch (r->op) {
	case SIMPROTO_QUOTE:
		wr_bytes(w, SPAN_ARRAY(r->report_data));
		break;
	case SIMPROTO_EXTEND:
		wr_u8(w, r->rtmr);
		wr_bytes(w, SPAN_ARRAY(r->digest.b));
		break;
	case SIMPROTO_READ:
		wr_u8(w, r->rtmr);
		break;
	case SIMPROTO_KEY:
		wr_bytes(w, SPAN_ARRAY(r->label));
		break;
	}
	wr_close(w, m);
}

void simproto_reply_write(struct wr *w, enum simproto_status status,
			  struct span body)
{
	struct wr_mark m = wr_open(w, SIMPROTO_HEADER_LEN);

	wr_u8(w, (uint8_t)status);
	wr_bytes(w, body);
	wr_close(w, m);
}

enum rc simproto_reply_read(enum simproto_status *status, struct span *body,
			    struct span frame)
{
	uint8_t s;

	if (!rd_u8(&frame, &s) || s > SIMPROTO_FAILED ||
	    (s != SIMPROTO_OK && !rd_end(&frame)))
		return RC_MALFORMED;
	*status = (enum simproto_status)s;
	*body = frame;
	return RC_OK;
}
