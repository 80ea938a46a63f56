#include "tee/platforms.h"

#include <assert.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "pki/cert.h"
#include "pki/pem.h"
#include "tee/document.h"

enum {
	KEY_DER_MAX = 256,
};

static const char list_type[] = "postern/platforms/v1";
static const char list_member[] = "platform_list";

const char *platform_use_name(enum platform_use use)
{
	return use == PLATFORM_DENY ? "deny" : "allow";
}

bool platform_is_name(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~' || text.p[i] == '"' ||
		    text.p[i] == '\\')
			return false;
	return text.n && text.n <= PLATFORM_NAME_MAX;
}

bool platforms_key(struct p256_point *out, struct span pem)
{
	uint8_t room[KEY_DER_MAX];
	struct wr w = WR_ARRAY(room);
	struct p256_point point;
	struct span der;

	if (pem_decode(&der, 1, &w, PEM_PUBLIC_KEY, pem) ||
	    cert_public_key(&point, der) || !p256_is_point(&point))
		return false;
	*out = point;
	return true;
}

/* Nothing in the object but these members. */
static bool has_only(const struct jtree *object, const char *const *known)
{
	size_t count = 0;

	for (size_t i = 0; known[i]; i++)
		count += document_has(object, known[i]);
	return count == object->count;
}

static bool read_name(const char **out, struct arena *arena,
		      const struct jtree *object, const char *key)
{
	struct span text;

	if (!document_text(object, key, &text) || !platform_is_name(text))
		return false;
	*out = arena_dup(arena, text);
	return *out != NULL;
}

static bool read_use(enum platform_use *out, const struct jtree *list)
{
	struct span text;

	if (!document_text(list, "use", &text))
		return false;
	if (span_equal_str(text, "allow"))
		*out = PLATFORM_ALLOW;
	else if (span_equal_str(text, "deny"))
		*out = PLATFORM_DENY;
	else
		return false;
	return true;
}

/* Zero stands for "not said" in struct platform, so it cannot be said. */
static bool read_platform(struct platform *out, struct arena *arena,
			  const struct jtree *from)
{
	static const char *const known[] = {
		"ppid",
		"instance",
		"until",
		"operator",
		"level",
		NULL,
	};

	if (from->type != JTREE_OBJECT || !has_only(from, known) ||
	    !document_hex(from, "ppid", out->ppid, sizeof(out->ppid)))
		return false;
	if (document_has(from, "instance") &&
	    (!document_hex(from, "instance", out->instance,
			   sizeof(out->instance)) ||
	     span_is_zero(SPAN_ARRAY(out->instance))))
		return false;
	if (document_has(from, "until") &&
	    (!document_time(from, "until", &out->until) || !out->until))
		return false;
	if (document_has(from, "level") &&
	    (!document_u32(from, "level", &out->level, PLATFORM_LEVEL_MAX) ||
	     !out->level))
		return false;
	return !document_has(from, "operator") ||
	       read_name(&out->operator, arena, from, "operator");
}

static bool read_platforms(struct platform_list *out, struct arena *arena,
			   const struct jtree *list)
{
	const struct jtree *array, *item;
	struct platform *platforms;

	if (!document_array(list, "platforms", &array, PLATFORM_LIST_MAX))
		return false;
	out->count = array->count;
	platforms = arena_new(arena, out->count, sizeof(*platforms));
	if (!platforms)
		return false;
	item = array->first;
	for (size_t i = 0; item; i++, item = item->next)
		if (!read_platform(&platforms[i], arena, item))
			return false;
	out->platforms = platforms;
	return true;
}

static bool read_list(struct platform_list *out, struct arena *arena,
		      const struct jtree *list)
{
	static const char *const known[] = {
		"type",
		"name",
		"use",
		"serial",
		"issued",
		"expires",
		"platforms",
		NULL,
	};
	struct span type;

	return has_only(list, known) && document_text(list, "type", &type) &&
	       span_equal_str(type, list_type) &&
	       read_name(&out->name, arena, list, "name") &&
	       read_use(&out->use, list) &&
	       document_u32(list, "serial", &out->serial, UINT32_MAX) &&
	       document_time(list, "issued", &out->issued_at) &&
	       document_time(list, "expires", &out->expires_at) &&
	       out->issued_at <= out->expires_at &&
	       read_platforms(out, arena, list);
}

enum tee_reason platforms_read(struct platform_list *out, struct arena *arena,
			       struct span text, const struct p256_point *key)
{
	static_assert((int)PLATFORM_LIST_MAX <= (int)DOCUMENT_MAX);
	struct platform_list list = { 0 };
	struct p256_signature signature;
	struct span object;
	AUTO(arena_fini)
	struct arena room = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *tree;

	if (text.n > PLATFORM_LIST_MAX ||
	    !document_split(&object, &signature, text, list_member))
		return TEE_LIST_MALFORMED;
	/* Before anything of it is looked at. */
	if (!p256_verify(key, &signature, object))
		return TEE_LIST_SIGNATURE;
	tree = document_load(&room, object);
	if (!tree || tree->type != JTREE_OBJECT ||
	    !read_list(&list, arena, tree))
		return TEE_LIST_MALFORMED;
	*out = list;
	return TEE_OK;
}

static void write_time(struct wr *w, const char *key, int64_t at)
{
	wr_printf(w, ",\"%s\":\"", key);
	text_utc_write(w, at);
	wr_str(w, "\"");
}

static void write_platform(struct wr *w, const struct platform *p)
{
	wr_str(w, "{\"ppid\":\"");
	text_hex(w, SPAN_ARRAY(p->ppid));
	wr_str(w, "\"");
	if (!span_is_zero(SPAN_ARRAY(p->instance))) {
		wr_str(w, ",\"instance\":\"");
		text_hex(w, SPAN_ARRAY(p->instance));
		wr_str(w, "\"");
	}
	if (p->until)
		write_time(w, "until", p->until);
	if (p->operator)
		wr_printf(w, ",\"operator\":\"%s\"", p->operator);
	if (p->level)
		wr_printf(w, ",\"level\":%u", p->level);
	wr_str(w, "}");
}

static void write_list(struct wr *w, const struct platform_list *list)
{
	wr_printf(w, "{\"type\":\"%s\",\"name\":\"%s\"", list_type, list->name);
	wr_printf(w, ",\"use\":\"%s\"", platform_use_name(list->use));
	wr_printf(w, ",\"serial\":%u", list->serial);
	write_time(w, "issued", list->issued_at);
	write_time(w, "expires", list->expires_at);
	wr_str(w, ",\"platforms\":[");
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			wr_str(w, ",");
		write_platform(w, &list->platforms[i]);
	}
	wr_str(w, "]}");
}

void platforms_write(struct wr *w, const struct platform_list *list,
		     const struct p256_private *key)
{
	struct p256_signature signature;
	struct span object;
	size_t begin;

	wr_printf(w, "{\"%s\":", list_member);
	begin = w->n;
	write_list(w, list);
	object = wr_span(w);
	if (!rd_skip(&object, begin))
		return; /* it did not fit */
	p256_sign(key, &signature, object);
	wr_str(w, ",\"signature\":\"");
	text_hex(w, SPAN_ARRAY(signature.rs));
	wr_str(w, "\"}\n");
}
