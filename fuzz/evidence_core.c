/*
 * A core that is read can be written, and what is written is read as the same;
 * its hash is that of its bytes.
 */
#include <assert.h>

#include "evidence/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence_core core = { .issued_at = -1 }, again;
	struct arena arena = { .max = 4 * 1024 * 1024 }, other = { .max = 4 * 1024 * 1024 };
	struct buf text, twice;
	struct sha256 hash;

	if (evidence_core_read(&core, &arena, span_of(data, size))) {
		assert(core.issued_at == -1);
		arena_fini(&arena);
		return 0;
	}
	sha256_of(&hash, span_of(data, size));
	assert(span_equal(SPAN_ARRAY(hash.b), SPAN_ARRAY(core.hash.b)));
	assert(core.expires_at > core.issued_at && core.name_count && core.spki_count);
	buf_init(&text, CORE_MAX);
	buf_init(&twice, CORE_MAX);
	/* escapes can make it longer than the bound */
	if (evidence_core_write(&text, &core) == RC_OK) {
		assert(evidence_core_read(&again, &other, buf_span(&text)) == RC_OK);
		assert(evidence_core_write(&twice, &again) == RC_OK);
		assert(span_equal(buf_span(&text), buf_span(&twice)));
	}
	buf_fini(&text);
	buf_fini(&twice);
	arena_fini(&arena);
	arena_fini(&other);
	return 0;
}
