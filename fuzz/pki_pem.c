/* What is decoded is encoded and decoded to the same again. */
#include <assert.h>

#include "pki/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[65536], again[65536], text[131072];
	struct span blocks[3], block;

	for (size_t count = 1; count <= 3; count++) {
		struct wr w = WR_ARRAY(room);

		if (pem_decode(blocks, count, &w, PEM_CERTIFICATE, span_of(data, size)))
			continue;
		for (size_t i = 0; i < count; i++) {
			struct wr t = WR_ARRAY(text), a = WR_ARRAY(again);

			assert(blocks[i].n);
			pem_encode(&t, PEM_CERTIFICATE, blocks[i]);
			assert(pem_decode(&block, 1, &a, PEM_CERTIFICATE, wr_span(&t)) == RC_OK);
			assert(span_equal(block, blocks[i]));
		}
	}
	return 0;
}
