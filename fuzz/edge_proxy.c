/*
 * A PROXY header before a stream.  Promised: more bytes never change what was
 * decided, what is accepted fits, and is read back from how we write it.
 */
#include <assert.h>

#include "edge/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum proxy_status whole, part;
	struct proxy_header h, again;
	uint8_t room[PROXY_MAX];
	struct wr w = WR_ARRAY(room);

	whole = proxy_read(&h, span_of(data, n));
	for (size_t i = 0; i < n; i++) {
		part = proxy_read(&again, span_of(data, i));
		assert(part == PROXY_MORE || part == whole);
		if (part == PROXY_DONE)
			assert(again.n <= i && again.n == h.n);
	}
	if (whole != PROXY_DONE || h.is_local)
		return 0;
	assert(h.n <= n && h.n <= PROXY_READ_MAX);
	proxy_write(&w, PROXY_V2, &h.from, &h.to, &h.extra);
	assert(!w.over && proxy_read(&again, wr_span(&w)) == PROXY_DONE);
	assert(again.n == w.n && sock_addr_equal(&again.from, &h.from) &&
	       sock_addr_equal(&again.to, &h.to));
	assert(span_equal(again.extra.name, h.extra.name) &&
	       span_equal(again.extra.alpn, h.extra.alpn) &&
	       span_equal(again.extra.id, h.extra.id));
	return 0;
}
