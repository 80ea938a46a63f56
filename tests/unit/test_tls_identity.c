/* identity: the two messages of a server's certificate, as libssl and
 * libcrypto see them; keys that are of another kind. */
#include "unit.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/sha256.h"
#include "tls/identity.h"
#include "tls_peer.h"

static SSL_CTX *context_of(X509 *x, EVP_PKEY *key, X509 *above)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	if (above)
		assert_int_equal(SSL_CTX_add1_chain_cert(ctx, above), 1);
	return ctx;
}

static void assert_entry(struct span *list, X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	struct span cert = { 0 }, extensions = { 0 };

	assert_true(n > 0 && rd_vec24(list, &cert) && rd_vec16(list, &extensions));
	assert_true(span_equal(cert, span_of(der, (size_t)n)));
	assert_int_equal(extensions.n, 0);
	OPENSSL_free(der);
}

static void chain_leaf_first(void **state)
{
	struct peer_cert root, leaf;
	struct span s, body, context, list;
	struct identity *i;
	SSL_CTX *ctx;
	uint8_t type;

	(void)state;
	assert_true(peer_cert_make(&root, "root", NULL, 3600, NULL));
	assert_true(peer_cert_make(&leaf, "leaf", &root, 3600, "DNS:a.test"));
	ctx = context_of(leaf.x, leaf.key, root.x);
	i = identity_new(ctx);
	SSL_CTX_free(ctx); /* it keeps what it needs */
	assert_non_null(i);
	s = identity_chain(i);
	assert_true(rd_u8(&s, &type) && type == 11 && rd_vec24(&s, &body) && rd_end(&s));
	assert_true(rd_vec8(&body, &context) && context.n == 0 && rd_vec24(&body, &list) &&
		    rd_end(&body));
	assert_entry(&list, leaf.x);
	assert_entry(&list, root.x);
	assert_true(rd_end(&list));
	identity_free(i);
	peer_cert_free(&leaf);
	peer_cert_free(&root);
}

/* RFC 8446 §4.4.3, written again. */
static bool verifies(EVP_PKEY *key, struct span signature, struct span value)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	uint8_t content[64 + 33 + 1 + DIGEST_MAX];
	bool is_good;

	memset(content, ' ', 64);
	memcpy(content + 64, "TLS 1.3, server CertificateVerify", 33);
	content[97] = 0;
	memcpy(content + 98, value.p, value.n);
	is_good = EVP_DigestVerifyInit(m, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestVerify(m, signature.p, signature.n, content, 98 + value.n) == 1;
	EVP_MD_CTX_free(m);
	return is_good;
}

static void signature_is_of_the_messages(void **state)
{
	uint8_t signature[IDENTITY_SIGNATURE_MAX], value[DIGEST_MAX];
	struct peer_cert leaf;
	struct identity *i;
	struct digest d;
	SSL_CTX *ctx;
	size_t n, k;

	(void)state;
	assert_true(peer_cert_make(&leaf, "leaf", NULL, 3600, NULL));
	ctx = context_of(leaf.x, leaf.key, NULL);
	i = identity_new(ctx);
	for (k = 0; k < 50; k++) {
		enum digest_kind kind = k % 2 ? DIGEST_SHA384 : DIGEST_SHA256;

		digest_init(&d, kind);
		digest_add(&d, span_of(&k, sizeof(k)));
		assert_true(identity_sign(i, signature, &n, &d));
		assert_true(n <= IDENTITY_SIGNATURE_MAX);
		digest_value(&d, value);
		assert_true(verifies(leaf.key, span_of(signature, n),
				     span_of(value, digest_len(kind))));
		value[0] ^= 1;
		assert_false(verifies(leaf.key, span_of(signature, n),
				      span_of(value, digest_len(kind))));
	}
	identity_free(i);
	SSL_CTX_free(ctx);
	peer_cert_free(&leaf);
}

static void keys_of_another_kind_are_libssls(void **state)
{
	EVP_PKEY *const keys[] = { EVP_RSA_gen(2048), EVP_EC_gen("P-384"),
				   EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	size_t i;

	(void)state;
	assert_null(identity_new(ctx)); /* without any */
	SSL_CTX_free(ctx);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		X509 *x = X509_new();

		assert_non_null(keys[i]);
		X509_set_pubkey(x, keys[i]);
		assert_true(X509_sign(x, keys[i], i == 2 ? NULL : EVP_sha256()) > 0);
		ctx = context_of(x, keys[i], NULL);
		assert_null(identity_new(ctx));
		SSL_CTX_free(ctx);
		X509_free(x);
		EVP_PKEY_free(keys[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_leaf_first),
		cmocka_unit_test(signature_is_of_the_messages),
		cmocka_unit_test(keys_of_another_kind_are_libssls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
