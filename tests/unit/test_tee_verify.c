/*
 * verify: every row of cases.tsv; documents in each other's place; what the
 * verdict says.  Flipped bytes and truncations are in test_tee_mutate.
 */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "base/text.h"
#include "tee/policy.h"
#include "tee_vectors.h"

#define B0C0 "collateral/tdx_b0c0_202506"
#define B0C0_QUOTE "quotes/tdx_v4_b0c0_uptodate.bin"
#define B0C0_AT 1751328000

enum {
	THREADS = 20,
	ROUNDS = 8,
	SIGNATURE_AT = 636, /* the quote's, by the attestation key */
};

static void verify_case(struct tee_verdict *v, struct span quote,
			const struct tee_collateral *c, int64_t at)
{
	const struct tee_input in = {
		.quote = quote,
		.collateral = c,
		.anchors = &tee_anchor_intel,
		.anchor_count = 1,
		.at = at,
	};

	memset(v, 0x5a, sizeof(*v));
	tee_verify(v, &in);
	/* The two entries are one. */
	assert_int_equal(v->reason == TEE_OK, v->detail[0] == 0);
}

/* What the words of cases.tsv's fifth column are called here. */
static const struct {
	const char *words;
	enum tee_reason reason;
	enum tee_tcb_status status;
	bool is_verified;
} expectations[] = {
	{ "ACCEPT UpToDate", TEE_OK, TCB_UP_TO_DATE, true },
	{ "REJECT collateral-not-yet-valid", TEE_COLLATERAL_NOT_YET, TCB_NONE, false },
	{ "REJECT collateral-expired", TEE_COLLATERAL_EXPIRED, TCB_NONE, false },
	{ "REJECT fmspc-mismatch", TEE_FMSPC, TCB_NONE, false },
	{ "REJECT wrong-TEE-collateral", TEE_COLLATERAL_TEE, TCB_NONE, false },
	{ "VERIFIED ConfigurationAndSWHardeningNeeded", TEE_TCB_STATUS,
	  TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, true },
	{ "REJECT TcbLevelNotSupported", TEE_TCB_NOT_SUPPORTED, TCB_NONE, true },
	{ "REJECT (leaf notBefore", TEE_PCK_NOT_YET, TCB_NONE, false },
	{ "REJECT policy:debug-TD", TEE_POLICY_DEBUG, TCB_UP_TO_DATE, true },
	{ "REJECT crl-not-yet-valid", TEE_CRL_NOT_YET, TCB_NONE, false },
};

static void check_row(char *row)
{
	struct span line = span_str(row), field[5];
	struct tee_collateral c;
	struct tee_verdict v;
	struct span quote;
	char name[128], dir[128];
	uint64_t at;
	size_t want = 0;

	for (size_t i = 0; i < 5; i++)
		assert_true(rd_until(&line, &field[i], '\t'));
	snprintf(name, sizeof(name), "%.*s", (int)field[0].n, (const char *)field[0].p);
	snprintf(dir, sizeof(dir), "%.*s", (int)field[1].n, (const char *)field[1].p);
	assert_true(text_u64(&at, field[3], INT64_MAX));
	while (!span_has_prefix(field[4], span_str(expectations[want].words))) {
		want++;
		if (want == sizeof(expectations) / sizeof(expectations[0]))
			fail_msg("words not known: %s", row);
	}
	quote = tee_vector_quote(name);
	c = tee_vector_collateral(dir);
	verify_case(&v, quote, &c, (int64_t)at);
	print_message("%s @%llu: %s (%s)\n", name, (unsigned long long)at,
		      tee_reason_name(v.reason), v.detail);
	assert_string_equal(tee_reason_name(v.reason),
			    tee_reason_name(expectations[want].reason));
	assert_int_equal(v.tcb_status, expectations[want].status);
	assert_int_equal(v.is_verified, expectations[want].is_verified);
	assert_false(v.is_simulated);
	tee_vector_collateral_free(&c);
	vector_free(quote);
}

static void cases_tsv(void **state)
{
	struct span file = vector_load(TDX_VECTORS "cases.tsv"), s = file, line;
	size_t rows = 0;

	(void)state;
	while (rd_until(&s, &line, '\n')) {
		char *row;

		if (!line.n || line.p[0] == '#')
			continue;
		row = mem_dup_n(line.p, line.n);
		check_row(row);
		free(row);
		rows++;
	}
	assert_int_equal(rows, 18);
	vector_free(file);
}

