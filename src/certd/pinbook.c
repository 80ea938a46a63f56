#include "certd/pinbook.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	TREE_MAX = 256 * 1024,
};

static struct pinbook_name *find(struct pinbook *b, const char *name)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->of[i].text, name) == 0)
			return &b->of[i];
	return NULL;
}

const struct pinbook_name *pinbook_find(const struct pinbook *b,
					const char *name)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->of[i].text, name) == 0)
			return &b->of[i];
	return NULL;
}

void pinbook_begin(struct pinbook *b, const struct pins *p, int64_t first_at)
{
	AUTO(mem_auto_free)
	struct pinbook *next = mem_new(sizeof(*next));

	for (size_t i = 0; i < p->name_count; i++) {
		const char *text = p->names[i].text;
		const struct pinbook_name *had = pinbook_find(b, text);
		struct pinbook_name *at = &next->of[next->count++];

		if (had) {
			*at = *had;
			continue;
		}
		(void)snprintf(at->text, sizeof(at->text), "%s", text);
		at->first_at = first_at;
	}
	*b = *next;
}

bool pinbook_saw(struct pinbook *b, const char *name, enum pins_state state,
		 int64_t now)
{
	bool is_pinned = state == PINS_HELD || state == PINS_ABOVE;
	struct pinbook_name *at = find(b, name);

	if (!at || state == PINS_UNKNOWN || is_pinned == (at->since_at != 0))
		return false;
	if (is_pinned && !at->first_at)
		at->first_at = now;
	/* A clock that was set back does not make it older. */
	at->since_at = !is_pinned	    ? 0
		       : now > at->first_at ? now
					    : at->first_at;
	return true;
}

bool pinbook_since(const struct pinbook *b, const struct names *names,
		   int64_t *since)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct pinbook_name *at;

		if (names->of[i].is_ip)
			continue;
		at = pinbook_find(b, name_base(&names->of[i]));
		if (!at || !at->since_at)
			return false;
		if (at->since_at > *since)
			*since = at->since_at;
	}
	return true;
}

/* ---- the document ---- */

enum rc pinbook_write(struct buf *out, const struct pinbook *b)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "v", 1);
	jwrite_array(&j, "names");
	for (size_t i = 0; i < b->count; i++) {
		jwrite_object(&j, NULL);
		jwrite_str(&j, "name", b->of[i].text);
		jwrite_number(&j, "first", (uint64_t)b->of[i].first_at);
		jwrite_number(&j, "since", (uint64_t)b->of[i].since_at);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

static bool read_time(int64_t *out, const struct jtree *v)
{
	if (!v || v->type != JTREE_NUMBER || v->number > INT64_MAX)
		return false;
	*out = (int64_t)v->number;
	return true;
}

/* One that is pinned was pinned a first time, and none stands there twice. */
static bool read_name(struct pinbook *b, const struct jtree *v)
{
	const struct jtree *name = jtree_get(v, "name");
	struct pinbook_name n = { 0 };

	if (!name || name->type != JTREE_TEXT || !name->text.n ||
	    name->text.n >= sizeof(n.text) ||
	    !read_time(&n.first_at, jtree_get(v, "first")) ||
	    !read_time(&n.since_at, jtree_get(v, "since")))
		return false;
	memcpy(n.text, name->text.p, name->text.n);
	if (strlen(n.text) != name->text.n || find(b, n.text) ||
	    (n.since_at && !n.first_at))
		return false;
	b->of[b->count++] = n;
	return true;
}

enum rc pinbook_read(struct pinbook *out, struct span json)
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(mem_auto_free)
	struct pinbook *b = mem_new(sizeof(*b));
	const struct jtree *top, *version, *list;

	arena_init(&arena, TREE_MAX);
	top = jtree_read(&arena, json);
	version = jtree_get(top, "v");
	list = jtree_get(top, "names");
	if (!version || version->type != JTREE_NUMBER || version->number != 1 ||
	    !list || list->type != JTREE_ARRAY || list->count > PINS_NAMES_MAX)
		return RC_MALFORMED;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (!read_name(b, v))
			return RC_MALFORMED;
	*out = *b;
	return RC_OK;
}
