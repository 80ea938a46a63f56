#include "tee/document.h"

#include "base/text.h"

static bool rd_signature(struct span *s, struct p256_signature *out)
{
	struct span hex;

	jtree_skip_white(s);
	return jtree_rd_string(s, &hex) &&
	       text_hex_decode(out->rs, sizeof(out->rs), hex);
}

bool document_split(struct span *object, struct p256_signature *signature,
		    struct span text, const char *name)
{
	struct span whole = { 0 }, key;
	struct p256_signature sig;
	bool has_signature = false;

	if (text.n > DOCUMENT_MAX)
		return false;
	jtree_skip_white(&text);
	if (!jtree_rd_byte(&text, '{'))
		return false;
	for (int i = 0; i < 2; i++) {
		jtree_skip_white(&text);
		if (i && !jtree_rd_byte(&text, ','))
			return false;
		jtree_skip_white(&text);
		if (!jtree_rd_string(&text, &key))
			return false;
		jtree_skip_white(&text);
		if (!jtree_rd_byte(&text, ':'))
			return false;
		if (span_equal_str(key, name) && !whole.n) {
			if (!jtree_rd_object(&text, &whole))
				return false;
		} else if (span_equal_str(key, "signature") && !has_signature) {
			if (!rd_signature(&text, &sig))
				return false;
			has_signature = true;
		} else {
			return false;
		}
	}
	jtree_skip_white(&text);
	if (!jtree_rd_byte(&text, '}'))
		return false;
	jtree_skip_white(&text);
	if (!rd_end(&text))
		return false;
	*object = whole;
	*signature = sig;
	return true;
}

const struct jtree *document_load(struct arena *arena, struct span text)
{
	return text.n > DOCUMENT_MAX ? NULL : jtree_read(arena, text);
}

bool document_has(const struct jtree *object, const char *key)
{
	return jtree_get(object, key) != NULL;
}

bool document_u32(const struct jtree *object, const char *key, uint32_t *v,
		  uint32_t max)
{
	const struct jtree *member = jtree_get(object, key);

	if (!member || member->type != JTREE_NUMBER || member->number > max)
		return false;
	*v = (uint32_t)member->number;
	return true;
}

bool document_text(const struct jtree *object, const char *key,
		   struct span *text)
{
	const struct jtree *member = jtree_get(object, key);

	if (!member || member->type != JTREE_TEXT)
		return false;
	*text = member->text;
	return true;
}

bool document_hex(const struct jtree *object, const char *key, void *out,
		  size_t n)
{
	struct span text;

	return document_text(object, key, &text) &&
	       text_hex_decode(out, n, text);
}

bool document_time(const struct jtree *object, const char *key, int64_t *unix_s)
{
	struct span text;

	return document_text(object, key, &text) && text_utc(unix_s, text);
}

bool document_array(const struct jtree *object, const char *key,
		    const struct jtree **array, size_t max)
{
	const struct jtree *member = jtree_get(object, key);

	if (!member || member->type != JTREE_ARRAY || member->count > max)
		return false;
	*array = member;
	return true;
}

bool document_object(const struct jtree *object, const char *key,
		     const struct jtree **member)
{
	const struct jtree *found = jtree_get(object, key);

	if (!found || found->type != JTREE_OBJECT)
		return false;
	*member = found;
	return true;
}