static void verdict_tells_the_platform(void **state)
{
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct tee_collateral c = tee_vector_collateral(B0C0);
	struct tee_verdict v;

	(void)state;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_OK);
	assert_string_equal(v.anchor, "Intel SGX Root CA");
	assert_memory_equal(v.fmspc, "\xb0\xc0\x6f\0\0\0", 6);
	assert_memory_equal(v.ppid, "\x81\x1d\xca\x2a", 4);
	assert_memory_equal(v.platform_instance_id, "\x07\x82\x84\x74", 4);
	assert_true(v.pck.has_platform && v.pck.smt_enabled);
	assert_int_equal(v.pck.pce_svn, 11);
	assert_int_equal(v.tcb_evaluation, 17);
	assert_int_equal(v.qe_evaluation, 17);
	assert_int_equal(v.advisory_count, 0);
	assert_int_equal(v.platform_status, TCB_UP_TO_DATE);
	assert_int_equal(v.qe_status, TCB_UP_TO_DATE);
	assert_true(v.earliest_issue <= B0C0_AT && v.earliest_expiry >= B0C0_AT);
	assert_int_equal(v.image[0], 0);
	tee_vector_collateral_free(&c);
	vector_free(quote);
}

static void advisories_united(void **state)
{
	struct span quote = tee_vector_quote("quotes/sgx_v3_00a067.bin");
	struct tee_collateral c = tee_vector_collateral("collateral/sgx_00a067_202506");
	struct tee_verdict v;

	(void)state;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.advisory_count, 2);
	assert_string_equal(v.advisories[0], "INTEL-SA-00289");
	assert_string_equal(v.advisories[1], "INTEL-SA-00615");
	tee_vector_collateral_free(&c);
	vector_free(quote);
}

/* Bounds are inclusive, to the second. */
static void time_bounds(void **state)
{
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct tee_collateral c = tee_vector_collateral(B0C0);
	struct tee_policy exact = tee_policy_default, skewed = exact;
	struct tee_prepared *p = NULL;
	char detail[TEE_DETAIL_MAX];
	struct tee_verdict v;
	int64_t first = 0, last;

	(void)state;
	assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1), TEE_OK);
	exact.clock_skew_s = 0;
	tee_verify_prepared(&v, p, quote, &exact, B0C0_AT);
	last = v.earliest_expiry;
	/* the latest beginning, by search: nothing else changes with time */
	for (int64_t lo = v.earliest_issue - 1, hi = B0C0_AT; hi - lo > 1;) {
		int64_t at = lo + (hi - lo) / 2;

		tee_verify_prepared(&v, p, quote, &exact, at);
		if (v.reason)
			lo = at;
		else
			hi = first = at;
	}
	assert_int_equal(first, 1750329147); /* 2025-06-19T10:32:27Z, QE identity */
	tee_verify_prepared(&v, p, quote, &exact, first - 1);
	assert_int_equal(v.reason, TEE_COLLATERAL_NOT_YET);
	/* without a policy clocks may be five minutes behind, and not ahead */
	tee_verify_prepared(&v, p, quote, NULL, first - 300);
	assert_int_equal(v.reason, TEE_OK);
	tee_verify_prepared(&v, p, quote, NULL, first - 301);
	assert_int_equal(v.reason, TEE_COLLATERAL_NOT_YET);
	tee_verify_prepared(&v, p, quote, NULL, last + 1);
	assert_int_not_equal(v.reason, TEE_OK);
	skewed.clock_skew_s = 1;
	tee_verify_prepared(&v, p, quote, &skewed, first - 1);
	assert_int_equal(v.reason, TEE_OK);
	tee_verify_prepared(&v, p, quote, &skewed, first - 2);
	assert_int_equal(v.reason, TEE_COLLATERAL_NOT_YET);
	tee_verify_prepared(&v, p, quote, NULL, last);
	assert_int_equal(v.reason, TEE_OK);
	tee_verify_prepared(&v, p, quote, &skewed, last + 1);
	assert_int_not_equal(v.reason, TEE_OK);
	tee_prepared_free(p);
	tee_vector_collateral_free(&c);
	vector_free(quote);
}

