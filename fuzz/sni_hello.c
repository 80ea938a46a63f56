/*
 * A stream, cut in two ways: whole, and in steps given by the first byte.
 * Promised: the same answer and the same hello; names hold only host bytes and
 * lie inside the message; at most HELLO_MAX bytes are kept.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sni/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_hello(const struct hello *h, struct span message)
{
	const uint8_t *end = message.p + message.n;
	size_t i;

	assert(h->sni.n <= HELLO_NAME_MAX);
	for (i = 0; i < h->sni.n; i++)
		assert(h->sni.p[i] > ' ' && h->sni.p[i] < 127);
	if (h->sni.n)
		assert(h->sni.p >= message.p && h->sni.p + h->sni.n <= end);
	assert(h->alpn_count <= HELLO_ALPN_MAX);
	for (i = 0; i < h->alpn_count; i++)
		assert(h->alpn[i].n > 0 && h->alpn[i].p + h->alpn[i].n <= end);
}

static void check_same(const struct hello *a, const struct hello *b)
{
	size_t i;

	assert(span_equal(a->sni, b->sni));
	assert(a->alpn_count == b->alpn_count);
	for (i = 0; i < a->alpn_count; i++)
		assert(span_equal(a->alpn[i], b->alpn[i]));
	assert(a->offers_tls13 == b->offers_tls13);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct hello_reader whole, cut;
	struct hello a = { 0 }, b = { 0 };
	enum hello_status s, t = HELLO_MORE;
	size_t step, at;

	if (n == 0)
		return 0;
	step = data[0] ? data[0] : 1;
	data++, n--;
	hello_reader_init(&whole);
	hello_reader_init(&cut);
	s = hello_feed(&whole, &a, span_of(data, n));
	for (at = 0; t == HELLO_MORE && at < n;) {
		at = at + step < n ? at + step : n;
		t = hello_feed(&cut, &b, span_of(data, at));
	}
	assert(s == t);
	assert(whole.consumed <= n && whole.message.n <= HELLO_MAX);
	if (s == HELLO_DONE) {
		check_hello(&a, buf_span(&whole.message));
		check_hello(&b, buf_span(&cut.message));
		check_same(&a, &b);
		assert(whole.consumed == cut.consumed);
	}
	hello_reader_fini(&whole);
	hello_reader_fini(&cut);
	return 0;
}
