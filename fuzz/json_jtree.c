/*
 * What is read as JSON has the shape it says, within its bounds and the
 * arena's; reading its own bytes again gives the same; an object found by the
 * scanner is one slice of the text.
 */
#include <assert.h>
#include <string.h>

#include "json/jtree.h"

static void check(const struct jtree *v, unsigned depth)
{
	size_t n = 0;

	assert(depth <= JTREE_DEPTH_MAX);
	assert(v->type == JTREE_ARRAY || v->type == JTREE_OBJECT || !v->first);
	for (const struct jtree *c = v->first; c; c = c->next, n++) {
		check(c, depth + 1);
		if (v->type == JTREE_OBJECT)
			assert(n < JTREE_MEMBERS_MAX);
		for (const struct jtree *d = v->type == JTREE_OBJECT ? c->next : NULL; d;
		     d = d->next)
			assert(!span_equal(c->key, d->key));
	}
	assert(n == v->count);
	if (v->type == JTREE_TEXT)
		assert(!v->text.n || !memchr(v->text.p, 0, v->text.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max = 64 * 1024 };
	struct span text = span_of(data, size), s = text, whole = { 0 };
	const struct jtree *root = jtree_read(&arena, text);

	assert(arena.used <= arena.max);
	if (root)
		check(root, 0);
	if (jtree_rd_object(&s, &whole)) {
		assert(whole.p >= data && whole.p + whole.n == s.p);
		assert(whole.p[0] == '{' && whole.p[whole.n - 1] == '}');
		assert(s.p + s.n == data + size);
	} else {
		assert(!whole.p && s.p == data && s.n == size);
		assert(!root || root->type != JTREE_OBJECT);
	}
	arena_fini(&arena);
	return 0;
}
