#include "keys/document.h"

#include "base/mem.h"
#include "base/text.h"
#include "keys/member.h"

/* {"policy": <object> ... : the bytes of the object. */
static bool find_object(struct span *out, struct span text)
{
	struct span key;

	jtree_skip_white(&text);
	if (!jtree_rd_byte(&text, '{'))
		return false;
	jtree_skip_white(&text);
	if (!jtree_rd_string(&text, &key) || !span_equal_str(key, "policy"))
		return false;
	jtree_skip_white(&text);
	if (!jtree_rd_byte(&text, ':'))
		return false;
	jtree_skip_white(&text);
	return jtree_rd_object(&text, out);
}

static bool read_signatures(struct keys_signature *out, size_t *count,
			    const struct jtree *document)
{
	static const char *const envelope[] = { "policy", "signatures", NULL };
	static const char *const known[] = { "key", "signature", NULL };
	const struct jtree *array;

	*count = 0;
	if (!keys_member_only(document, envelope) ||
	    !keys_member_array(&array, document, "signatures",
			       KEYS_ADMINS_MAX) ||
	    !array)
		return false;
	for (const struct jtree *i = array->first; i; i = i->next, out++) {
		if (!keys_member_only(i, known) ||
		    !keys_member_hex(out->key.xy, sizeof(out->key.xy), i,
				     "key") ||
		    !keys_member_hex(out->signature.rs,
				     sizeof(out->signature.rs), i, "signature"))
			return false;
		(*count)++;
	}
	return true;
}

bool keys_document_split(struct span *object,
			 struct keys_signature signatures[KEYS_ADMINS_MAX],
			 size_t *count, struct span text)
{
	AUTO(arena_fini)
	struct arena room = { .max = KEYS_POLICY_TREE_MAX };
	const struct jtree *tree;

	tree = text.n > KEYS_POLICY_MAX ? NULL : jtree_read(&room, text);
	if (!tree || tree->type != JTREE_OBJECT)
		return false;
	*count = 0;
	if (find_object(object, text))
		return read_signatures(signatures, count, tree);
	jtree_skip_white(&text);
	return jtree_rd_object(&text, object);
}

void keys_document_join(struct wr *w, struct span object,
			const struct keys_signature *signatures, size_t count)
{
	wr_str(w, "{\"policy\":");
	wr_bytes(w, object);
	wr_str(w, ",\n\"signatures\":[");
	for (size_t i = 0; i < count; i++) {
		wr_str(w, i ? ",\n{\"key\":\"" : "\n{\"key\":\"");
		text_hex(w, SPAN_ARRAY(signatures[i].key.xy));
		wr_str(w, "\",\"signature\":\"");
		text_hex(w, SPAN_ARRAY(signatures[i].signature.rs));
		wr_str(w, "\"}");
	}
	wr_str(w, "]}\n");
}
