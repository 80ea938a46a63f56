#include "crypto/hpke.h"

#include <assert.h>

#include "base/mem.h"
#include "base/wr.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/x25519.h"

enum {
	/* RFC 9180 §7.1, §7.2, §7.3 */
	KEM_X25519_SHA256 = 0x0020,
	KDF_SHA256 = 0x0001,
	AEAD_CHACHA20_POLY1305 = 0x0003,
	MODE_BASE = 0x00,
	SUITE_LEN = 10,
	HASH_LEN = 32,
	/* labels, the longest context, and numbers around them */
	TEXT_MAX = HPKE_INFO_MAX + 128,
};

struct suite {
	uint8_t b[SUITE_LEN];
	size_t n;
};

/* §4.1 */
static struct suite suite_kem(void)
{
	struct suite s = { .n = 5 };
	struct wr w = WR_ARRAY(s.b);

	wr_str(&w, "KEM");
	wr_be16(&w, KEM_X25519_SHA256);
	return s;
}

/* §5.1 */
static struct suite suite_hpke(void)
{
	struct suite s = { .n = SUITE_LEN };
	struct wr w = WR_ARRAY(s.b);

	wr_str(&w, "HPKE");
	wr_be16(&w, KEM_X25519_SHA256);
	wr_be16(&w, KDF_SHA256);
	wr_be16(&w, AEAD_CHACHA20_POLY1305);
	return s;
}

/* LabeledExtract, §4 */
static void extract(struct sha256 *out, const struct suite *suite,
		    struct span salt, const char *label, struct span ikm)
{
	uint8_t text[TEXT_MAX];
	struct wr w = WR_ARRAY(text);
	struct span whole = { 0 };
	bool fits;

	wr_str(&w, "HPKE-v1");
	wr_bytes(&w, span_of(suite->b, suite->n));
	wr_str(&w, label);
	wr_bytes(&w, ikm);
	fits = wr_done(&w, &whole);
	assert(fits);
	(void)fits;
	hmac_sha256(out, salt, whole);
	secret_wipe(text, sizeof(text));
}

/* LabeledExpand, §4, of at most one hash (RFC 5869 §2.3: T(1)). */
static void expand(uint8_t *out, size_t n, const struct suite *suite,
		   const struct sha256 *prk, const char *label,
		   struct span context)
{
	uint8_t text[TEXT_MAX];
	struct wr w = WR_ARRAY(text);
	struct span whole = { 0 };
	struct sha256 t;
	bool fits;

	wr_be16(&w, (uint16_t)n);
	wr_str(&w, "HPKE-v1");
	wr_bytes(&w, span_of(suite->b, suite->n));
	wr_str(&w, label);
	wr_bytes(&w, context);
	wr_u8(&w, 1);
	fits = wr_done(&w, &whole) && n <= HASH_LEN;
	assert(fits);
	(void)fits;
	hmac_sha256(&t, SPAN_ARRAY(prk->b), whole);
	memcpy(out, t.b, n);
	secret_wipe(&t, sizeof(t));
}

/* ExtractAndExpand over the Diffie-Hellman value, §4.1. */
static void kem_secret(struct key32 *out, const struct key32 *dh,
		       const uint8_t enc[HPKE_ENC_LEN], const uint8_t to[32])
{
	const struct suite suite = suite_kem();
	uint8_t context[HPKE_ENC_LEN + 32];
	struct sha256 prk;

	memcpy(context, enc, HPKE_ENC_LEN);
	memcpy(context + HPKE_ENC_LEN, to, 32);
	extract(&prk, &suite, (struct span){ 0 }, "eae_prk",
		SPAN_ARRAY(dh->b));
	expand(out->b, sizeof(out->b), &suite, &prk, "shared_secret",
	       SPAN_ARRAY(context));
	secret_wipe(&prk, sizeof(prk));
}

struct schedule {
	struct key32 key;
	uint8_t nonce[AEAD_NONCE_LEN];
};

static void schedule_wipe(struct schedule *s)
{
	secret_wipe(s, sizeof(*s));
}

/* KeySchedule in base mode, §5.1: no PSK, an empty psk_id. */
static void schedule_of(struct schedule *out, const struct key32 *shared,
			struct span info)
{
	const struct span empty = { 0 };
	const struct suite suite = suite_hpke();
	struct sha256 psk_id, info_hash, secret;
	uint8_t context[1 + 2 * HASH_LEN] = { MODE_BASE };

	assert(info.n <= HPKE_INFO_MAX);
	extract(&psk_id, &suite, empty, "psk_id_hash", empty);
	extract(&info_hash, &suite, empty, "info_hash", info);
	memcpy(context + 1, psk_id.b, HASH_LEN);
	memcpy(context + 1 + HASH_LEN, info_hash.b, HASH_LEN);
	extract(&secret, &suite, SPAN_ARRAY(shared->b), "secret", empty);
	expand(out->key.b, sizeof(out->key.b), &suite, &secret, "key",
	       SPAN_ARRAY(context));
	expand(out->nonce, sizeof(out->nonce), &suite, &secret, "base_nonce",
	       SPAN_ARRAY(context));
	secret_wipe(&secret, sizeof(secret));
}

bool hpke_seal_with(uint8_t enc[HPKE_ENC_LEN], void *out,
		    const struct key32 *ephemeral, const uint8_t to[32],
		    struct span info, struct span ad, struct span plain)
{
	AUTO(key32_wipe)
	struct key32 dh = { 0 };
	AUTO(key32_wipe)
	struct key32 shared = { 0 };
	AUTO(schedule_wipe)
	struct schedule s = { 0 };

	if (!x25519_shared(&dh, ephemeral, to))
		return false;
	x25519_public(enc, ephemeral);
	kem_secret(&shared, &dh, enc, to);
	schedule_of(&s, &shared, info);
	aead_seal_nonce(out, &s.key, s.nonce, ad, plain);
	return true;
}

bool hpke_seal(uint8_t enc[HPKE_ENC_LEN], void *out, const uint8_t to[32],
	       struct span info, struct span ad, struct span plain)
{
	AUTO(key32_wipe)
	struct key32 ephemeral = { 0 };

	x25519_generate(&ephemeral);
	return hpke_seal_with(enc, out, &ephemeral, to, info, ad, plain);
}

bool hpke_open(void *out, const struct key32 *secret,
	       const uint8_t enc[HPKE_ENC_LEN], struct span info,
	       struct span ad, struct span sealed)
{
	AUTO(key32_wipe)
	struct key32 dh = { 0 };
	AUTO(key32_wipe)
	struct key32 shared = { 0 };
	AUTO(schedule_wipe)
	struct schedule s = { 0 };
	uint8_t own[32];

	if (!x25519_shared(&dh, secret, enc))
		return false;
	x25519_public(own, secret);
	kem_secret(&shared, &dh, enc, own);
	schedule_of(&s, &shared, info);
	return aead_open_nonce(out, &s.key, s.nonce, ad, sealed);
}
