/*
 * issue: what it makes is read back by our own parser and, independently, by
 * libcrypto, which also builds and verifies the chain with its CRLs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "pki/cert.h"
#include "pki/crl.h"
#include "pki/issue.h"

enum {
	NOW = 1'800'000'000,
	DAY = 86400,
};

struct world {
	struct p256_private *root, *leaf;
	struct issue_certificate root_c, leaf_c;
	uint8_t sgx[1024];
};

static const struct issue_sgx platform = {
	.ppid = "SIM-ppid-1234567",
	.component = { 3, 128, 255, 127, 0, 1 },
	.pce_svn = 0x8001,
	.cpu_svn = "cpu-svn-89abcdef",
	.pce_id = { 1, 2 },
	.fmspc = "FMSPC!",
	.sgx_type = 2,
	.platform_instance_id = "instance-id-1234",
	.is_dynamic = true,
	.has_smt = true,
};

static int setup(void **state)
{
	static struct world w;
	struct wr sgx = WR_ARRAY(w.sgx);

	w.root = p256_private_generate();
	w.leaf = p256_private_generate();
	w.root_c = (struct issue_certificate){
		.subject = "test root CA",
		.issuer = "test root CA",
		.serial = { 0, 0x80, 1 },
		.not_before = NOW - DAY,
		.not_after = NOW + DAY,
		.role = ISSUE_CA,
		.path_len = 1,
		.crl_url = "https://test.invalid/root.crl",
	};
	p256_private_point(w.root, &w.root_c.key);
	w.root_c.issuer_key = w.root_c.key;
	w.leaf_c = w.root_c;
	w.leaf_c.subject = "test leaf";
	w.leaf_c.role = ISSUE_END;
	memset(w.leaf_c.serial, 0xff, sizeof(w.leaf_c.serial));
	w.leaf_c.serial[0] = 0x7f;
	p256_private_point(w.leaf, &w.leaf_c.key);
	issue_sgx(&sgx, &platform);
	w.leaf_c.sgx = wr_span(&sgx);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	p256_private_free(w->root);
	p256_private_free(w->leaf);
	return 0;
}

static void issue(struct buf *der, const struct issue_certificate *c, const struct p256_private *by)
{
	buf_init(der, ISSUE_DER_MAX);
	assert_int_equal(issue_certificate(der, c, by), RC_OK);
}

static void leaf_reads_back(void **state)
{
	struct world *w = *state;
	struct buf der;
	struct cert c;

	issue(&der, &w->leaf_c, w->root);
	assert_int_equal(cert_parse(&c, buf_span(&der)), RC_OK);
	assert_true(span_equal_str(c.common_name, "test leaf"));
	assert_true(span_equal(c.serial, SPAN_ARRAY(w->leaf_c.serial)));
	assert_int_equal(c.not_before, w->leaf_c.not_before);
	assert_int_equal(c.not_after, w->leaf_c.not_after);
	assert_false(c.is_ca);
	assert_int_equal(c.key_usage & CERT_USE_CERT_SIGN, 0);
	assert_int_equal(c.key_usage & CERT_USE_SIGNATURE, CERT_USE_SIGNATURE);
	assert_true(span_equal(SPAN_ARRAY(c.key.xy), SPAN_ARRAY(w->leaf_c.key.xy)));
	assert_true(span_equal(c.sgx, w->leaf_c.sgx));
	assert_true(p256_verify(&w->root_c.key, &c.signature, c.tbs));
	buf_fini(&der);
}

static void root_names_itself_and_may_sign(void **state)
{
	struct world *w = *state;
	struct buf root, leaf;
	struct cert r, l;

	issue(&root, &w->root_c, w->root);
	issue(&leaf, &w->leaf_c, w->root);
	assert_int_equal(cert_parse(&r, buf_span(&root)), RC_OK);
	assert_int_equal(cert_parse(&l, buf_span(&leaf)), RC_OK);
	assert_true(r.is_ca);
	assert_int_equal(r.path_len, 1);
	assert_int_equal(r.key_usage, CERT_USE_CERT_SIGN | CERT_USE_CRL_SIGN);
	assert_true(cert_names_issuer(&r, &r));
	assert_true(cert_names_issuer(&l, &r));
	assert_false(cert_names_issuer(&r, &l));
	assert_int_equal(r.sgx.n, 0);
	/* A serial whose first byte is 0x80 is written as a positive INTEGER. */
	static const uint8_t serial[] = { 0, 0x80, 1 };
	assert_int_equal(r.serial.n, 20);
	assert_memory_equal(r.serial.p, serial, sizeof(serial));
	buf_fini(&root);
	buf_fini(&leaf);
}

