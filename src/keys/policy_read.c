#include "keys/policy_read.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "keys/document.h"
#include "keys/member.h"

static const char policy_type[] = "postern/kms-policy/v1";

/* A name for people and references: 1..63 of a-z, 0-9, '-', '.', '_'. */
static bool is_name(struct span text)
{
	return keys_is_purpose(text) && !memchr(text.p, '/', text.n);
}

static bool read_image(struct keys_image *out,
		       const struct keys_policy_reading *r,
		       const struct jtree *item)
{
	static const char *const known[] = { "name", "mr_td", "rtmr0",
					     "rtmr1", "rtmr2", NULL };
	struct keys_measurement *m = &out->measurement;
	struct span name;

	if (!keys_member_only(item, known) ||
	    !keys_member_text(&name, item, "name") || !is_name(name) ||
	    !keys_member_hex(m->mr_td, 48, item, "mr_td") ||
	    !keys_member_hex(m->rtmr1, 48, item, "rtmr1") ||
	    !keys_member_hex(m->rtmr2, 48, item, "rtmr2"))
		return false;
	out->is_rtmr0_free = !jtree_get(item, "rtmr0");
	if (!out->is_rtmr0_free &&
	    !keys_member_hex(m->rtmr0, 48, item, "rtmr0"))
		return false;
	out->name = arena_dup(r->arena, name);
	return out->name != NULL;
}

bool keys_policy_read_find(size_t *out, const struct keys_policy *p,
			   struct span name)
{
	for (size_t i = 0; i < p->image_count; i++)
		if (span_equal_str(name, p->images[i].name)) {
			*out = i;
			return true;
		}
	return false;
}

static bool read_images(struct keys_policy *p,
			const struct keys_policy_reading *r,
			const struct jtree *object)
{
	const struct jtree *array;
	struct keys_image *images;
	size_t other;

	if (!keys_member_array(&array, object, "images", KEYS_IMAGES_MAX))
		return false;
	if (!array || !array->count)
		return true;
	images = arena_new(r->arena, array->count, sizeof(*images));
	p->images = images;
	if (!images)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next) {
		struct keys_image *image = &images[p->image_count];

		if (!read_image(image, r, i) ||
		    keys_policy_read_find(&other, p, span_str(image->name)))
			return false;
		p->image_count++;
	}
	return true;
}

static bool read_nodes(struct keys_policy *p, const struct jtree *object)
{
	const struct jtree *array;

	if (!keys_member_array(&array, object, "nodes", KEYS_NODES_MAX) ||
	    !array || !array->count)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next) {
		uint8_t id[KEYS_ID_LEN];

		if (i->type != JTREE_TEXT ||
		    !text_hex_decode(id, sizeof(id), i->text) ||
		    keys_policy_has_node(p, id))
			return false;
		memcpy(p->nodes[p->node_count++], id, sizeof(id));
	}
	return true;
}

static bool read_kms(struct keys_policy *p, const struct keys_policy_reading *r,
		     const struct jtree *object)
{
	static const char *const known[] = { "app", "image", NULL };
	const struct jtree *array;
	struct keys_kms *kms;
	struct span name;

	if (!keys_member_array(&array, object, "kms", KEYS_IMAGES_MAX))
		return false;
	if (!array || !array->count)
		return true;
	kms = arena_new(r->arena, array->count, sizeof(*kms));
	p->kms = kms;
	if (!kms)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next, kms++) {
		if (!keys_member_only(i, known) ||
		    !keys_member_hex(kms->app, sizeof(kms->app), i, "app") ||
		    !keys_member_text(&name, i, "image") ||
		    !keys_policy_read_find(&kms->image, p, name))
			return false;
		p->kms_count++;
	}
	return true;
}

static bool read_release(bool *alone, const struct jtree *object)
{
	struct span text = span_str("quorum");

	if (jtree_get(object, "release") &&
	    !keys_member_text(&text, object, "release"))
		return false;
	*alone = span_equal_str(text, "known");
	return *alone || span_equal_str(text, "quorum");
}

