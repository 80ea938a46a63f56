#include "tls/engine.h"

#include <assert.h>
#include <intel-ipsec-mb.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	ENGINE_ALIGN = 64,
};

enum direction {
	OPEN,
	SEAL,
	DIRECTIONS,
};

/* A context and the key it was set up for last. */
struct slot {
	EVP_CIPHER_CTX *ctx;
	struct key32 key;
	bool has_key;
};

/* The same for ipsec-mb, whose code wants its data aligned. */
struct wide_slot {
	_Alignas(ENGINE_ALIGN) struct gcm_key_data data;
	struct key32 key;
	enum engine_suite suite;
	bool has_key;
};

struct engine {
	struct wide_slot wide[DIRECTIONS];
	_Alignas(ENGINE_ALIGN) struct gcm_context_data running;
	IMB_MGR *mb; /* NULL: libcrypto alone */
	EVP_CIPHER *ciphers[ENGINE_SUITES];
	struct slot slots[ENGINE_SUITES][DIRECTIONS];
};

static const struct {
	const char *name;
	size_t key_len;
} suites[ENGINE_SUITES] = {
	[ENGINE_AES_128_GCM] = { "AES-128-GCM", 16 },
	[ENGINE_AES_256_GCM] = { "AES-256-GCM", 32 },
	[ENGINE_CHACHA20] = { "ChaCha20-Poly1305", 32 },
};

size_t engine_key_len(enum engine_suite suite)
{
	return suites[suite].key_len;
}

/* libcrypto refuses only what is our mistake, or for want of memory. */
static void must(bool is_ok)
{
	(void)mem_need(is_ok ? (void *)(uintptr_t)&suites : NULL);
}

/* Without the widest instructions libcrypto's own code is as good. */
static void use_wide(struct engine *e)
{
	const uint64_t wanted = IMB_FEATURE_AVX512_SKX | IMB_FEATURE_VAES |
				IMB_FEATURE_VPCLMULQDQ;

	e->mb = alloc_mb_mgr(0);
	if (e->mb && (e->mb->features & wanted) == wanted) {
		init_mb_mgr_avx512(e->mb);
		return;
	}
	engine_be_plain(e);
}

struct engine *engine_new(void)
{
	struct engine *e = mem_need(aligned_alloc(ENGINE_ALIGN, sizeof(*e)));
	int i, k;

	memset(e, 0, sizeof(*e));
	for (i = 0; i < ENGINE_SUITES; i++) {
		e->ciphers[i] = EVP_CIPHER_fetch(NULL, suites[i].name, NULL);
		must(e->ciphers[i]);
		for (k = 0; k < DIRECTIONS; k++) {
			e->slots[i][k].ctx = EVP_CIPHER_CTX_new();
			must(e->slots[i][k].ctx);
		}
	}
	use_wide(e);
	return e;
}

void engine_free(struct engine *e)
{
	int i, k;

	if (!e)
		return;
	for (i = 0; i < ENGINE_SUITES; i++) {
		for (k = 0; k < DIRECTIONS; k++)
			EVP_CIPHER_CTX_free(e->slots[i][k].ctx);
		EVP_CIPHER_free(e->ciphers[i]);
	}
	engine_be_plain(e);
	secret_wipe(e, sizeof(*e));
	free(e);
}

const char *engine_name(const struct engine *e)
{
	return e->mb ? "ipsec-mb" : "libcrypto";
}

void engine_be_plain(struct engine *e)
{
	free_mb_mgr(e->mb);
	e->mb = NULL;
}

/* ipsec-mb. */

static bool is_wide(const struct engine *e, enum engine_suite suite)
{
	return e->mb && suite != ENGINE_CHACHA20;
}

static const struct gcm_key_data *wide_key(struct engine *e,
					   enum direction way,
					   enum engine_suite suite,
					   const struct key32 *key)
{
	struct wide_slot *s = &e->wide[way];

	if (s->has_key && s->suite == suite && ct_equal(&s->key, key, 32))
		return &s->data;
	if (suite == ENGINE_AES_128_GCM)
		IMB_AES128_GCM_PRE(e->mb, key->b, &s->data);
	else
		IMB_AES256_GCM_PRE(e->mb, key->b, &s->data);
	s->key = *key;
	s->suite = suite;
	s->has_key = true;
	return &s->data;
}

static void wide_seal(struct engine *e, enum engine_suite suite, uint8_t *out,
		      const struct gcm_key_data *key, const uint8_t *nonce,
		      struct span ad, struct span plain, uint8_t type)
{
	struct gcm_context_data *c = &e->running;
	uint8_t *tag = out + plain.n + 1;

