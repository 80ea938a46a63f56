/*
 * SEV-SNP through libpostern-tee's public header: AMD's real reports, what the
 * verdict tells, documents of both vendors in one collateral, a made-up AMD for
 * VLEK and CRL, callers of the first version, threads.
 */
#include "unit.h"

#include <postern/tee.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "snp_plan.h"
#include "tee_vectors.h"

#define SNP "tests/vectors/snp/"
#define B0C0 "collateral/tdx_b0c0_202506"
#define AT_2024 1719792000 /* 2024-07-01 */
#define B0C0_AT 1751328000
#define NO_CRL "snp: {require_crl: false}\n"

enum {
	SNP_DOCUMENTS = 2,
	THREADS = 4,
	ROUNDS = 5,
	DOCUMENT_LIMIT = 64 * 1024, /* as the header says */
};

struct sample {
	struct span report;
	struct postern_tee_document documents[SNP_DOCUMENTS]; /* VCEK, chain */
};

static void sample_load(struct sample *s, const char *name)
{
	static const char *const names[] = { POSTERN_TEE_VCEK, POSTERN_TEE_VEK_CHAIN };
	char path[128];

	(void)snprintf(path, sizeof(path), SNP "reports/%s.bin", name);
	s->report = vector_load(path);
	for (size_t i = 0; i < SNP_DOCUMENTS; i++) {
		struct span d;

		/* names of documents are names of files */
		(void)snprintf(path, sizeof(path), SNP "collateral/%s/%s", name, names[i]);
		d = vector_load(path);
		s->documents[i] = (struct postern_tee_document){ names[i], d.p, d.n };
	}
}

static void sample_free(struct sample *s)
{
	vector_free(s->report);
	for (size_t i = 0; i < SNP_DOCUMENTS; i++)
		vector_free(span_of(s->documents[i].data, s->documents[i].size));
}

/* With Intel's documents beside them, or without. */
static struct postern_tee_collateral *collateral_of(const struct sample *s, bool with_intel)
{
	struct postern_tee_document d[SNP_DOCUMENTS + TEE_VECTOR_ITEMS];
	struct tee_collateral files = { 0 };
	struct postern_tee_collateral *c = NULL;
	struct postern_tee_error e;
	size_t n = 0;

	for (size_t i = 0; s && i < SNP_DOCUMENTS; i++)
		d[n++] = s->documents[i];
	if (with_intel)
		files = tee_vector_collateral(B0C0);
	for (size_t i = 0; with_intel && i < TEE_VECTOR_ITEMS; i++) {
		struct span item = *tee_vector_item(&files, i);

		d[n++] = (struct postern_tee_document){ tee_vector_items[i], item.p, item.n };
	}
	if (postern_tee_collateral_new(&c, d, n, &e))
		fail_msg("%s: %s", e.reason, e.detail);
	if (with_intel)
		tee_vector_collateral_free(&files);
	return c;
}

static struct postern_tee_policy *policy_of(const char *text)
{
	struct postern_tee_policy *p = NULL;

	assert_int_equal(postern_tee_policy_new(&p, "p", text, strlen(text), NULL), POSTERN_TEE_OK);
	return p;
}

static struct postern_tee_request request_of(struct span evidence,
					     const struct postern_tee_collateral *c,
					     const struct postern_tee_policy *p, int64_t at)
{
	return (struct postern_tee_request){
		.size = sizeof(struct postern_tee_request),
		.evidence = evidence.p,
		.evidence_size = evidence.n,
		.collateral = c,
		.policy = p,
		.at = at,
		.any_report_data = 1,
	};
}

