#include "certd/keybook.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	TREE_MAX = 8 * 1024 * 1024,
	KEPT_AFTER_S = 30 * 86400,
	LIFE_MAX_S = 398 * 86400, /* BR 6.3.2 */
};

enum rc keybook_add(struct keybook *h, const struct custody_key *key)
{
	if (h->count == CUSTODY_KEYS_MAX)
		return RC_LIMIT;
	h->keys[h->count++] = *key;
	if (!h->begun_at)
		h->begun_at = key->made_at;
	return RC_OK;
}

const struct custody_key *keybook_unused(const struct keybook *h,
					 const char *use)
{
	for (size_t i = h->count; i-- > 0;) {
		const struct custody_key *k = &h->keys[i];

		if (strcmp(k->use, use) == 0)
			return k->tbs_count || k->retired_at ? NULL : k;
	}
	return NULL;
}

static void add_tbs(struct custody_key *k, const struct sha256 *tbs)
{
	for (size_t i = 0; i < k->tbs_count; i++)
		if (span_equal(SPAN_ARRAY(k->tbs[i].b), SPAN_ARRAY(tbs->b)))
			return;
	if (k->tbs_count == CUSTODY_TBS_MAX)
		memmove(&k->tbs[0], &k->tbs[1],
			--k->tbs_count * sizeof(k->tbs[0]));
	k->tbs[k->tbs_count++] = *tbs;
}

enum rc keybook_issued(struct keybook *h, const struct sha256 *spki,
		       const struct sha256 *tbs, int64_t not_after,
		       int64_t retire_at)
{
	struct custody_key *k = NULL;

	for (size_t i = 0; i < h->count; i++)
		if (span_equal(SPAN_ARRAY(h->keys[i].spki.b),
			       SPAN_ARRAY(spki->b)))
			k = &h->keys[i];
	if (!k)
		return RC_DENIED;
	add_tbs(k, tbs);
	if (k->not_after < not_after)
		k->not_after = not_after;
	for (struct custody_key *old = h->keys; old < k; old++)
		if (strcmp(old->use, k->use) == 0 && !old->retired_at)
			old->retired_at = retire_at;
	return RC_OK;
}

static int64_t ends_at(const struct custody_key *k)
{
	return k->not_after ? k->not_after : k->retired_at + LIFE_MAX_S;
}

bool keybook_drop(struct keybook *h, struct custody_key *old, int64_t now)
{
	for (size_t i = 0; i < h->count; i++) {
		struct custody_key *k = &h->keys[i];

		if (!k->retired_at || ends_at(k) > now - KEPT_AFTER_S)
			continue;
		*old = *k;
		memmove(k, k + 1, (h->count - i - 1) * sizeof(*k));
		h->count--;
		return true;
	}
	return false;
}

static void write_one(struct jwrite *j, const struct custody_key *k)
{
	jwrite_object(j, NULL);
	jwrite_hex(j, "point", SPAN_ARRAY(k->point.xy));
	jwrite_str(j, "use", k->use);
	jwrite_number(j, "made_at", (uint64_t)k->made_at);
	jwrite_number(j, "retired_at", (uint64_t)k->retired_at);
	jwrite_number(j, "not_after", (uint64_t)k->not_after);
	jwrite_array(j, "tbs");
	for (size_t i = 0; i < k->tbs_count; i++)
		jwrite_hex(j, NULL, SPAN_ARRAY(k->tbs[i].b));
	jwrite_end(j);
	jwrite_end(j);
}

enum rc keybook_write(struct buf *out, const struct keybook *h)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "v", 1);
	jwrite_number(&j, "begun_at", (uint64_t)h->begun_at);
	jwrite_array(&j, "keys");
	for (size_t i = 0; i < h->count; i++)
		write_one(&j, &h->keys[i]);
	jwrite_end(&j);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

static bool is_a(const struct jtree *v, enum jtree_type type)
{
	return v && v->type == type;
}

static bool get_time(int64_t *out, const struct jtree *object, const char *key)
{
	const struct jtree *v = jtree_get(object, key);

	if (!is_a(v, JTREE_NUMBER) || v->number > INT64_MAX)
		return false;
	*out = (int64_t)v->number;
	return true;
}

static bool read_tbs(struct custody_key *k, const struct jtree *list)
{
	if (!is_a(list, JTREE_ARRAY) || list->count > CUSTODY_TBS_MAX)
		return false;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (v->type != JTREE_TEXT ||
		    !text_hex_decode(k->tbs[k->tbs_count++].b,
				     sizeof(k->tbs[0].b), v->text))
			return false;
	return true;
}

static bool read_one(struct custody_key *k, const struct jtree *v)
{
	const struct jtree *point = jtree_get(v, "point");
	const struct jtree *use = jtree_get(v, "use");

	if (!is_a(point, JTREE_TEXT) ||
	    !text_hex_decode(k->point.xy, sizeof(k->point.xy), point->text) ||
	    !is_a(use, JTREE_TEXT) || use->text.n >= sizeof(k->use) ||
	    !get_time(&k->made_at, v, "made_at") ||
	    !get_time(&k->retired_at, v, "retired_at") ||
	    (jtree_get(v, "not_after") &&
	     !get_time(&k->not_after, v, "not_after")))
		return false;
	memcpy(k->use, use->text.p, use->text.n);
	spki_hash(&k->spki, &k->point);
	return read_tbs(k, jtree_get(v, "tbs"));
}

enum rc keybook_read(struct keybook *out, struct span json)
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(mem_auto_free)
	struct keybook *h = mem_new(sizeof(*h));
	const struct jtree *top, *list, *version;

	arena_init(&arena, TREE_MAX);
	top = jtree_read(&arena, json);
	version = jtree_get(top, "v");
	list = jtree_get(top, "keys");
	if (!is_a(version, JTREE_NUMBER) || version->number != 1 ||
	    !is_a(list, JTREE_ARRAY) || list->count > CUSTODY_KEYS_MAX)
		return RC_MALFORMED;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (!read_one(&h->keys[h->count++], v))
			return RC_MALFORMED;
	/* Kept since keys are forgotten. */
	if (h->count)
		h->begun_at = h->keys[0].made_at;
	if (jtree_get(top, "begun_at") &&
	    !get_time(&h->begun_at, top, "begun_at"))
		return RC_MALFORMED;
	*out = *h;
	return RC_OK;
}
