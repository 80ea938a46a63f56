/*
 * An entry of get-entries: u16 length of the leaf, the leaf, the rest. What is
 * read is the same leaf when it is written again; a watch set looks at it
 * without harm. A refusal touches nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ct/watchset.h"

static void check_leaf(const struct logentry *e, struct span leaf)
{
	uint8_t *room = malloc(leaf.n);
	struct wr w = wr_over(room, leaf.n);

	wr_be16(&w, 0);
	wr_be64(&w, e->timestamp_ms);
	wr_be16(&w, (uint16_t)e->type);
	if (e->type == SCT_ENTRY_PRECERT) {
		wr_bytes(&w, SPAN_ARRAY(e->issuer_key_hash));
		wr_vec24(&w, e->tbs);
	} else {
		wr_vec24(&w, e->cert);
	}
	wr_vec16(&w, e->extensions);
	assert(span_equal(wr_span(&w), leaf));
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of(data, size), leaf;
	struct logentry e, kept;
	struct watchset_hit hit;
	struct watchset *w;

	if (!rd_vec16(&s, &leaf))
		return 0;
	memset(&e, 0x5a, sizeof(e));
	kept = e;
	if (logentry_read(&e, leaf, s)) {
		assert(memcmp(&e, &kept, sizeof(e)) == 0);
		return 0;
	}
	check_leaf(&e, leaf);
	w = watchset_new();
	assert(watchset_add_name(w, span_str("app.example.com"), WATCHSET_SUBTREE) == RC_OK);
	if (watchset_look_entry(&hit, w, &e) && hit.class != WATCHSET_MALFORMED)
		assert(hit.class == WATCHSET_FOREIGN &&
		       (watchset_matches(w, hit.matched) || hit.cert.ip_count));
	watchset_free(w);
	return 0;
}