static bool read_head(struct keys_policy *p,
		      const struct keys_policy_reading *r,
		      const struct jtree *object)
{
	static const char *const known[] = { "type", "serial", "issued",
					     "nodes", "images", "kms",
					     "release", "majority_lost",
					     "simulated", "apps", NULL };
	uint64_t serial = 0;
	struct span text;

	if (!keys_member_only(object, known))
		return keys_member_bad(r->error, "policy",
				       "the members of this version alone");
	if (!keys_member_text(&text, object, "type") ||
	    !span_equal_str(text, policy_type))
		return keys_member_bad(r->error, "type", policy_type);
	if (!keys_member_number(&serial, object, "serial", 1, UINT32_MAX) ||
	    !serial)
		return keys_member_bad(r->error, "serial", "a number from 1");
	p->serial = (uint32_t)serial;
	if (!keys_member_text(&text, object, "issued") ||
	    !text_utc(&p->issued_at, text))
		return keys_member_bad(r->error, "issued",
				       "a time such as 2026-11-28T00:00:00Z");
	if (!read_release(&p->releases_alone, object))
		return keys_member_bad(r->error, "release",
				       "\"quorum\" or \"known\"");
	if (!keys_member_bool(&p->is_majority_lost, object, "majority_lost"))
		return keys_member_bad(r->error, "majority_lost",
				       "true or false");
	if (!keys_member_bool(&p->accepts_simulated, object, "simulated"))
		return keys_member_bad(r->error, "simulated", "true or false");
	return true;
}

enum keys_reason keys_policy_read_object(struct keys_policy *out,
					 struct arena *arena,
					 struct span object,
					 char error[KEYS_POLICY_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena room = { .max = KEYS_POLICY_TREE_MAX };
	struct keys_policy p = { 0 };
	const struct keys_policy_reading r = { arena, error, &p };
	const struct jtree *tree;
	bool ok;

	tree = object.n > KEYS_POLICY_MAX ? NULL : jtree_read(&room, object);
	if (!tree) {
		(void)keys_member_bad(error, "policy",
				      "JSON of at most 60 KiB");
		return KEYS_MALFORMED;
	}
	ok = read_head(&p, &r, tree);
	if (ok && !read_nodes(&p, tree))
		ok = keys_member_bad(error, "nodes",
				     "1 to 16 instance ids, each once");
	if (ok && !read_images(&p, &r, tree))
		ok = keys_member_bad(
			error, "images",
			"a name, and mr_td, rtmr1, rtmr2 of 96 hex digits");
	if (ok && !read_kms(&p, &r, tree))
		ok = keys_member_bad(error, "kms",
				     "app and the name of an image");
	if (ok && !keys_policy_read_apps(&p, &r, tree)) {
		char which[24];

		(void)snprintf(which, sizeof(which), "apps[%zu]", p.app_count);
		ok = keys_member_bad(
			error, which,
			"app (once), images by name, manifests (each once), "
			"lists of purposes, bounds and instances");
	}
	if (!ok)
		return KEYS_MALFORMED;
	*out = p;
	return KEYS_OK;
}

enum keys_reason keys_policy_read(struct keys_policy *out, struct arena *arena,
				  struct span text,
				  const struct keys_authority *authority,
				  char error[KEYS_POLICY_ERROR_MAX])
{
	struct keys_signature signatures[KEYS_ADMINS_MAX];
	enum keys_reason reason;
	struct keys_policy p;
	struct span object;
	size_t count;

	if (!keys_document_split(&object, signatures, &count, text)) {
		(void)keys_member_bad(error, "document",
				      "policy and signatures, as JSON");
		return KEYS_MALFORMED;
	}
	/* Before anything of it is looked at. */
	if (!keys_authority_check(authority, object, signatures, count, error))
		return KEYS_SIGNATURES;
	reason = keys_policy_read_object(&p, arena, object, error);
	if (reason)
		return reason;
	p.signer_count = count;
	*out = p;
	return KEYS_OK;
}
