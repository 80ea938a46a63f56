#include "conf/conf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/wr.h"

enum {
	STRING_MAX = 4096,
	LIST_MAX = 1024,
	FIELDS_MAX = 64,
	SHOWN_MAX = 64, /* of a key that somebody mistyped */
};

/* The way from the root to a value: keys and list indexes. */
struct way {
	const struct way *up;
	const char *key; /* NULL: the index counts */
	size_t index;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the one being looked at */
	struct arena *arena;
	const char *name;
	char *error;
};

/* A mapping being read: its fields and which of them were there. */
struct mapping {
	const struct conf_field *fields;
	uint64_t seen;
	const struct way *way;
	size_t line;
};

static bool read_value(struct reader *r, uint8_t *at,
		       const struct conf_field *f, const struct way *way);

/* Appends as much as fits. */
static void add(struct wr *w, const char *text)
{
	size_t n = strlen(text), room = w->cap - w->n;

	wr_bytes(w, span_of(text, n < room ? n : room));
}

static void add_u64(struct wr *w, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	add(w, text);
}

static void add_escaped(struct wr *w, const char *text)
{
	char safe[4 * SHOWN_MAX + 4];
	struct wr s = wr_over(safe, sizeof(safe) - 1);

	text_escape(&s, span_str(text), SHOWN_MAX);
	safe[s.n] = '\0';
	add(w, safe);
}

static void add_way(struct wr *w, const struct way *way)
{
	if (way->up)
		add_way(w, way->up);
	if (!way->key) {
		add(w, "[");
		add_u64(w, way->index);
		add(w, "]");
		return;
	}
	if (way->up)
		add(w, ".");
	add_escaped(w, way->key);
}

/* Starts the message, "name:line: way: ". */
static struct wr complain(struct reader *r, size_t line, const struct way *way)
{
	struct wr w = wr_over(r->error, CONF_ERROR_MAX - 1);

	add(&w, r->name);
	add(&w, ":");
	add_u64(&w, line);
	add(&w, ": ");
	if (way) {
		add_way(&w, way);
		add(&w, ": ");
	}
	return w;
}

/* Ends it.  Always false, so that a caller can return it. */
static bool complained(struct reader *r, const struct wr *w)
{
	r->error[w->n] = '\0';
	return false;
}

static bool refuse(struct reader *r, size_t line, const struct way *way,
		   const char *what)
{
	struct wr w = complain(r, line, way);

	add(&w, what);
	return complained(r, &w);
}

static size_t event_line(const struct reader *r)
{
	return r->event.start_mark.line + 1;
}

static void add_range(struct wr *w, const char *what,
		      const struct conf_field *f)
{
	add(w, what);
	if (f->max) {
		add(w, " from ");
		add_u64(w, f->min);
		add(w, " to ");
		add_u64(w, f->max);
	} else if (f->min) {
		add(w, " of at least ");
		add_u64(w, f->min);
	}
}

static void add_names(struct wr *w, const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		if (i)
			add(w, ", ");
		add(w, names[i]);
	}
}

static void add_keys(struct wr *w, const struct conf_field *fields)
{
	for (const struct conf_field *f = fields; f->key; f++) {
		if (f != fields)
			add(w, ", ");
		add(w, f->key);
	}
}

static uint64_t max_or(const struct conf_field *f, uint64_t otherwise)
{
	return f->max ? f->max : otherwise;
}

static void add_expected(struct wr *w, const struct conf_field *f)
{
	struct conf_field bounded = *f;

	add(w, "expected ");
	switch (f->type) {
	case CONF_STRING:
		bounded.max = max_or(f, STRING_MAX);
		if (f->expected)
			add(w, f->expected);
		else
			add_range(w, "a text with a length", &bounded);
		break;
	case CONF_U64:
		add_range(w, "a number", f);
		break;
	case CONF_BOOL:
		add(w, "true or false");
		break;
	case CONF_MS:
		add(w, "a time such as 250ms, 10s, 5m, 1h or 7d");
		add_range(w, f->min || f->max ? ", in milliseconds" : "", f);
		break;
	case CONF_HEX:
		add_u64(w, 2 * f->size);
		add(w, " hex digits");
		break;
	case CONF_ENUM:
		add(w, "one of ");
		add_names(w, f->names);
		break;
	case CONF_CUSTOM:
		add(w, f->expected);
		break;
	case CONF_STRUCT:
		add(w, "a mapping with ");
		add_keys(w, f->fields);
		break;
	case CONF_LIST:
		bounded.max = max_or(f, LIST_MAX);
		add_range(w, "a list with a length", &bounded);
		break;
	}
}

