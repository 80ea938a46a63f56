#include "guest/msgpack.h"

#include <assert.h>

/* First bytes; what has more than one length has them in this order. */
enum {
	FIX_MAP = 0x80, /* up to 15 */
	FIX_ARRAY = 0x90,
	FIX_TEXT = 0xa0, /* up to 31 */
	BIN_8 = 0xc4, /* then 16, 32 */
	UINT_8 = 0xcc, /* then 16, 32, 64 */
	TEXT_8 = 0xd9, /* then 16, 32 */
	ARRAY_16 = 0xdc, /* then 32 */
	MAP_16 = 0xde,
	FIX_NUMBER_MAX = 0x7f,
	FIX_COUNT_MAX = 15,
	FIX_TEXT_MAX = 31,
};

struct msgpack msgpack_to(struct buf *to)
{
	return (struct msgpack){ .to = to };
}

bool msgpack_done(const struct msgpack *m)
{
	return !m->failed;
}

static void add(struct msgpack *m, struct span bytes)
{
	if (!m->failed && !buf_add(m->to, bytes))
		m->failed = true;
}

/* One byte and a number of 2^width bytes after it. */
static void head(struct msgpack *m, unsigned first, unsigned width, uint64_t v)
{
	uint8_t room[9];
	struct wr w = WR_ARRAY(room);

	wr_u8(&w, (uint8_t)first);
	for (unsigned i = 1U << width; i > 0; i--)
		wr_u8(&w, (uint8_t)(v >> 8 * (i - 1)));
	add(m, wr_span(&w));
}

static void byte(struct msgpack *m, unsigned v)
{
	const uint8_t b = (uint8_t)v;

	add(m, span_of(&b, 1));
}

/* The least width that holds v. */
static unsigned width_of(uint64_t v)
{
	if (v <= UINT8_MAX)
		return 0;
	if (v <= UINT16_MAX)
		return 1;
	return v <= UINT32_MAX ? 2 : 3;
}

static void count(struct msgpack *m, unsigned fix, unsigned first16, size_t n)
{
	assert(n <= UINT32_MAX);
	if (n <= FIX_COUNT_MAX)
		byte(m, fix | (unsigned)n);
	else if (n <= UINT16_MAX)
		head(m, first16, 1, n);
	else
		head(m, first16 + 1, 2, n);
}

void msgpack_map(struct msgpack *m, size_t pairs)
{
	count(m, FIX_MAP, MAP_16, pairs);
}

void msgpack_array(struct msgpack *m, size_t values)
{
	count(m, FIX_ARRAY, ARRAY_16, values);
}

void msgpack_text(struct msgpack *m, struct span utf8)
{
	assert(utf8.n <= UINT32_MAX);
	if (utf8.n <= FIX_TEXT_MAX)
		byte(m, FIX_TEXT | (unsigned)utf8.n);
	else
		head(m, TEXT_8 + width_of(utf8.n), width_of(utf8.n), utf8.n);
	add(m, utf8);
}

void msgpack_str(struct msgpack *m, const char *utf8)
{
	msgpack_text(m, span_str(utf8));
}

void msgpack_bytes(struct msgpack *m, struct span bytes)
{
	assert(bytes.n <= UINT32_MAX);
	head(m, BIN_8 + width_of(bytes.n), width_of(bytes.n), bytes.n);
	add(m, bytes);
}

void msgpack_number(struct msgpack *m, uint64_t v)
{
	if (v <= FIX_NUMBER_MAX)
		byte(m, (unsigned)v);
	else
		head(m, UINT_8 + width_of(v), width_of(v), v);
}

void msgpack_numbers(struct msgpack *m, struct span bytes)
{
	msgpack_array(m, bytes.n);
	for (size_t i = 0; i < bytes.n; i++)
		msgpack_number(m, bytes.p[i]);
}
