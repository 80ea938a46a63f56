/*
 * The client's state as JSON: the account, and the order that has a URL.
 */
#include "acme/flow.h"

#include <stdlib.h>
#include <string.h>

#include "acme/member.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/jwrite.h"

enum {
	VERSION = 1,
	ARENA_MAX = 16 * 1024 * 1024,
	BASE64_MAX = CERTIFICATE_MAX / 3 * 4 + 4,
};

static const char *const kind_name[] = {
	[KIND_ISSUE] = "issue",
	[KIND_AUTHORIZE] = "authorize",
	[KIND_REVOKE] = "revoke",
};

static void save_account(struct jwrite *j, const struct account *a)
{
	jwrite_object(j, "account");
	jwrite_str(j, "status", account_status_name(a->status));
	jwrite_str(j, "url", a->url);
	jwrite_str(j, "key", a->key.text);
	jwrite_str(j, "nextKey", a->next_key.text);
	jwrite_end(j);
}

static void save_names(struct jwrite *j, const struct names *names)
{
	jwrite_array(j, "names");
	for (size_t i = 0; i < names->count; i++)
		jwrite_str(j, NULL, names->of[i].text);
	jwrite_end(j);
}

static void save_shown(struct jwrite *j, const struct order_job *o)
{
	jwrite_array(j, "shown");
	for (size_t i = 0; i < o->proof_count; i++) {
		const struct proof *p = &o->proof[i];

		jwrite_object(j, NULL);
		jwrite_str(j, "type", challenge_name(p->type));
		jwrite_str(j, "name", p->name.text);
		jwrite_str(j, "where", p->where);
		jwrite_str(j, "value", p->value);
		jwrite_end(j);
	}
	jwrite_end(j);
}

static void save_order(struct jwrite *j, const struct acme *a)
{
	const struct order_job *o = a->order;

	jwrite_object(j, "order");
	jwrite_str(j, "kind", kind_name[o->kind]);
	save_names(j, &o->names);
	jwrite_str(j, "profile", o->profile);
	jwrite_str(j, "replaces", o->replaces);
	jwrite_bool(j, "hasDroppedReplaces", o->has_dropped_replaces);
	jwrite_number(j, "notBefore", (uint64_t)o->not_before);
	jwrite_number(j, "notAfter", (uint64_t)o->not_after);
	jwrite_str(j, "url", o->url);
	jwrite_str(j, "key", o->key.text);
	jwrite_bool(j, "isFinalized", o->is_finalized);
	save_shown(j, o);
	if (o->kind == KIND_REVOKE) {
		jwrite_base64(j, "certificate", buf_span(&a->revoke_der));
		jwrite_number(j, "reason", a->revoke_reason);
	}
	jwrite_end(j);
}

static bool is_saved(const struct order_job *o)
{
	return o && o->is_live && (o->url[0] || o->proof_count);
}

enum rc acme_save(struct acme *a, struct buf *out)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct jwrite j;

	buf_init(&text, ACME_STATE_MAX);
	j = jwrite_to(&text);
	jwrite_object(&j, NULL);
	jwrite_number(&j, "version", VERSION);
	jwrite_str(&j, "directory", a->session.directory_url);
	save_account(&j, &a->account);
	if (is_saved(a->order))
		save_order(&j, a);
	jwrite_end(&j);
	if (!jwrite_done(&j) || !buf_add(out, buf_span(&text)))
		return RC_LIMIT;
	a->is_changed = false;
	return RC_OK;
}

/* A URL, or empty. */
static bool copy_url(char out[ACME_URL_MAX], const struct jtree *object,
		     const char *key, const char *base)
{
	const struct jtree *v = jtree_get(object, key);

	if (!v || v->type != JTREE_TEXT)
		return false;
	out[0] = 0;
	return !v->text.n || directory_url(out, v->text, base);
}

/* A thumbprint, or empty. */
static bool copy_key(struct jws_thumbprint *out, const struct jtree *object,
		     const char *key)
{
	size_t n;

	if (!MEMBER_COPY(out->text, object, key))
		return false;
	n = strlen(out->text);
	return n == 0 || n == JWS_HASH_LEN;
}

static bool load_account(struct account *out, const struct jtree *v,
			 const char *base)
{
	char status[16];

	return MEMBER_COPY(status, v, "status") &&
	       account_status_of(&out->status, span_str(status)) &&
	       copy_url(out->url, v, "url", base) &&
	       copy_key(&out->key, v, "key") &&
	       copy_key(&out->next_key, v, "nextKey") &&
	       (out->status == ACCOUNT_NONE || (out->url[0] &&
						out->key.text[0]));
}

