#include "tls/identity.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "crypto/sha256.h"

enum {
	CERTIFICATE = 11, /* RFC 8446 §4 */
	PADDING_LEN = 64, /* RFC 8446 §4.4.3 */
	PADDING = 0x20,
};

struct identity {
	uint8_t *chain; /* owned */
	size_t chain_len;
	EVP_PKEY_CTX *signing; /* never signs itself: its copies do */
};

void identity_free(struct identity *i)
{
	if (!i)
		return;
	EVP_PKEY_CTX_free(i->signing);
	free(i->chain);
	free(i);
}

static void identity_auto(struct identity **i)
{
	identity_free(*i);
}

/* CertificateEntry, without extensions. */
static bool add_entry(struct wr *w, X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	if (n <= 0)
		return false;
	wr_vec24(w, span_of(der, (size_t)n));
	wr_vec16(w, span_of(NULL, 0));
	OPENSSL_free(der);
	return true;
}

static bool write_chain(struct identity *i, SSL_CTX *ctx)
{
	struct wr w = wr_over(i->chain, IDENTITY_CHAIN_MAX);
	struct wr_mark message, list;
	STACK_OF(X509) *above = NULL;
	X509 *leaf = SSL_CTX_get0_certificate(ctx);
	struct span all;
	int k;

	wr_u8(&w, CERTIFICATE);
	message = wr_open(&w, 3);
	wr_vec8(&w, span_of(NULL, 0)); /* certificate_request_context */
	list = wr_open(&w, 3);
	if (!leaf || !add_entry(&w, leaf) ||
	    SSL_CTX_get0_chain_certs(ctx, &above) != 1)
		return false;
	for (k = 0; k < sk_X509_num(above); k++)
		if (!add_entry(&w, sk_X509_value(above, k)))
			return false;
	wr_close(&w, list);
	wr_close(&w, message);
	if (!wr_done(&w, &all))
		return false;
	i->chain_len = all.n;
	return true;
}

static bool is_p256(EVP_PKEY *key)
{
	char group[32];
	size_t n;

	return key && EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	       strcmp(group, SN_X9_62_prime256v1) == 0;
}

struct identity *identity_new(SSL_CTX *ctx)
{
	EVP_PKEY *key = SSL_CTX_get0_privatekey(ctx);
	AUTO(identity_auto)
	struct identity *i = NULL;

	if (!is_p256(key))
		return NULL;
	i = mem_new(sizeof(*i));
	i->chain = mem_new(IDENTITY_CHAIN_MAX);
	i->signing = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!i->signing || EVP_PKEY_sign_init(i->signing) != 1 ||
	    !write_chain(i, ctx)) {
		ERR_clear_error();
		return NULL;
	}
	i->chain = mem_grow(i->chain, i->chain_len, 1);
	return STEAL(i);
}

struct span identity_chain(const struct identity *i)
{
	return span_of(i->chain, i->chain_len);
}

/* What is signed, hashed as ecdsa_secp256r1_sha256 does. */
static void hash_content(struct sha256 *out, const struct digest *transcript)
{
	/* Its NUL is the separator. */
	static const char context[] = "TLS 1.3, server CertificateVerify";
	uint8_t padding[PADDING_LEN] = { 0 }, value[DIGEST_MAX] = { 0 };
	const struct span parts[] = {
		SPAN_ARRAY(padding),
		SPAN_ARRAY(context),
		span_of(value, digest_len(transcript->kind)),
	};

	memset(padding, PADDING, sizeof(padding));
	digest_value(transcript, value);
	sha256_parts(out, parts, sizeof(parts) / sizeof(parts[0]));
}

bool identity_sign(const struct identity *i,
		   uint8_t out[IDENTITY_SIGNATURE_MAX], size_t *n,
		   const struct digest *transcript)
{
	EVP_PKEY_CTX *signing = EVP_PKEY_CTX_dup(i->signing);
	struct sha256 hash;
	bool is_good;

	hash_content(&hash, transcript);
	*n = IDENTITY_SIGNATURE_MAX;
	is_good = signing && EVP_PKEY_sign(signing, out, n, hash.b,
					   sizeof(hash.b)) == 1;
	EVP_PKEY_CTX_free(signing);
	if (!is_good)
		ERR_clear_error();
	return is_good;
}