/* "ok" or the reason; 'v' is full of something else before. */
static const char *judge(struct postern_tee_verdict *v, const struct postern_tee_request *r)
{
	enum postern_tee_result result;

	memset(v, 0x5a, sizeof(*v));
	v->size = sizeof(*v);
	result = postern_tee_verify(v, r);
	assert_int_equal(result == POSTERN_TEE_OK, v->accepted);
	assert_int_equal(v->accepted, strcmp(v->reason, "ok") == 0);
	assert_int_equal(v->layer == POSTERN_TEE_LAYER_NONE, v->accepted);
	if (!v->verified)
		assert_true(span_is_zero(span_of((const uint8_t *)&v->verified,
						 (size_t)((const uint8_t *)(v + 1) -
							  (const uint8_t *)&v->verified))));
	return v->reason;
}

static void real_reports(void **state)
{
	static const struct {
		const char *name, *policy;
		int64_t at;
		const char *reason;
		enum postern_tee_layer layer;
		bool is_verified;
	} cases[] = {
		{ "milan_trustee", NO_CRL, AT_2024, "ok", POSTERN_TEE_LAYER_NONE, true },
		{ "milan_virtee", NO_CRL, AT_2024, "ok", POSTERN_TEE_LAYER_NONE, true },
		{ "milan_google", NO_CRL, AT_2024, "policy-debug", POSTERN_TEE_LAYER_POLICY, true },
		{ "milan_trustee", "{}\n", AT_2024, "collateral-missing",
		  POSTERN_TEE_LAYER_COLLATERAL, false },
		{ "milan_trustee", NO_CRL, 1674500000, "vek-not-yet-valid", POSTERN_TEE_LAYER_CHAIN,
		  false },
		{ "milan_trustee", NO_CRL "images: []\n", AT_2024, "measurement-not-listed",
		  POSTERN_TEE_LAYER_POLICY, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample s;
		struct postern_tee_collateral *c;
		struct postern_tee_policy *p = policy_of(cases[i].policy);
		struct postern_tee_verdict v;

		sample_load(&s, cases[i].name);
		c = collateral_of(&s, false);
		print_message("%s, %s", cases[i].name, cases[i].policy);
		struct postern_tee_request r = request_of(s.report, c, p, cases[i].at);
		assert_string_equal(judge(&v, &r), cases[i].reason);
		assert_int_equal(v.layer, cases[i].layer);
		assert_int_equal(v.verified, cases[i].is_verified);
		assert_int_equal(v.debug, strcmp(cases[i].reason, "policy-debug") == 0);
		postern_tee_policy_free(p);
		postern_tee_collateral_free(c);
		sample_free(&s);
	}
}

static void assert_claim(const struct postern_tee_verdict *v, const char *name, const void *value,
			 size_t size)
{
	const struct postern_tee_claim *c = postern_tee_claim_find(v, name);

	if (!c)
		fail_msg("no claim %s", name);
	assert_int_equal(c->size, size);
	assert_memory_equal(c->value, value, size);
}

/* Offsets are those of ATTESTATION_REPORT; the verdict borrows nothing. */
static void verdict_tells(void **state)
{
	struct sample s;
	struct postern_tee_collateral *c;
	struct postern_tee_policy *p = policy_of(NO_CRL);
	struct postern_tee_verdict v;
	uint8_t raw[SNP_REPORT_LEN];

	(void)state;
	sample_load(&s, "milan_trustee");
	assert_int_equal(s.report.n, sizeof(raw));
	memcpy(raw, s.report.p, sizeof(raw));
	c = collateral_of(&s, false);
	struct postern_tee_request r = request_of(s.report, c, p, AT_2024);
	assert_string_equal(judge(&v, &r), "ok");
	postern_tee_policy_free(p);
	postern_tee_collateral_free(c);
	sample_free(&s);
	assert_string_equal(v.detail, "");
	assert_string_equal(v.anchor, "AMD ARK-Milan");
	assert_false(v.simulated);
	assert_int_equal(v.kind, POSTERN_TEE_KIND_SNP);
	assert_int_equal(v.version, 2);
	assert_memory_equal(v.report_data, raw + 0x50, 64);
	assert_int_equal(v.tcb_status, POSTERN_TEE_STATUS_NONE);
	assert_int_equal(v.platform_status, POSTERN_TEE_STATUS_NONE);
	assert_int_equal(v.collateral_expires_at, 1895507906); /* the VCEK's end */
	assert_int_equal(v.platform_id_size, 64);
	assert_memory_equal(v.platform_id, raw + 0x1a0, 64);
	assert_int_equal(v.family_size, 0); /* version 2 */
	assert_claim(&v, "measurement", raw + 0x90, 48);
	assert_claim(&v, "host_data", raw + 0xc0, 32);
	assert_claim(&v, "id_key_digest", raw + 0xe0, 48);
	assert_claim(&v, "author_key_digest", raw + 0x110, 48);
	assert_claim(&v, "family_id", raw + 0x10, 16);
	assert_claim(&v, "image_id", raw + 0x20, 16);
	assert_claim(&v, "report_id", raw + 0x140, 32);
	assert_claim(&v, "report_id_ma", raw + 0x160, 32);
	assert_claim(&v, "product", "Milan-B0", 8);
	assert_claim(&v, "vmpl", "\0\0\0\0", 4);
	assert_claim(&v, "guest_svn", "\0\0\0\4", 4);
	assert_claim(&v, "guest_policy", "\0\0\0\0\0\3\0\x1f", 8);
	for (size_t i = 0; i < 8; i++) /* big-endian here, little there */
		assert_int_equal(postern_tee_claim_find(&v, "reported_tcb")->value[7 - i],
				 raw[0x180 + i]);
	assert_int_equal(v.claim_count, 17);
	assert_null(postern_tee_claim_find(&v, "cloud"));
	assert_null(postern_tee_claim_find(&v, "mr_td"));
}

static void bound_and_changed(void **state)
{
	struct sample s;
	struct postern_tee_collateral *c;
	struct postern_tee_policy *p = policy_of(NO_CRL);
	struct postern_tee_verdict v;
	uint8_t want[64];
	uint8_t *changed;

	(void)state;
	sample_load(&s, "milan_trustee");
	c = collateral_of(&s, false);
	struct postern_tee_request r = request_of(s.report, c, p, AT_2024);
	memcpy(want, s.report.p + 0x50, sizeof(want));
	r.any_report_data = 0;
	r.report_data = want;
	r.report_data_size = sizeof(want);
	assert_string_equal(judge(&v, &r), "ok");
	want[63] ^= 1;
	assert_string_equal(judge(&v, &r), "report-data-mismatch");
	assert_int_equal(v.layer, POSTERN_TEE_LAYER_BINDING);
	r = request_of(s.report, c, p, AT_2024);
	r.runtime_log = "[]";
	r.runtime_log_size = 2;
	assert_string_equal(judge(&v, &r), "event-log-malformed");
	assert_non_null(strstr(v.detail, "no registers"));
	r = request_of(s.report, c, p, AT_2024);
	r.firmware_log = "";
	assert_string_equal(judge(&v, &r), "event-log-malformed");
	changed = vector_copy(s.report);
	changed[0x90] ^= 1;
	r = request_of(span_of(changed, s.report.n), c, p, AT_2024);
	assert_string_equal(judge(&v, &r), "snp-report-signature-invalid");
	r.evidence_size--;
	assert_string_equal(judge(&v, &r), "snp-report-size");
	free(changed);
	postern_tee_policy_free(p);
	postern_tee_collateral_free(c);
	sample_free(&s);
}

/* One collateral for both, and each kind where there is only the other's. */
static void both_kinds(void **state)
{
	struct span quote = tee_vector_quote("quotes/tdx_v4_b0c0_uptodate.bin");
	static const struct {
		const char *name;
		bool amd, intel;
		const char *quote, *report;
	} cases[] = {
		{ "both", true, true, "ok", "ok" },
		{ "amd_only", true, false, "collateral-missing", "ok" },
		{ "intel_only", false, true, "ok", "collateral-missing" },
	};
	struct postern_tee_policy *p = policy_of(NO_CRL);
	struct sample s;

	(void)state;
	sample_load(&s, "milan_virtee");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct postern_tee_collateral *c =
			collateral_of(cases[i].amd ? &s : NULL, cases[i].intel);
		struct postern_tee_request of_quote = request_of(quote, c, p, B0C0_AT);
		struct postern_tee_request of_report = request_of(s.report, c, p, AT_2024);
		struct postern_tee_verdict v;

		print_message("%s\n", cases[i].name);
		assert_string_equal(judge(&v, &of_quote), cases[i].quote);
		assert_string_equal(judge(&v, &of_report), cases[i].report);
		postern_tee_collateral_free(c);
	}
	postern_tee_policy_free(p);
	sample_free(&s);
	vector_free(quote);
}

