#include "evidence/jget.h"

#include "base/text.h"

enum {
	ASCII_MAX = 1024, /* bytes of a text in a list */
};

bool jget_fail(struct jget *g, enum rc rc)
{
	if (!g->rc)
		g->rc = rc;
	return false;
}

static bool fail(struct jget *g)
{
	return jget_fail(g, RC_MALFORMED);
}

/* The reader's only lasting allocation is its arena: when there is room left
 * for the smallest piece, it was the text that jtree_read() refused. */
const struct jtree *jget_top(struct jget *g, struct span text, size_t max)
{
	const struct jtree *top;

	if (text.n > max) {
		(void)jget_fail(g, RC_LIMIT);
		return NULL;
	}
	top = jtree_read(g->arena, text);
	if (!top || top->type != JTREE_OBJECT) {
		(void)jget_fail(g, top || arena_new(g->arena, 1, 128)
					   ? RC_MALFORMED
					   : RC_LIMIT);
		return NULL;
	}
	return top;
}

static bool is_one_of(struct span key, const char *const *names)
{
	for (; *names; names++)
		if (span_equal_str(key, *names))
			return true;
	return false;
}

bool jget_only(struct jget *g, const struct jtree *object,
	       const char *const *names)
{
	if (g->rc || !object || object->type != JTREE_OBJECT)
		return fail(g);
	for (const struct jtree *m = object->first; m; m = m->next)
		if (!is_one_of(m->key, names))
			return fail(g);
	return true;
}

bool jget_has(const struct jtree *object, const char *name)
{
	return jtree_get(object, name) != NULL;
}

static const struct jtree *typed(const struct jtree *object, const char *name,
				 enum jtree_type type)
{
	const struct jtree *v = jtree_get(object, name);

	return v && v->type == type ? v : NULL;
}

bool jget_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n > 0;
}

bool jget_text(struct jget *g, struct span *out, const struct jtree *object,
	       const char *name, size_t max)
{
	const struct jtree *v = typed(object, name, JTREE_TEXT);

	if (g->rc || !v || v->text.n > max)
		return fail(g);
	*out = v->text;
	return true;
}

bool jget_ascii(struct jget *g, struct span *out, const struct jtree *object,
		const char *name, size_t max)
{
	struct span text;

	if (!jget_text(g, &text, object, name, max))
		return false;
	if (!jget_is_ascii(text))
		return fail(g);
	*out = text;
	return true;
}

bool jget_number(struct jget *g, uint64_t *out, const struct jtree *object,
		 const char *name, uint64_t max)
{
	const struct jtree *v = typed(object, name, JTREE_NUMBER);

	if (g->rc || !v || v->number > max)
		return fail(g);
	*out = v->number;
	return true;
}

bool jget_time(struct jget *g, int64_t *out, const struct jtree *object,
	       const char *name)
{
	/* 9999-12-31T23:59:59Z: what people's form of a time ends with. */
	const uint64_t last = 253402300799;
	uint64_t v;

	if (!jget_number(g, &v, object, name, last))
		return false;
	*out = (int64_t)v;
	return true;
}

bool jget_bool(struct jget *g, bool *out, const struct jtree *object,
	       const char *name)
{
	const struct jtree *v = typed(object, name, JTREE_BOOL);

	if (g->rc || !v)
		return fail(g);
	*out = v->is_true;
	return true;
}

const struct jtree *jget_object(struct jget *g, const struct jtree *object,
				const char *name)
{
	const struct jtree *v = typed(object, name, JTREE_OBJECT);

	if (g->rc || !v) {
		(void)fail(g);
		return NULL;
	}
	return v;
}

bool jget_hash_value(struct jget *g, struct sha256 *out,
		     const struct jtree *value)
{
	if (g->rc || !value || value->type != JTREE_TEXT)
		return fail(g);
	for (size_t i = 0; i < value->text.n; i++)
		if (value->text.p[i] >= 'A' && value->text.p[i] <= 'F')
			return fail(g);
	return text_hex_decode(out->b, sizeof(out->b), value->text) || fail(g);
}

bool jget_hash(struct jget *g, struct sha256 *out, const struct jtree *object,
	       const char *name)
{
	return jget_hash_value(g, out, jtree_get(object, name));
}

bool jget_base64url(struct jget *g, void *out, size_t n,
		    const struct jtree *object, const char *name)
{
	const struct jtree *v = typed(object, name, JTREE_TEXT);
	size_t got;

	if (g->rc || !v)
		return fail(g);
	return (text_base64url_decode(out, n, &got, v->text) && got == n) ||
	       fail(g);
}

typedef bool decode_fn(void *out, size_t cap, size_t *n, struct span text);

