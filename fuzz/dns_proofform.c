/* The bytes of a proof.  Promised: what is read is written again byte for byte. */
#include <assert.h>
#include <string.h>

#include "dns/proofform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ARENA_MAX = 16 * 1024 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "app.example.test", "alias.example.test",
					     "plain.test" };
	static uint8_t bytes[PROOFFORM_MAX], chain[PROOFFORM_MAX];
	size_t k, i;

	for (k = 0; k < 3; k++) {
		struct proofform f = { .count = 77 };
		struct wr w = WR_ARRAY(bytes), records = WR_ARRAY(chain);
		struct dns_name name;
		struct arena arena;
		struct span out;

		assert(dns_name_parse(&name, span_str(names[k])) == RC_OK);
		arena_init(&arena, ARENA_MAX);
		if (proofform_read(&f, &arena, span_of(data, size), &name)) {
			assert(f.count == 77);
		} else {
			proofform_begin(&w, f.count);
			for (i = 0; i < f.count; i++)
				proofform_level(&w, &f.levels[i], 1);
			for (i = 0; i < f.chain_count; i++)
				wr_bytes(&records, f.chain[i]);
			proofform_chain(&w, wr_span(&records));
			assert(wr_done(&w, &out) && span_equal(out, span_of(data, size)));
		}
		arena_fini(&arena);
	}
	return 0;
}