/* The bytes of a real leaf's extension, with our values in their places. */
static void sgx_extension_has_intels_shape(void **state)
{
	struct world *w = *state;
	static const char want[] =
		"3082022a"
		"301e060a2a864886f84d010d01010410"
		"53494d2d707069642d31323334353637"
		"30820167060a2a864886f84d010d010230820157"
		"3010060b2a864886f84d010d010201020103"
		"3011060b2a864886f84d010d01020202020080"
		"3011060b2a864886f84d010d010203020200ff"
		"3010060b2a864886f84d010d01020402017f"
		"3010060b2a864886f84d010d010205020100"
		"3010060b2a864886f84d010d010206020101"
		"3010060b2a864886f84d010d010207020100"
		"3010060b2a864886f84d010d010208020100"
		"3010060b2a864886f84d010d010209020100"
		"3010060b2a864886f84d010d01020a020100"
		"3010060b2a864886f84d010d01020b020100"
		"3010060b2a864886f84d010d01020c020100"
		"3010060b2a864886f84d010d01020d020100"
		"3010060b2a864886f84d010d01020e020100"
		"3010060b2a864886f84d010d01020f020100"
		"3010060b2a864886f84d010d010210020100"
		"3012060b2a864886f84d010d0102110203008001"
		"301f060b2a864886f84d010d0102120410"
		"6370752d73766e2d3839616263646566"
		"3010060a2a864886f84d010d010304020102"
		"3014060a2a864886f84d010d01040406"
		"464d53504321"
		"300f060a2a864886f84d010d01050a0102"
		"301e060a2a864886f84d010d01060410"
		"696e7374616e63652d69642d31323334"
		"3044060a2a864886f84d010d01073036"
		"3010060b2a864886f84d010d0107010101ff"
		"3010060b2a864886f84d010d010702010100"
		"3010060b2a864886f84d010d0107030101ff";
	char hex[2048] = { 0 };
	struct wr out = wr_over(hex, sizeof(hex) - 1);

	text_hex(&out, w->leaf_c.sgx);
	/* A real one is 0x226 long; two SVNs of 128 and more need a byte more
	 * each, the PCESVN two. */
	assert_string_equal(hex, want);
}

static X509 *openssl_cert(const struct buf *der)
{
	const uint8_t *p = buf_span(der).p;
	X509 *x = d2i_X509(NULL, &p, (long)der->n);

	assert_non_null(x);
	return x;
}

static X509_CRL *make_crl(struct world *w, const struct p256_private *by, bool revoked)
{
	const struct issue_crl c = {
		.issuer = "test root CA",
		.issuer_key = w->root_c.key,
		.this_update = NOW - DAY,
		.next_update = NOW + DAY,
		.number = 77,
		.revoked = &w->leaf_c.serial,
		.revoked_count = revoked,
	};
	struct buf der;
	struct crl read;

	buf_init(&der, ISSUE_DER_MAX);
	assert_int_equal(issue_crl(&der, &c, by), RC_OK);
	assert_int_equal(crl_parse(&read, buf_span(&der)), RC_OK);
	assert_int_equal(read.this_update, c.this_update);
	assert_int_equal(read.next_update, c.next_update);
	assert_int_equal(read.entry_count, c.revoked_count);
	assert_int_equal(read.number.n, 1);
	assert_int_equal(read.number.p[0], 77);
	const uint8_t *p = buf_span(&der).p;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	assert_non_null(crl);
	buf_fini(&der);
	return crl;
}

/* libcrypto's own verdict: X509_V_OK or an X509_V_ERR. */
static int openssl_verdict(struct world *w, const struct p256_private *crl_by, bool revoked)
{
	struct buf root_der, leaf_der;
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int verdict;

	issue(&root_der, &w->root_c, w->root);
	issue(&leaf_der, &w->leaf_c, w->root);
	X509 *root = openssl_cert(&root_der), *leaf = openssl_cert(&leaf_der);
	X509_CRL *crl = make_crl(w, crl_by, revoked);
	assert_int_equal(X509_STORE_add_cert(store, root), 1);
	assert_int_equal(X509_STORE_add_crl(store, crl), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, NOW);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT |
						   X509_V_FLAG_CHECK_SS_SIGNATURE);
	verdict = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_CRL_free(crl);
	X509_free(root);
	X509_free(leaf);
	buf_fini(&root_der);
	buf_fini(&leaf_der);
	return verdict;
}

static void libcrypto_accepts_the_chain(void **state)
{
	struct world *w = *state;

	assert_int_equal(openssl_verdict(w, w->root, false), X509_V_OK);
}

static void libcrypto_sees_the_revocation(void **state)
{
	struct world *w = *state;

	assert_int_equal(openssl_verdict(w, w->root, true), X509_V_ERR_CERT_REVOKED);
}

static void libcrypto_refuses_a_strangers_crl(void **state)
{
	struct world *w = *state;

	assert_int_equal(openssl_verdict(w, w->leaf, false), X509_V_ERR_CRL_SIGNATURE_FAILURE);
}

static void full_output_is_a_limit_and_unchanged(void **state)
{
	struct world *w = *state;
	struct buf der;

	buf_init(&der, 100);
	assert_int_equal(issue_certificate(&der, &w->leaf_c, w->root), RC_LIMIT);
	assert_int_equal(der.n, 0);
	buf_fini(&der);
}

static void field_libcrypto_refuses_is_crypto(void **state)
{
	struct world *w = *state;
	struct issue_certificate c = w->leaf_c;
	struct issue_crl crl = { .issuer_key = w->root_c.key };
	char name[128];
	struct buf der;

	buf_init(&der, ISSUE_DER_MAX);
	memset(name, 'x', sizeof(name) - 1); /* a CN has at most 64 characters */
	name[sizeof(name) - 1] = '\0';
	c.subject = name;
	assert_int_equal(issue_certificate(&der, &c, w->root), RC_CRYPTO);
	c = w->leaf_c;
	c.key.xy[0] ^= 1; /* off the curve */
	assert_int_equal(issue_certificate(&der, &c, w->root), RC_CRYPTO);
	crl.issuer = name;
	assert_int_equal(issue_crl(&der, &crl, w->root), RC_CRYPTO);
	assert_int_equal(der.n, 0);
	buf_fini(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaf_reads_back),
		cmocka_unit_test(root_names_itself_and_may_sign),
		cmocka_unit_test(sgx_extension_has_intels_shape),
		cmocka_unit_test(libcrypto_accepts_the_chain),
		cmocka_unit_test(libcrypto_sees_the_revocation),
		cmocka_unit_test(libcrypto_refuses_a_strangers_crl),
		cmocka_unit_test(full_output_is_a_limit_and_unchanged),
		cmocka_unit_test(field_libcrypto_refuses_is_crypto),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
