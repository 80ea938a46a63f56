/*
 * A connection: the first byte says how the rest is cut and whether the edge
 * forwards; the rest is the client's bytes behind the preface, and a backend's
 * too.  Promised: what goes on does not depend on the cuts; and what goes to the
 * backend passes a second guard as it is, unless the client still sends what
 * the first one cut short.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http2/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static const struct vouch PLAIN = { .name = { (const uint8_t *)"a.example", 9 } };
static const struct vouch FORWARDING = {
	.name = { (const uint8_t *)"a.example", 9 },
	.is_forwarding = true,
	.client = { (const uint8_t *)"192.0.2.7", 9 },
};

typedef enum guard_step guard_fn(struct guard *g, struct span *in, struct span *piece);

struct sent {
	struct buf bytes;
	enum guard_step last;
};

static void send_all(struct sent *s, struct guard *g, guard_fn *fn, struct span bytes, size_t step)
{
	struct span in, piece;

	s->last = GUARD_MORE;
	while (bytes.n && s->last == GUARD_MORE) {
		assert(rd_n(&bytes, &in, bytes.n < step ? bytes.n : step));
		while ((s->last = fn(g, &in, &piece)) == GUARD_SEND)
			assert(buf_add(&s->bytes, piece));
	}
}

static void check_up(const struct vouch *vouch, struct span bytes, size_t step)
{
	struct guard a, b, c;
	struct sent whole, cut, again;

	guard_init(&a, vouch);
	guard_init(&b, vouch);
	guard_init(&c, &PLAIN);
	buf_init(&whole.bytes, 1 << 24);
	buf_init(&cut.bytes, 1 << 24);
	buf_init(&again.bytes, 1 << 24);
	send_all(&whole, &a, guard_up, bytes, bytes.n);
	send_all(&cut, &b, guard_up, bytes, step);
	assert(whole.last == cut.last && a.streams.requests == b.streams.requests &&
	       a.streams.refused_count == b.streams.refused_count && a.error == b.error);
	/* A frame before the one that breaks it may or may not have gone. */
	if (whole.last == GUARD_MORE)
		assert(span_equal(buf_span(&whole.bytes), buf_span(&cut.bytes)));
	send_all(&again, &c, guard_up, buf_span(&whole.bytes), whole.bytes.n + 1);
	/* One that reset a stream of bad trailers sends more resets. */
	if (again.last == GUARD_MORE)
		assert(c.streams.requests == a.streams.requests && c.streams.refused_count == 0 &&
		       span_equal(buf_span(&whole.bytes), buf_span(&again.bytes)));
	else
		assert(whole.last == GUARD_BROKEN || strcmp(c.reason, "resets") == 0);
	buf_fini(&whole.bytes);
	buf_fini(&cut.bytes);
	buf_fini(&again.bytes);
	guard_fini(&a);
	guard_fini(&b);
	guard_fini(&c);
}

static void check_down(struct span bytes, size_t step)
{
	struct guard a, b;
	struct sent whole, cut;

	guard_init(&a, &PLAIN);
	guard_init(&b, &PLAIN);
	buf_init(&whole.bytes, 1 << 24);
	buf_init(&cut.bytes, 1 << 24);
	send_all(&whole, &a, guard_down, bytes, bytes.n + 1);
	send_all(&cut, &b, guard_down, bytes, step);
	assert(whole.last == cut.last);
	assert(span_equal(buf_span(&whole.bytes), buf_span(&cut.bytes)));
	assert(whole.bytes.n <= bytes.n);
	buf_fini(&whole.bytes);
	buf_fini(&cut.bytes);
	guard_fini(&a);
	guard_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span bytes = span_of(data, n);
	struct buf up;
	uint8_t how;

	if (n > 65536 || !rd_u8(&bytes, &how))
		return 0;
	buf_init(&up, 1 << 20);
	assert(buf_add(&up, span_str(PREFACE)) && buf_add(&up, bytes));
	check_up(how & 0x80 ? &FORWARDING : &PLAIN, buf_span(&up), (how & 0x7f) + 1u);
	check_down(bytes, (how & 0x7f) + 1u);
	buf_fini(&up);
	return 0;
}
