/*
 * A log list that is read has logs whose ids are the hashes of their keys, each
 * once, and finds them. A refusal touches nothing.
 */
#include <assert.h>
#include <string.h>

#include "ct/loglist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loglist list, kept;
	struct arena arena;

	memset(&list, 0x5a, sizeof(list));
	kept = list;
	arena_init(&arena, LOGLIST_ARENA);
	if (loglist_read(&list, &arena, span_of(data, size))) {
		assert(memcmp(&list, &kept, sizeof(list)) == 0);
		arena_fini(&arena);
		return 0;
	}
	for (size_t i = 0; i < list.count; i++) {
		const struct loglist_log *log = &list.logs[i];
		struct sha256 id;

		sha256_of(&id, log->spki);
		assert(memcmp(id.b, log->id, sizeof(id.b)) == 0);
		assert(loglist_find(&list, log->id) == log);
		assert(loglist_state_name(log->state));
		assert(!log->has_interval || log->expiry_from < log->expiry_until);
		assert(span_equal(loglist_operator_at(log, INT64_MAX), log->operator_name));
		if (log->past_count)
			assert(span_equal(loglist_operator_at(log, INT64_MIN),
					  log->past[0].operator_name));
	}
	arena_fini(&arena);
	return 0;
}
