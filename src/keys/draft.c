#include "keys/draft.h"

#include <string.h>

#include "crypto/hash.h"

static const char policy_label[] = "postern/kms-policy-id/v1";

static void policy_hash(uint8_t out[KEYS_HASH_LEN], struct span text)
{
	const struct span parts[] = { span_str(policy_label), text };
	struct sha256 h;

	sha256_parts(&h, parts, 2);
	memcpy(out, h.b, KEYS_HASH_LEN);
}

void keys_draft_fini(struct keys_draft *d)
{
	arena_fini(&d->arena);
}

enum keys_reason keys_draft_read(struct keys_draft *d, struct span text,
				 const struct keys_authority *authority,
				 char error[KEYS_POLICY_ERROR_MAX])
{
	arena_init(&d->arena, KEYS_POLICY_TREE_MAX);
	d->text = text;
	policy_hash(d->hash, text);
	return keys_policy_read(&d->policy, &d->arena, text, authority, error);
}
