/*
 * A guest's byte stream at the simulated platform's socket, and the platform's
 * at the guest's.  Promises: a frame lies inside what was received; what is
 * read as a request or reply is written back to the same bytes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "quoting/simproto.h"

static void check_request(struct span whole, struct span frame)
{
	uint8_t bytes[SIMPROTO_HEADER_LEN + SIMPROTO_REQUEST_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct simproto_request r;

	if (simproto_request_read(&r, frame))
		return;
	simproto_request_write(&w, &r);
	assert(!w.over && span_equal(wr_span(&w), whole));
}

static void check_reply(struct span whole, struct span frame)
{
	enum simproto_status status;
	struct span body;

	if (simproto_reply_read(&status, &body, frame))
		return;
	uint8_t *bytes = malloc(whole.n);
	struct wr w = wr_over(bytes, whole.n);
	simproto_reply_write(&w, status, body);
	assert(!w.over && span_equal(wr_span(&w), whole));
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span rest = span_of(data, n), frame;
	size_t whole;

	while (simproto_frame(&frame, &whole, rest, SIMPROTO_REPLY_MAX) == SIMPROTO_FRAME) {
		assert(whole <= rest.n && frame.n + SIMPROTO_HEADER_LEN == whole);
		assert(frame.p == rest.p + SIMPROTO_HEADER_LEN);
		check_request(span_of(rest.p, whole), frame);
		check_reply(span_of(rest.p, whole), frame);
		rest = span_of(rest.p + whole, rest.n - whole);
	}
	return 0;
}
