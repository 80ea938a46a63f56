#include "guest/dstackv1.h"

#include <assert.h>

#include "base/wr.h"
#include "crypto/hash.h"
#include "crypto/keccak.h"

enum {
	TEXT_MAX = 4 * 4 + 64 + DERIVE_TEXT_MAX + SECP256K1_PUBLIC_LEN,
};

static void add(struct wr *w, struct span field)
{
	wr_be32(w, (uint32_t)field.n);
	wr_bytes(w, field);
}

static void add_name(struct wr *w, const char *context,
		     const struct dstackv1_name *name)
{
	assert(name->algorithm == DERIVE_SECP256K1 ||
	       name->algorithm == DERIVE_ED25519);
	add(w, span_str(context));
	add(w, span_str(name->algorithm == DERIVE_ED25519 ? "ed25519"
							  : "secp256k1"));
	add(w, name->domain);
}

static struct span whole(const struct wr *w)
{
	struct span out = { 0 };
	bool fits = wr_done(w, &out);

	assert(fits);
	(void)fits;
	return out;
}

bool dstackv1_key(struct key32 *out, const struct key32 *app,
		  const struct dstackv1_name *name)
{
	uint8_t info[TEXT_MAX];
	struct wr w = WR_ARRAY(info);

	add_name(&w, "dstack-guest-v1-key", name);
	hkdf_sha256(out->b, sizeof(out->b), span_str("dstack-guest-v1"),
		    SPAN_ARRAY(app->b), whole(&w));
	return name->algorithm == DERIVE_ED25519 || secp256k1_is_secret(out);
}

void dstackv1_vouch(uint8_t out[SECP256K1_RECOVERABLE_LEN],
		    const struct key32 *app, const struct dstackv1_name *name,
		    struct span public_key)
{
	uint8_t text[TEXT_MAX];
	struct wr w = WR_ARRAY(text);
	struct keccak256 digest;
	struct span claim;

	add_name(&w, "dstack-guest-v1-key-claim", name);
	add(&w, public_key);
	claim = whole(&w);
	keccak256_parts(&digest, &claim, 1);
	secp256k1_sign(out, app, digest.b);
}
