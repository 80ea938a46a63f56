#include "certd/holdbook.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	TREE_MAX = 1024 * 1024,
};

static_assert(HOLDBOOK_HELD_MAX <= HOLDBOOK_CAUSES_MAX, "one kind of set");

static bool has(const struct holdbook_set *s, const struct sha256 *hash)
{
	for (size_t i = 0; i < s->count; i++)
		if (span_equal(SPAN_ARRAY(s->of[i].b), SPAN_ARRAY(hash->b)))
			return true;
	return false;
}

static bool add(struct holdbook_set *s, const struct sha256 *hash, size_t max)
{
	if (s->count >= max || has(s, hash))
		return false;
	s->of[s->count++] = *hash;
	return true;
}

bool holdbook_is_held(const struct holdbook *b, const struct sha256 *names)
{
	return b->is_over || has(&b->held, names);
}

bool holdbook_is_full(const struct holdbook *b)
{
	return b->is_over || b->causes.count == HOLDBOOK_CAUSES_MAX;
}

bool holdbook_hold(struct holdbook *b, const struct sha256 *names,
		   const struct sha256 *cause)
{
	bool has_changed, was_over = b->is_over;

	if (has(&b->seen, cause))
		return false;
	has_changed = add(&b->held, names, HOLDBOOK_HELD_MAX);
	b->is_over = was_over || !has(&b->held, names);
	has_changed = has_changed || b->is_over != was_over;
	return add(&b->causes, cause, HOLDBOOK_CAUSES_MAX) || has_changed;
}

bool holdbook_release(struct holdbook *b)
{
	if (!b->held.count && !b->causes.count && !b->is_over)
		return false;
	for (size_t i = 0; i < b->causes.count; i++) {
		struct holdbook_set *seen = &b->seen;

		/* The oldest has expired long ago. */
		if (seen->count == HOLDBOOK_CAUSES_MAX)
			memmove(&seen->of[0], &seen->of[1],
				--seen->count * sizeof(seen->of[0]));
		(void)add(seen, &b->causes.of[i], HOLDBOOK_CAUSES_MAX);
	}
	b->held.count = b->causes.count = 0;
	b->is_over = false;
	return true;
}

/* ---- the document ---- */

static void write_set(struct jwrite *j, const char *name,
		      const struct holdbook_set *s)
{
	jwrite_array(j, name);
	for (size_t i = 0; i < s->count; i++)
		jwrite_hex(j, NULL, SPAN_ARRAY(s->of[i].b));
	jwrite_end(j);
}

enum rc holdbook_write(struct buf *out, const struct holdbook *b)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "v", 1);
	write_set(&j, "held", &b->held);
	write_set(&j, "causes", &b->causes);
	write_set(&j, "seen", &b->seen);
	if (b->is_over)
		jwrite_bool(&j, "over", true);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

static bool read_set(struct holdbook_set *s, const struct jtree *list,
		     size_t max)
{
	if (!list || list->type != JTREE_ARRAY || list->count > max)
		return false;
	for (const struct jtree *v = list->first; v; v = v->next) {
		struct sha256 hash;

		if (v->type != JTREE_TEXT ||
		    !text_hex_decode(hash.b, sizeof(hash.b), v->text) ||
		    !add(s, &hash, max))
			return false;
	}
	return true;
}

enum rc holdbook_read(struct holdbook *out, struct span json)
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(mem_auto_free)
	struct holdbook *b = mem_new(sizeof(*b));
	const struct jtree *top, *version, *over;

	arena_init(&arena, TREE_MAX);
	top = jtree_read(&arena, json);
	version = jtree_get(top, "v");
	if (!version || version->type != JTREE_NUMBER || version->number != 1 ||
	    !read_set(&b->held, jtree_get(top, "held"), HOLDBOOK_HELD_MAX) ||
	    !read_set(&b->causes, jtree_get(top, "causes"),
		      HOLDBOOK_CAUSES_MAX) ||
	    !read_set(&b->seen, jtree_get(top, "seen"), HOLDBOOK_CAUSES_MAX))
		return RC_MALFORMED;
	over = jtree_get(top, "over");
	if (over && (over->type != JTREE_BOOL || !over->is_true))
		return RC_MALFORMED;
	b->is_over = over != NULL;
	*out = *b;
	return RC_OK;
}