	if (suite == ENGINE_AES_128_GCM) {
		IMB_AES128_GCM_INIT(e->mb, key, c, nonce, ad.p, ad.n);
		IMB_AES128_GCM_ENC_UPDATE(e->mb, key, c, out, plain.p,
					  plain.n);
		IMB_AES128_GCM_ENC_UPDATE(e->mb, key, c, out + plain.n, &type,
					  1);
		IMB_AES128_GCM_ENC_FINALIZE(e->mb, key, c, tag,
					    ENGINE_TAG_LEN);
		return;
	}
	IMB_AES256_GCM_INIT(e->mb, key, c, nonce, ad.p, ad.n);
	IMB_AES256_GCM_ENC_UPDATE(e->mb, key, c, out, plain.p, plain.n);
	IMB_AES256_GCM_ENC_UPDATE(e->mb, key, c, out + plain.n, &type, 1);
	IMB_AES256_GCM_ENC_FINALIZE(e->mb, key, c, tag, ENGINE_TAG_LEN);
}

static bool wide_open(struct engine *e, enum engine_suite suite, uint8_t *out,
		      const struct gcm_key_data *key, const uint8_t *nonce,
		      struct span ad, struct span sealed)
{
	size_t n = sealed.n - ENGINE_TAG_LEN;
	uint8_t want[ENGINE_TAG_LEN], tag[ENGINE_TAG_LEN];

	/* In place, the tag stays where it is behind the text. */
	memcpy(want, sealed.p + n, sizeof(want));
	if (suite == ENGINE_AES_128_GCM)
		IMB_AES128_GCM_DEC(e->mb, key, &e->running, out, sealed.p, n,
				   nonce, ad.p, ad.n, tag, sizeof(tag));
	else
		IMB_AES256_GCM_DEC(e->mb, key, &e->running, out, sealed.p, n,
				   nonce, ad.p, ad.n, tag, sizeof(tag));
	return ct_equal(tag, want, sizeof(tag));
}

/* libcrypto. */

/* A context with this key and nonce. */
static EVP_CIPHER_CTX *set_up(struct engine *e, enum engine_suite suite,
			      enum direction way, const struct key32 *key,
			      const uint8_t *nonce)
{
	struct slot *s = &e->slots[suite][way];

	if (s->has_key && ct_equal(&s->key, key, sizeof(*key))) {
		must(EVP_CipherInit_ex2(s->ctx, NULL, NULL, nonce, way == SEAL,
					NULL) == 1);
		return s->ctx;
	}
	must(EVP_CipherInit_ex2(s->ctx, e->ciphers[suite], key->b, nonce,
				way == SEAL, NULL) == 1);
	s->key = *key;
	s->has_key = true;
	return s->ctx;
}

static void add_ad(EVP_CIPHER_CTX *ctx, struct span ad)
{
	int n;

	must(EVP_CipherUpdate(ctx, NULL, &n, ad.p, (int)ad.n) == 1);
}

static void crypt(EVP_CIPHER_CTX *ctx, uint8_t *out, struct span in)
{
	int n;

	if (in.n > 0)
		must(EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1);
}

void engine_seal(struct engine *e, enum engine_suite suite, uint8_t *out,
		 const struct key32 *key, const uint8_t nonce[ENGINE_NONCE_LEN],
		 struct span ad, struct span plain, uint8_t type)
{
	EVP_CIPHER_CTX *ctx;
	int n;

	if (is_wide(e, suite)) {
		wide_seal(e, suite, out, wide_key(e, SEAL, suite, key), nonce,
			  ad, plain, type);
		return;
	}
	ctx = set_up(e, suite, SEAL, key, nonce);
	add_ad(ctx, ad);
	crypt(ctx, out, plain);
	crypt(ctx, out + plain.n, span_of(&type, 1));
	out += plain.n + 1;
	must(EVP_CipherFinal_ex(ctx, out, &n) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, ENGINE_TAG_LEN,
				 out) == 1);
}

bool engine_open(struct engine *e, enum engine_suite suite, uint8_t *out,
		 const struct key32 *key, const uint8_t nonce[ENGINE_NONCE_LEN],
		 struct span ad, struct span sealed)
{
	uint8_t tag[ENGINE_TAG_LEN];
	EVP_CIPHER_CTX *ctx;
	size_t n;
	int last;

	assert(sealed.n >= ENGINE_TAG_LEN);
	n = sealed.n - ENGINE_TAG_LEN;
	if (is_wide(e, suite))
		return wide_open(e, suite, out, wide_key(e, OPEN, suite, key),
				 nonce, ad, sealed);
	memcpy(tag, sealed.p + n, sizeof(tag));
	ctx = set_up(e, suite, OPEN, key, nonce);
	add_ad(ctx, ad);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, ENGINE_TAG_LEN,
				 tag) == 1);
	crypt(ctx, out, span_of(sealed.p, n));
	if (EVP_CipherFinal_ex(ctx, out + n, &last) == 1)
		return true;
	ERR_clear_error();
	return false;
}