/* Documents of a set that is whole but for what a row says. */
static void documents_refused(void **state)
{
#define NO_VEK "VCEK or VLEK certificate: missing"
#define LARGER ": larger than 65536 bytes"
	static const uint8_t large[DOCUMENT_LIMIT + 1] = { 0x30 };
	/* clang-format off */
	static const struct {
		const char *name;
		bool vcek, vlek, chain;
		struct postern_tee_document more;
		enum postern_tee_result result;
		const char *reason, *detail;
		const char *then; /* what the report is refused for */
	} cases[] = {
		{ "no_vek", false, false, true, { 0 },
		  POSTERN_TEE_REFUSED, "collateral-missing", NO_VEK, NULL },
		{ "no_chain", true, false, false, { 0 },
		  POSTERN_TEE_REFUSED, "collateral-missing", "ASK and ARK: missing", NULL },
		{ "only_crl", false, false, false, { POSTERN_TEE_VEK_CRL, large, 9 },
		  POSTERN_TEE_REFUSED, "collateral-missing", NO_VEK, NULL },
		{ "vcek_and_vlek", true, true, true, { 0 },
		  POSTERN_TEE_UNUSABLE, "unusable", "document vlek.der: comes twice", NULL },
		{ "some_of_intels", true, false, true, { POSTERN_TEE_TCB_INFO, large, 9 },
		  POSTERN_TEE_REFUSED, "collateral-missing", "root CRL: missing", NULL },
		{ "vcek_too_large", false, false, true,
		  { POSTERN_TEE_VCEK, large, sizeof(large) }, POSTERN_TEE_REFUSED,
		  "vek-certificate-malformed", "VCEK or VLEK certificate" LARGER, NULL },
		{ "chain_too_large", true, false, false,
		  { POSTERN_TEE_VEK_CHAIN, large, sizeof(large) }, POSTERN_TEE_REFUSED,
		  "vek-chain-malformed", "ASK and ARK" LARGER, NULL },
		{ "crl_too_large", true, false, true,
		  { POSTERN_TEE_VEK_CRL, large, sizeof(large) }, POSTERN_TEE_REFUSED,
		  "crl-malformed", "CRL" LARGER, NULL },
		/* callers that name all documents, whether they have them or not */
		{ "empty_is_not_given", false, false, false, { POSTERN_TEE_VEK_CHAIN, "", 0 },
		  POSTERN_TEE_REFUSED, "collateral-missing", "root CRL: missing", NULL },
		{ "empty_vlek", true, false, true, { POSTERN_TEE_VLEK, "", 0 },
		  POSTERN_TEE_OK, "ok", "", "collateral-missing" },
		/* what a document says is looked at with the report */
		{ "largest_crl", true, false, true, { POSTERN_TEE_VEK_CRL, large, DOCUMENT_LIMIT },
		  POSTERN_TEE_OK, "ok", "", "crl-malformed" },
	};
	/* clang-format on */
	struct sample s;

	(void)state;
	sample_load(&s, "milan_virtee");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct postern_tee_collateral *c = (void *)1;
		struct postern_tee_document d[4];
		struct postern_tee_error e;
		size_t n = 0;

		if (cases[i].vcek)
			d[n++] = s.documents[0];
		if (cases[i].vlek) {
			d[n] = s.documents[0];
			d[n++].name = POSTERN_TEE_VLEK;
		}
		if (cases[i].chain)
			d[n++] = s.documents[1];
		if (cases[i].more.name)
			d[n++] = cases[i].more;
		print_message("%s\n", cases[i].name);
		assert_int_equal(postern_tee_collateral_new(&c, d, n, &e), cases[i].result);
		assert_string_equal(e.reason, cases[i].reason);
		assert_string_equal(e.detail, cases[i].detail);
		assert_int_equal(c != NULL, cases[i].result == POSTERN_TEE_OK);
		if (c) {
			struct postern_tee_request r = request_of(s.report, c, NULL, AT_2024);
			struct postern_tee_verdict v;

			assert_string_equal(judge(&v, &r), cases[i].then);
		}
		postern_tee_collateral_free(c);
	}
	sample_free(&s);
}

