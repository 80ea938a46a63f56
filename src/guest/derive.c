#include "guest/derive.h"

#include <assert.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/keccak.h"

enum {
	KIND_P256 = 4,
	KIND_VOUCHER = 16,
	KIND_AUTHORITY = 17,
	INFO_MAX = 2 + 2 * (2 + DERIVE_TEXT_MAX),
};

static void derive(struct key32 *out, const struct key32 *root, uint8_t kind,
		   uint8_t counter, const struct derive_name *name)
{
	uint8_t info[INFO_MAX];
	struct wr w = WR_ARRAY(info);
	struct span whole = { 0 };
	bool fits;

	wr_u8(&w, kind);
	wr_u8(&w, counter);
	wr_vec16(&w, name->purpose);
	wr_vec16(&w, name->path);
	fits = wr_done(&w, &whole);
	assert(fits);
	(void)fits;
	hkdf_sha256(out->b, sizeof(out->b), span_str("postern/guest-key/v1"),
		    SPAN_ARRAY(root->b), whole);
}

static void derive_secp256k1(struct key32 *out, const struct key32 *root,
			     uint8_t kind, const struct derive_name *name)
{
	uint8_t counter = 0;

	do
		derive(out, root, kind, counter++, name);
	while (!secp256k1_is_secret(out));
}

void derive_key(struct key32 *out, const struct key32 *root,
		const struct derive_name *name)
{
	if (name->algorithm == DERIVE_SECP256K1)
		derive_secp256k1(out, root, DERIVE_SECP256K1, name);
	else
		derive(out, root, (uint8_t)name->algorithm, 0, name);
}

size_t derive_public(uint8_t out[SECP256K1_PUBLIC_LEN],
		     enum derive_algorithm algorithm, const struct key32 *key)
{
	switch (algorithm) {
	case DERIVE_SECP256K1:
		secp256k1_public(out, key);
		return SECP256K1_PUBLIC_LEN;
	case DERIVE_ED25519:
		ed25519_public(out, key);
		return ED25519_PUBLIC_LEN;
	case DERIVE_RAW:
		break;
	}
	return 0;
}

void derive_voucher(struct key32 *out, const struct key32 *root)
{
	const struct derive_name none = { 0 };

	derive_secp256k1(out, root, KIND_VOUCHER, &none);
}

static struct p256_private *derive_point(const struct key32 *root, uint8_t kind,
					 const struct derive_name *name)
{
	AUTO(key32_wipe)
	struct key32 secret = { 0 };
	struct p256_private *out = NULL;
	uint8_t counter = 0;

	do
		derive(&secret, root, kind, counter++, name);
	while (p256_private_from_secret(&out, &secret));
	return out;
}

struct p256_private *derive_p256(const struct key32 *root, struct span path)
{
	const struct derive_name name = { .path = path };

	return derive_point(root, KIND_P256, &name);
}

struct p256_private *derive_authority(const struct key32 *root)
{
	const struct derive_name none = { 0 };

	return derive_point(root, KIND_AUTHORITY, &none);
}

void derive_vouch(uint8_t out[SECP256K1_RECOVERABLE_LEN],
		  const struct key32 *voucher, struct span purpose,
		  struct span public_key)
{
	uint8_t hex[2 * SECP256K1_PUBLIC_LEN];
	struct wr w = WR_ARRAY(hex);
	struct span parts[] = { purpose, span_str(":"), { 0 } };
	struct keccak256 digest;

	text_hex(&w, public_key);
	parts[2] = wr_span(&w);
	keccak256_parts(&digest, parts, 3);
	secp256k1_sign(out, voucher, digest.b);
}

void derive_self_issue(uint8_t out[SECP256K1_RECOVERABLE_LEN],
		       const struct key32 *voucher, struct span app_id)
{
	uint8_t public[SECP256K1_PUBLIC_LEN];
	const struct span parts[] = { span_str("dstack-kms-issued:"), app_id,
				      SPAN_ARRAY(public) };
	struct keccak256 digest;

	secp256k1_public(public, voucher);
	keccak256_parts(&digest, parts, 3);
	secp256k1_sign(out, voucher, digest.b);
}
