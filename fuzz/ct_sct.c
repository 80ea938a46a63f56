/*
 * A list of timestamps that is read is the same bytes when it is written again
 * from its parts; none is there twice. A refusal touches nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ct/sct.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sct sct[SCT_COUNT_MAX];
	uint8_t *room;
	struct wr_mark all, one;
	size_t count = 77;
	struct wr w;

	if (sct_list_parse(sct, &count, span_of(data, size))) {
		assert(count == 77);
		return 0;
	}
	assert(count >= 1 && count <= SCT_COUNT_MAX);
	room = malloc(size);
	w = wr_over(room, size);
	all = wr_open(&w, 2);
	for (size_t i = 0; i < count; i++) {
		const struct sct *s = &sct[i];

		one = wr_open(&w, 2);
		wr_u8(&w, 0);
		wr_bytes(&w, SPAN_ARRAY(s->log_id));
		wr_be64(&w, s->timestamp_ms);
		wr_vec16(&w, s->extensions);
		wr_u8(&w, SCT_HASH_SHA256);
		wr_u8(&w, s->signature.kind == WEBKEY_RSA ? SCT_SIGNATURE_RSA
							  : SCT_SIGNATURE_ECDSA);
		wr_vec16(&w, s->signature.bytes);
		wr_close(&w, one);
		assert(!s->has_index || s->index < 1ULL << 40);
		for (size_t k = 0; k < i; k++)
			assert(!span_equal(sct[k].whole, s->whole));
	}
	wr_close(&w, all);
	assert(span_equal(wr_span(&w), span_of(data, size)));
	free(room);
	return 0;
}
