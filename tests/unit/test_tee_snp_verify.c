/*
 * SEV-SNP through tee_verify(): AMD's real reports against AMD's real
 * certificates; every byte of them flipped and every length; and what a verdict
 * says in the words that every TEE shares.
 */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "pki/pem.h"
#include "pki/rsapss.h"
#include "snp_prepared.h"
#include "tee/claims.h"
#include "tee/policy.h"
#include "tee_vectors.h"

#define SNP "tests/vectors/snp/"
#define AT_2024 1719792000 /* 2024-07-01 */

#ifdef __SANITIZE_ADDRESS__
#define STRIDE 7
#else
#define STRIDE 1
#endif

/* No list of AMD's is at hand. */
static struct tee_policy without_crl(void)
{
	struct tee_policy p = tee_policy_default;

	p.snp.allows_no_crl = true;
	return p;
}

struct sample {
	struct span report, vek, chain;
};

static struct sample sample_load(const char *name)
{
	char path[128];
	struct sample s;

	(void)snprintf(path, sizeof(path), SNP "reports/%s.bin", name);
	s.report = vector_load(path);
	(void)snprintf(path, sizeof(path), SNP "collateral/%s/vcek.der", name);
	s.vek = vector_load(path);
	(void)snprintf(path, sizeof(path), SNP "collateral/%s/cert_chain.pem", name);
	s.chain = vector_load(path);
	return s;
}

static void sample_free(struct sample *s)
{
	vector_free(s->report);
	vector_free(s->vek);
	vector_free(s->chain);
}

static enum tee_reason judge(struct tee_verdict *v, const struct sample *s,
			     const struct tee_policy *policy, int64_t at)
{
	const struct tee_collateral c = { .snp = { .vek = s->vek, .chain = s->chain } };
	const struct tee_input in = {
		.quote = s->report,
		.collateral = &c,
		.anchors = tee_anchors_amd,
		.anchor_count = TEE_ANCHOR_AMD_COUNT,
		.policy = policy,
		.at = at,
	};

	memset(v, 0x5a, sizeof(*v));
	tee_verify(v, &in);
	snp_expect_same_prepared(v, &in);
	assert_int_equal(v->kind, TEE_KIND_SNP);
	assert_int_equal(v->reason == TEE_OK, v->detail[0] == 0);
	assert_true(v->is_verified || v->reason != TEE_OK);
	return v->reason;
}

static void real_verdicts(void **state)
{
	static const struct {
		const char *name;
		int64_t at;
		enum tee_reason want;
		bool is_verified;
	} cases[] = {
		{ "milan_trustee", AT_2024, TEE_OK, true },
		{ "milan_virtee", AT_2024, TEE_OK, true },
		{ "milan_google", AT_2024, TEE_POLICY_DEBUG, true },
		/* both bounds of the VCEK, to the second */
		{ "milan_trustee", 1674583105, TEE_VEK_NOT_YET, false },
		{ "milan_trustee", 1674583106, TEE_OK, true },
		{ "milan_trustee", 1895507906, TEE_OK, true },
		{ "milan_trustee", 1895507907, TEE_VEK_EXPIRED, false },
	};
	struct tee_policy policy = without_crl();

	(void)state;
	policy.clock_skew_s = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample s = sample_load(cases[i].name);
		struct tee_verdict v;

		print_message("%s at %lld\n", cases[i].name, (long long)cases[i].at);
		assert_int_equal(judge(&v, &s, &policy, cases[i].at), cases[i].want);
		assert_int_equal(v.is_verified, cases[i].is_verified);
		assert_string_equal(v.anchor, "AMD ARK-Milan");
		assert_false(v.is_simulated);
		if (v.is_verified) {
			assert_string_equal(v.snp_platform.product_name, "Milan-B0");
			assert_int_equal(v.snp_platform.product, SNP_MILAN);
			assert_false(v.snp_platform.has_crl);
		}
		sample_free(&s);
	}
}

/* The verdict in the words that every TEE shares. */
static void claims(void **state)
{
	const struct tee_policy policy = without_crl();
	struct sample s = sample_load("milan_google");
	struct tee_verdict v;
	struct tee_claims c;

	(void)state;
	(void)judge(&v, &s, &policy, AT_2024);
	tee_claims_of(&c, &v);
	assert_int_equal(c.kind, TEE_KIND_SNP);
	assert_true(c.is_debug && !c.is_simulated);
	assert_int_equal(c.tcb_status, TCB_NONE);
	assert_true(c.report_data.p == s.report.p + 0x50 && c.report_data.n == 64);
	assert_true(c.platform_id.p == s.report.p + 0x1a0 && c.platform_id.n == 64);
	assert_int_equal(c.measurement_count, 4);
	assert_true(tee_claims_measurement(&c, "measurement").p == s.report.p + 0x90);
	assert_int_equal(tee_claims_measurement(&c, "host_data").n, 32);
	assert_int_equal(tee_claims_measurement(&c, "id_key_digest").n, 48);
	assert_int_equal(tee_claims_measurement(&c, "mr_td").n, 0);
	assert_true(c.earliest_issue == v.earliest_issue && c.earliest_expiry == v.earliest_expiry);
	assert_true(c.earliest_expiry == 1884905728); /* the VCEK's end */
	sample_free(&s);
}

