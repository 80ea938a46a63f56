#include "keys/derive.h"

#include <assert.h>

#include "base/wr.h"
#include "crypto/hash.h"

static const char salt[] = "postern/kms/v1";
static const char root_label[] = "postern/kms-root-id/v1";
static const char own[] = "kms/";

static bool is_purpose_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.' || c == '/';
}

bool keys_is_purpose(struct span purpose)
{
	uint8_t before = '/';

	if (!purpose.n || purpose.n > KEYS_PURPOSE_MAX)
		return false;
	for (size_t i = 0; i < purpose.n; i++) {
		if (!is_purpose_byte(purpose.p[i]) ||
		    (purpose.p[i] == '/' && before == '/'))
			return false;
		before = purpose.p[i];
	}
	return before != '/';
}

bool keys_purpose_is_own(struct span purpose)
{
	return span_has_prefix(purpose, span_str(own));
}

void keys_derive(struct key32 *out, const struct keys_root *root,
		 enum keys_scope scope, const uint8_t app[KEYS_ID_LEN],
		 const uint8_t instance[KEYS_ID_LEN], struct span purpose)
{
	uint8_t info[4 + 1 + 2 * KEYS_ID_LEN + 1 + KEYS_PURPOSE_MAX];
	struct wr w = WR_ARRAY(info);
	struct span done;
	bool ok;

	assert(purpose.n <= KEYS_PURPOSE_MAX);
	wr_be32(&w, root->epoch);
	wr_u8(&w, (uint8_t)scope);
	wr_bytes(&w, span_of(app, KEYS_ID_LEN));
	if (scope == KEYS_OF_INSTANCE)
		wr_bytes(&w, span_of(instance, KEYS_ID_LEN));
	else
		wr_zero(&w, KEYS_ID_LEN);
	wr_vec8(&w, purpose);
	ok = wr_done(&w, &done);
	assert(ok);
	(void)ok;
	hkdf_sha256(out->b, sizeof(out->b), span_str(salt),
		    SPAN_ARRAY(root->key.b), done);
}

void keys_root_id(uint8_t out[32], const struct keys_root *root)
{
	uint8_t epoch[4];
	struct wr w = WR_ARRAY(epoch);
	const struct span parts[] = { span_str(root_label), SPAN_ARRAY(epoch),
				      SPAN_ARRAY(root->key.b) };
	struct sha256 h;

	wr_be32(&w, root->epoch);
	sha256_parts(&h, parts, 3);
	for (size_t i = 0; i < sizeof(h.b); i++)
		out[i] = h.b[i];
}