/* A cloud's key and a CRL, which no real sample has here. */
static void made_cloud(void **state)
{
	struct postern_tee_collateral *c = NULL;
	const uint64_t revoked = 77;
	struct plan_documents documents;
	struct made_keys keys;
	struct postern_tee_verdict v;
	struct plan plan;

	(void)state;
	made_keys_init(&keys);
	plan_init(&plan, &keys, SNP_GENOA, SNP_VLEK);
	plan.report.version = 3;
	plan.report.cpu_family = 0x19;
	plan.report.cpu_model = 0x11;
	plan.report.cpu_stepping = 1;
	for (size_t i = 0; i < 2; i++) {
		if (i) {
			plan.crl.serials = &revoked;
			plan.crl.serial_count = 1;
		}
		plan_documents(&documents, &plan);
		const struct postern_tee_document d[] = {
			{ POSTERN_TEE_VLEK, documents.vek.p, documents.vek.n },
			{ POSTERN_TEE_VEK_CHAIN, documents.chain.p, documents.chain.n },
			{ POSTERN_TEE_VEK_CRL, documents.crl.p, documents.crl.n },
		};
		struct postern_tee_request r =
			request_of(SPAN_ARRAY(documents.report), NULL, NULL, MADE_AT);

		/* not under AMD's roots */
		assert_int_equal(postern_tee_collateral_new(&c, d, 3, NULL), POSTERN_TEE_OK);
		r.collateral = c;
		assert_string_equal(judge(&v, &r), "root-untrusted");
		postern_tee_collateral_free(c);
		assert_int_equal(postern_tee_collateral_new_simulated(&c, documents.root.p,
								      documents.root.n, d, 3, NULL),
				 POSTERN_TEE_OK);
		r.collateral = c;
		assert_string_equal(judge(&v, &r), i ? "vek-revoked" : "ok");
		assert_true(v.simulated);
		postern_tee_collateral_free(c);
		if (i)
			continue;
		assert_claim(&v, "cloud", "example-cloud", 13);
		assert_claim(&v, "product", "Genoa", 5);
		assert_int_equal(v.claim_count, 18);
		assert_int_equal(v.version, 3);
		assert_int_equal(v.family_size, 3);
		assert_memory_equal(v.family, "\x19\x11\x01", 3);
		assert_int_equal(v.collateral_expires_at, plan.crl.to);
	}
	made_keys_fini(&keys);
}

