/*
 * Blocks that are decoded are encoded and decoded to the same again, all at
 * once; the texts that hold n blocks hold no other number.  A refusal leaves
 * the blocks untouched.
 */
#include <assert.h>
#include <string.h>

#include "pki/pem.h"

enum {
	BLOCKS = 3,
};

static void check_again(const struct span *blocks, size_t count)
{
	static uint8_t again[65536], text[131072];
	struct wr t = WR_ARRAY(text), a = WR_ARRAY(again);
	struct span second[BLOCKS];

	for (size_t i = 0; i < count; i++) {
		assert(blocks[i].n);
		pem_encode(&t, PEM_CERTIFICATE, blocks[i]);
	}
	assert(!t.over);
	assert(pem_decode(second, count, &a, PEM_CERTIFICATE, wr_span(&t)) == RC_OK);
	for (size_t i = 0; i < count; i++)
		assert(span_equal(second[i], blocks[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[65536];
	size_t found = 0;

	for (size_t count = 1; count <= BLOCKS; count++) {
		struct wr w = WR_ARRAY(room);
		struct span blocks[BLOCKS], kept[BLOCKS];

		memset(blocks, 0x5a, sizeof(blocks));
		memcpy(kept, blocks, sizeof(kept));
		if (pem_decode(blocks, count, &w, PEM_CERTIFICATE, span_of(data, size))) {
			assert(memcmp(blocks, kept, sizeof(blocks)) == 0);
			continue;
		}
		assert(!found);
		found = count;
		check_again(blocks, count);
	}
	return 0;
}
