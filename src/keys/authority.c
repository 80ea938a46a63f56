#include "keys/authority.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "keys/member.h"

static bool read_admin(struct keys_authority *a, const struct jtree *item)
{
	struct p256_point *at = &a->admins[a->admin_count];

	if (item->type != JTREE_TEXT ||
	    !text_hex_decode(at->xy, sizeof(at->xy), item->text) ||
	    !p256_is_point(at))
		return false;
	for (size_t i = 0; i < a->admin_count; i++)
		if (span_equal(SPAN_ARRAY(a->admins[i].xy), SPAN_ARRAY(at->xy)))
			return false;
	a->admin_count++;
	return true;
}

enum rc keys_authority_read(struct keys_authority *out, struct span manifest,
			    char error[KEYS_POLICY_ERROR_MAX])
{
	static const char *const known[] = { "quorum", "admins", NULL };
	AUTO(arena_fini)
	struct arena arena = { .max = KEYS_POLICY_TREE_MAX };
	struct keys_authority a = { 0 };
	const struct jtree *kms, *admins;
	uint64_t quorum = 0;

	kms = jtree_get(jtree_read(&arena, manifest), "kms");
	if (!kms || !keys_member_only(kms, known) ||
	    !keys_member_array(&admins, kms, "admins", KEYS_ADMINS_MAX) ||
	    !admins) {
		(void)keys_member_bad(error, "kms",
				      "quorum and admins, in the manifest");
		return RC_MALFORMED;
	}
	for (const struct jtree *i = admins->first; i; i = i->next)
		if (!read_admin(&a, i)) {
			(void)keys_member_bad(
				error, "kms.admins",
				"P-256 points of 128 hex digits, each once");
			return RC_MALFORMED;
		}
	if (!keys_member_number(&quorum, kms, "quorum", 1, a.admin_count) ||
	    !quorum) {
		(void)keys_member_bad(error, "kms.quorum",
				      "how many administrators must sign");
		return RC_MALFORMED;
	}
	a.quorum = (size_t)quorum;
	*out = a;
	return RC_OK;
}

/* The administrator's number; admin_count: none has this key. */
static size_t find_admin(const struct keys_authority *a,
			 const struct p256_point *key)
{
	size_t i = 0;

	while (i < a->admin_count &&
	       !span_equal(SPAN_ARRAY(a->admins[i].xy), SPAN_ARRAY(key->xy)))
		i++;
	return i;
}

bool keys_authority_check(const struct keys_authority *a, struct span object,
			  const struct keys_signature *s, size_t count,
			  char error[KEYS_POLICY_ERROR_MAX])
{
	bool seen[KEYS_ADMINS_MAX] = { false };

	for (size_t i = 0; i < count; i++) {
		size_t admin = find_admin(a, &s[i].key);

		if (admin == a->admin_count)
			return keys_member_bad(error, "signatures",
					       "administrators' keys");
		if (seen[admin])
			return keys_member_bad(error, "signatures",
					       "each key once");
		if (!p256_verify(&s[i].key, &s[i].signature, object))
			return keys_member_bad(error, "signatures",
					       "ones over this object");
		seen[admin] = true;
	}
	if (count >= a->quorum)
		return true;
	(void)snprintf(error, KEYS_POLICY_ERROR_MAX,
		       "signatures: expected %zu or more, found %zu",
		       a->quorum, count);
	return false;
}