/* Documents in each other's place, missing, and anchors that are not theirs. */
static void wrong_documents(void **state)
{
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	const struct tee_collateral good = tee_vector_collateral(B0C0);
	struct tee_collateral other = tee_vector_collateral("collateral/sgx_00a067_202506");
	struct tee_collateral c;
	struct tee_verdict v;
	struct tee_input in = {
		.quote = quote,
		.collateral = &good,
		.anchors = &tee_anchor_intel,
		.anchor_count = 0,
		.at = B0C0_AT,
	};
	struct tee_anchor stranger = tee_anchor_intel;

	(void)state;
	/* the last, the PCK CRL's issuer chain, may be missing */
	for (size_t i = 0; i < TEE_VECTOR_ITEMS - 1; i++) {
		c = good;
		*tee_vector_item(&c, i) = (struct span){ 0 };
		verify_case(&v, quote, &c, B0C0_AT);
		assert_int_equal(v.reason, TEE_COLLATERAL_MISSING);
		assert_non_null(strstr(v.detail, "missing"));
	}
	c = good;
	c.root_crl = good.pck_crl;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_CRL_ISSUER);
	c = good;
	c.pck_crl = good.root_crl;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_CRL_ISSUER);
	c = good;
	c.pck_crl_chain = good.tcb_info_chain;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_PCK_NAME);
	c.pck_crl_chain = other.pck_crl_chain;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_CRL_ISSUER);
	c = good;
	c.pck_crl = other.pck_crl; /* of the Processor CA */
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_CRL_ISSUER);
	c = good;
	c.qe_identity = good.tcb_info;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_COLLATERAL_MALFORMED);
	c = good;
	c.qe_identity = other.qe_identity;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_COLLATERAL_TEE);
	c = good;
	c.pck_chain = good.tcb_info_chain;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_PCK_PEM);

	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	stranger.key.xy[0] ^= 1;
	in.anchors = &stranger;
	in.anchor_count = 1;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	assert_string_equal(v.anchor, "");
	tee_vector_collateral_free(&other);
	c = good;
	tee_vector_collateral_free(&c);
	vector_free(quote);
}

/* Another serial number in the last certificate, the root. */
static uint8_t *with_other_root(struct span *text)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	uint8_t *copy = vector_copy(*text), *at = NULL, *next = copy;

	while ((next = memmem(next, text->n - (size_t)(next - copy), begin, strlen(begin))))
		at = next += strlen(begin);
	if (!at)
		fail_msg("no certificate");
	else
		at[30] = at[30] == 'A' ? 'B' : 'A';
	text->p = copy;
	return copy;
}

/* The root's key is the anchor; nothing else of it can be changed either. */
static void root_changed_everywhere_refused(void **state)
{
	const struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct tee_collateral good = tee_vector_collateral(B0C0), c = good;
	struct span changed = quote;
	uint8_t *copies[] = {
		with_other_root(&changed),
		with_other_root(&c.tcb_info_chain),
		with_other_root(&c.qe_identity_chain),
	};
	struct tee_verdict v;

	(void)state;
	verify_case(&v, changed, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_SIGNER_CHAIN);
	assert_non_null(strstr(v.detail, "self-signature"));
	verify_case(&v, changed, &good, B0C0_AT);
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	for (size_t i = 0; i < 3; i++)
		free(copies[i]);
	tee_vector_collateral_free(&good);
	vector_free(quote);
}

/* A chain beside the quote is fine when it is the quote's own, however it ends. */
static void chain_beside_the_quote(void **state)
{
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct tee_collateral c = tee_vector_collateral(B0C0);
	struct tee_verdict v;

	(void)state;
	verify_case(&v, quote, &c, B0C0_AT);
	c.pck_chain = v.quote.certification_data;
	verify_case(&v, quote, &c, B0C0_AT);
	assert_int_equal(v.reason, TEE_OK);
	assert_int_equal(c.pck_chain.p[c.pck_chain.n - 1], 0);
	for (unsigned cut = 1; cut <= 3; cut++) {
		c.pck_chain.n--;
		verify_case(&v, quote, &c, B0C0_AT);
		/* NUL and line end are no part of it; the last dash is. */
		assert_int_equal(v.reason, cut < 3 ? TEE_OK : TEE_PCK_PEM);
	}
	tee_vector_collateral_free(&c);
	vector_free(quote);
}

/*
 * Intel's own sample: a v3 quote of certification type 1 under a private root,
 * which stands here as a simulated anchor.
 */