/* The same questions asked of a quote. */
static void claims_of_quotes(void **state)
{
	static const struct {
		const char *quote, *collateral, *measured;
		int64_t at;
		enum tee_kind kind;
		size_t count;
		bool is_debug;
	} cases[] = {
		{ "quotes/tdx_v4_b0c0_uptodate.bin", "collateral/tdx_b0c0_202506", "mr_td",
		  1751328000, TEE_KIND_TDX, 9, false },
		{ "quotes/tdx_v4_5080_debug.bin", "collateral/tdx_5080_202306", "rtmr3", 1688173200,
		  TEE_KIND_TDX, 9, true },
		{ "quotes/sgx_v3_00a067.bin", "collateral/sgx_00a067_202506", "mr_enclave",
		  1751328000, TEE_KIND_SGX, 2, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tee_collateral collateral = tee_vector_collateral(cases[i].collateral);
		struct span quote = tee_vector_quote(cases[i].quote);
		struct tee_verdict v;
		struct tee_claims c;

		tee_verify(&v, &(struct tee_input){
				       .quote = quote,
				       .collateral = &collateral,
				       .anchors = &tee_anchor_intel,
				       .anchor_count = 1,
				       .at = cases[i].at,
			       });
		assert_int_equal(v.kind, cases[i].kind);
		tee_claims_of(&c, &v);
		assert_int_equal(c.kind, cases[i].kind);
		assert_int_equal(c.measurement_count, cases[i].count);
		assert_int_equal(c.is_debug, cases[i].is_debug);
		assert_int_equal(c.report_data.n, 64);
		assert_int_equal(c.platform_id.n, 16);
		assert_int_equal(c.tcb_status, v.tcb_status);
		assert_true(tee_claims_measurement(&c, cases[i].measured).n >= 32);
		assert_int_equal(tee_claims_measurement(&c, "measurement").n, 0);
		tee_vector_collateral_free(&collateral);
		vector_free(quote);
	}
	struct tee_verdict nothing = { .kind = TEE_KIND_TDX };
	struct tee_claims c;
	tee_claims_of(&c, &nothing);
	assert_int_equal(c.measurement_count, 0);
	nothing.kind = TEE_KIND_SNP;
	tee_claims_of(&c, &nothing);
	assert_int_equal(c.measurement_count, 0);
	assert_int_equal(c.report_data.n, 0);
}

/* Every byte is signed, or is the signature, or must be zero. */
static void flipped_report(void **state)
{
	const struct tee_policy policy = without_crl();
	struct sample s = sample_load("milan_trustee");
	size_t by_signature = 0;

	(void)state;
	for (size_t i = 0; i < s.report.n; i++)
		for (unsigned bit = 0; bit < 8; bit += STRIDE) {
			uint8_t *copy = vector_copy(s.report);
			struct sample bad = s;
			struct tee_verdict v;

			copy[i] ^= (uint8_t)(1U << bit);
			bad.report = span_of(copy, s.report.n);
			tee_verify(&v, &(struct tee_input){
					       .quote = bad.report,
					       .collateral = &(struct tee_collateral){
						       .snp = { .vek = s.vek, .chain = s.chain } },
					       .anchors = tee_anchors_amd,
					       .anchor_count = TEE_ANCHOR_AMD_COUNT,
					       .policy = &policy,
					       .at = AT_2024,
				       });
			assert_int_not_equal(v.reason, TEE_OK);
			assert_false(v.is_verified);
			by_signature += v.reason == TEE_SNP_SIGNATURE;
			free(copy);
		}
	/* most bytes are refused by nothing but the signature */
	assert_true(by_signature > (STRIDE == 1 ? 3000 : 700));
	for (size_t n = 0; n <= s.report.n + 1; n++) {
		uint8_t *copy = mem_new(n + !n);
		struct tee_verdict v;

		memcpy(copy, s.report.p, n < s.report.n ? n : s.report.n);
		tee_verify(&v, &(struct tee_input){
				       .quote = span_of(copy, n),
				       .collateral = &(struct tee_collateral){
					       .snp = { .vek = s.vek, .chain = s.chain } },
				       .anchors = tee_anchors_amd,
				       .anchor_count = TEE_ANCHOR_AMD_COUNT,
				       .policy = &policy,
				       .at = AT_2024,
			       });
		assert_int_equal(v.reason == TEE_OK, n == s.report.n);
		if (n >= 8 && n != s.report.n)
			assert_int_equal(v.reason, TEE_SNP_SIZE);
		free(copy);
	}
	sample_free(&s);
}

/* Certificates flipped and cut.  A PEM text has bytes that are no content. */
static void flipped_collateral(void **state)
{
	const struct tee_policy policy = without_crl();
	struct sample s = sample_load("milan_virtee");

	(void)state;
	for (int item = 0; item < 2; item++) {
		struct span whole = item ? s.chain : s.vek;

		for (size_t i = 0; i < whole.n; i += STRIDE) {
			uint8_t *copy = vector_copy(whole);
			struct sample bad = s;
			struct tee_verdict v;

			copy[i] ^= 1;
			*(item ? &bad.chain : &bad.vek) = span_of(copy, whole.n);
			assert_int_not_equal(judge(&v, &bad, &policy, AT_2024), TEE_OK);
			assert_false(v.is_verified);
			free(copy);
			/* the last byte of the PEM text ends its last line */
			if (item && i == whole.n - 1)
				continue;
			copy = vector_copy(span_of(whole.p, i));
			*(item ? &bad.chain : &bad.vek) = span_of(copy, i);
			assert_int_not_equal(judge(&v, &bad, &policy, AT_2024), TEE_OK);
			free(copy);
		}
	}
	sample_free(&s);
}

/* Real parts that do not belong together. */
static void real_mixtures(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *report, *vek, *chain;
		enum tee_reason want;
	} cases[] = {
		{ "vcek_of_another_chip", "reports/milan_trustee.bin",
		  "collateral/milan_virtee/vcek.der", "collateral/milan_virtee/cert_chain.pem",
		  TEE_VEK_CHIP },
		{ "chain_of_vleks", "reports/milan_trustee.bin", "collateral/milan_trustee/vcek.der",
		  "chains/milan_vlek.pem", TEE_VEK_NAME },
		{ "chain_of_genoa", "reports/milan_trustee.bin", "collateral/milan_trustee/vcek.der",
		  "chains/genoa_vcek.pem", TEE_VEK_ISSUER },
		{ "vcek_and_chain_of_turin", "reports/milan_trustee.bin",
		  "collateral/turin_virtee/vcek.der", "collateral/turin_virtee/cert_chain.pem",
		  TEE_SNP_RESERVED },
		{ "vcek_not_by_amd", "reports/milan_trustee.bin", "certificates/vcek_nested_hwid.der",
		  "collateral/milan_trustee/cert_chain.pem", TEE_VEK_SIGNATURE },
		{ "report_instead_of_vcek", "reports/milan_trustee.bin", "reports/milan_trustee.bin",
		  "collateral/milan_trustee/cert_chain.pem", TEE_VEK_CERT },
		{ "vcek_instead_of_chain", "reports/milan_trustee.bin",
		  "collateral/milan_trustee/vcek.der", "collateral/milan_trustee/vcek.der",
		  TEE_VEK_CHAIN },
	};
	/* clang-format on */
	const struct tee_policy policy = without_crl();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const names[] = { cases[i].report, cases[i].vek, cases[i].chain };
		struct sample s;
		struct span *const parts[] = { &s.report, &s.vek, &s.chain };
		struct tee_verdict v;

		print_message("%s\n", cases[i].name);
		for (int n = 0; n < 3; n++) {
			char path[128];

			(void)snprintf(path, sizeof(path), SNP "%s", names[n]);
			*parts[n] = vector_load(path);
		}
		/* in 2025 all of them are valid */
		assert_int_equal(judge(&v, &s, &policy, 1751328000), cases[i].want);
		sample_free(&s);
	}
}

