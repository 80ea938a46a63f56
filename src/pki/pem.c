#include "pki/pem.h"

#include <string.h>

#include "base/text.h"

enum {
	BLOCKS_MAX = 8,
	LINE_BYTES = PEM_LINE / 4 * 3,
	NOT_BASE64 = 0xff,
};

static uint8_t sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	if (c == '+')
		return 62;
	return c == '/' ? 63 : NOT_BASE64;
}

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

/* Four characters at a time; lines end only between groups. */
static bool rd_group(struct span *s, uint8_t out[3], size_t *n)
{
	struct span four;
	uint8_t v[4];
	size_t digits = 0;

	if (!rd_n(s, &four, 4))
		return false;
	while (digits < 4 && (v[digits] = sextet(four.p[digits])) != NOT_BASE64)
		digits++;
	if (digits < 2)
		return false;
	for (size_t i = digits; i < 4; i++) {
		if (four.p[i] != '=')
			return false;
		v[i] = 0;
	}
	/* RFC 4648 §3.5: unused bits are zero, or one DER had many texts. */
	if ((digits == 2 && (v[1] & 0x0f)) || (digits == 3 && (v[2] & 0x03)))
		return false;
	out[0] = (uint8_t)(v[0] << 2 | v[1] >> 4);
	out[1] = (uint8_t)(v[1] << 4 | v[2] >> 2);
	out[2] = (uint8_t)(v[2] << 6 | v[3]);
	*n = digits - 1;
	return true;
}

/* The base64 lines of one block, up to its END. */
static bool rd_body(struct span *s, struct wr *room)
{
	bool is_last = false;

	while (s->n && s->p[0] != '-') {
		uint8_t bytes[3];
		size_t n;

		if (is_last || !rd_group(s, bytes, &n))
			return false;
		wr_bytes(room, span_of(bytes, n));
		is_last = n < 3;
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
