#include "json/jtree.h"

#include "base/text.h"

/* What is being read; without an arena nothing is made of it. */
struct reader {
	struct span s;
	struct arena *arena;
};

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void jtree_skip_white(struct span *s)
{
	while (s->n && is_white(s->p[0]))
		(void)rd_skip(s, 1); /* s->n is not 0 */
}

bool jtree_rd_byte(struct span *s, uint8_t want)
{
	return s->n && s->p[0] == want && rd_skip(s, 1);
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* What follows a backslash. */
static bool rd_escape(struct span *s)
{
	struct span digits;
	uint8_t c;

	if (!rd_u8(s, &c))
		return false;
	if (c != 'u')
		return c == '"' || c == '\\' || c == '/' || c == 'b' ||
		       c == 'f' || c == 'n' || c == 'r' || c == 't';
	if (!rd_n(s, &digits, 4))
		return false;
	return is_hex(digits.p[0]) && is_hex(digits.p[1]) &&
	       is_hex(digits.p[2]) && is_hex(digits.p[3]);
}

bool jtree_rd_string(struct span *s, struct span *content)
{
	struct span in = *s;
	const uint8_t *begin;
	uint8_t c;

	if (!jtree_rd_byte(&in, '"'))
		return false;
	for (begin = in.p; rd_u8(&in, &c);) {
		if (c == '"') {
			*content = span_of(begin, (size_t)(in.p - begin) - 1);
			*s = in;
			return true;
		}
		if (c < 0x20 || (c == '\\' && !rd_escape(&in)))
			return false;
	}
	return false;
}

static bool is_surrogate(uint32_t code)
{
	return code >= 0xd800 && code <= 0xdfff;
}

static void wr_utf8(struct wr *w, uint32_t code)
{
	if (code < 0x80) {
		wr_u8(w, (uint8_t)code);
		return;
	}
	if (code < 0x800) {
		wr_u8(w, (uint8_t)(0xc0 | code >> 6));
	} else if (code < 0x10000) {
		wr_u8(w, (uint8_t)(0xe0 | code >> 12));
		wr_u8(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
	} else {
		wr_u8(w, (uint8_t)(0xf0 | code >> 18));
		wr_u8(w, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
		wr_u8(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
	}
	wr_u8(w, (uint8_t)(0x80 | (code & 0x3f)));
}

/* The code unit after "\u"; the scan has seen its four digits. */
static bool rd_unit(struct span *s, uint32_t *unit)
{
	struct span digits;
	uint8_t b[2];

	if (!rd_n(s, &digits, 4) || !text_hex_decode(b, sizeof(b), digits))
		return false;
	*unit = (uint32_t)b[0] << 8 | b[1];
	return true;
}

/* A pair of surrogates is one code point; NUL and halves are refused. */
static bool resolve_unicode(struct wr *w, struct span *s)
{
	uint32_t code, low;

	if (!rd_unit(s, &code) || !code)
		return false;
	if (is_surrogate(code)) {
		if (code >= 0xdc00 || !jtree_rd_byte(s, '\\') ||
		    !jtree_rd_byte(s, 'u') || !rd_unit(s, &low) ||
		    low < 0xdc00 || low > 0xdfff)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	wr_utf8(w, code);
	return true;
}

static bool resolve_escape(struct wr *w, struct span *s)
{
	uint8_t c;

	if (!rd_u8(s, &c))
		return false;
	switch (c) {
	case 'u':
		return resolve_unicode(w, s);
	case 'b':
		wr_u8(w, '\b');
		return true;
	case 'f':
		wr_u8(w, '\f');
		return true;
	case 'n':
		wr_u8(w, '\n');
		return true;
	case 'r':
		wr_u8(w, '\r');
		return true;
	case 't':
		wr_u8(w, '\t');
		return true;
	default:
		wr_u8(w, c);
		return true;
	}
}

static bool has_escape(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\\')
			return true;
	return false;
}

/* No escape is shorter than what it stands for. */
static bool resolve(struct span *out, struct arena *arena, struct span content)
{
	char *room;
	struct wr w;
	uint8_t c;

	if (!text_is_utf8(content))
		return false;
	if (!has_escape(content)) {
		*out = content;
		return true;
	}
	room = arena_new(arena, 1, content.n);
	if (!room)
		return false;
	w = wr_over(room, content.n);
	while (rd_u8(&content, &c)) {
		if (c != '\\')
			wr_u8(&w, c);
		else if (!resolve_escape(&w, &content))
			return false;
	}
	return wr_done(&w, out);
}

static bool rd_text(struct reader *r, struct span *out)
{
	struct span content;

	return jtree_rd_string(&r->s, &content) &&
	       (!r->arena || resolve(out, r->arena, content));
}

/* Digits without a leading zero; no sign, fraction or exponent. */
static bool rd_number(struct reader *r, struct jtree *v)
{
	struct span digits;
	size_t n = 0;

	while (n < r->s.n && r->s.p[n] >= '0' && r->s.p[n] <= '9')
		n++;
	if (!n || (n > 1 && r->s.p[0] == '0') || !rd_n(&r->s, &digits, n))
		return false;
	v->type = JTREE_NUMBER;
	return !r->arena || text_u64(&v->number, digits, UINT64_MAX);
}

static bool rd_word(struct reader *r, const char *word)
{
	return span_has_prefix(r->s, span_str(word)) &&
	       rd_skip(&r->s, span_str(word).n);
}

static bool rd_value(struct reader *r, struct jtree *v, unsigned depth);

static bool has_member(const struct jtree *object, struct span key)
{
	const struct jtree *m = object->first;

	while (m && !span_equal(m->key, key))
		m = m->next;
	return m;
}

/* A member's key and colon, where the parent is an object. */
static bool rd_key(struct reader *r, const struct jtree *parent,
		   struct span *key)
{
	if (parent->type == JTREE_ARRAY)
		return true;
	jtree_skip_white(&r->s);
	if (!rd_text(r, key) || parent->count == JTREE_MEMBERS_MAX ||
	    (r->arena && has_member(parent, *key)))
		return false;
	jtree_skip_white(&r->s);
	return jtree_rd_byte(&r->s, ':');
}

static bool rd_child(struct reader *r, struct jtree *parent,
		     struct jtree **last, unsigned depth)
{
	struct jtree v = { 0 }, *kept = NULL;

	if (!rd_key(r, parent, &v.key) || !rd_value(r, &v, depth))
		return false;
	parent->count++;
	if (!r->arena)
		return true;
	kept = arena_new(r->arena, 1, sizeof(*kept));
	if (!kept)
		return false;
	*kept = v;
	if (*last)
		(*last)->next = kept;
	else
		parent->first = kept;
	*last = kept;
	return true;
}

/* After the opening bracket, to the closing one. */
static bool rd_children(struct reader *r, struct jtree *v, unsigned depth)
{
	const uint8_t close = v->type == JTREE_OBJECT ? '}' : ']';
	struct jtree *last = NULL;

	jtree_skip_white(&r->s);
	if (jtree_rd_byte(&r->s, close))
		return true;
	for (;;) {
		if (!rd_child(r, v, &last, depth))
			return false;
		if (jtree_rd_byte(&r->s, close))
			return true;
		if (!jtree_rd_byte(&r->s, ','))
			return false;
	}
}

/* One value and the white space around it; at most 'depth' brackets deep. */
static bool rd_value(struct reader *r, struct jtree *v, unsigned depth)
{
	bool ok;

	jtree_skip_white(&r->s);
	if (!r->s.n)
		return false;
	switch (r->s.p[0]) {
	case '{':
	case '[':
		v->type = r->s.p[0] == '{' ? JTREE_OBJECT : JTREE_ARRAY;
		ok = depth && rd_skip(&r->s, 1) && rd_children(r, v, depth - 1);
		break;
	case '"':
		v->type = JTREE_TEXT;
		ok = rd_text(r, &v->text);
		break;
	case 't':
		v->type = JTREE_BOOL;
		v->is_true = true;
		ok = rd_word(r, "true");
		break;
	case 'f':
		v->type = JTREE_BOOL;
		ok = rd_word(r, "false");
		break;
	case 'n':
		v->type = JTREE_NULL;
		ok = rd_word(r, "null");
		break;
	default:
		ok = rd_number(r, v);
	}
	jtree_skip_white(&r->s);
	return ok;
}

const struct jtree *jtree_read(struct arena *arena, struct span text)
{
	struct reader r = { .s = text, .arena = arena };
	struct jtree *root = arena_new(arena, 1, sizeof(*root));

	if (!root || !rd_value(&r, root, JTREE_DEPTH_MAX) || !rd_end(&r.s))
		return NULL;
	return root;
}

const struct jtree *jtree_get(const struct jtree *object, const char *key)
{
	const struct jtree *m = NULL;

	if (object && object->type == JTREE_OBJECT)
		m = object->first;
	while (m && !span_equal_str(m->key, key))
		m = m->next;
	return m;
}

bool jtree_rd_object(struct span *s, struct span *whole)
{
	struct jtree v = { .type = JTREE_OBJECT };
	struct reader r = { .s = *s };
	const uint8_t *begin;

	jtree_skip_white(&r.s);
	begin = r.s.p;
	if (!jtree_rd_byte(&r.s, '{') ||
	    !rd_children(&r, &v, JTREE_DEPTH_MAX - 1))
		return false;
	*whole = span_of(begin, (size_t)(r.s.p - begin));
	*s = r.s;
	return true;
}
