#include "crypto/aead.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/mem.h"

/*
 * libcrypto keeps a key's state per direction.  A transport key is used in one
 * direction only, so each context is made when it is first needed.
 */
struct aead {
	struct key32 key;
	EVP_CIPHER_CTX *seal, *open;
};

/* Fixed sizes and a built-in cipher: failing means the library is broken. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

struct aead *aead_new(const struct key32 *key)
{
	struct aead *a = mem_new(sizeof(*a));

	a->key = *key;
	return a;
}

void aead_free(struct aead *a)
{
	if (!a)
		return;
	EVP_CIPHER_CTX_free(a->seal);
	EVP_CIPHER_CTX_free(a->open);
	secret_wipe(a, sizeof(*a));
	free(a);
}

void aead_rekey(struct aead *a, const struct key32 *key)
{
	if (ct_equal(&a->key, key, sizeof(*key)))
		return;
	a->key = *key;
	must((!a->seal || EVP_CipherInit_ex(a->seal, NULL, NULL, key->b, NULL,
					    -1) == 1) &&
	     (!a->open ||
	      EVP_CipherInit_ex(a->open, NULL, NULL, key->b, NULL, -1) == 1));
}

static EVP_CIPHER_CTX *context(const struct key32 *key, int is_seal)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	must(c && EVP_CipherInit_ex(c, EVP_chacha20_poly1305(), NULL, key->b,
				    NULL, is_seal) == 1);
	return c;
}

struct nonce {
	uint8_t b[AEAD_NONCE_LEN];
};

static struct nonce nonce_of(uint64_t counter)
{
	struct nonce nonce = { 0 };

	for (size_t i = 0; i < 8; i++)
		nonce.b[4 + i] = (uint8_t)(counter >> 8 * i);
	return nonce;
}

static void set_nonce(EVP_CIPHER_CTX *c, const struct nonce *nonce)
{
	must(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce->b, -1) == 1);
}

/* libcrypto counts in int; longer messages do not exist in our protocols. */
static void update(EVP_CIPHER_CTX *c, void *out, struct span in)
{
	int n = 0;

	must(in.n <= 0x7fffffff);
	if (in.n)
		must(EVP_CipherUpdate(c, out, &n, in.p, (int)in.n) == 1 &&
		     (size_t)n == in.n);
}

static void seal(struct aead *a, void *out, const struct nonce *nonce,
		 struct span ad, struct span plain)
{
	uint8_t *tag = (uint8_t *)out + plain.n;
	int n = 0;

	if (!a->seal)
		a->seal = context(&a->key, 1);
	set_nonce(a->seal, nonce);
	update(a->seal, NULL, ad);
	update(a->seal, out, plain);
	must(EVP_CipherFinal_ex(a->seal, tag, &n) == 1 &&
	     EVP_CIPHER_CTX_ctrl(a->seal, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN,
				 tag) == 1);
}

static bool open_sealed(struct aead *a, void *out, const struct nonce *nonce,
			struct span ad, struct span sealed)
{
	uint8_t tag[AEAD_TAG_LEN], none[AEAD_TAG_LEN];
	struct span body;
	int n = 0;

	if (sealed.n < AEAD_TAG_LEN)
		return false;
	body = span_of(sealed.p, sealed.n - AEAD_TAG_LEN);
	memcpy(tag, sealed.p + body.n, sizeof(tag));
	if (!a->open)
		a->open = context(&a->key, 0);
	set_nonce(a->open, nonce);
	must(EVP_CIPHER_CTX_ctrl(a->open, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN,
				 tag) == 1);
	update(a->open, NULL, ad);
	update(a->open, out, body);
	if (EVP_CipherFinal_ex(a->open, none, &n) == 1)
		return true;
	ERR_clear_error();
	if (body.n)
		memset(out, 0, body.n);
	return false;
}

void aead_seal(struct aead *a, void *out, uint64_t counter, struct span ad,
	       struct span plain)
{
	const struct nonce nonce = nonce_of(counter);

	seal(a, out, &nonce, ad, plain);
}

bool aead_open(struct aead *a, void *out, uint64_t counter, struct span ad,
	       struct span sealed)
{
	const struct nonce nonce = nonce_of(counter);