static bool load_names(struct names *out, const struct jtree *list)
{
	if (!list || list->type != JTREE_ARRAY || !list->count)
		return false;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (v->type != JTREE_TEXT || names_put(out, v->text) != RC_OK)
			return false;
	return true;
}

static bool load_proof(struct proof *out, const struct jtree *v)
{
	char type[32], name[NAME_MAX_LEN + 1];

	out->state = PROOF_SHOWN;
	return MEMBER_COPY(type, v, "type") &&
	       challenge_type_of(&out->type, span_str(type)) &&
	       MEMBER_COPY(name, v, "name") &&
	       name_read(&out->name, span_str(name)) == RC_OK &&
	       MEMBER_COPY(out->where, v, "where") &&
	       MEMBER_COPY(out->value, v, "value");
}

static bool load_shown(struct order_job *o, const struct jtree *list)
{
	if (!list || list->type != JTREE_ARRAY || list->count > NAMES_MAX)
		return false;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (!load_proof(&o->proof[o->proof_count++], v))
			return false;
	return true;
}

static bool load_kind(struct order_job *o, const struct jtree *v)
{
	char name[16];

	if (!MEMBER_COPY(name, v, "kind"))
		return false;
	for (enum order_kind k = KIND_ISSUE; k <= KIND_REVOKE; k++)
		if (strcmp(name, kind_name[k]) == 0) {
			o->kind = k;
			return true;
		}
	return false;
}

static bool load_order(struct order_job *o, const struct jtree *v,
		       const char *base)
{
	o->is_live = true;
	return load_kind(o, v) &&
	       load_names(&o->names, jtree_get(v, "names")) &&
	       MEMBER_COPY(o->profile, v, "profile") &&
	       MEMBER_COPY(o->replaces, v, "replaces") &&
	       member_bool(&o->has_dropped_replaces, v, "hasDroppedReplaces") &&
	       member_number(&o->not_before, v, "notBefore") &&
	       member_number(&o->not_after, v, "notAfter") &&
	       copy_url(o->url, v, "url", base) &&
	       copy_key(&o->key, v, "key") &&
	       member_bool(&o->is_finalized, v, "isFinalized") &&
	       (o->key.text[0] || !o->is_finalized) &&
	       load_shown(o, jtree_get(v, "shown")) && is_saved(o);
}

/* What is to be revoked, of an order that is for that. */
static bool load_revocation(struct buf *der, unsigned *reason,
			    const struct jtree *v)
{
	const struct jtree *text = jtree_get(v, "certificate");
	int64_t number;
	uint8_t *p;
	size_t n, room;

	p = buf_space(der, CERTIFICATE_MAX, &room);
	if (!text || text->type != JTREE_TEXT || text->text.n > BASE64_MAX ||
	    !text_base64_decode(p, room, &n, text->text) ||
	    !member_number(&number, v, "reason") || number > UINT8_MAX)
		return false;
	buf_commit(der, n);
	*reason = (unsigned)number;
	return true;
}

static enum rc load(struct acme *a, const struct jtree *top)
{
	AUTO(mem_auto_free)
	struct order_job *o = mem_new(sizeof(*o));
	AUTO(buf_fini)
	struct buf der = { 0 };
	const char *base = a->session.directory_url;
	const struct jtree *order = jtree_get(top, "order");
	struct account account = { 0 };
	unsigned reason = 0;

	buf_init(&der, CERTIFICATE_MAX);
	if (!load_account(&account, jtree_get(top, "account"), base))
		return RC_MALFORMED;
	if (order && (!load_order(o, order, base) ||
		      (o->kind == KIND_REVOKE &&
		       !load_revocation(&der, &reason, order))))
		return RC_MALFORMED;
	a->account = account;
	if (!order)
		return RC_OK;
	free(a->order);
	a->order = STEAL(o);
	buf_fini(&a->revoke_der);
	a->revoke_der = der;
	der = (struct buf){ 0 };
	a->revoke_reason = reason;
	return RC_OK;
}

enum rc acme_load(struct acme *a, struct span state)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	const struct jtree *top, *directory;
	int64_t version;

	if (state.n > ACME_STATE_MAX)
		return RC_MALFORMED;
	arena_init(&arena, ARENA_MAX);
	top = jtree_read(&arena, state);
	if (!member_number(&version, top, "version"))
		return RC_MALFORMED;
	if (version != VERSION)
		return RC_UNSUPPORTED;
	directory = jtree_get(top, "directory");
	if (!directory || directory->type != JTREE_TEXT)
		return RC_MALFORMED;
	if (!span_equal_str(directory->text, a->session.directory_url))
		return RC_DENIED;
	return load(a, top);
}
