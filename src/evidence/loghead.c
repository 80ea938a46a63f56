#include "evidence/loghead.h"

#include "ct/note.h"
#include "ct/rfc6962.h"

enum {
	ARENA_MAX = 256 * 1024, /* of one head as JSON */
};

static bool note_is_signed(struct tree_head *out, uint64_t *at_ms,
			   struct span text, struct span log_spki)
{
	struct note note;
	struct note_key key;
	struct checkpoint point;

	if (note_parse(&note, text) || checkpoint_parse(&point, note.text))
		return false;
	note_key_of_log(&key, point.origin, log_spki);
	if (note_verify(at_ms, &note, &key) != NOTE_SIGNED)
		return false;
	*out = point.head;
	return true;
}

bool loghead_signed(struct tree_head *out, uint64_t *at_ms, struct span text,
		    struct span log_spki)
{
	struct arena arena;
	struct sth sth;
	bool is_signed;

	if (!text.n || text.p[0] != '{')
		return note_is_signed(out, at_ms, text, log_spki);
	arena_init(&arena, ARENA_MAX);
	is_signed = rfc6962_read_sth(&sth, &arena, text) == RC_OK &&
		    sth_signed(&sth, log_spki);
	arena_fini(&arena);
	if (is_signed) {
		*out = sth.head;
		*at_ms = sth.timestamp_ms;
	}
	return is_signed;
}
