#include "compose/ytree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/text.h"

/* A list or map that is not closed yet. */
struct open_node {
	struct ytree *node;
	struct ytree_item *last;
	bool has_key; /* a map's key came, its value did not */
	struct span key;
	size_t key_line;
};

struct anchor {
	const char *name;
	struct ytree *node;
};

struct reader {
	struct arena *arena;
	char *error;
	enum rc rc;
	struct open_node open[YTREE_DEPTH_MAX];
	size_t depth, nodes;
	struct anchor anchors[YTREE_ANCHORS_MAX];
	size_t anchor_count;
	struct ytree *root;
};

static void fail(struct reader *r, enum rc rc, size_t line, const char *what)
{
	if (r->rc)
		return;
	r->rc = rc;
	(void)snprintf(r->error, YTREE_ERROR_MAX, "%zu: %s", line, what);
}

static struct ytree *make(struct reader *r, enum ytree_type type, size_t line)
{
	struct ytree *node = arena_new(r->arena, 1, sizeof(*node));

	if (!node || ++r->nodes > YTREE_NODES_MAX) {
		fail(r, RC_LIMIT, line, "too much for one file");
		return NULL;
	}
	node->type = type;
	node->line = line;
	return node;
}

static bool has_key(const struct ytree *map, struct span key)
{
	for (const struct ytree_item *i = map->first; i; i = i->next) {
		if (span_equal(i->key, key))
			return true;
	}
	return false;
}

/* A scalar where a map waits for a key. */
static void take_key(struct reader *r, struct open_node *o,
		     const struct ytree *node)
{
	if (node->type != YTREE_SCALAR)
		fail(r, RC_MALFORMED, node->line, "a key that is no text");
	else if (has_key(o->node, node->text))
		fail(r, RC_MALFORMED, node->line, "this key comes twice");
	o->has_key = true;
	o->key = node->text;
	o->key_line = node->line;
}

static void append(struct reader *r, struct open_node *o,
		   const struct ytree *node)
{
	struct ytree_item *item = arena_new(r->arena, 1, sizeof(*item));

	if (!item) {
		fail(r, RC_LIMIT, node->line, "too much for one file");
		return;
	}
	*item = (struct ytree_item){ .value = node, .line = node->line };
	if (o->node->type == YTREE_MAP) {
		item->key = o->key;
		item->line = o->key_line;
		o->has_key = false;
	}
	if (o->last)
		o->last->next = item;
	else
		o->node->first = item;
	o->last = item;
	o->node->count++;
}

/* A whole node, or the beginning of one, takes its place in what is open. */
static void place(struct reader *r, struct ytree *node)
{
	struct open_node *o;

	if (r->rc)
		return;
	if (r->depth == 0) {
		r->root = node;
		return;
	}
	o = &r->open[r->depth - 1];
	if (o->node->type == YTREE_MAP && !o->has_key)
		take_key(r, o, node);
	else
		append(r, o, node);
}

static void name_anchor(struct reader *r, const yaml_char_t *name,
			struct ytree *node)
{
	const char *copy;

	if (!name || r->rc)
		return;
	copy = arena_dup(r->arena, span_str((const char *)name));
	if (!copy || r->anchor_count == YTREE_ANCHORS_MAX) {
		fail(r, RC_LIMIT, node->line, "too many anchors");
		return;
	}
	r->anchors[r->anchor_count++] = (struct anchor){ copy, node };
}

static void take_alias(struct reader *r, const char *name, size_t line)
{
	struct ytree *node = NULL;

	/* The nearest before it, as YAML has it. */
	for (size_t i = 0; i < r->anchor_count; i++) {
		if (strcmp(r->anchors[i].name, name) == 0)
			node = r->anchors[i].node;
	}
	if (!node) {
		fail(r, RC_MALFORMED, line, "an alias without its anchor");
		return;
	}
	for (size_t i = 0; i < r->depth; i++) {
		if (r->open[i].node == node) {
			fail(r, RC_MALFORMED, line,
			     "an alias for what it is in");
			return;
		}
	}
	place(r, node);
}

static void open_node(struct reader *r, struct ytree *node)
{
	if (r->rc || !node)
		return;
	place(r, node);
	if (r->depth == YTREE_DEPTH_MAX) {
		fail(r, RC_LIMIT, node->line, "nested too deep");
		return;
	}
	r->open[r->depth++] = (struct open_node){ .node = node };
}

static bool is_usual_tag(const yaml_char_t *tag)
{
	static const char *const usual[] = {
		YAML_STR_TAG,
		YAML_INT_TAG,
		YAML_BOOL_TAG,
		YAML_NULL_TAG,
		YAML_SEQ_TAG,
		YAML_MAP_TAG,
		YAML_FLOAT_TAG,
	};

	for (size_t i = 0; tag && i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (strcmp((const char *)tag, usual[i]) == 0)
			return true;
	}
	return !tag;
}

static void take_scalar(struct reader *r, const yaml_event_t *e, size_t line)
{
	struct span text = span_of(e->data.scalar.value, e->data.scalar.length);
	struct ytree *node = make(r, YTREE_SCALAR, line);
	char *copy;

	if (!node)
		return;
	if (!is_usual_tag(e->data.scalar.tag))
		fail(r, RC_MALFORMED, line, "a tag that is not usual");
	if (text.n && memchr(text.p, 0, text.n))
		fail(r, RC_MALFORMED, line, "a NUL in a text");
	copy = arena_dup(r->arena, text);
	if (!copy) {
		fail(r, RC_LIMIT, line, "too much for one file");
		return;
	}
	node->text = span_of(copy, text.n);
	node->is_plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	name_anchor(r, e->data.scalar.anchor, node);
	place(r, node);
}