/* What is given, and what is trusted. */
static void inputs(void **state)
{
	struct sample s = sample_load("milan_trustee"), none;
	const struct tee_policy policy = without_crl();
	struct tee_input in = { .quote = s.report, .policy = &policy, .at = AT_2024 };
	struct tee_collateral c = { .snp = { .vek = s.vek, .chain = s.chain } };
	struct tee_anchor zero = { .label = "zero" }, with_key = tee_anchors_amd[0];
	struct tee_verdict v;

	(void)state;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_COLLATERAL_MISSING);
	in.collateral = &c;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_PCK_ROOT); /* no anchors */
	in.anchors = &tee_anchor_intel;
	in.anchor_count = 1;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	in.anchors = &tee_anchors_amd[1]; /* Genoa and Turin */
	in.anchor_count = 2;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	in.anchors = &zero;
	in.anchor_count = 1;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	with_key.key.xy[5] = 1; /* an anchor of quotes that knows this hash */
	in.anchors = &with_key;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	in.anchors = tee_anchors_amd;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_OK);
	in.policy = NULL; /* the default wants a list */
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_COLLATERAL_MISSING);
	assert_non_null(strstr(v.detail, "CRL"));
	none = s;
	none.vek = (struct span){ 0 };
	assert_int_equal(judge(&v, &none, &policy, AT_2024), TEE_COLLATERAL_MISSING);
	none = s;
	none.chain = (struct span){ 0 };
	assert_int_equal(judge(&v, &none, &policy, AT_2024), TEE_COLLATERAL_MISSING);
	sample_free(&s);
}

