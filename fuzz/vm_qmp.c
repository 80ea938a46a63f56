/*
 * What is read as QMP is one of four kinds, with words of printable ASCII that
 * end within their fields; what is refused changes nothing.
 */
#include <assert.h>
#include <string.h>

#include "vm/qmp.h"

static void check_text(const char *text, size_t max)
{
	size_t n = strnlen(text, max);

	assert(n < max);
	for (size_t i = 0; i < n; i++)
		assert(text[i] >= ' ' && text[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max = 256 * 1024 };
	struct qmp_message m, before;
	enum rc rc;

	memset(&m, 0x5a, sizeof(m));
	before = m;
	rc = qmp_read(&m, &arena, span_of(data, size));
	assert(arena.used <= arena.max);
	if (rc) {
		assert(rc == RC_MALFORMED || rc == RC_UNSUPPORTED);
		assert(memcmp(&m, &before, sizeof(m)) == 0);
	} else {
		check_text(m.word, sizeof(m.word));
		check_text(m.desc, sizeof(m.desc));
		assert((m.kind == QMP_EVENT || m.kind == QMP_ERROR) == (m.word[0] != 0));
		assert(m.kind != QMP_RETURN || m.value);
		assert(m.has_id || m.id == 0);
	}
	arena_fini(&arena);
	return 0;
}
