#include "acme/member.h"

#include <string.h>

static const struct jtree *typed(const struct jtree *object, const char *key,
				 enum jtree_type type)
{
	const struct jtree *v = jtree_get(object, key);

	return v && v->type == type ? v : NULL;
}

struct span member_text(const struct jtree *object, const char *key)
{
	const struct jtree *v = typed(object, key, JTREE_TEXT);

	return v ? v->text : (struct span){ 0 };
}

const struct jtree *member_list(const struct jtree *object, const char *key)
{
	return typed(object, key, JTREE_ARRAY);
}

bool member_copy(char *out, size_t cap, const struct jtree *object,
		 const char *key)
{
	const struct jtree *v = typed(object, key, JTREE_TEXT);

	if (!v || v->text.n >= cap)
		return false;
	if (v->text.n)
		memcpy(out, v->text.p, v->text.n);
	out[v->text.n] = 0;
	return true;
}

bool member_number(int64_t *out, const struct jtree *object, const char *key)
{
	const struct jtree *v = typed(object, key, JTREE_NUMBER);

	if (!v || v->number > INT64_MAX)
		return false;
	*out = (int64_t)v->number;
	return true;
}

bool member_bool(bool *out, const struct jtree *object, const char *key)
{
	const struct jtree *v = typed(object, key, JTREE_BOOL);

	if (!v)
		return false;
	*out = v->is_true;
	return true;
}
