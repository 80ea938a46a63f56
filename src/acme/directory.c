#include "acme/directory.h"

#include <string.h>

#include "base/mem.h"
#include "json/jtree.h"

static const char *const entry_name[DIRECTORY_ENTRIES] = {
	[DIRECTORY_NEW_NONCE] = "newNonce",
	[DIRECTORY_NEW_ACCOUNT] = "newAccount",
	[DIRECTORY_NEW_ORDER] = "newOrder",
	[DIRECTORY_REVOKE_CERT] = "revokeCert",
	[DIRECTORY_KEY_CHANGE] = "keyChange",
	[DIRECTORY_NEW_AUTHZ] = "newAuthz",
	[DIRECTORY_RENEWAL_INFO] = "renewalInfo",
};

static bool is_optional(enum directory_entry e)
{
	return e == DIRECTORY_NEW_AUTHZ || e == DIRECTORY_RENEWAL_INFO;
}

/* Printable ASCII, as a URL, a name or a word of a server has to be. */
static bool copy_text(char *out, size_t cap, struct span s)
{
	if (!s.n || s.n >= cap)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return true;
}

bool directory_url(char out[ACME_URL_MAX], struct span url, const char *base)
{
	const struct span https = span_str("https://");
	const struct span http = span_str("http://");
	char copy[ACME_URL_MAX];

	if (!span_has_prefix(url, https) &&
	    (!span_has_prefix(url, http) ||
	     span_has_prefix(span_str(base), https)))
		return false;
	if (!copy_text(copy, sizeof(copy), url))
		return false;
	memcpy(out, copy, sizeof(copy));
	return true;
}

static bool read_entries(struct directory *d, const struct jtree *top)
{
	for (enum directory_entry e = 0; e < DIRECTORY_ENTRIES; e++) {
		const struct jtree *v = jtree_get(top, entry_name[e]);

		if (!v && is_optional(e))
			continue;
		if (!v || v->type != JTREE_TEXT ||
		    !copy_text(d->url[e], ACME_URL_MAX, v->text))
			return false;
	}
	return true;
}

/* Absent, or a text that fits. */
static bool optional_text(char *out, size_t cap, const struct jtree *v)
{
	return !v || (v->type == JTREE_TEXT &&
		      (!v->text.n || copy_text(out, cap, v->text)));
}

static enum rc read_issuers(struct directory *d, const struct jtree *list)
{
	if (!list)
		return RC_OK;
	if (list->type != JTREE_ARRAY)
		return RC_MALFORMED;
	if (list->count > DIRECTORY_ISSUERS_MAX)
		return RC_LIMIT;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (v->type != JTREE_TEXT ||
		    !copy_text(d->issuer[d->issuer_count++],
			       DIRECTORY_ISSUER_MAX, v->text))
			return RC_MALFORMED;
	return RC_OK;
}

static bool read_profiles(struct directory *d, const struct jtree *map)
{
	if (!map)
		return true;
	if (map->type != JTREE_OBJECT)
		return false;
	d->has_profiles = true;
	for (const struct jtree *v = map->first; v; v = v->next)
		if (d->profile_count < DIRECTORY_PROFILES_MAX &&
		    copy_text(d->profile[d->profile_count],
			      DIRECTORY_PROFILE_MAX, v->key))
			d->profile_count++;
	return true;
}

static enum rc read_meta(struct directory *d, const struct jtree *meta)
{
	const struct jtree *needs;

	if (!meta)
		return RC_OK;
	needs = jtree_get(meta, "externalAccountRequired");
	if (meta->type != JTREE_OBJECT ||
	    (needs && needs->type != JTREE_BOOL) ||
	    !optional_text(d->terms, sizeof(d->terms),
			   jtree_get(meta, "termsOfService")) ||
	    !optional_text(d->website, sizeof(d->website),
			   jtree_get(meta, "website")) ||
	    !read_profiles(d, jtree_get(meta, "profiles")))
		return RC_MALFORMED;
	d->needs_binding = needs && needs->is_true;
	return read_issuers(d, jtree_get(meta, "caaIdentities"));
}

enum rc directory_read(struct directory *out, struct span json)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	struct directory d = { 0 };
	const struct jtree *top;
	enum rc rc;

	if (json.n > DIRECTORY_JSON_MAX)
		return RC_LIMIT;
	arena_init(&arena, 16 * DIRECTORY_JSON_MAX);
	top = jtree_read(&arena, json);
	if (!top || top->type != JTREE_OBJECT || !read_entries(&d, top))
		return RC_MALFORMED;
	rc = read_meta(&d, jtree_get(top, "meta"));
	if (rc)
		return rc;
	*out = d;
	return RC_OK;
}

bool directory_keeps_to(const struct directory *d, const char *base)
{
	char url[ACME_URL_MAX];

	for (enum directory_entry e = 0; e < DIRECTORY_ENTRIES; e++)
		if (d->url[e][0] &&
		    !directory_url(url, span_str(d->url[e]), base))
			return false;
	return true;
}

bool directory_has_profile(const struct directory *d, const char *name)
{
	for (size_t i = 0; i < d->profile_count; i++)
		if (strcmp(d->profile[i], name) == 0)
			return true;
	return false;
}