static void foreign_root_is_simulated(void **state)
{
#define SAMPLE TDX_VECTORS "intel-sample-sgx/"
	struct span quote = vector_load(SAMPLE "quote.dat");
	struct span root_pem = vector_load(SAMPLE "trustedRootCaCert.pem");
	struct span leaf = vector_load(SAMPLE "pckCert.pem");
	struct span rest = vector_load(SAMPLE "pckSignChain.pem");
	struct span signer = vector_load(SAMPLE "tcbSignChain.pem");
	uint8_t chain[8192];
	struct wr w = WR_ARRAY(chain);
	struct tee_collateral c = {
		.root_crl = vector_load(SAMPLE "rootCaCrl.der"),
		.pck_crl = vector_load(SAMPLE "intermediateCaCrl.der"),
		.tcb_info = vector_load(SAMPLE "tcbInfo.json"),
		.tcb_info_chain = signer,
		.qe_identity = vector_load(SAMPLE "qeIdentity.json"),
		.qe_identity_chain = signer,
	};
	struct tee_anchor anchors[2] = { tee_anchor_intel };
	struct tee_input in = {
		.quote = quote,
		.collateral = &c,
		.anchors = anchors,
		.anchor_count = 2,
		.at = 1640995200, /* 2022-01-01 */
	};
	struct tee_policy strict = tee_policy_default;
	struct tee_verdict v;

	(void)state;
	assert_int_equal(tee_anchor_simulated(&anchors[1], root_pem), RC_OK);
	assert_true(anchors[1].is_simulated);
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_QUOTE_CERT_TYPE); /* no chain anywhere */
	wr_bytes(&w, leaf);
	wr_bytes(&w, rest);
	c.pck_chain = wr_span(&w);
	tee_verify(&v, &in);
	print_message("%s: %s\n", tee_reason_name(v.reason), v.detail);
	assert_int_equal(v.reason, TEE_OK);
	assert_true(v.is_simulated);
	assert_string_equal(v.anchor, "simulated");
	strict.refuses_simulated = true;
	in.policy = &strict;
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_POLICY_SIMULATED);
	assert_true(v.is_simulated && v.is_verified);
	in.policy = NULL;
	in.anchor_count = 1; /* Intel's alone: the simulation is a stranger */
	tee_verify(&v, &in);
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	assert_false(v.is_simulated);
	vector_free(quote);
	vector_free(root_pem);
	vector_free(leaf);
	vector_free(rest);
	c.qe_identity_chain = (struct span){ 0 };
	tee_vector_collateral_free(&c);
}

static void intel_root_is_no_simulation(void **state)
{
	struct span pem = vector_load(TDX_VECTORS "roots/intel_sgx_root_ca.pem");
	struct tee_anchor a = { .label = "untouched" };

	(void)state;
	assert_int_equal(tee_anchor_simulated(&a, pem), RC_DENIED);
	assert_int_equal(tee_anchor_simulated(&a, span_str("no PEM")), RC_MALFORMED);
	assert_string_equal(a.label, "untouched");
	vector_free(pem);
}

struct verifier {
	pthread_t id;
	const struct tee_prepared *p;
	struct span quote;
	enum tee_reason want;
	unsigned wrong;
};

static void *verify(void *arg)
{
	struct verifier *t = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct tee_verdict v;

		tee_verify_prepared(&v, t->p, t->quote, NULL, B0C0_AT);
		t->wrong += v.reason != t->want;
	}
	return NULL;
}

/* Every other thread's quote is signed wrongly; make MODE=tsan unit T=tee_. */
static void threads_share_prepared_collateral(void **state)
{
	struct tee_collateral c = tee_vector_collateral(B0C0);
	struct span good = tee_vector_quote(B0C0_QUOTE);
	uint8_t *bad = vector_copy(good);
	struct verifier threads[THREADS];
	struct tee_prepared *p = NULL;
	char detail[TEE_DETAIL_MAX];

	(void)state;
	bad[SIGNATURE_AT] ^= 1;
	assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1), TEE_OK);
	for (size_t i = 0; i < THREADS; i++) {
		threads[i] = (struct verifier){
			.p = p,
			.quote = i % 2 ? span_of(bad, good.n) : good,
			.want = i % 2 ? TEE_QUOTE_SIGNATURE : TEE_OK,
		};
		assert_int_equal(pthread_create(&threads[i].id, NULL, verify, &threads[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i].id, NULL);
		assert_int_equal(threads[i].wrong, 0);
	}
	tee_prepared_free(p);
	free(bad);
	vector_free(good);
	tee_vector_collateral_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_tsv),
		cmocka_unit_test(verdict_tells_the_platform),
		cmocka_unit_test(advisories_united),
		cmocka_unit_test(time_bounds),
		cmocka_unit_test(wrong_documents),
		cmocka_unit_test(root_changed_everywhere_refused),
		cmocka_unit_test(chain_beside_the_quote),
		cmocka_unit_test(foreign_root_is_simulated),
		cmocka_unit_test(intel_root_is_no_simulation),
		cmocka_unit_test(threads_share_prepared_collateral),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
