/*
 * Bodies of the key service's channel.  What a reader takes, written again, is
 * what it was; what it refuses leaves the output alone.
 */
#include <stdlib.h>
#include <string.h>

#include "keys/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct wr *w, struct span body)
{
	struct span again;

	if (!wr_done(w, &again) || !span_equal(again, body))
		abort();
}

static void fuzz_get(struct wr *w, const struct keys_head *h, struct span body, struct span rest)
{
	struct keys_get m, before;

	memset(&m, 0xee, sizeof(m));
	before = m;
	if (keys_read_get(&m, rest)) {
		if (memcmp(&m, &before, sizeof(m)) != 0) /* public: fuzz */
			abort();
		return;
	}
	keys_write_get(w, h, &m);
	check(w, body);
}

static void fuzz_rest(struct wr *w, const struct keys_head *h, struct span body, struct span rest)
{
	struct keys_keys keys;
	struct keys_refused refused;
	struct keys_epoch epoch;
	uint64_t value;

	if (h->type == KEYS_KEYS && !keys_read_keys(&keys, rest)) {
		keys_write_keys(w, h, &keys);
		check(w, body);
	} else if (h->type == KEYS_EPOCH && !keys_read_epoch(&epoch, rest)) {
		keys_write_epoch(w, h, &epoch);
		check(w, body);
	} else if (h->type == KEYS_EPOCH_IS && !keys_read_epoch_is(&value, rest)) {
		keys_write_epoch_is(w, h, value);
		check(w, body);
	} else if (h->type == KEYS_REFUSED && !keys_read_refused(&refused, rest)) {
		if (refused.reason == KEYS_OK || refused.reason >= KEYS_REASON_COUNT ||
		    strlen(refused.detail) >= sizeof(refused.detail))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = span_of(data, size), rest = body;
	uint8_t room[4096];
	struct wr w = WR_ARRAY(room);
	struct keys_head h;

	if (keys_read_head(&h, &rest)) {
		if (rest.n != size)
			abort();
		return 0;
	}
	if (h.type == KEYS_GET)
		fuzz_get(&w, &h, body, rest);
	else
		fuzz_rest(&w, &h, body, rest);
	return 0;
}
