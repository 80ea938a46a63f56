#include "base/wr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct wr wr_over(void *p, size_t cap)
{
	return (struct wr){ .p = p, .cap = cap };
}

struct span wr_span(const struct wr *w)
{
	return span_of(w->p, w->over ? 0 : w->n);
}

bool wr_done(const struct wr *w, struct span *out)
{
	if (w->over)
		return false;
	*out = wr_span(w);
	return true;
}

/* Room for n more bytes, or NULL and the overflow remembered. */
static uint8_t *take(struct wr *w, size_t n)
{
	uint8_t *at;

	if (w->over || n > w->cap - w->n) {
		w->over = true;
		return NULL;
	}
	at = w->p + w->n;
	w->n += n;
	return at;
}

void wr_bytes(struct wr *w, struct span b)
{
	uint8_t *at;

	if (b.n == 0)
		return;
	at = take(w, b.n);
	if (at)
		memcpy(at, b.p, b.n);
}

void wr_str(struct wr *w, const char *s)
{
	wr_bytes(w, span_str(s));
}

void wr_zero(struct wr *w, size_t n)
{
	uint8_t *at;

	if (n == 0)
		return;
	at = take(w, n);
	if (at)
		memset(at, 0, n);
}

static void put_be(uint8_t *at, uint64_t v, size_t n)
{
	for (size_t i = n; i-- > 0; v >>= 8)
		at[i] = (uint8_t)v;
}

static void wr_be(struct wr *w, uint64_t v, size_t n)
{
	uint8_t *at = take(w, n);

	if (at)
		put_be(at, v, n);
}

static void wr_le(struct wr *w, uint64_t v, size_t n)
{
	uint8_t *at = take(w, n);

	if (!at)
		return;
	for (size_t i = 0; i < n; i++, v >>= 8)
		at[i] = (uint8_t)v;
}

void wr_u8(struct wr *w, uint8_t v)
{
	wr_be(w, v, 1);
}

void wr_be16(struct wr *w, uint16_t v)
{
	wr_be(w, v, 2);
}

void wr_be24(struct wr *w, uint32_t v)
{
	if (v >> 24)
		w->over = true;
	wr_be(w, v, 3);
}

void wr_be32(struct wr *w, uint32_t v)
{
	wr_be(w, v, 4);
}

void wr_be64(struct wr *w, uint64_t v)
{
	wr_be(w, v, 8);
}

void wr_le16(struct wr *w, uint16_t v)
{
	wr_le(w, v, 2);
}

void wr_le32(struct wr *w, uint32_t v)
{
	wr_le(w, v, 4);
}

void wr_le64(struct wr *w, uint64_t v)
{
	wr_le(w, v, 8);
}

static void wr_vec(struct wr *w, struct span b, size_t width)
{
	struct wr_mark m = wr_open(w, width);

	wr_bytes(w, b);
	wr_close(w, m);
}

void wr_vec8(struct wr *w, struct span b)
{
	wr_vec(w, b, 1);
}

void wr_vec16(struct wr *w, struct span b)
{
	wr_vec(w, b, 2);
}

void wr_vec24(struct wr *w, struct span b)
{
	wr_vec(w, b, 3);
}

struct wr_mark wr_open(struct wr *w, size_t width)
{
	struct wr_mark m = { .at = w->n, .width = width };

	wr_zero(w, width);
	return m;
}

void wr_close(struct wr *w, struct wr_mark m)
{
	uint64_t n;

	if (w->over)
		return;
	n = w->n - m.at - m.width;
	if (n >> (8 * m.width)) {
		w->over = true;
		return;
	}
	put_be(w->p + m.at, n, m.width);
}

void wr_printf(struct wr *w, const char *format, ...)
{
	char text[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		w->over = true;
		return;
	}
	wr_bytes(w, span_of(text, (size_t)n));
}