	return open_sealed(a, out, &nonce, ad, sealed);
}

static void wipe(struct aead *a)
{
	EVP_CIPHER_CTX_free(a->seal);
	EVP_CIPHER_CTX_free(a->open);
	secret_wipe(a, sizeof(*a));
}

void aead_seal_once(void *out, const struct key32 *key, uint64_t counter,
		    struct span ad, struct span plain)
{
	struct aead a AUTO(wipe) = { .key = *key };

	aead_seal(&a, out, counter, ad, plain);
}

bool aead_open_once(void *out, const struct key32 *key, uint64_t counter,
		    struct span ad, struct span sealed)
{
	struct aead a AUTO(wipe) = { .key = *key };

	return aead_open(&a, out, counter, ad, sealed);
}

void aead_seal_nonce(void *out, const struct key32 *key,
		     const uint8_t nonce[AEAD_NONCE_LEN], struct span ad,
		     struct span plain)
{
	struct aead a AUTO(wipe) = { .key = *key };
	struct nonce whole;

	memcpy(whole.b, nonce, sizeof(whole.b));
	seal(&a, out, &whole, ad, plain);
}

bool aead_open_nonce(void *out, const struct key32 *key,
		     const uint8_t nonce[AEAD_NONCE_LEN], struct span ad,
		     struct span sealed)
{
	struct aead a AUTO(wipe) = { .key = *key };
	struct nonce whole;

	memcpy(whole.b, nonce, sizeof(whole.b));
	return open_sealed(&a, out, &whole, ad, sealed);
}

static uint32_t load_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline void step(uint32_t *a, uint32_t b, uint32_t *c, unsigned n)
{
	*a += b;
	*c ^= *a;
	*c = *c << n | *c >> (32 - n);
}

/* RFC 8439 §2.1. */
static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	step(a, *b, d, 16);
	step(c, *d, b, 12);
	step(a, *b, d, 8);
	step(c, *d, b, 7);
}

/* HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2): a subkey from 16 bytes. */
static void hchacha20(struct key32 *out, const struct key32 *key,
		      const uint8_t nonce[16])
{
	uint32_t x[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	for (size_t i = 0; i < 8; i++)
		x[4 + i] = load_le32(key->b + 4 * i);
	for (size_t i = 0; i < 4; i++)
		x[12 + i] = load_le32(nonce + 4 * i);
	for (int i = 0; i < 10; i++) {
		quarter_round(&x[0], &x[4], &x[8], &x[12]);
		quarter_round(&x[1], &x[5], &x[9], &x[13]);
		quarter_round(&x[2], &x[6], &x[10], &x[14]);
		quarter_round(&x[3], &x[7], &x[11], &x[15]);
		quarter_round(&x[0], &x[5], &x[10], &x[15]);
		quarter_round(&x[1], &x[6], &x[11], &x[12]);
		quarter_round(&x[2], &x[7], &x[8], &x[13]);
		quarter_round(&x[3], &x[4], &x[9], &x[14]);
	}
	/* The first and the last row are the subkey. */
	for (size_t i = 0; i < sizeof(out->b); i++)
		out->b[i] = (uint8_t)(x[(i / 16) * 12 + i % 16 / 4] >>
				      8 * (i % 4));
	secret_wipe(x, sizeof(x));
}

/* The nonce's last 8 bytes become the inner counter (draft §2.3). */
static uint64_t inner_counter(const uint8_t nonce[XAEAD_NONCE_LEN])
{
	return load_le32(nonce + 16) | (uint64_t)load_le32(nonce + 20) << 32;
}

void xaead_seal(void *out, const struct key32 *key,
		const uint8_t nonce[XAEAD_NONCE_LEN], struct span ad,
		struct span plain)
{
	struct key32 subkey AUTO(key32_wipe);

	hchacha20(&subkey, key, nonce);
	aead_seal_once(out, &subkey, inner_counter(nonce), ad, plain);
}

bool xaead_open(void *out, const struct key32 *key,
		const uint8_t nonce[XAEAD_NONCE_LEN], struct span ad,
		struct span sealed)
{
	struct key32 subkey AUTO(key32_wipe);

	hchacha20(&subkey, key, nonce);
	return aead_open_once(out, &subkey, inner_counter(nonce), ad, sealed);
}
