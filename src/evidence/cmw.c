#include "evidence/cmw.h"

#include "base/text.h"
#include "evidence/jget.h"
#include "json/jwrite.h"

#define TYPE_KEY "__cmwc_t"

enum {
	INDICATOR_MAX = 31, /* all bits that RFC 9999 names */
};

static bool is_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return jget_is_ascii(s);
}

static bool read_record(struct jget *g, struct cmw *out,
			const struct jtree *array)
{
	const struct jtree *type = array->first, *value, *indicator;

	if (array->count < 2 || array->count > 3 || type->type != JTREE_TEXT ||
	    !is_word(type->text))
		return jget_fail(g, RC_MALFORMED);
	value = type->next;
	indicator = value->next;
	if (indicator) {
		if (indicator->type != JTREE_NUMBER || !indicator->number ||
		    indicator->number > INDICATOR_MAX)
			return jget_fail(g, RC_MALFORMED);
		out->indicator = (unsigned)indicator->number;
	}
	out->type = type->text;
	return jget_base64url_value(g, &out->value, value);
}

static bool read_member(struct jget *g, struct cmw *out,
			const struct jtree *value, unsigned depth);

static bool read_collection(struct jget *g, struct cmw *out,
			    const struct jtree *object, unsigned depth)
{
	const struct cmw **next = &out->first;

	out->is_collection = true;
	if (depth == CMW_DEPTH_MAX)
		return jget_fail(g, RC_LIMIT);
	for (const struct jtree *m = object->first; m; m = m->next) {
		struct cmw *item;

		if (span_equal_str(m->key, TYPE_KEY)) {
			if (m->type != JTREE_TEXT || !is_word(m->text))
				return jget_fail(g, RC_MALFORMED);
			out->collection_type = m->text;
			continue;
		}
		item = arena_new(g->arena, 1, sizeof(*item));
		if (!item)
			return jget_fail(g, RC_LIMIT);
		if (!read_member(g, item, m, depth + 1))
			return false;
		*next = item;
		next = &item->next;
	}
	return out->first || jget_fail(g, RC_MALFORMED);
}

/* The call goes as deep as CMW_DEPTH_MAX lets it. */
// NOLINTNEXTLINE(misc-no-recursion)
static bool read_member(struct jget *g, struct cmw *out,
			const struct jtree *value, unsigned depth)
{
	out->label = value->key;
	if (depth && !is_word(value->key))
		return jget_fail(g, RC_MALFORMED);
	if (value->type == JTREE_ARRAY)
		return read_record(g, out, value);
	if (value->type == JTREE_OBJECT)
		return read_collection(g, out, value, depth);
	return jget_fail(g, RC_MALFORMED);
}

enum rc cmw_read(const struct cmw **out, struct arena *arena, struct span text)
{
	struct jget g = { .arena = arena };
	const struct jtree *top = jget_top(&g, text, CMW_MAX);
	struct cmw *root = arena_new(arena, 1, sizeof(*root));

	if (!top)
		return g.rc;
	if (!root)
		return RC_LIMIT;
	if (!read_member(&g, root, top, 0))
		return g.rc;
	*out = root;
	return RC_OK;
}

const struct cmw *cmw_get(const struct cmw *in, const char *label)
{
	const struct cmw *m = in && in->is_collection ? in->first : NULL;

	while (m && !span_equal_str(m->label, label))
		m = m->next;
	return m;
}

struct span cmw_value(const struct cmw *in, const char *label)
{
	const struct cmw *m = cmw_get(in, label);

	return m && !m->is_collection ? m->value : span_of(NULL, 0);
}

/* ---- writing; labels are not our own words, so they go in as text */

static void write_label(struct buf *out, bool *fits, struct span label,
			bool is_first)
{
	*fits = *fits && (is_first || buf_add(out, span_str(","))) &&
		buf_add(out, span_str("\"")) && buf_add(out, label) &&
		buf_add(out, span_str("\":"));
}

static void write_record(struct buf *out, bool *fits, const struct cmw *m)
{
	struct jwrite j = jwrite_to(out);

	jwrite_array(&j, NULL);
	jwrite_text(&j, NULL, m->type);
	jwrite_base64url(&j, NULL, m->value);
	if (m->indicator)
		jwrite_number(&j, NULL, m->indicator);
	jwrite_end(&j);
	*fits = *fits && jwrite_done(&j);
}

static bool is_writable(const struct cmw *m, unsigned depth);

static bool is_writable_collection(const struct cmw *m, unsigned depth)
{
	if (depth == CMW_DEPTH_MAX || !m->first ||
	    (m->collection_type.n && !is_word(m->collection_type)))
		return false;
	for (const struct cmw *c = m->first; c; c = c->next)
		if (!is_writable(c, depth + 1))
			return false;
	return true;
}

// NOLINTNEXTLINE(misc-no-recursion)
static bool is_writable(const struct cmw *m, unsigned depth)
{
	if (depth && (!is_word(m->label) || span_equal_str(m->label, TYPE_KEY)))
		return false;
	return m->is_collection ? is_writable_collection(m, depth)
				: depth && is_word(m->type) &&
					  m->indicator <= INDICATOR_MAX;
}

// NOLINTNEXTLINE(misc-no-recursion)
static void write_collection(struct buf *out, bool *fits, const struct cmw *in)
{
	bool is_first = true;

	*fits = *fits && buf_add(out, span_str("{"));
	if (in->collection_type.n) {
		write_label(out, fits, span_str(TYPE_KEY), true);
		*fits = *fits && buf_add(out, span_str("\"")) &&
			buf_add(out, in->collection_type) &&
			buf_add(out, span_str("\""));
		is_first = false;
	}
	for (const struct cmw *m = in->first; m; m = m->next) {
		write_label(out, fits, m->label, is_first);
		is_first = false;
		if (m->is_collection)
			write_collection(out, fits, m);
		else
			write_record(out, fits, m);
	}
	*fits = *fits && buf_add(out, span_str("}"));
}

enum rc cmw_write(struct buf *out, const struct cmw *collection)
{
	bool fits = true;
	size_t before = out->n;

	if (!collection->is_collection || !is_writable(collection, 0))
		return RC_MALFORMED;
	write_collection(out, &fits, collection);
	if (fits)
		return RC_OK;
	out->n = before;
	return RC_LIMIT;
}
