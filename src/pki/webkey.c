#include "pki/webkey.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "crypto/p256.h"
#include "pki/der.h"
#include "pki/spki.h"

static void auto_key(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void auto_number(BIGNUM **n)
{
	BN_free(*n);
}

static void auto_ctx(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

/* NULL when it is no key or has bytes behind it. */
static EVP_PKEY *read_key(struct span spki)
{
	const uint8_t *at = spki.p;
	EVP_PKEY *k = spki.n ? d2i_PUBKEY(NULL, &at, (long)spki.n) : NULL;

	if (k && at == spki.p + spki.n)
		return k;
	EVP_PKEY_free(k);
	ERR_clear_error();
	return NULL;
}

static bool verify_p256(const struct p256_point *at, const struct span *parts,
			size_t count, struct span signature)
{
	struct p256_signature raw;

	return p256_signature_from_der(&raw, signature) &&
	       p256_verify_parts(at, &raw, parts, count);
}

/*
 * Explicit parameters are refused even where they spell a curve that has a
 * name: who chooses the generator has a key for any signature of others.
 */
static bool is_named_curve(const EVP_PKEY *k)
{
	static const char *const curves[] = {
		SN_X9_62_prime256v1,
		SN_secp384r1,
		SN_secp521r1,
	};
	char encoding[32], name[64];

	if (!EVP_PKEY_get_utf8_string_param(k, OSSL_PKEY_PARAM_EC_ENCODING,
					    encoding, sizeof(encoding), NULL) ||
	    strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) != 0 ||
	    !EVP_PKEY_get_group_name(k, name, sizeof(name), NULL))
		return false;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(name, curves[i]) == 0)
			return true;
	return false;
}

/* The same of RSA: with a large exponent, any signature has a key. */
static bool is_usual_rsa(const EVP_PKEY *k)
{
	AUTO(auto_number)
	BIGNUM *e = NULL;

	return EVP_PKEY_get_bits(k) >= WEBKEY_RSA_BITS_MIN &&
	       EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e) &&
	       BN_num_bits(e) <= WEBKEY_RSA_EXPONENT_BITS_MAX &&
	       BN_is_odd(e) && !BN_is_one(e);
}

static enum webkey_kind kind_of(const EVP_PKEY *k)
{
	enum webkey_kind kind = WEBKEY_NONE;

	if (!k)
		return WEBKEY_NONE;
	if (EVP_PKEY_is_a(k, "EC") && is_named_curve(k))
		kind = WEBKEY_EC;
	else if (EVP_PKEY_is_a(k, "RSA") && is_usual_rsa(k))
		kind = WEBKEY_RSA;
	else if (EVP_PKEY_is_a(k, "ED25519"))
		kind = WEBKEY_ED25519;
	if (!kind)
		ERR_clear_error();
	return kind;
}

enum webkey_kind webkey_kind_of(struct span spki)
{
	struct p256_point point;
	AUTO(auto_key)
	EVP_PKEY *k = NULL;

	/* Nearly every log, and most of the web; OpenSSL 3.0 takes as long to
	 * decode such a key as to check a signature by it. */
	if (spki_read(&point, spki))
		return WEBKEY_EC;
	k = read_key(spki);
	return kind_of(k);
}

/* libcrypto wants a pointer for nothing, too. */
static const uint8_t *bytes(struct span s)
{
	return s.n ? s.p : (const uint8_t *)"";
}

static bool verify(EVP_PKEY *k, const EVP_MD *md, const struct span *parts,
		   size_t count, struct span signature)
{
	AUTO(auto_ctx)
	EVP_MD_CTX *c = mem_need(EVP_MD_CTX_new());
	bool ok = EVP_DigestVerifyInit(c, NULL, md, NULL, k) == 1;

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_DigestVerifyUpdate(c, bytes(parts[i]),
					    parts[i].n) == 1;
	ok = ok && EVP_DigestVerifyFinal(c, bytes(signature),
					 signature.n) == 1;
	if (!ok)
		ERR_clear_error();
	return ok;
}

/* Ed25519 takes its message in one piece, since it reads it twice. */
static bool verify_whole(EVP_PKEY *k, struct span message,
			 struct span signature)
{
	AUTO(auto_ctx)
	EVP_MD_CTX *c = mem_need(EVP_MD_CTX_new());
	bool ok = EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1 &&
		  EVP_DigestVerify(c, bytes(signature), signature.n,
				   bytes(message), message.n) == 1;

