/*
 * rsapss: AMD's real certificates read and their signatures checked; made-up
 * certificates and CRLs that are wrong in one way each; every prefix and every
 * flipped byte.
 */
#include "unit.h"

#include "pki/rsapss.h"
#include "snp_pki.h"
#include "vectors.h"

#define SNP_VECTORS "tests/vectors/snp/"

#ifdef __SANITIZE_ADDRESS__
#define STRIDE 7
#else
#define STRIDE 1
#endif

static struct made_keys keys;

static int make_keys(void **state)
{
	(void)state;
	made_keys_init(&keys);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	made_keys_fini(&keys);
	return 0;
}

/* Two certificates of a PEM file: the issuer of leaves, then the root. */
static void read_pair(struct rsapss_cert c[2], const char *path)
{
	struct span pem = vector_load(path), der[2];
	uint8_t room[2 * RSAPSS_CERT_MAX];
	struct wr w = WR_ARRAY(room);

	assert_int_equal(pem_decode(der, 2, &w, PEM_CERTIFICATE, pem), RC_OK);
	assert_int_equal(rsapss_cert_read(&c[0], der[0]), RC_OK);
	assert_int_equal(rsapss_cert_read(&c[1], der[1]), RC_OK);
	vector_free(pem);
}

/* Every intermediate of AMD's that is at hand, both kinds, three products. */
static void real_chains(void **state)
{
	static const struct {
		const char *path, *issuer, *root;
		int64_t not_before, not_after;
	} cases[] = {
		{ "collateral/milan_trustee/cert_chain.pem", "SEV-Milan", "ARK-Milan",
		  1603391060, 2392309460 },
		{ "chains/milan_vlek.pem", "SEV-VLEK-Milan", "ARK-Milan", 1668638724, 2457557124 },
		{ "chains/genoa_vcek.pem", "SEV-Genoa", "ARK-Genoa", 1667223228, 2456141628 },
		{ "chains/genoa_vlek.pem", "SEV-VLEK-Genoa", "ARK-Genoa", 1668804514, 2457722914 },
		{ "collateral/turin_virtee/cert_chain.pem", "SEV-Turin", "ARK-Turin",
		  1684182321, 2473187121 },
		{ "chains/turin_vlek.pem", "SEV-VLEK-Turin", "ARK-Turin", 1684184981, 2473189781 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rsapss_cert c[2] = { 0 };
		char path[128];

		print_message("%s\n", cases[i].path);
		(void)snprintf(path, sizeof(path), SNP_VECTORS "%s", cases[i].path);
		read_pair(c, path);
		assert_string_equal(c[0].common_name, cases[i].issuer);
		assert_string_equal(c[1].common_name, cases[i].root);
		assert_true(c[0].not_before == cases[i].not_before);
		assert_true(c[0].not_after == cases[i].not_after);
		for (int n = 0; n < 2; n++) {
			assert_int_equal(c[n].key, RSAPSS_KEY_RSA);
			assert_true(c[n].is_ca && c[n].may_sign_certs);
			assert_true(rsapss_names_issuer(&c[n], &c[1]));
			assert_true(rsapss_is_signed_by(&c[n], &c[1]));
			assert_false(rsapss_is_signed_by(&c[n], &c[0]));
			assert_false(rsapss_names_issuer(&c[n], &c[0]));
		}
		rsapss_cert_fini(&c[0]);
		rsapss_cert_fini(&c[1]);
	}
}

static void real_leaf(void **state)
{
	struct span der = vector_load(SNP_VECTORS "collateral/milan_trustee/vcek.der"), value;
	struct rsapss_cert vcek = { 0 }, c[2] = { 0 };

	(void)state;
	read_pair(c, SNP_VECTORS "collateral/milan_trustee/cert_chain.pem");
	assert_int_equal(rsapss_cert_read(&vcek, der), RC_OK);
	assert_string_equal(vcek.common_name, "SEV-VCEK");
	assert_int_equal(vcek.key, RSAPSS_KEY_P384);
	assert_int_equal(vcek.point.xy[0], 0xc6);
	assert_int_equal(vcek.point.xy[95], 0x07);
	assert_false(vcek.is_ca || vcek.may_sign_certs || vcek.may_sign_crls);
	assert_true(rsapss_names_issuer(&vcek, &c[0]));
	assert_true(rsapss_is_signed_by(&vcek, &c[0]));
	assert_false(rsapss_is_signed_by(&vcek, &c[1]));
	assert_false(rsapss_is_signed_by(&c[0], &vcek)); /* no RSA key */
	assert_true(rsapss_extension(&vcek, "1.3.6.1.4.1.3704.1.4", &value));
	assert_int_equal(value.n, 64);
	assert_false(rsapss_extension(&vcek, "1.3.6.1.4.1.3704.1.5", &value));
	rsapss_cert_fini(&vcek);
	rsapss_cert_fini(&c[0]);
	rsapss_cert_fini(&c[1]);
	vector_free(der);
}

/* No prefix is a certificate; no flipped byte leaves one that verifies. */
static void damage(void **state)
{
	struct span der = vector_load(SNP_VECTORS "collateral/turin_virtee/vcek.der");
	struct rsapss_cert c[2] = { 0 }, out = { .common_name = "untouched" };

	(void)state;
	read_pair(c, SNP_VECTORS "collateral/turin_virtee/cert_chain.pem");
	for (size_t n = 0; n < der.n; n += STRIDE) {
		uint8_t *copy = vector_copy(span_of(der.p, n));

		assert_int_equal(rsapss_cert_read(&out, span_of(copy, n)), RC_MALFORMED);
		free(copy);
	}
	assert_string_equal(out.common_name, "untouched");
	for (size_t i = 0; i < der.n; i += STRIDE) {
		uint8_t *copy = vector_copy(der);
		struct rsapss_cert bad = { 0 };

		copy[i] ^= 1;
		if (rsapss_cert_read(&bad, span_of(copy, der.n)) == RC_OK)
			assert_false(rsapss_is_signed_by(&bad, &c[0]));
		rsapss_cert_fini(&bad);
		free(copy);
	}
	uint8_t *longer = mem_new(der.n + 1);
	memcpy(longer, der.p, der.n);
	assert_int_equal(rsapss_cert_read(&out, span_of(longer, der.n + 1)), RC_MALFORMED);
	free(longer);
	uint8_t *huge = mem_new(RSAPSS_CERT_MAX + 1);
	assert_int_equal(rsapss_cert_read(&out, span_of(huge, RSAPSS_CERT_MAX + 1)), RC_LIMIT);
	free(huge);
	rsapss_cert_fini(&c[0]);
	rsapss_cert_fini(&c[1]);
	vector_free(der);
}

static struct made_cert plain(void)
{
	return (struct made_cert){
		.subject = "SEV-Milan",
		.issuer = "ARK-Milan",
		.serial = 7,
		.from = MADE_AT - MADE_YEAR,
		.to = MADE_AT + MADE_YEAR,
		.constraints = "critical,CA:TRUE",
		.usage = "critical,keyCertSign",
		.key = keys.ask,
		.signer = keys.ark,
	};
}

static enum rc read_made(const struct made_cert *plan)
{
	uint8_t room[MADE_MAX];
	struct rsapss_cert c = { 0 };
	enum rc rc = rsapss_cert_read(&c, made_certificate(room, plan));

	rsapss_cert_fini(&c);
	return rc;
}

/* What is well formed and is not AMD's profile. */
static void profile(void **state)
{
	static const struct made_extension unknown = { "1.2.3.4", { 5, 0 }, 2, false };
	struct made_cert plan = plain();
	EVP_PKEY *small = made_rsa(3072), *p256 = EVP_EC_gen("P-256");

	(void)state;
	assert_int_equal(read_made(&plan), RC_OK);
	plan.extensions[0] = unknown;
	assert_int_equal(read_made(&plan), RC_OK);
	plan.extensions[0].is_critical = true;
	assert_int_equal(read_made(&plan), RC_UNSUPPORTED);
	plan.extensions[0] = plan.extensions[1] = unknown;
	assert_int_equal(read_made(&plan), RC_MALFORMED); /* twice */
	plan = plain();
	plan.key = small;
	assert_int_equal(read_made(&plan), RC_UNSUPPORTED);
	plan.key = p256;
	assert_int_equal(read_made(&plan), RC_UNSUPPORTED);
	plan.key = keys.vek;
	assert_int_equal(read_made(&plan), RC_OK);
	plan = plain();
	plan.md = EVP_sha256(); /* PSS, but not with SHA-384 */
	assert_int_equal(read_made(&plan), RC_UNSUPPORTED);
	plan.md = EVP_sha512();
	assert_int_equal(read_made(&plan), RC_UNSUPPORTED);
	plan = plain();
	plan.subject = "tab\there";
	assert_int_equal(read_made(&plan), RC_MALFORMED);
	EVP_PKEY_free(small);
	EVP_PKEY_free(p256);
}

static void made_ones(void **state)
{
	struct made_cert plan = plain();
	uint8_t room[MADE_MAX];
	struct rsapss_cert c = { 0 };

	(void)state;
	assert_int_equal(rsapss_cert_read(&c, made_certificate(room, &plan)), RC_OK);
	assert_true(c.not_before == MADE_AT - MADE_YEAR && c.not_after == MADE_AT + MADE_YEAR);
	assert_true(c.is_ca && c.may_sign_certs && !c.may_sign_crls);
	rsapss_cert_fini(&c);
	plan.constraints = "critical,CA:FALSE";
	plan.usage = NULL;
	assert_int_equal(rsapss_cert_read(&c, made_certificate(room, &plan)), RC_OK);
	assert_false(c.is_ca || c.may_sign_certs || c.may_sign_crls);
	rsapss_cert_fini(&c);
	plan.constraints = NULL;
	assert_int_equal(rsapss_cert_read(&c, made_certificate(room, &plan)), RC_OK);
	assert_false(c.is_ca);
	rsapss_cert_fini(&c);
}

static void lists(void **state)
{
	static const uint64_t serials[] = { 1, 7, 9 };
	struct made_cert plan = plain(), root_plan = plain();
	struct made_crl list = {
		.issuer = "ARK-Milan",
		.from = MADE_AT,
		.to = MADE_AT + 86400,
		.serials = serials,
		.serial_count = 3,
		.signer = keys.ark,
	};
	uint8_t a[MADE_MAX], b[MADE_MAX], l[MADE_MAX];
	struct rsapss_cert ask = { 0 }, ark = { 0 };
	struct rsapss_crl crl = { 0 };
	struct span der;

	(void)state;
	root_plan.subject = "ARK-Milan";
	root_plan.serial = 8;
	root_plan.key = keys.ark;
	assert_int_equal(rsapss_cert_read(&ask, made_certificate(a, &plan)), RC_OK);
	assert_int_equal(rsapss_cert_read(&ark, made_certificate(b, &root_plan)), RC_OK);
	der = made_list(l, &list);
	assert_int_equal(rsapss_crl_read(&crl, der), RC_OK);
	assert_true(crl.this_update == MADE_AT && crl.next_update == MADE_AT + 86400);
	assert_true(rsapss_crl_names_issuer(&crl, &ark));
	assert_false(rsapss_crl_names_issuer(&crl, &ask));
	assert_true(rsapss_crl_is_signed_by(&crl, &ark));
	assert_false(rsapss_crl_is_signed_by(&crl, &ask));
	assert_true(rsapss_crl_lists(&crl, &ask));
	assert_false(rsapss_crl_lists(&crl, &ark));
	rsapss_crl_fini(&crl);
	for (size_t n = 0; n < der.n; n += STRIDE) {
		uint8_t *copy = vector_copy(span_of(der.p, n));

		assert_int_equal(rsapss_crl_read(&crl, span_of(copy, n)), RC_MALFORMED);
		free(copy);
	}
	for (size_t i = 0; i < der.n; i += STRIDE) {
		uint8_t *copy = vector_copy(der);

		copy[i] ^= 1;
		if (rsapss_crl_read(&crl, span_of(copy, der.n)) == RC_OK)
			assert_false(rsapss_crl_is_signed_by(&crl, &ark));
		rsapss_crl_fini(&crl);
		free(copy);
	}
	list.has_critical = true;
	assert_int_equal(rsapss_crl_read(&crl, made_list(l, &list)), RC_UNSUPPORTED);
	list.has_critical = false;
	list.serial_count = 0;
	assert_int_equal(rsapss_crl_read(&crl, made_list(l, &list)), RC_OK);
	assert_false(rsapss_crl_lists(&crl, &ask));
	rsapss_crl_fini(&crl);
	rsapss_cert_fini(&ask);
	rsapss_cert_fini(&ark);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_chains),
		cmocka_unit_test(real_leaf),
		cmocka_unit_test(damage),
		cmocka_unit_test(profile),
		cmocka_unit_test(made_ones),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
