#include "edge/issued.h"

#include "edge/names.h"
#include "json/jtree.h"

/* No path that a configuration would name. */
static const char NAME[] = "postern/issued/v1";

enum rc issued_keep(struct files *f, struct span document)
{
	return files_keep(f, NAME, document);
}

bool issued_find(const struct files *f, struct span *document)
{
	return files_find(f, document, NAME);
}

static bool read_text(struct span *out, const struct jtree *object,
		      const char *key)
{
	const struct jtree *t = jtree_get(object, key);

	if (!t || t->type != JTREE_TEXT || t->text.n == 0)
		return false;
	*out = t->text;
	return true;
}

static bool is_wildcard(struct span name)
{
	return span_has_prefix(name, span_str("*"));
}

/* {"names": [...]} of a certificate. */
static enum rc read_names(struct issued_entry *e, struct arena *arena,
			  const struct jtree *object)
{
	const struct jtree *list = jtree_get(object, "names"), *one;

	if (!list || list->type != JTREE_ARRAY || list->count == 0)
		return RC_MALFORMED;
	if (list->count > ISSUED_NAMES_MAX)
		return RC_LIMIT;
	e->names = arena_new(arena, list->count, sizeof(*e->names));
	if (!e->names)
		return RC_LIMIT;
	for (one = list->first; one; one = one->next) {
		if (one->type != JTREE_TEXT || !names_is_pattern(one->text))
			return RC_MALFORMED;
		e->names[e->name_count++] = one->text;
	}
	return RC_OK;
}

/* {"name": ...} of a proof. */
static enum rc read_name(struct issued_entry *e, struct arena *arena,
			 const struct jtree *object)
{
	e->names = arena_new(arena, 1, sizeof(*e->names));
	if (!e->names)
		return RC_LIMIT;
	if (!read_text(&e->names[0], object, "name") ||
	    is_wildcard(e->names[0]) || !names_is_pattern(e->names[0]))
		return RC_MALFORMED;
	e->name_count = 1;
	return RC_OK;
}

typedef enum rc read_names_fn(struct issued_entry *e, struct arena *arena,
			      const struct jtree *object);

static enum rc read_list(struct issued_entry **out, size_t *count,
			 struct arena *arena, const struct jtree *list,
			 size_t max, read_names_fn *names)
{
	struct issued_entry *entries;
	const struct jtree *one;
	enum rc rc = RC_OK;
	size_t n = 0;

	if (!list || list->type != JTREE_ARRAY)
		return RC_MALFORMED;
	if (list->count > max)
		return RC_LIMIT;
	entries = arena_new(arena, list->count, sizeof(*entries));
	if (!entries)
		return RC_LIMIT;
	for (one = list->first; one && !rc; one = one->next, n++) {
		rc = names(&entries[n], arena, one);
		if (!rc && (!read_text(&entries[n].chain, one, "chain") ||
			    !read_text(&entries[n].key, one, "key")))
			rc = RC_MALFORMED;
	}
	*out = entries;
	*count = n;
	return rc;
}

static bool is_of(struct span s, size_t max, bool (*is)(uint8_t c))
{
	if (s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is(s.p[i]))
			return false;
	return true;
}

static bool is_base64url(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_visible(uint8_t c)
{
	return c > ' ' && c <= '~';
}

static bool read_answer(struct issued_answer *a, const struct jtree *one)
{
	return read_text(&a->name, one, "name") && !is_wildcard(a->name) &&
	       names_is_pattern(a->name) &&
	       read_text(&a->token, one, "token") &&
	       is_of(a->token, ISSUED_TOKEN_MAX, is_base64url) &&
	       read_text(&a->value, one, "value") &&
	       is_of(a->value, ISSUED_VALUE_MAX, is_visible);
}

static enum rc read_answers(struct issued *i, struct arena *arena,
			    const struct jtree *list)
{
	const struct jtree *one;

	if (!list)
		return RC_OK;
	if (list->type != JTREE_ARRAY)
		return RC_MALFORMED;
	if (list->count > ISSUED_ANSWERS_MAX)
		return RC_LIMIT;
	i->answers = arena_new(arena, list->count, sizeof(*i->answers));
	if (!i->answers)
		return RC_LIMIT;
	for (one = list->first; one; one = one->next)
		if (!read_answer(&i->answers[i->answer_count++], one))
			return RC_MALFORMED;
	return RC_OK;
}

enum rc issued_read(struct issued *out, struct arena *arena,
		    struct span document)
{
	const struct jtree *root, *generation;
	struct issued i = { 0 };
	enum rc rc;

	if (document.n > ISSUED_MAX)
		return RC_LIMIT;
	root = jtree_read(arena, document);
	generation = jtree_get(root, "generation");
	if (!generation || generation->type != JTREE_NUMBER)
		return RC_MALFORMED;
	i.generation = generation->number;
	rc = read_list(&i.certificates, &i.certificate_count, arena,
		       jtree_get(root, "certificates"),
		       ISSUED_CERTIFICATES_MAX, read_names);
	if (!rc)
		rc = read_list(&i.proofs, &i.proof_count, arena,
			       jtree_get(root, "proofs"), ISSUED_PROOFS_MAX,
			       read_name);
	if (!rc)
		rc = read_answers(&i, arena, jtree_get(root, "answers"));
	if (rc)
		return rc;
	*out = i;
	return RC_OK;
}