	if (!ok)
		ERR_clear_error();
	return ok;
}

bool webkey_verify(struct span spki, enum webkey_kind kind,
		   const struct span *parts, size_t count,
		   struct span signature)
{
	struct p256_point point;
	AUTO(auto_key)
	EVP_PKEY *k = NULL;

	if (spki_read(&point, spki))
		return kind == WEBKEY_EC &&
		       verify_p256(&point, parts, count, signature);
	k = read_key(spki);
	if (kind_of(k) != kind || (kind != WEBKEY_EC && kind != WEBKEY_RSA))
		return false;
	return verify(k, EVP_sha256(), parts, count, signature);
}

/* clang-format off */
/* 1.2.840.10045.4.3.2 to .4: RFC 5758 §3.2 */
static const uint8_t ecdsa_sha256[] = {
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02
};
static const uint8_t ecdsa_sha384[] = {
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03
};
static const uint8_t ecdsa_sha512[] = {
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04
};
/* 1.2.840.113549.1.1.11 to .13: RFC 4055 §5 */
static const uint8_t rsa_sha256[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b
};
static const uint8_t rsa_sha384[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c
};
static const uint8_t rsa_sha512[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d
};
/* clang-format on */
/* 1.3.101.112: RFC 8410 §3 */
static const uint8_t ed25519[] = { 0x2b, 0x65, 0x70 };

static const struct algorithm {
	struct span oid;
	enum webkey_kind kind;
	const EVP_MD *(*md)(void); /* NULL: in one piece */
} algorithms[] = {
	{ { ecdsa_sha256, sizeof(ecdsa_sha256) }, WEBKEY_EC, EVP_sha256 },
	{ { ecdsa_sha384, sizeof(ecdsa_sha384) }, WEBKEY_EC, EVP_sha384 },
	{ { ecdsa_sha512, sizeof(ecdsa_sha512) }, WEBKEY_EC, EVP_sha512 },
	{ { rsa_sha256, sizeof(rsa_sha256) }, WEBKEY_RSA, EVP_sha256 },
	{ { rsa_sha384, sizeof(rsa_sha384) }, WEBKEY_RSA, EVP_sha384 },
	{ { rsa_sha512, sizeof(rsa_sha512) }, WEBKEY_RSA, EVP_sha512 },
	{ { ed25519, sizeof(ed25519) }, WEBKEY_ED25519, NULL },
};

/* NULL: another, or parameters where there are none. */
static const struct algorithm *algorithm_of(struct span identifier)
{
	struct span seq, oid, null;

	if (!der_take(&identifier, DER_SEQUENCE, &seq) ||
	    !rd_end(&identifier) || !der_oid(&seq, &oid))
		return NULL;
	/* RSA's are NULL, the others have none (RFC 4055 §5, RFC 5758 §3.2). */
	if (!rd_end(&seq) && (!der_take(&seq, DER_NULL, &null) || null.n ||
			      !rd_end(&seq)))
		return NULL;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (span_equal(oid, algorithms[i].oid))
			return &algorithms[i];
	return NULL;
}

bool webkey_signed(struct span spki, struct span algorithm,
		   struct span message, struct span signature)
{
	const struct algorithm *a = algorithm_of(algorithm);
	struct p256_point point;
	AUTO(auto_key)
	EVP_PKEY *k = NULL;

	if (a && a->md == EVP_sha256 && spki_read(&point, spki))
		return a->kind == WEBKEY_EC &&
		       verify_p256(&point, &message, 1, signature);
	k = a ? read_key(spki) : NULL;
	if (!k || kind_of(k) != a->kind)
		return false;
	if (!a->md)
		return verify_whole(k, message, signature);
	return verify(k, a->md(), &message, 1, signature);
}

bool webkey_ed25519(const uint8_t key[WEBKEY_ED25519_LEN], struct span message,
		    struct span signature)
{
	AUTO(auto_key)
	EVP_PKEY *k = mem_need(EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, key, WEBKEY_ED25519_LEN));

	return signature.n == WEBKEY_ED25519_SIGNATURE_LEN &&
	       verify_whole(k, message, signature);
}
