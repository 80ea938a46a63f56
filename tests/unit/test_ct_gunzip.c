/* gunzip: one member and two, bounds, every prefix, every flip. */
#include "unit.h"

#include <string.h>
#include <zlib.h>

#include "ct/gunzip.h"
#include "vectors.h"

static size_t zip(uint8_t *out, size_t cap, struct span in)
{
	z_stream z = { .avail_in = (unsigned)in.n, .avail_out = (unsigned)cap, .next_out = out };

	z.next_in = (uint8_t *)(uintptr_t)in.p;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static enum rc unzip(struct span in, size_t max, struct span want)
{
	struct buf b;
	enum rc rc;

	buf_init(&b, max);
	rc = gunzip(&b, in);
	if (!rc)
		assert_true(span_equal(buf_span(&b), want));
	buf_fini(&b);
	return rc;
}

static void members(void **state)
{
	uint8_t room[4096], text[200];
	struct span in = SPAN_ARRAY(text), twice;
	uint8_t both[400];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * i);
	memcpy(both, text, 200);
	memcpy(both + 200, text, 200);
	n = zip(room, sizeof(room), in);
	assert_int_equal(unzip(span_of(room, n), 200, in), RC_OK);
	assert_int_equal(unzip(span_of(room, n), 199, in), RC_LIMIT);
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *part = vector_copy(span_of(room, cut));

		assert_int_equal(unzip(span_of(part, cut), 1000, in), RC_MALFORMED);
		free(part);
	}
	for (size_t i = 10 * 8; i < n * 8; i++) { /* behind its header */
		room[i / 8] ^= (uint8_t)(1U << i % 8);
		/* RC_OK only with the same content: padding */
		(void)unzip(span_of(room, n), 1000, in);
		room[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	n += zip(room + n, sizeof(room) - n, in);
	twice = SPAN_ARRAY(both);
	assert_int_equal(unzip(span_of(room, n), 400, twice), RC_OK);
	room[n] = 0;
	assert_int_equal(unzip(span_of(room, n + 1), 1000, twice), RC_MALFORMED);
}

/* A bomb: a thousand times its size, stopped at the bound. */
static void bombs_are_bounded(void **state)
{
	uint8_t *zeros = mem_new(16 << 20), *room = mem_new(1 << 20);
	size_t n = zip(room, 1 << 20, span_of(zeros, 16 << 20));

	(void)state;
	assert_true(n < 64 * 1024);
	assert_int_equal(unzip(span_of(room, n), 1 << 20, span_of(NULL, 0)), RC_LIMIT);
	assert_int_equal(unzip(span_of(room, n), 16 << 20, span_of(zeros, 16 << 20)), RC_OK);
	free(room);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test(bombs_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
