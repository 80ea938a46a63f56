#include "keys/member.h"

#include <stdio.h>

#include "base/text.h"

bool keys_member_bad(char error[KEYS_POLICY_ERROR_MAX], const char *key,
		     const char *expected)
{
	(void)snprintf(error, KEYS_POLICY_ERROR_MAX, "%s: expected %s", key,
		       expected);
	return false;
}

bool keys_member_only(const struct jtree *object, const char *const *known)
{
	size_t count = 0;

	if (object->type != JTREE_OBJECT)
		return false;
	for (size_t i = 0; known[i]; i++)
		count += jtree_get(object, known[i]) != NULL;
	return count == object->count;
}

bool keys_member_text(struct span *out, const struct jtree *object,
		      const char *key)
{
	const struct jtree *m = jtree_get(object, key);

	if (!m || m->type != JTREE_TEXT)
		return false;
	*out = m->text;
	return true;
}

bool keys_member_hex(void *out, size_t n, const struct jtree *object,
		     const char *key)
{
	struct span text;

	return keys_member_text(&text, object, key) &&
	       text_hex_decode(out, n, text);
}

bool keys_member_number(uint64_t *out, const struct jtree *object,
			const char *key, uint64_t min, uint64_t max)
{
	const struct jtree *m = jtree_get(object, key);

	if (!m)
		return true;
	if (m->type != JTREE_NUMBER || m->number < min || m->number > max)
		return false;
	*out = m->number;
	return true;
}

bool keys_member_bool(bool *out, const struct jtree *object, const char *key)
{
	const struct jtree *m = jtree_get(object, key);

	if (!m)
		return true;
	if (m->type != JTREE_BOOL)
		return false;
	*out = m->is_true;
	return true;
}

bool keys_member_array(const struct jtree **array, const struct jtree *object,
		       const char *key, size_t max)
{
	const struct jtree *m = jtree_get(object, key);

	*array = m;
	return !m || (m->type == JTREE_ARRAY && m->count <= max);
}
