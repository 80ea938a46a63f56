#include "crypto/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/mem.h"

enum {
	HKDF_MAX = 255 * 32, /* RFC 5869 §2.3: L <= 255 * HashLen */
};

/* libcrypto's hashes fail only without memory, and that aborts (base/mem). */
static void must(bool ok)
{
	if (!ok)
		abort();
}

/* A span libcrypto takes: 3.0 refuses NULL in places even for no bytes. */
static const void *bytes_of(struct span s)
{
	return s.n ? s.p : (const void *)"";
}

static void hash_parts(uint8_t *out, const EVP_MD *md,
		       const struct span *parts, size_t count)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	must(ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1);
	for (size_t i = 0; i < count; i++)
		must(EVP_DigestUpdate(ctx, bytes_of(parts[i]), parts[i].n) ==
		     1);
	must(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
	EVP_MD_CTX_free(ctx);
}

void sha384_parts(struct sha384 *out, const struct span *parts, size_t count)
{
	hash_parts(out->b, EVP_sha384(), parts, count);
}

void sha512_parts(struct sha512 *out, const struct span *parts, size_t count)
{
	hash_parts(out->b, EVP_sha512(), parts, count);
}

void sha384_of(struct sha384 *out, struct span b)
{
	sha384_parts(out, &b, 1);
}

void sha512_of(struct sha512 *out, struct span b)
{
	sha512_parts(out, &b, 1);
}

struct sha384_stream {
	EVP_MD_CTX *ctx;
};

struct sha384_stream *sha384_new(void)
{
	struct sha384_stream *stream = mem_new(sizeof(*stream));

	stream->ctx = EVP_MD_CTX_new();
	must(stream->ctx &&
	     EVP_DigestInit_ex(stream->ctx, EVP_sha384(), NULL) == 1);
	return stream;
}

void sha384_add(struct sha384_stream *stream, struct span b)
{
	must(EVP_DigestUpdate(stream->ctx, bytes_of(b), b.n) == 1);
}

void sha384_done(struct sha384 *out, struct sha384_stream *stream)
{
	must(EVP_DigestFinal_ex(stream->ctx, out->b, NULL) == 1);
	EVP_MD_CTX_free(stream->ctx);
	mem_auto_free(&stream);
}

void hash_merkle_sha256(struct merkle_hash *out, const struct span *parts,
			size_t count)
{
	struct sha256 hash;

	static_assert(sizeof(*out) == sizeof(hash));
	sha256_parts(&hash, parts, count);
	memcpy(out, &hash, sizeof(hash));
}

static void hmac_parts(uint8_t out[32], struct span key,
		       const struct span *parts, size_t count)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	size_t n = 0;

	must(ctx && EVP_MAC_init(ctx, bytes_of(key), key.n, params) == 1);
	for (size_t i = 0; i < count; i++)
		must(EVP_MAC_update(ctx, bytes_of(parts[i]), parts[i].n) == 1);
	must(EVP_MAC_final(ctx, out, &n, 32) == 1 && n == 32);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}

void hmac_sha256(struct sha256 *out, struct span key, struct span data)
{
	hmac_parts(out->b, key, &data, 1);
}

void hkdf_sha256(void *out, size_t n, struct span salt, struct span secret,
		 struct span info)
{
	AUTO(key32_wipe)
	struct key32 prk = { 0 };
	AUTO(key32_wipe)
	struct key32 block = { 0 };
	uint8_t *p = out;
	uint8_t counter = 0;

	must(n <= HKDF_MAX);
	hmac_parts(prk.b, salt, &secret, 1);
	while (n) {
		const struct span parts[] = {
			span_of(block.b, counter ? sizeof(block.b) : 0),
			info,
			span_of(&counter, 1),
		};
		size_t take = n < sizeof(block.b) ? n : sizeof(block.b);

		counter++;
		hmac_parts(block.b, SPAN_ARRAY(prk.b), parts, 3);
		memcpy(p, block.b, take);
		p += take;
		n -= take;
	}
}
