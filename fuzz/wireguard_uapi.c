/*
 * UAPI requests against a device.  Promises: a refused request changes nothing
 * (but where a bound was hit), and what a get answers can be set again and then
 * gives the same answer.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wireguard/control.h"
#include "wireguard/uapi.h"

static void datagram(void *arg, const struct endpoint *to, struct span b, unsigned ecn)
{
	(void)arg;
	(void)ecn;
	assert(to->port && b.n >= 32);
}

static void packet(void *arg, struct span b)
{
	(void)arg;
	(void)b;
}

static int set_port(void *arg, uint16_t port)
{
	(void)arg;
	return port == 1 ? EADDRINUSE : 0;
}

static int set_mark(void *arg, uint32_t mark)
{
	(void)arg;
	(void)mark;
	return 0;
}

static uint16_t port(void *arg)
{
	(void)arg;
	return 51820;
}

static uint32_t mark(void *arg)
{
	(void)arg;
	return 0;
}

static uint32_t scope(void *arg, const char *interface)
{
	(void)arg;
	assert(interface[0] && strlen(interface) <= ENDPOINT_SCOPE_MAX);
	return interface[0] == 'x' ? 0 : (uint8_t)interface[0];
}

static const struct control_host host = { set_port, set_mark, port, mark, scope, NULL };
static const struct device_time now = { .ms = 5, .unix_ns = 5 };

static void get(struct device *d, struct buf *out)
{
	buf_init(out, 1 << 24);
	assert(control_request(d, out, span_str("get=1\n\n"), &host, now));
}

/* A get's lines without those that cannot be set. */
static void to_set(struct buf *out, struct span text)
{
	struct span line;

	buf_init(out, 1 << 24);
	assert(buf_add(out, span_str("set=1\n")));
	while (rd_until(&text, &line, '\n') && line.n) {
		if (span_has_prefix(line, span_str("last_")) ||
		    span_has_prefix(line, span_str("tx_")) ||
		    span_has_prefix(line, span_str("rx_")) ||
		    span_has_prefix(line, span_str("errno=")))
			continue;
		assert(buf_add(out, line) && buf_add(out, span_str("\n")));
	}
	assert(buf_add(out, span_str("\n")));
}

static void check_round_trip(struct device *d)
{
	const struct device_sink sink = { .datagram = datagram, .packet = packet, .arg = NULL };
	struct device *copy = device_new(&sink);
	struct buf first, request, answer;

	get(d, &first);
	to_set(&request, buf_span(&first));
	buf_init(&answer, 100);
	assert(control_request(copy, &answer, buf_span(&request), &host, now));
	assert(span_equal_str(buf_span(&answer), "errno=0\n\n"));
	assert(device_peer_count(copy) == device_peer_count(d));
	buf_fini(&first);
	buf_fini(&request);
	buf_fini(&answer);
	device_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct device_sink sink = { .datagram = datagram, .packet = packet, .arg = NULL };
	struct device *d = device_new(&sink);
	struct span in = span_of(data, size);
	size_t n;

	while ((n = uapi_request_len(in))) {
		struct span request = span_of(in.p, n), lines = request;
		struct buf before, after, answer;

		assert(n <= in.n);
		get(d, &before);
		buf_init(&answer, 1 << 24);
		if (control_request(d, &answer, request, &host, now))
			assert(buf_span(&answer).n >= 9);
		get(d, &after);
		if (uapi_begin(&lines) != UAPI_SET || uapi_check(lines) != UAPI_END)
			assert(span_equal(buf_span(&before), buf_span(&after)));
		buf_fini(&before);
		buf_fini(&after);
		buf_fini(&answer);
		in = span_of(in.p + n, in.n - n);
	}
	check_round_trip(d);
	device_free(d);
	return 0;
}
