#include "http1/body.h"

enum {
	SIZE_DIGITS_MAX = 15, /* 60 bits: no sum can overflow */
	OVERHEAD_MAX = 16384, /* extensions and trailers of one body */
};

void body_init(struct body *b, enum body_side side, enum head_framing framing,
	       uint64_t length)
{
	static const enum body_state states[] = {
		[HEAD_NO_BODY] = BODY_DONE,
		[HEAD_LENGTH] = BODY_COUNTED,
		[HEAD_CHUNKED] = BODY_SIZE,
		[HEAD_UNTIL_CLOSE] = BODY_ENDLESS,
	};

	*b = (struct body){
		.side = side,
		.state = states[framing],
		.left = framing == HEAD_LENGTH ? length : 0,
	};
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* chunk-size = 1*HEXDIG, then CRLF or, in a response, an extension. */
static bool size_byte(struct body *b, uint8_t c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		b->left = b->left << 4 | (unsigned)digit;
		return ++b->digits <= SIZE_DIGITS_MAX;
	}
	if (b->digits == 0)
		return false;
	if (c == '\r')
		b->state = BODY_SIZE_LF;
	else if (b->side == BODY_RESPONSE && (c == ';' || c == ' '))
		b->state = BODY_EXTENSION;
	else
		return false;
	return true;
}

static bool expect(struct body *b, uint8_t c, uint8_t wanted,
		   enum body_state next)
{
	if (c != wanted)
		return false;
	b->state = next;
	return true;
}

/* A byte of a line that only has to end: CR leads to 'end'. */
static bool line_byte(struct body *b, uint8_t c, enum body_state end)
{
	if (c == '\n' || ++b->overhead > OVERHEAD_MAX)
		return false;
	if (c == '\r')
		b->state = end;
	return true;
}

/* last-chunk ends in an empty line; before it, in a response, trailers. */
static bool trailer_byte(struct body *b, uint8_t c)
{
	if (c == '\r') {
		b->state = BODY_LAST_LF;
		return true;
	}
	if (b->side == BODY_REQUEST)
		return false;
	b->state = BODY_TRAILER_LINE;
	return line_byte(b, c, BODY_TRAILER_LF);
}

static bool size_is_whole(struct body *b, uint8_t c)
{
	if (!expect(b, c, '\n', b->left ? BODY_DATA : BODY_TRAILER))
		return false;
	b->digits = 0;
	return true;
}

static bool framing_byte(struct body *b, uint8_t c)
{
	switch (b->state) {
	case BODY_SIZE:
		return size_byte(b, c);
	case BODY_EXTENSION:
		return line_byte(b, c, BODY_SIZE_LF);
	case BODY_SIZE_LF:
		return size_is_whole(b, c);
	case BODY_DATA_CR:
		return expect(b, c, '\r', BODY_DATA_LF);
	case BODY_DATA_LF:
		return expect(b, c, '\n', BODY_SIZE);
	case BODY_TRAILER:
		return trailer_byte(b, c);
	case BODY_TRAILER_LINE:
		return line_byte(b, c, BODY_TRAILER_LF);
	case BODY_TRAILER_LF:
		return expect(b, c, '\n', BODY_TRAILER);
	case BODY_LAST_LF:
		return expect(b, c, '\n', BODY_DONE);
	case BODY_DONE:
	case BODY_COUNTED:
	case BODY_ENDLESS:
	case BODY_DATA:
		break;
	}
	return false;
}

/* Bytes of content at the front: how many, and what follows the last. */
static size_t take_content(struct body *b, size_t n)
{
	if (b->state == BODY_ENDLESS)
		return n;
	if (n > b->left)
		n = (size_t)b->left;
	b->left -= n;
	if (b->left == 0)
		b->state = b->state == BODY_DATA ? BODY_DATA_CR : BODY_DONE;
	return n;
}

bool body_take(struct body *b, struct span bytes, size_t *n)
{
	size_t at = 0;

	while (at < bytes.n && b->state != BODY_DONE) {
		if (b->state == BODY_COUNTED || b->state == BODY_ENDLESS ||
		    b->state == BODY_DATA) {
			at += take_content(b, bytes.n - at);
		} else if (framing_byte(b, bytes.p[at])) {
			at++;
		} else {
			*n = at;
			return false;
		}
	}
	*n = at;
	return true;
}
