#include "acme/order.h"

#include <string.h>

#include "acme/member.h"
#include "acme/when.h"
#include "base/mem.h"
#include "json/jwrite.h"

enum {
	BODY_MAX = 256 * 1024,
	ARENA_MAX = 4 * 1024 * 1024,
};

static const char *const statuses[] = {
	[ORDER_PENDING] = "pending",
	[ORDER_READY] = "ready",
	[ORDER_PROCESSING] = "processing",
	[ORDER_VALID] = "valid",
	[ORDER_INVALID] = "invalid",
};

static enum rc done(const struct jwrite *j)
{
	return jwrite_done(j) ? RC_OK : RC_LIMIT;
}

static void write_name(struct jwrite *j, const char *key, const struct name *n)
{
	jwrite_object(j, key);
	jwrite_str(j, "type", name_type(n));
	jwrite_str(j, "value", n->text);
	jwrite_end(j);
}

enum rc order_new_payload(struct buf *out, const struct order_wish *w)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_array(&j, "identifiers");
	for (size_t i = 0; i < w->names->count; i++)
		write_name(&j, NULL, &w->names->of[i]);
	jwrite_end(&j);
	if (w->not_before)
		jwrite_utc(&j, "notBefore", w->not_before);
	if (w->not_after)
		jwrite_utc(&j, "notAfter", w->not_after);
	if (w->profile && w->profile[0])
		jwrite_str(&j, "profile", w->profile);
	if (w->replaces && w->replaces[0])
		jwrite_str(&j, "replaces", w->replaces);
	jwrite_end(&j);
	return done(&j);
}

enum rc order_authz_payload(struct buf *out, const struct name *n)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	write_name(&j, "identifier", n);
	jwrite_end(&j);
	return done(&j);
}

enum rc order_finalize_payload(struct buf *out, struct span csr)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_base64url(&j, "csr", csr);
	jwrite_end(&j);
	return done(&j);
}

enum rc order_deactivate_payload(struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "status", "deactivated");
	jwrite_end(&j);
	return done(&j);
}

enum rc order_revoke_payload(struct buf *out, struct span certificate,
			     unsigned reason)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_base64url(&j, "certificate", certificate);
	if (reason)
		jwrite_number(&j, "reason", reason);
	jwrite_end(&j);
	return done(&j);
}

static bool read_status(struct order_view *o, const struct jtree *top)
{
	struct span word = member_text(top, "status");

	for (enum order_status s = ORDER_PENDING; s <= ORDER_INVALID; s++)
		if (span_equal_str(word, statuses[s])) {
			o->status = s;
			return true;
		}
	return false;
}

/* The same names that were asked for, each once, in any order. */
static bool has_names(const struct names *names, const struct jtree *list)
{
	bool seen[NAMES_MAX] = { 0 };

	if (!list || list->type != JTREE_ARRAY || list->count != names->count)
		return false;
	for (const struct jtree *v = list->first; v; v = v->next) {
		const struct name *found;
		struct name n;

		if (name_read(&n, member_text(v, "value")) != RC_OK ||
		    !span_equal_str(member_text(v, "type"), name_type(&n)))
			return false;
		found = names_get(names, n.text);
		if (!found || seen[found - names->of])
			return false;
		seen[found - names->of] = true;
	}
	return true;
}

static bool read_authz(struct order_view *o, const struct jtree *list,
		       const char *base)
{
	if (!list || list->type != JTREE_ARRAY || !list->count ||
	    list->count > NAMES_MAX)
		return false;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (v->type != JTREE_TEXT ||
		    !directory_url(o->authz[o->authz_count++], v->text, base))
			return false;
	return true;
}

enum rc order_read(struct order_view *out, const struct names *names,
		   struct span json, const char *base)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	const struct jtree *top, *error;
	struct span certificate, expires;

	*out = (struct order_view){ 0 };
	if (json.n > BODY_MAX)
		return RC_MALFORMED;
	arena_init(&arena, ARENA_MAX);
	top = jtree_read(&arena, json);
	if (!top || !read_status(out, top) ||
	    !has_names(names, jtree_get(top, "identifiers")) ||
	    !read_authz(out, jtree_get(top, "authorizations"), base) ||
	    !directory_url(out->finalize, member_text(top, "finalize"), base))
		return RC_MALFORMED;
	certificate = member_text(top, "certificate");
	if ((certificate.n || out->status == ORDER_VALID) &&
	    !directory_url(out->certificate, certificate, base))
		return RC_MALFORMED;
	expires = member_text(top, "expires");
	if (expires.n && !when_stamp(&out->expires_at, expires))
		return RC_MALFORMED;
	error = jtree_get(top, "error");
	if (error && error->type == JTREE_OBJECT) {
		out->has_error = true;
		problem_of_tree(&out->error, error);
	}
	return RC_OK;
}