/* AMD's anchors are none for quotes. */
static void quote_under_amd(void **state)
{
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	struct span quote = tee_vector_quote("quotes/tdx_v4_b0c0_uptodate.bin");
	struct tee_verdict v;

	(void)state;
	tee_verify(&v, &(struct tee_input){
			       .quote = quote,
			       .collateral = &c,
			       .anchors = tee_anchors_amd,
			       .anchor_count = TEE_ANCHOR_AMD_COUNT,
			       .at = 1751328000,
		       });
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	tee_vector_collateral_free(&c);
	vector_free(quote);
}

/* The way for many quotes is none for reports. */
static void report_under_prepared(void **state)
{
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	struct sample s = sample_load("milan_trustee");
	const struct tee_policy policy = without_crl();
	struct tee_prepared *p = NULL;
	char detail[TEE_DETAIL_MAX];
	struct tee_verdict v;

	(void)state;
	c.snp = (struct snp_collateral){ .vek = s.vek, .chain = s.chain };
	assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1), TEE_OK);
	tee_verify_prepared(&v, p, s.report, &policy, 1751328000);
	assert_int_equal(v.reason, TEE_QUOTE_VERSION);
	assert_false(v.is_verified);
	tee_prepared_free(p);
	tee_vector_collateral_free(&c);
	sample_free(&s);
}

/* The reports' root certificates are those whose hashes are compiled in. */
static void anchors(void **state)
{
	static const char *const chains[] = { "collateral/milan_trustee/cert_chain.pem",
					      "chains/genoa_vcek.pem",
					      "collateral/turin_virtee/cert_chain.pem" };

	(void)state;
	for (size_t i = 0; i < TEE_ANCHOR_AMD_COUNT; i++) {
		struct tee_anchor out = { .label = "untouched" };
		uint8_t room[2 * RSAPSS_CERT_MAX], text[RSAPSS_CERT_MAX];
		struct wr w = WR_ARRAY(room), t = WR_ARRAY(text);
		struct span pem, der[2];
		struct sha256 hash;
		char path[128];

		(void)snprintf(path, sizeof(path), SNP "%s", chains[i]);
		pem = vector_load(path);
		assert_int_equal(pem_decode(der, 2, &w, PEM_CERTIFICATE, pem), RC_OK);
		sha256_of(&hash, der[1]);
		assert_memory_equal(hash.b, tee_anchors_amd[i].certificate, sizeof(hash.b));
		assert_true(span_is_zero(SPAN_ARRAY(tee_anchors_amd[i].key.xy)));
		assert_false(tee_anchors_amd[i].is_simulated);
		/* AMD's own root is no simulation, and an ASK is no root. */
		pem_encode(&t, PEM_CERTIFICATE, der[1]);
		assert_int_equal(tee_anchor_simulated_snp(&out, wr_span(&t)), RC_DENIED);
		t = WR_ARRAY(text);
		pem_encode(&t, PEM_CERTIFICATE, der[0]);
		assert_int_equal(tee_anchor_simulated_snp(&out, wr_span(&t)), RC_MALFORMED);
		assert_int_equal(tee_anchor_simulated_snp(&out, pem), RC_MALFORMED);
		assert_string_equal(out.label, "untouched");
		vector_free(pem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_verdicts),
		cmocka_unit_test(claims),
		cmocka_unit_test(claims_of_quotes),
		cmocka_unit_test(flipped_report),
		cmocka_unit_test(flipped_collateral),
		cmocka_unit_test(real_mixtures),
		cmocka_unit_test(inputs),
		cmocka_unit_test(quote_under_amd),
		cmocka_unit_test(report_under_prepared),
		cmocka_unit_test(anchors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