/* No coding here gives more bytes than its text has. */
static bool decode(struct jget *g, struct span *out, struct span text,
		   decode_fn *fn)
{
	uint8_t *room = arena_new(g->arena, text.n + 1, 1);
	size_t n;

	if (!room)
		return jget_fail(g, RC_LIMIT);
	if (!fn(room, text.n, &n, text))
		return fail(g);
	*out = span_of(room, n);
	return true;
}

/* ---- base64url of a bundle's documents, all public: by a table, which
 * base/text.h does without, since it reads keys */

enum {
	NO_DIGIT = 64,
};

static uint8_t digit_of(unsigned i)
{
	if (i >= 'A' && i <= 'Z')
		return (uint8_t)(i - 'A');
	if (i >= 'a' && i <= 'z')
		return (uint8_t)(i - 'a' + 26);
	if (i >= '0' && i <= '9')
		return (uint8_t)(i - '0' + 52);
	return i == '-' ? 62 : i == '_' ? 63
					: NO_DIGIT;
}

static void fill_digits(uint8_t digits[256])
{
	for (unsigned i = 0; i < 256; i++)
		digits[i] = digit_of(i);
}

static bool base64url_by_table(void *out, size_t cap, size_t *n,
			       struct span text)
{
	uint8_t digits[256], *to = out;
	uint32_t bits = 0;
	unsigned have = 0;

	fill_digits(digits);
	if (text.n % 4 == 1 || text.n / 4 * 3 + text.n % 4 > cap + 1)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t d = digits[text.p[i]];

		if (d == NO_DIGIT)
			return false;
		bits = bits << 6 | d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*to++ = (uint8_t)(bits >> have);
		}
	}
	*n = text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0);
	/* Each value has one text. */
	return !(bits & ((1U << have) - 1));
}

bool jget_base64url_value(struct jget *g, struct span *out,
			  const struct jtree *value)
{
	if (g->rc || !value || value->type != JTREE_TEXT)
		return fail(g);
	return decode(g, out, value->text, base64url_by_table);
}

bool jget_base64(struct jget *g, struct span *out,
		 const struct jtree *object, const char *name)
{
	const struct jtree *v = typed(object, name, JTREE_TEXT);

	if (g->rc || !v)
		return fail(g);
	return decode(g, out, v->text, text_base64_decode);
}

bool jget_text_if_any(struct jget *g, struct span *out,
		      const struct jtree *object, const char *name)
{
	const struct jtree *v = jtree_get(object, name);

	if (g->rc)
		return false;
	if (!v || v->type == JTREE_NULL) {
		*out = span_of(NULL, 0);
		return true;
	}
	if (v->type != JTREE_TEXT)
		return fail(g);
	*out = v->text;
	return true;
}

bool jget_hex_if_any(struct jget *g, struct span *out,
		     const struct jtree *object, const char *name)
{
	struct span text;

	return jget_text_if_any(g, &text, object, name) &&
	       decode(g, out, text, text_hex_decode_any);
}

bool jget_array(struct jget *g, const void **out, size_t *count,
		const struct jtree *object, const struct jget_list *list)
{
	const struct jtree *array = typed(object, list->name, JTREE_ARRAY);
	uint8_t *at;
	size_t i = 0;

	if (g->rc || !array)
		return fail(g);
	if (array->count > list->max)
		return jget_fail(g, RC_LIMIT);
	at = arena_new(g->arena, array->count + 1, list->size);
	if (!at)
		return jget_fail(g, RC_LIMIT);
	for (const struct jtree *v = array->first; v; v = v->next)
		if (!list->fn(g, at + i++ * list->size, v))
			return fail(g);
	*out = at;
	*count = array->count;
	return true;
}

static bool read_ascii(struct jget *g, void *element, const struct jtree *value)
{
	struct span *out = element;

	if (value->type != JTREE_TEXT || value->text.n > ASCII_MAX ||
	    !jget_is_ascii(value->text))
		return fail(g);
	*out = value->text;
	return true;
}

static bool read_hash(struct jget *g, void *element, const struct jtree *value)
{
	return jget_hash_value(g, element, value);
}

bool jget_asciis(struct jget *g, const struct span **out, size_t *count,
		 const struct jtree *object, const char *name, size_t max)
{
	const struct jget_list list = { name, sizeof(**out), max, read_ascii };
	const void *at;

	if (!jget_array(g, &at, count, object, &list))
		return false;
	*out = at;
	return true;
}

bool jget_hashes(struct jget *g, const struct sha256 **out, size_t *count,
		 const struct jtree *object, const char *name, size_t max)
{
	const struct jget_list list = { name, sizeof(**out), max, read_hash };
	const void *at;

	if (!jget_array(g, &at, count, object, &list))
		return false;
	*out = at;
	return true;
}
