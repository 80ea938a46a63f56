/*
 * A server's URL that is read is in its one form, has a host and a port, and
 * every request to it is one line of printable ASCII under it.
 */
#include <assert.h>
#include <string.h>

#include "pcs/request.h"

static void check_requests(const struct pcs_server *s)
{
	const struct pcs_key key = { .update = PCS_UPDATE_NUMBER, .evaluation = UINT32_MAX };
	char url[PCS_REQUEST_MAX];

	for (int item = 0; item < PCS_ITEM_COUNT; item++) {
		struct wr w = WR_ARRAY(url);

		pcs_request_url(&w, s, (enum pcs_item)item, &key);
		assert(!w.over && strlen(url) == w.n - 1);
		for (size_t i = 0; url[i]; i++)
			assert(url[i] > ' ' && url[i] < 0x7f);
		assert(s->is_intel || !strncmp(url, s->base, strlen(s->base)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span url = span_of(data, size);
	struct pcs_server s = { 0 }, again = { 0 };
	enum pcs_update update;
	struct pcs_endpoint e;
	uint32_t evaluation;

	(void)pcs_update_parse(&update, &evaluation, url);
	if (!pcs_server_parse(&s, url)) {
		assert(!s.base[0]);
		return 0;
	}
	assert(pcs_is_url(url) && pcs_server_parse(&again, span_str(s.base)));
	assert(!strncmp(s.base, again.base, strlen(again.base)));
	pcs_server_endpoint(&e, &s);
	assert(e.host[0] && e.port && !strpbrk(e.host, "/@[]%?#"));
	check_requests(&s);
	return 0;
}