/* AMD's own root is no simulation; it is the chain's second certificate. */
static void amds_root_is_no_simulation(void **state)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	struct span chain = vector_load(SNP "collateral/milan_virtee/cert_chain.pem");
	struct postern_tee_collateral *c = (void *)1;
	struct postern_tee_error e;
	struct span root = { 0 };

	(void)state;
	for (size_t i = 1; i + strlen(begin) <= chain.n && !root.n; i++)
		if (memcmp(chain.p + i, begin, strlen(begin)) == 0) /* public: PEM */
			root = span_of(chain.p + i, chain.n - i);
	assert_true(root.n > 0);
	assert_int_equal(postern_tee_collateral_new_simulated(&c, root.p, root.n, NULL, 0, &e),
			 POSTERN_TEE_UNUSABLE);
	assert_non_null(strstr(e.detail, "no simulation"));
	assert_null(c);
	assert_int_equal(postern_tee_collateral_new_simulated(&c, root.p, root.n - 40, NULL, 0, &e),
			 POSTERN_TEE_UNUSABLE);
	assert_non_null(strstr(e.detail, "not one self-signed"));
	vector_free(chain);
}

static void hint_tells(void **state)
{
	const size_t first = offsetof(struct postern_tee_hint, reported_tcb);
	struct postern_tee_hint h;
	struct sample s;

	(void)state;
	sample_load(&s, "milan_trustee");
	memset(&h, 0x5a, sizeof(h));
	h.size = sizeof(h);
	assert_int_equal(postern_tee_hint_read(&h, s.report.p, s.report.n), POSTERN_TEE_OK);
	assert_int_equal(h.kind, POSTERN_TEE_KIND_SNP);
	assert_int_equal(h.family_size, 0);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal((h.reported_tcb >> 8 * i) & 0xff, s.report.p[0x180 + i]);
	assert_memory_equal(h.chip_id, s.report.p + 0x1a0, 64);
	assert_int_equal(h.is_vlek, 0);

	/* a caller of the first version: nothing after its end is touched */
	assert_int_equal(first, 40);
	memset(&h, 0x5a, sizeof(h));
	h.size = first;
	assert_int_equal(postern_tee_hint_read(&h, s.report.p, s.report.n), POSTERN_TEE_OK);
	assert_int_equal(h.kind, POSTERN_TEE_KIND_SNP);
	assert_int_equal(h.size, first);
	for (size_t i = first; i < sizeof(h); i++)
		assert_int_equal(((const uint8_t *)&h)[i], 0x5a);

	h.size = sizeof(h);
	assert_int_equal(postern_tee_hint_read(&h, s.report.p, s.report.n - 1),
			 POSTERN_TEE_REFUSED);
	assert_true(span_is_zero(span_of((const uint8_t *)&h + sizeof(h.size),
					 sizeof(h) - sizeof(h.size))));
	sample_free(&s);
}

