/*
 * A connection: the first byte says how the rest is cut and who speaks when.
 * Promised: what goes to the backend does not depend on the cuts; it is read
 * again as the same requests, all of them for the name; and nothing but what the
 * client sent, and our lines, is in it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http1/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct vouch PLAIN = {
	.name = { (const uint8_t *)"a.example", 9 },
};
static const struct vouch FORWARDING = {
	.name = { (const uint8_t *)"a.example", 9 },
	.is_forwarding = true,
	.client = { (const uint8_t *)"192.0.2.7", 9 },
};

struct sent {
	uint8_t *p;
	size_t n;
	enum filter_step last;
};

/* All of the client's bytes, in pieces of 'step', without any answer. */
static struct sent send_all(struct filter *f, struct span bytes, size_t step)
{
	struct sent s = { .p = mem_new(2 * bytes.n + 1024 * (bytes.n / 16 + 1)) };
	struct span in, piece;

	s.last = FILTER_MORE;
	while (bytes.n && s.last == FILTER_MORE) {
		assert(rd_n(&bytes, &in, bytes.n < step ? bytes.n : step));
		while ((s.last = filter_up(f, &in, &piece)) == FILTER_SEND) {
			memcpy(s.p + s.n, piece.p, piece.n);
			s.n += piece.n;
		}
	}
	return s;
}

static void check(const struct vouch *vouch, struct span bytes,
		  size_t step)
{
	struct filter a, b, c;
	struct sent whole, cut, again;

	filter_init(&a, vouch);
	filter_init(&b, vouch);
	filter_init(&c, &PLAIN);
	whole = send_all(&a, bytes, bytes.n + 1);
	cut = send_all(&b, bytes, step);
	/* public: a fuzzer's */
	assert(whole.n == cut.n && memcmp(whole.p, cut.p, cut.n) == 0);
	assert(whole.last == cut.last && a.requests == b.requests);
	if (whole.last == FILTER_REFUSE)
		assert(strcmp(a.why.reason, b.why.reason) == 0 && a.why.status >= 400);
	again = send_all(&c, span_of(whole.p, whole.n), whole.n + 1);
	/* public: a fuzzer's */
	assert(again.n == whole.n && memcmp(again.p, whole.p, again.n) == 0);
	assert(c.requests == a.requests && again.last != FILTER_REFUSE);
	if (!vouch->is_forwarding) /* public: a fuzzer's */
		assert(whole.n <= bytes.n && memcmp(whole.p, bytes.p, whole.n) == 0);
	free(whole.p);
	free(cut.p);
	free(again.p);
	filter_fini(&a);
	filter_fini(&b);
	filter_fini(&c);
}

/* The other way: bytes of a backend never stop or crash, and end the same. */
static void check_down(struct span bytes, size_t step)
{
	struct span request = span_str("HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n"
				       "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
				       "GET / HTTP/1.1\r\nHost: a.example\r\n"
				       "Connection: upgrade\r\nUpgrade: x\r\n\r\n");
	struct span in = request, piece, rest = bytes;
	struct filter a, b;

	filter_init(&a, &PLAIN);
	filter_init(&b, &PLAIN);
	while (filter_up(&a, &in, &piece) == FILTER_SEND)
		;
	in = request;
	while (filter_up(&b, &in, &piece) == FILTER_SEND)
		;
	filter_down(&a, bytes);
	while (rest.n) {
		assert(rd_n(&rest, &piece, rest.n < step ? rest.n : step));
		filter_down(&b, piece);
	}
	assert(a.up == b.up && a.down == b.down && a.waiting == b.waiting);
	filter_fini(&a);
	filter_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span bytes = span_of(data, n);
	uint8_t how;

	if (n > 65536 || !rd_u8(&bytes, &how))
		return 0;
	check(how & 0x80 ? &FORWARDING : &PLAIN, bytes, (how & 0x7f) + 1u);
	check_down(bytes, (how & 0x7f) + 1u);
	return 0;
}
