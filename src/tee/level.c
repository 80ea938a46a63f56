#include "tee/level.h"

#include <stdlib.h>
#include <string.h>

static bool is_advisory(struct span id)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789._-";

	for (size_t i = 0; i < id.n; i++)
		if (!id.p[i] || !strchr(allowed, id.p[i]))
			return false;
	return id.n && id.n <= ADVISORY_LEN;
}

/* The list may be absent. */
static bool read_advisories(struct level *out, struct arena *arena,
			    const struct jtree *object)
{
	const struct jtree *array;
	const struct jtree *item;
	const char **ids;
	size_t count;

	if (!document_has(object, "advisoryIDs"))
		return true;
	if (!document_array(object, "advisoryIDs", &array, ADVISORIES_MAX))
		return false;
	count = array->count;
	ids = arena_new(arena, count, sizeof(*ids));
	item = array->first;
	for (size_t i = 0; item; i++, item = item->next) {
		if (!ids || item->type != JTREE_TEXT ||
		    !is_advisory(item->text))
			return false;
		ids[i] = arena_dup(arena, item->text);
		if (!ids[i])
			return false;
	}
	out->advisories = ids;
	out->advisory_count = count;
	return true;
}

enum tee_reason level_read(struct level *out, struct arena *arena,
			   const struct jtree *object)
{
	struct level l = { 0 };
	struct span status;

	if (!document_text(object, "tcbStatus", &status) ||
	    !document_time(object, "tcbDate", &l.date) ||
	    !read_advisories(&l, arena, object))
		return TEE_COLLATERAL_MALFORMED;
	if (!tee_tcb_status_parse(&l.status, status))
		return TEE_TCB_UNRECOGNIZED;
	*out = l;
	return TEE_OK;
}

static enum tee_reason svn_level_read(struct svn_level *out,
				      struct arena *arena,
				      const struct jtree *object)
{
	const struct jtree *tcb;
	uint32_t svn;

	if (!document_object(object, "tcb", &tcb) ||
	    !document_u32(tcb, "isvsvn", &svn, UINT16_MAX))
		return TEE_COLLATERAL_MALFORMED;
	out->isv_svn = (uint16_t)svn;
	return level_read(&out->level, arena, object);
}

static int latest_first(const void *a, const void *b)
{
	const struct svn_level *x = a, *y = b;

	return (x->isv_svn < y->isv_svn) - (x->isv_svn > y->isv_svn);
}

enum tee_reason svn_levels_read(struct svn_levels *out, struct arena *arena,
				const struct jtree *object, const char *key)
{
	const struct jtree *array;
	const struct jtree *item;
	struct svn_level *items;
	size_t count;

	if (!document_array(object, key, &array, LEVELS_MAX))
		return TEE_COLLATERAL_MALFORMED;
	count = array->count;
	items = arena_new(arena, count, sizeof(*items));
	if (!items)
		return TEE_COLLATERAL_MALFORMED;
	item = array->first;
	for (size_t i = 0; item; i++, item = item->next) {
		enum tee_reason reason =
			svn_level_read(&items[i], arena, item);

		if (reason)
			return reason;
	}
	if (count)
		qsort(items, count, sizeof(*items), latest_first);
	for (size_t i = 1; i < count; i++)
		if (items[i].isv_svn == items[i - 1].isv_svn)
			return TEE_COLLATERAL_MALFORMED;
	*out = (struct svn_levels){ items, count };
	return TEE_OK;
}

const struct level *svn_levels_match(const struct svn_levels *l, uint16_t svn)
{
	for (size_t i = 0; i < l->count; i++)
		if (svn >= l->items[i].isv_svn)
			return &l->items[i].level;
	return NULL;
}
