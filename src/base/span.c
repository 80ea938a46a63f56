#include "base/span.h"

#include <string.h>

struct span span_str(const char *s)
{
	return span_of(s, strlen(s));
}

bool span_equal_str(struct span a, const char *s)
{
	return span_equal(a, span_str(s));
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool span_equal_nocase(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool span_has_prefix(struct span s, struct span prefix)
{
	return s.n >= prefix.n && span_equal(span_of(s.p, prefix.n), prefix);
}

bool span_is_zero(struct span s)
{
	uint8_t any = 0;

	for (size_t i = 0; i < s.n; i++)
		any |= s.p[i];
	return any == 0;
}

bool rd_copy(struct span *s, void *out, size_t n)
{
	struct span b;

	if (!rd_n(s, &b, n))
		return false;
	if (n)
		memcpy(out, b.p, n);
	return true;
}

static bool rd_be(struct span *s, uint64_t *v, size_t n)
{
	struct span b;
	uint64_t x = 0;

	if (!rd_n(s, &b, n))
		return false;
	for (size_t i = 0; i < n; i++)
		x = x << 8 | b.p[i];
	*v = x;
	return true;
}

static bool rd_le(struct span *s, uint64_t *v, size_t n)
{
	struct span b;
	uint64_t x = 0;

	if (!rd_n(s, &b, n))
		return false;
	for (size_t i = n; i-- > 0;)
		x = x << 8 | b.p[i];
	*v = x;
	return true;
}

bool rd_be16(struct span *s, uint16_t *v)
{
	uint64_t x;

	if (!rd_be(s, &x, 2))
		return false;
	*v = (uint16_t)x;
	return true;
}

bool rd_be24(struct span *s, uint32_t *v)
{
	uint64_t x;

	if (!rd_be(s, &x, 3))
		return false;
	*v = (uint32_t)x;
	return true;
}

bool rd_be32(struct span *s, uint32_t *v)
{
	uint64_t x;

	if (!rd_be(s, &x, 4))
		return false;
	*v = (uint32_t)x;
	return true;
}

bool rd_be64(struct span *s, uint64_t *v)
{
	return rd_be(s, v, 8);
}

bool rd_le16(struct span *s, uint16_t *v)
{
	uint64_t x;

	if (!rd_le(s, &x, 2))
		return false;
	*v = (uint16_t)x;
	return true;
}

bool rd_le32(struct span *s, uint32_t *v)
{
	uint64_t x;

	if (!rd_le(s, &x, 4))
		return false;
	*v = (uint32_t)x;
	return true;
}

bool rd_le64(struct span *s, uint64_t *v)
{
	return rd_le(s, v, 8);
}

static bool rd_vec(struct span *s, struct span *out, size_t length_n)
{
	struct span at = *s;
	uint64_t n;

	if (!rd_be(&at, &n, length_n) || !rd_n(&at, out, n))
		return false;
	*s = at;
	return true;
}

bool rd_vec8(struct span *s, struct span *out)
{
	return rd_vec(s, out, 1);
}

bool rd_vec16(struct span *s, struct span *out)
{
	return rd_vec(s, out, 2);
}

bool rd_vec24(struct span *s, struct span *out)
{
	return rd_vec(s, out, 3);
}

bool rd_until(struct span *s, struct span *out, uint8_t sep)
{
	const uint8_t *at;

	if (s->n == 0)
		return false;
	at = memchr(s->p, sep, s->n);
	if (!at)
		return rd_n(s, out, s->n);
	return rd_n(s, out, (size_t)(at - s->p)) && rd_skip(s, 1);
}