static void take_start(struct reader *r, const yaml_event_t *e, size_t line)
{
	bool is_map = e->type == YAML_MAPPING_START_EVENT;
	struct ytree *node = make(r, is_map ? YTREE_MAP : YTREE_LIST, line);

	if (!node)
		return;
	if (!is_usual_tag(is_map ? e->data.mapping_start.tag
				 : e->data.sequence_start.tag))
		fail(r, RC_MALFORMED, line, "a tag that is not usual");
	name_anchor(r,
		    is_map ? e->data.mapping_start.anchor
			   : e->data.sequence_start.anchor,
		    node);
	open_node(r, node);
}

static unsigned merges_of(struct reader *r, const struct ytree *from,
			  size_t line)
{
	unsigned deepest = 0;

	if (from->type == YTREE_MAP)
		return from->merges + 1;
	if (from->type != YTREE_LIST || from->count > YTREE_MERGED_MAX)
		fail(r, RC_MALFORMED, line,
		     "<< takes a map, or up to 8 of them");
	for (const struct ytree_item *i = from->first; i; i = i->next) {
		if (i->value->type != YTREE_MAP)
			fail(r, RC_MALFORMED, line, "<< takes maps");
		if (i->value->merges > deepest)
			deepest = i->value->merges;
	}
	return deepest + 1;
}

/* What a map merges is known once it is whole. */
static void close_node(struct reader *r)
{
	struct ytree *node = r->open[--r->depth].node;

	for (const struct ytree_item *i = node->first;
	     i && node->type == YTREE_MAP; i = i->next) {
		if (span_equal_str(i->key, "<<"))
			node->merges = merges_of(r, i->value, i->line);
	}
	if (node->merges > YTREE_MERGES_MAX)
		fail(r, RC_LIMIT, node->line, "<< nested too deep");
}

static void take_event(struct reader *r, const yaml_event_t *e)
{
	size_t line = e->start_mark.line + 1;

	switch (e->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return;
	case YAML_DOCUMENT_START_EVENT:
		if (r->root)
			fail(r, RC_MALFORMED, line, "a second document");
		return;
	case YAML_ALIAS_EVENT:
		take_alias(r, (const char *)e->data.alias.anchor, line);
		return;
	case YAML_SCALAR_EVENT:
		take_scalar(r, e, line);
		return;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		take_start(r, e, line);
		return;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_node(r);
		return;
	}
}

static void read_events(struct reader *r, yaml_parser_t *parser)
{
	bool is_done = false;

	while (!is_done && !r->rc) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			fail(r, RC_MALFORMED, parser->problem_mark.line + 1,
			     parser->problem ? parser->problem : "no YAML");
			return;
		}
		is_done = event.type == YAML_STREAM_END_EVENT;
		take_event(r, &event);
		yaml_event_delete(&event);
	}
}

enum rc ytree_read(const struct ytree **out, struct arena *arena,
		   struct span text, char error[YTREE_ERROR_MAX])
{
	struct reader *r = mem_new(sizeof(*r));
	yaml_parser_t parser;
	enum rc rc;

	r->arena = arena;
	r->error = error;
	/* libyaml's one failure here is want of memory. */
	(void)mem_need(yaml_parser_initialize(&parser) ? r : NULL);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&parser, text.p ? text.p : (const uint8_t *)"", text.n);
	if (!text_is_utf8(text))
		fail(r, RC_MALFORMED, 1, "not UTF-8");
	read_events(r, &parser);
	yaml_parser_delete(&parser);
	if (!r->rc && !r->root)
		r->root = make(r, YTREE_MAP, 1);
	rc = r->rc;
	if (!rc)
		*out = r->root;
	free(r);
	return rc;
}

/* "<<": one map, or a list of them of which the first that has it counts.  How
 * far this goes was bounded when it was read. */
static const struct ytree *merged(const struct ytree *from, const char *key)
{
	if (from->type == YTREE_MAP)
		return ytree_get(from, key);
	for (const struct ytree_item *i = from->first; i; i = i->next) {
		const struct ytree *found = ytree_get(i->value, key);

		if (found)
			return found;
	}
	return NULL;
}

const struct ytree *ytree_get(const struct ytree *map, const char *key)
{
	const struct ytree *from = NULL;

	if (!map || map->type != YTREE_MAP)
		return NULL;
	for (const struct ytree_item *i = map->first; i; i = i->next) {
		if (span_equal_str(i->key, key))
			return i->value;
		if (span_equal_str(i->key, "<<"))
			from = i->value;
	}
	return from ? merged(from, key) : NULL;
}

bool ytree_is_true(const struct ytree *node)
{
	static const char *const words[] = { "true", "yes", "on", "y" };

	if (!node || node->type != YTREE_SCALAR || !node->is_plain)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (span_equal_nocase(node->text, span_str(words[i])))
			return true;
	}
	return false;
}

bool ytree_is_null(const struct ytree *node)
{
	if (!node)
		return true;
	return node->type == YTREE_SCALAR && node->is_plain &&
	       (node->text.n == 0 || span_equal_str(node->text, "~") ||
		span_equal_nocase(node->text, span_str("null")));
}

bool ytree_is(const struct ytree *node, const char *text)
{
	return node && node->type == YTREE_SCALAR &&
	       span_equal_str(node->text, text);
}
