#include "json/jwrite.h"

#include <assert.h>

#include "base/text.h"

struct jwrite jwrite_to(struct buf *to)
{
	return (struct jwrite){ .to = to, .is_first = true };
}

bool jwrite_done(const struct jwrite *j)
{
	return !j->failed && j->depth == 0;
}

static void put(struct jwrite *j, struct span bytes)
{
	if (!j->failed && !buf_add(j->to, bytes))
		j->failed = true;
}

static void put_str(struct jwrite *j, const char *s)
{
	put(j, span_str(s));
}

/* What stands in front of a value. */
static void begin(struct jwrite *j, const char *key)
{
	/* A key in an object, and there alone. */
	assert((j->depth && !j->is_array[j->depth - 1]) == (key != NULL));
	if (!j->is_first)
		put_str(j, ",");
	j->is_first = false;
	if (key) {
		put_str(j, "\"");
		put_str(j, key);
		put_str(j, "\":");
	}
}

static void bracket(struct jwrite *j, const char *key, bool is_array)
{
	begin(j, key);
	assert(j->depth < JWRITE_DEPTH_MAX);
	put_str(j, is_array ? "[" : "{");
	j->is_array[j->depth++] = is_array;
	j->is_first = true;
}

void jwrite_object(struct jwrite *j, const char *key)
{
	bracket(j, key, false);
}

void jwrite_array(struct jwrite *j, const char *key)
{
	bracket(j, key, true);
}

void jwrite_end(struct jwrite *j)
{
	assert(j->depth);
	put_str(j, j->is_array[--j->depth] ? "]" : "}");
	j->is_first = false;
}

static void put_escaped(struct jwrite *j, uint8_t c)
{
	char text[8];
	struct wr w = WR_ARRAY(text);

	if (c == '"' || c == '\\')
		wr_printf(&w, "\\%c", c);
	else
		wr_printf(&w, "\\u%04x", c);
	put(j, wr_span(&w));
}

void jwrite_text(struct jwrite *j, const char *key, struct span utf8)
{
	begin(j, key);
	if (!text_is_utf8(utf8))
		j->failed = true;
	put_str(j, "\"");
	while (utf8.n) {
		size_t plain = 0;
		struct span run;
		uint8_t c;

		while (plain < utf8.n && utf8.p[plain] >= 0x20 &&
		       utf8.p[plain] != '"' && utf8.p[plain] != '\\')
			plain++;
		(void)rd_n(&utf8, &run, plain); /* plain is at most its n */
		put(j, run);
		if (rd_u8(&utf8, &c))
			put_escaped(j, c);
	}
	put_str(j, "\"");
}

void jwrite_str(struct jwrite *j, const char *key, const char *utf8)
{
	jwrite_text(j, key, span_str(utf8));
}

void jwrite_number(struct jwrite *j, const char *key, uint64_t v)
{
	char text[24];
	struct wr w = WR_ARRAY(text);

	wr_printf(&w, "%llu", (unsigned long long)v);
	begin(j, key);
	put(j, wr_span(&w));
}

void jwrite_bool(struct jwrite *j, const char *key, bool v)
{
	begin(j, key);
	put_str(j, v ? "true" : "false");
}

void jwrite_null(struct jwrite *j, const char *key)
{
	begin(j, key);
	put_str(j, "null");
}

/* Bytes by way of a writer of digits, which makes at most two of each, or four
 * of each three begun. */
static void put_digits(struct jwrite *j, const char *key, struct span bytes,
		       void (*digits)(struct wr *w, struct span b))
{
	size_t cap = bytes.n * 2 + 4, n;
	struct wr w;
	uint8_t *to;

	begin(j, key);
	put_str(j, "\"");
	if (j->failed)
		return;
	if (bytes.n > JWRITE_BYTES_MAX) {
		j->failed = true;
		return;
	}
	to = buf_space(j->to, cap, &n);
	w = wr_over(to, n);
	digits(&w, bytes);
	if (w.over)
		j->failed = true;
	else
		buf_commit(j->to, w.n);
	put_str(j, "\"");
}

void jwrite_hex(struct jwrite *j, const char *key, struct span bytes)
{
	put_digits(j, key, bytes, text_hex);
}

void jwrite_base64(struct jwrite *j, const char *key, struct span bytes)
{
	put_digits(j, key, bytes, text_base64);
}

void jwrite_base64url(struct jwrite *j, const char *key, struct span bytes)
{
	put_digits(j, key, bytes, text_base64url);
}

void jwrite_utc(struct jwrite *j, const char *key, int64_t unix_s)
{
	char text[24];
	struct wr w = WR_ARRAY(text);

	text_utc_write(&w, unix_s);
	jwrite_text(j, key, wr_span(&w));
}

void jwrite_raw(struct jwrite *j, const char *key, struct span json)
{
	begin(j, key);
	put(j, json);
}