/* One collateral in many threads; MODE=tsan looks closer. */
struct job {
	struct postern_tee_request request;
	size_t right;
};

static void *work(void *arg)
{
	struct job *j = arg;

	for (size_t i = 0; i < ROUNDS; i++) {
		struct postern_tee_verdict v = { .size = sizeof(v) };

		j->right += postern_tee_verify(&v, &j->request) == POSTERN_TEE_OK;
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct postern_tee_policy *p = policy_of(NO_CRL);
	struct postern_tee_collateral *c;
	pthread_t threads[THREADS];
	pthread_attr_t attributes;
	struct job jobs[THREADS];
	struct sample s;

	(void)state;
	sample_load(&s, "milan_trustee");
	c = collateral_of(&s, false);
	assert_int_equal(pthread_attr_init(&attributes), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* what the header asks for; sanitizers take more */
	assert_int_equal(pthread_attr_setstacksize(&attributes, 128 * 1024), 0);
#endif
	for (size_t i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ request_of(s.report, c, p, AT_2024), 0 };
		assert_int_equal(pthread_create(&threads[i], &attributes, work, &jobs[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(jobs[i].right, ROUNDS);
	}
	pthread_attr_destroy(&attributes);
	postern_tee_policy_free(p);
	postern_tee_collateral_free(c);
	sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_reports),
		cmocka_unit_test(verdict_tells),
		cmocka_unit_test(bound_and_changed),
		cmocka_unit_test(both_kinds),
		cmocka_unit_test(documents_refused),
		cmocka_unit_test(made_cloud),
		cmocka_unit_test(amds_root_is_no_simulation),
		cmocka_unit_test(hint_tells),
		cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
