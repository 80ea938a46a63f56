#include "certd/pinned.h"

#include <string.h>

#include "base/mem.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	TREE_MAX = 256 * 1024,
};

bool pinned_find(struct pins_account *out, const struct pinned *p,
		 const char *url)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->of[i].url, url) != 0)
			continue;
		*out = p->of[i];
		return true;
	}
	return false;
}

static bool is_same(const struct pins_account *a, const struct pins_account *b)
{
	if (strcmp(a->url, b->url) != 0 || a->issuer_count != b->issuer_count)
		return false;
	for (size_t i = 0; i < a->issuer_count; i++)
		if (strcmp(a->issuer[i], b->issuer[i]) != 0)
			return false;
	return true;
}

bool pinned_equal(const struct pinned *a, const struct pinned *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!is_same(&a->of[i], &b->of[i]))
			return false;
	return true;
}

enum rc pinned_write(struct buf *out, const struct pinned *p)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "v", 1);
	jwrite_array(&j, "accounts");
	for (size_t i = 0; i < p->count; i++) {
		const struct pins_account *a = &p->of[i];

		jwrite_object(&j, NULL);
		jwrite_str(&j, "url", a->url);
		jwrite_array(&j, "issuers");
		for (size_t k = 0; k < a->issuer_count; k++)
			jwrite_str(&j, NULL, a->issuer[k]);
		jwrite_end(&j);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

static bool take_text(char *out, size_t size, const struct jtree *v)
{
	if (!v || v->type != JTREE_TEXT || !v->text.n || v->text.n >= size)
		return false;
	memcpy(out, v->text.p, v->text.n);
	out[v->text.n] = '\0';
	return true;
}

static bool read_account(struct pins_account *a, const struct jtree *v)
{
	const struct jtree *list = jtree_get(v, "issuers");

	if (!take_text(a->url, sizeof(a->url), jtree_get(v, "url")) || !list ||
	    list->type != JTREE_ARRAY || list->count == 0 ||
	    list->count > DIRECTORY_ISSUERS_MAX)
		return false;
	for (const struct jtree *at = list->first; at; at = at->next)
		if (!take_text(a->issuer[a->issuer_count++],
			       sizeof(a->issuer[0]), at))
			return false;
	return true;
}

enum rc pinned_read(struct pinned *out, struct span json)
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(mem_auto_free)
	struct pinned *p = mem_new(sizeof(*p));
	const struct jtree *top, *version, *list;

	arena_init(&arena, TREE_MAX);
	top = jtree_read(&arena, json);
	version = jtree_get(top, "v");
	list = jtree_get(top, "accounts");
	if (!version || version->type != JTREE_NUMBER || version->number != 1 ||
	    !list || list->type != JTREE_ARRAY ||
	    list->count > PINS_ACCOUNTS_MAX)
		return RC_MALFORMED;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (!read_account(&p->of[p->count++], v))
			return RC_MALFORMED;
	*out = *p;
	return RC_OK;
}