/* "expected ..." as the field's type says. */
static bool refuse_value(struct reader *r, size_t line, const struct way *way,
			 const struct conf_field *f)
{
	struct wr w = complain(r, line, way);

	add_expected(&w, f);
	return complained(r, &w);
}

static bool refuse_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	size_t line = p->problem_mark.line;
	struct wr w;

	/* Bytes that are no UTF-8 are found before they have a mark. */
	if (p->error == YAML_READER_ERROR)
		line = p->mark.line;
	w = complain(r, line + 1, NULL);
	add(&w, "expected YAML: ");
	add(&w, p->problem ? p->problem : "cannot be read");
	return complained(r, &w);
}

static bool has_extras(const yaml_event_t *e)
{
	switch ((int)e->type) {
	case YAML_ALIAS_EVENT:
		return true;
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor || e->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor ||
		       e->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor ||
		       e->data.mapping_start.tag;
	case YAML_DOCUMENT_START_EVENT:
		return e->data.document_start.version_directive ||
		       e->data.document_start.tag_directives.start !=
			       e->data.document_start.tag_directives.end;
	default:
		return false;
	}
}

/* Moves to the next event. */
static bool next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (!yaml_parser_parse(&r->parser, &r->event))
		return refuse_syntax(r);
	if (has_extras(&r->event))
		return refuse(r, event_line(r), NULL,
			      "expected no anchors, aliases, tags or "
			      "directives");
	return true;
}

static bool is_event(const struct reader *r, yaml_event_type_t type)
{
	return r->event.type == type;
}

/* The scalar's text; NULL when the event is none, is null, or holds a NUL. */
static const char *scalar(const struct reader *r, bool *is_plain)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	const char *text;

	if (!is_event(r, YAML_SCALAR_EVENT))
		return NULL;
	text = (const char *)r->event.data.scalar.value;
	if (strlen(text) != r->event.data.scalar.length)
		return NULL;
	*is_plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	for (size_t i = 0; *is_plain && i < sizeof(nulls) / sizeof(*nulls); i++)
		if (strcmp(text, nulls[i]) == 0)
			return NULL;
	return text;
}

static bool is_within(const struct conf_field *f, uint64_t v)
{
	return v >= f->min && v <= max_or(f, UINT64_MAX);
}

static bool to_u64(uint64_t *out, const struct conf_field *f, const char *text)
{
	uint64_t v;

	if (!text_u64(&v, span_str(text), UINT64_MAX) || !is_within(f, v))
		return false;
	*out = v;
	return true;
}

static bool to_bool(bool *out, const char *text)
{
	bool v = strcmp(text, "true") == 0;

	if (!v && strcmp(text, "false") != 0)
		return false;
	*out = v;
	return true;
}

static bool to_ms(uint64_t *out, const struct conf_field *f, const char *text)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 60 * 60 * 1000 },
		{ "d", 24 * 60 * 60 * 1000 },
	};
	size_t digits = strspn(text, "0123456789");
	uint64_t v;

	if (!text_u64(&v, span_of(text, digits), UINT64_MAX))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(v, units[i].ms, &v) ||
		    !is_within(f, v))
			return false;
		*out = v;
		return true;
	}
	return false;
}

