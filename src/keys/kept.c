#include "keys/kept.h"

#include <string.h>

#include "base/mem.h"
#include "keys/items.h"
#include "keys/merge.h"

static const char magic[] = "PSTNKMS1";

enum rc keys_kept_write(struct wr *w, const struct keys_cluster *c)
{
	struct span done;

	wr_str(w, magic);
	wr_u8(w, c->is_founded);
	wr_bytes(w, SPAN_ARRAY(c->id));
	for (size_t i = 0; i < c->root_count; i++)
		keys_item_write_root(w, &c->roots[i]);
	if (keys_cluster_policy(c))
		keys_item_write_policy(w, c);
	for (size_t i = 0; i < c->record_count; i++)
		if (c->records[i].value) /* others were only asked for */
			keys_item_write_record(w, &c->records[i]);
	return wr_done(w, &done) ? RC_OK : RC_LIMIT;
}

static bool read_whole(struct keys_cluster *c, struct span text,
		       const struct keys_authority *authority)
{
	AUTO(keys_draft_fini)
	struct keys_draft d = { 0 };
	char error[KEYS_POLICY_ERROR_MAX];
	struct span head, policy;
	bool is_founded;

	if (!rd_n(&text, &head, strlen(magic)) ||
	    !span_equal_str(head, magic) ||
	    !keys_item_read_flag(&is_founded, &text) ||
	    !rd_copy(&text, c->id, sizeof(c->id)) ||
	    !keys_items_check(text, &policy))
		return false;
	c->is_founded = is_founded;
	if (policy.n) {
		if (keys_draft_read(&d, policy, authority, error))
			return false;
		keys_cluster_take_policy(c, &d);
	}
	return is_founded == (policy.n > 0) && keys_merge_apply(c, text) &&
	       (!is_founded || c->root_count);
}

enum rc keys_kept_read(struct keys_cluster *c, struct span text,
		       const struct keys_authority *authority)
{
	if (read_whole(c, text, authority))
		return RC_OK;
	keys_cluster_fini(c);
	keys_cluster_init(c);
	return RC_MALFORMED;
}
