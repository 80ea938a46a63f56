/*
 * Answers of the kernel's WireGuard, any attributes, in two messages.  The
 * kernel is trusted; this is about reading within bounds.
 */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "wgctl/genl.h"

enum {
	HEADS = 20, /* nlmsghdr and genlmsghdr */
};

static void see(void *arg, const struct wgctl_peer *p)
{
	(void)arg;
	assert(p->allowed_count <= WGCTL_ALLOWED_MAX);
	for (size_t i = 0; i < p->allowed_count; i++)
		assert(p->allowed[i].len <= (p->allowed[i].is_v6 ? 128 : 32));
	assert(p->more_count == 0 || p->allowed_count == WGCTL_ALLOWED_MAX);
	for (size_t i = 0; i < p->more_count; i++)
		assert(p->more[i].len <= (p->more[i].is_v6 ? 128 : 32));
}

static enum rc read_one(struct genl_reading *r, const uint8_t *data, size_t n)
{
	struct nlmsghdr *m = calloc(1, HEADS + n);
	uint16_t id;
	enum rc rc;

	m->nlmsg_len = (uint32_t)(HEADS + n);
	if (n)
		memcpy((uint8_t *)m + HEADS, data, n);
	(void)!genl_family_read(&id, m);
	rc = genl_read(r, m);
	free(m);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct genl_reading r = { .fn = see };
	size_t half = n ? data[0] * n / 256 : 0;

	if (read_one(&r, data, half) == RC_OK)
		(void)!read_one(&r, data + half, n - half);
	genl_end(&r);
	return 0;
}