static bool to_enum(int *out, const struct conf_field *f, const char *text)
{
	for (int i = 0; f->names[i]; i++) {
		if (strcmp(text, f->names[i]) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool to_string(const char **out, const struct conf_field *f,
		      const char *text, struct arena *arena)
{
	size_t n = strlen(text);
	char *copy;

	if (n < f->min || n > max_or(f, STRING_MAX))
		return false;
	copy = arena_dup(arena, span_of(text, n));
	if (!copy || (f->check && !f->check(&copy, copy, arena)))
		return false;
	*out = copy;
	return true;
}

static bool convert(struct reader *r, void *at, const struct conf_field *f,
		    const char *text, bool is_plain)
{
	switch (f->type) {
	case CONF_STRING:
		return to_string(at, f, text, r->arena);
	case CONF_U64:
		return is_plain && to_u64(at, f, text);
	case CONF_BOOL:
		return is_plain && to_bool(at, text);
	case CONF_MS:
		return to_ms(at, f, text);
	case CONF_HEX:
		return text_hex_decode(at, f->size, span_str(text));
	case CONF_ENUM:
		return to_enum(at, f, text);
	case CONF_CUSTOM:
		return f->check(at, text, r->arena);
	case CONF_STRUCT:
	case CONF_LIST:
		break;
	}
	return false;
}

static bool read_scalar(struct reader *r, uint8_t *at,
			const struct conf_field *f, const struct way *way)
{
	bool is_plain = false;
	const char *text = scalar(r, &is_plain);

	if (!text || !convert(r, at, f, text, is_plain))
		return refuse_value(r, event_line(r), way, f);
	return true;
}

/* The field that a key names; refused when there is none or it came before. */
static const struct conf_field *find_field(struct reader *r, struct mapping *m,
					   struct way *way)
{
	for (unsigned i = 0; m->fields[i].key; i++) {
		assert(i < FIELDS_MAX);
		if (strcmp(way->key, m->fields[i].key) != 0)
			continue;
		if (m->seen >> i & 1) {
			(void)refuse(r, event_line(r), way,
				     "expected once, given twice");
			return NULL;
		}
		m->seen |= 1ull << i;
		way->key = m->fields[i].key;
		return &m->fields[i];
	}
	struct wr w = complain(r, event_line(r), way);
	add(&w, "unknown, expected one of ");
	add_keys(&w, m->fields);
	(void)complained(r, &w);
	return NULL;
}

static bool read_entry(struct reader *r, uint8_t *base, struct mapping *m)
{
	bool is_plain;
	const char *key = scalar(r, &is_plain);
	struct way way = { .up = m->way, .key = key };
	const struct conf_field *f;

	if (!key)
		return refuse(r, event_line(r), m->way, "expected a key");
	f = find_field(r, m, &way);
	if (!f || !next(r))
		return false;
	return read_value(r, base + f->offset, f, &way);
}

static bool check_missing(struct reader *r, const struct mapping *m)
{
	for (unsigned i = 0; m->fields[i].key; i++) {
		struct way way = { .up = m->way, .key = m->fields[i].key };
		struct wr w;

		if (!m->fields[i].is_required || m->seen >> i & 1)
			continue;
		w = complain(r, m->line, &way);
		add(&w, "missing, ");
		add_expected(&w, &m->fields[i]);
		return complained(r, &w);
	}
	return true;
}

/* From the event after the mapping's start to its end. */
static bool read_mapping(struct reader *r, uint8_t *base,
			 const struct conf_field *fields, const struct way *way)
{
	struct mapping m = {
		.fields = fields,
		.way = way,
		.line = event_line(r),
	};

	for (;;) {
		if (!next(r))
			return false;
		if (is_event(r, YAML_MAPPING_END_EVENT))
			return check_missing(r, &m);
		if (!read_entry(r, base, &m))
			return false;
	}
}

/* Room for element number 'index', zeroed. */
static uint8_t *grow(uint8_t **items, size_t *cap, size_t index, size_t size)
{
	if (index == *cap) {
		*cap = *cap ? *cap * 2 : 4;
		*items = mem_grow(*items, *cap, size);
	}
	memset(*items + index * size, 0, size);
	return *items + index * size;
}

static bool read_list(struct reader *r, struct conf_list *out,
		      const struct conf_field *f, const struct way *way)
{
	const size_t size = f->element->size;
	size_t line = event_line(r), cap = 0;
	struct conf_list list = { 0 };
	AUTO(mem_auto_free)
	uint8_t *items = NULL;

	assert(size > 0);
	for (;; list.count++) {
		struct way at = { .up = way, .index = list.count };

		if (!next(r))
			return false;
		if (is_event(r, YAML_SEQUENCE_END_EVENT))
			break;
		if (list.count == max_or(f, LIST_MAX))
			return refuse_value(r, event_line(r), way, f);
		if (!read_value(r, grow(&items, &cap, list.count, size),
				f->element, &at))
			return false;
	}
	if (list.count < f->min)
		return refuse_value(r, line, way, f);
	list.items = arena_new(r->arena, list.count, size);
	if (!list.items)
		return refuse(r, line, way, "expected a shorter list");
	if (list.count)
		memcpy(list.items, items, list.count * size);
	*out = list;
	return true;
}

static bool read_collection(struct reader *r, uint8_t *at,
			    const struct conf_field *f, const struct way *way)
{
	const uint64_t line = event_line(r);

	if (f->type == CONF_STRUCT) {
		if (!is_event(r, YAML_MAPPING_START_EVENT))
			return refuse_value(r, event_line(r), way, f);
		if (f->has_line)
			memcpy(at + f->line_offset, &line, sizeof(line));
		return read_mapping(r, at, f->fields, way);
	}
	if (!is_event(r, YAML_SEQUENCE_START_EVENT))
		return refuse_value(r, event_line(r), way, f);
	return read_list(r, (struct conf_list *)(void *)at, f, way);
}

/* What the field's own check says of a mapping or list that was read. */
static bool refuse_whole(struct reader *r, size_t line, const struct way *way,
			 const struct conf_field *f)
{
	struct wr w = complain(r, line, way);

	add(&w, "expected ");
	add(&w, f->expected);
	return complained(r, &w);
}

static bool read_value(struct reader *r, uint8_t *at,
		       const struct conf_field *f, const struct way *way)
{
	size_t line = event_line(r);

	if (f->type != CONF_STRUCT && f->type != CONF_LIST)
		return read_scalar(r, at, f, way);
	if (!read_collection(r, at, f, way))
		return false;
	if (f->check && !f->check(at, NULL, r->arena))
		return refuse_whole(r, line, way, f);
	return true;
}

static bool read_document(struct reader *r, uint8_t *out,
			  const struct conf_field *fields)
{
	const struct mapping empty = { .fields = fields, .line = 1 };

	do
		if (!next(r))
			return false;
	while (is_event(r, YAML_STREAM_START_EVENT));
	if (is_event(r, YAML_STREAM_END_EVENT))
		return check_missing(r, &empty);
	if (!next(r))
		return false;
	if (!is_event(r, YAML_MAPPING_START_EVENT))
		return refuse(r, event_line(r), NULL, "expected a mapping");
	if (!read_mapping(r, out, fields, NULL))
		return false;
	do
		if (!next(r))
			return false;
	while (is_event(r, YAML_DOCUMENT_END_EVENT));
	if (!is_event(r, YAML_STREAM_END_EVENT))
		return refuse(r, event_line(r), NULL, "expected one document");
	return true;
}

enum rc conf_read(void *out, const struct conf_field *fields,
		  struct arena *arena, const char *name, struct span text,
		  char error[CONF_ERROR_MAX])
{
	struct reader r = { .arena = arena, .name = name, .error = error };
	bool is_read;

	if (text.n > CONF_FILE_MAX) {
		(void)refuse(&r, 1, NULL, "expected at most 1 MiB");
		return RC_MALFORMED;
	}
	if (!yaml_parser_initialize(&r.parser))
		abort(); /* out of memory */
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&r.parser, text.n ? text.p : (const uint8_t *)"", text.n);
	is_read = read_document(&r, out, fields);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return is_read ? RC_OK : RC_MALFORMED;
}
