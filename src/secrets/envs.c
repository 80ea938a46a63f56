#include "secrets/envs.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"
#include "json/jwrite.h"

void envs_fini(struct envs *e)
{
	arena_wipe(&e->arena);
	*e = (struct envs){ 0 };
}

static bool is_value(struct span value)
{
	return text_is_utf8(value) &&
	       (value.n == 0 || !memchr(value.p, '\0', value.n));
}

static enum rc add(struct envs *e, struct span name, struct span value)
{
	struct env *to = &e->list[e->count];

	if (!guest_is_env_name(name) || !is_value(value))
		return RC_MALFORMED;
	for (size_t i = 0; i < e->count; i++)
		if (span_equal_str(name, e->list[i].name))
			return RC_MALFORMED;
	if (e->count == GUEST_ENVS_MAX)
		return RC_LIMIT;
	to->name = arena_dup(&e->arena, name);
	to->value = arena_dup(&e->arena, value);
	if (!to->name || !to->value)
		return RC_LIMIT;
	e->count++;
	return RC_OK;
}

static enum rc add_line(struct envs *e, struct span line)
{
	struct span name;

	if (line.n == 0 || line.p[0] == '#')
		return RC_OK;
	/* A file of another system: its lines would end in secrets. */
	if (!memchr(line.p, '=', line.n) || memchr(line.p, '\r', line.n))
		return RC_MALFORMED;
	if (!rd_until(&line, &name, '='))
		return RC_MALFORMED;
	return add(e, name, line);
}

static enum rc finish(struct envs *out, struct envs *made, enum rc rc)
{
	if (rc)
		envs_fini(made);
	else
		*out = *made;
	return rc;
}

enum rc envs_read_lines(struct envs *out, struct span text, size_t *line)
{
	struct envs e = { 0 };
	struct span one;
	enum rc rc = text.n > ENVS_TEXT_MAX ? RC_LIMIT : RC_OK;

	*line = 0;
	arena_init(&e.arena, ENVS_ARENA_MAX);
	while (!rc && rd_until(&text, &one, '\n')) {
		++*line;
		rc = add_line(&e, one);
	}
	return finish(out, &e, rc);
}

static enum rc add_member(struct envs *e, const struct jtree *entry)
{
	const struct jtree *key = jtree_get(entry, "key");
	const struct jtree *value = jtree_get(entry, "value");

	if (entry->type != JTREE_OBJECT || entry->count != 2 || !key ||
	    key->type != JTREE_TEXT || !value || value->type != JTREE_TEXT)
		return RC_MALFORMED;
	return add(e, key->text, value->text);
}

enum rc envs_read_json(struct envs *out, struct span json)
{
	AUTO(arena_wipe)
	struct arena parsed = { 0 };
	struct envs e = { 0 };
	const struct jtree *root, *list;
	enum rc rc = RC_OK;

	if (json.n > ENVS_TEXT_MAX)
		return RC_LIMIT;
	arena_init(&parsed, ENVS_ARENA_MAX);
	root = jtree_read(&parsed, json);
	list = jtree_get(root, "env");
	if (!root || root->type != JTREE_OBJECT || root->count != 1 || !list ||
	    list->type != JTREE_ARRAY)
		return RC_MALFORMED;
	arena_init(&e.arena, ENVS_ARENA_MAX);
	for (const struct jtree *at = list->first; !rc && at; at = at->next)
		rc = add_member(&e, at);
	return finish(out, &e, rc);
}

enum rc envs_write_json(const struct envs *e, struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_array(&j, "env");
	for (size_t i = 0; i < e->count; i++) {
		jwrite_object(&j, NULL);
		jwrite_str(&j, "key", e->list[i].name);
		jwrite_str(&j, "value", e->list[i].value);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}
