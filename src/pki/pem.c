#include "pki/pem.h"

#include <string.h>

#include "base/text.h"

enum {
	BLOCKS_MAX = 8,
	LINE_BYTES = PEM_LINE / 4 * 3,
};

/* RFC 4648 §4: a character's six bits, and one more so that zero is none.
 * Certificates are public: an index may depend on them. */
static const uint8_t digit_of[256] = {
	/* clang-format off */
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
	['N'] = 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
	['n'] = 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['/'] = 64,
	/* clang-format on */
};

static void skip_between(struct span *s)
{
	while (s->n && (s->p[0] == '\n' || s->p[0] == '\r' ||
			s->p[0] == ' ' || s->p[0] == '\t' || s->p[0] == 0))
		(void)rd_skip(s, 1); /* s->n is not 0 */
}

/* "-----BEGIN LABEL-----" or END; the line end stays. */
static bool rd_boundary(struct span *s, const char *verb, const char *label)
{
	const char *const parts[] = { "-----", verb, " ", label, "-----" };
	struct span in = *s;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct span part = span_str(parts[i]);

		if (!span_has_prefix(in, part) || !rd_skip(&in, part.n))
			return false;
	}
	*s = in;
	return true;
}

static bool rd_line_end(struct span *s)
{
	if (s->n && s->p[0] == '\r')
		return s->n > 1 && s->p[1] == '\n' && rd_skip(s, 2);
	return s->n && s->p[0] == '\n' && rd_skip(s, 1);
}

/* The value of four characters, or more than 24 bits when one is no digit. */
static uint32_t value_of(const uint8_t four[4])
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		if (!digit_of[four[i]])
			return UINT32_MAX;
		v = v << 6 | (digit_of[four[i]] - 1U);
	}
	return v;
}

/* As many whole groups as there are, up to the end of a line of the usual
 * length: how many bytes they make. */
static size_t rd_groups(struct span *s, uint8_t out[LINE_BYTES])
{
	struct span in = *s, four;
	size_t n = 0;

	while (n < LINE_BYTES && rd_n(&in, &four, 4)) {
		uint32_t v = value_of(four.p);

		if (v >> 24)
			break;
		out[n++] = (uint8_t)(v >> 16);
		out[n++] = (uint8_t)(v >> 8);
		out[n++] = (uint8_t)v;
		*s = in;
	}
	return n;
}

/* The last group where it is not whole: "xx==" or "xxx=". */
static bool rd_last_group(struct span *s, uint8_t out[2], size_t *n)
{
	uint8_t four[4];
	size_t pads;
	uint32_t v;

	if (!rd_copy(s, four, sizeof(four)) || four[3] != '=')
		return false;
	pads = four[2] == '=' ? 2 : 1;
	memset(four + 4 - pads, 'A', pads); /* zero bits */
	v = value_of(four);
	/* RFC 4648 §3.5: unused bits are zero, or one DER had many texts. */
	if (v >> 24 || v & (pads == 2 ? 0xffff : 0xff))
		return false;
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	*n = 3 - pads;
	return true;
}

/* The base64 lines of one block, up to its END. */
static bool rd_body(struct span *s, struct wr *room)
{
	bool is_last = false;

	while (s->n && s->p[0] != '-') {
		uint8_t line[LINE_BYTES];
		size_t n = is_last ? 0 : rd_groups(s, line);

		if (!n) {
			if (is_last || !rd_last_group(s, line, &n))
				return false;
			is_last = true;
		}
		wr_bytes(room, span_of(line, n));
		if (s->n && (s->p[0] == '\n' || s->p[0] == '\r') &&
		    !rd_line_end(s))
			return false;
	}
	return true;
}

static bool rd_block(struct span *s, struct wr *room, const char *label)
{
	struct span in = *s;
	const uint8_t *begin;

	if (!rd_boundary(&in, "BEGIN", label) || !rd_line_end(&in))
		return false;
	begin = in.p;
	if (!rd_body(&in, room) || in.p == begin || in.p[-1] != '\n' ||
	    !rd_boundary(&in, "END", label))
		return false;
	*s = in;
	return true;
}

enum rc pem_decode(struct span *blocks, size_t count, struct wr *room,
		   const char *label, struct span text)
{
	struct span found[BLOCKS_MAX];

	if (count > BLOCKS_MAX)
		return RC_LIMIT;
	skip_between(&text);
	for (size_t i = 0; i < count; i++) {
		size_t at = room->n;

		if (!rd_block(&text, room, label))
			return RC_MALFORMED;
		if (room->over)
			return RC_LIMIT;
		found[i] = span_of(room->p + at, room->n - at);
		skip_between(&text);
	}
	if (!rd_end(&text))
		return RC_MALFORMED;
	memcpy(blocks, found, count * sizeof(*blocks));
	return RC_OK;
}

void pem_encode(struct wr *w, const char *label, struct span der)
{
	wr_printf(w, "-----BEGIN %s-----\n", label);
	while (der.n) {
		struct span line =
			span_of(der.p, der.n < LINE_BYTES ? der.n : LINE_BYTES);

		text_base64(w, line);
		wr_str(w, "\n");
		(void)rd_skip(&der, line.n); /* not more than der has */
	}
	wr_printf(w, "-----END %s-----\n", label);
}
