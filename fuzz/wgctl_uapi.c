/*
 * Replies of a userspace device, any bytes.  Promises: an answer or a refusal;
 * nothing is touched by a refusal and no peer is told; what is told is within
 * bounds; and a peer that was told, written as a request, holds its own key.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "wgctl/utext.h"

struct seen {
	size_t count;
};

static void see(void *arg, const struct wgctl_peer *p)
{
	struct seen *s = arg;
	char text[UTEXT_REQUEST_MAX];
	struct wr w = WR_ARRAY(text);

	s->count++;
	assert(p->allowed_count <= WGCTL_ALLOWED_MAX && p->handshake_unix_s >= 0);
	assert(p->has_psk == !key32_is_zero(&p->psk));
	if (p->has_endpoint)
		assert(p->endpoint.sa.sa_family == AF_INET || p->endpoint.sa.sa_family == AF_INET6);
	for (size_t i = 0; i < p->allowed_count; i++)
		assert(p->allowed[i].len <= (p->allowed[i].is_v6 ? 128 : 32));
	assert(p->more_count == 0 || p->allowed_count == WGCTL_ALLOWED_MAX);
	for (size_t i = 0; i < p->more_count; i++)
		assert(p->more[i].len <= (p->more[i].is_v6 ? 128 : 32));
	utext_set_peer(&w, p);
	assert(!w.over);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wgctl_device device, before;
	struct seen s = { 0 };
	int error = -1;
	enum rc rc;

	memset(&device, 0x5a, sizeof(device));
	before = device;
	rc = utext_read(&device, &error, span_of(data, n), see, &s);
	if (rc == RC_OK) {
		assert(utext_is_whole(span_of(data, n)) && error >= 0);
		assert(error == 0 || s.count == 0);
	} else {
		assert(rc == RC_MALFORMED && error == -1 && s.count == 0);
		assert(memcmp(&device, &before, sizeof(device)) == 0); /* public: a test's */
	}
	return 0;
}
