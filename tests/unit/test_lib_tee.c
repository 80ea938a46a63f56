/*
 * libpostern-tee through its public header: every row of cases.tsv, what the
 * verdict tells, calls that are wrong, callers older and newer than the
 * library, logs, threads; and docs/REASONS.md, which must name every reason.
 */
#include "unit.h"

#include <postern/tee.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "base/wr.h"
#include "crypto/p256.h"
#include "pki/pem.h"
#include "pki/spki.h"
#include "tee/document.h"
#include "tee/platforms.h"
#include "tee_vectors.h"

#define B0C0 "collateral/tdx_b0c0_202506"
#define B0C0_QUOTE "quotes/tdx_v4_b0c0_uptodate.bin"
#define B0C0_AT 1751328000
#define N90C0 "collateral/tdx_90c0_202602"
#define N90C0_AT 1772323200

enum {
	DOCUMENTS_MAX = 8,
	THREADS = 8,
	ROUNDS = 20,
	STACK = 128 * 1024,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	SANITIZED = 1,
#else
	SANITIZED = 0,
#endif
};

/* A folder's documents, as a caller has them. */
struct folder {
	struct postern_tee_document documents[DOCUMENTS_MAX];
	size_t count;
};

static void folder_load(struct folder *f, const char *dir)
{
	struct tee_collateral c = tee_vector_collateral(dir);

	f->count = 0;
	for (size_t i = 0; i < TEE_VECTOR_ITEMS; i++) {
		struct span s = *tee_vector_item(&c, i);

		f->documents[f->count++] =
			(struct postern_tee_document){ tee_vector_items[i], s.p, s.n };
	}
}

static void folder_free(struct folder *f)
{
	for (size_t i = 0; i < f->count; i++)
		vector_free(span_of(f->documents[i].data, f->documents[i].size));
}

static struct postern_tee_collateral *collateral_of(const char *dir)
{
	struct postern_tee_collateral *c = NULL;
	struct postern_tee_error e;
	struct folder f;

	folder_load(&f, dir);
	if (postern_tee_collateral_new(&c, f.documents, f.count, &e))
		fail_msg("%s: %s: %s", dir, e.reason, e.detail);
	assert_string_equal(e.reason, "ok");
	folder_free(&f);
	return c;
}

static struct postern_tee_request request_of(struct span quote,
					     const struct postern_tee_collateral *c, int64_t at)
{
	return (struct postern_tee_request){
		.size = sizeof(struct postern_tee_request),
		.evidence = quote.p,
		.evidence_size = quote.n,
		.collateral = c,
		.at = at,
		.any_report_data = 1,
	};
}

/* 'v' is what the caller has: full of something else. */
static enum postern_tee_result verify(struct postern_tee_verdict *v,
				      const struct postern_tee_request *r)
{
	enum postern_tee_result result;

	memset(v, 0x5a, sizeof(*v));
	v->size = sizeof(*v);
	result = postern_tee_verify(v, r);
	assert_int_equal(result == POSTERN_TEE_OK, v->accepted);
	assert_int_equal(v->accepted, strcmp(v->reason, "ok") == 0);
	assert_int_equal(v->accepted, v->detail[0] == 0);
	assert_int_equal(v->size, sizeof(*v));
	if (!v->verified) /* claims of nobody are not handed out */
		assert_true(span_is_zero(span_of((const uint8_t *)&v->verified,
						 (size_t)((const uint8_t *)(v + 1) -
							  (const uint8_t *)&v->verified))));
	return result;
}

/* 'words' begin with the status. */
static void assert_verified_as(const struct postern_tee_verdict *v, struct span words)
{
	assert_true(v->verified);
	assert_true(span_has_prefix(words, span_str(postern_tee_status_name(v->tcb_status))));
}

static void cases_tsv(void **state)
{
	struct span text = vector_load(TDX_VECTORS "cases.tsv"), rest = text, line;
	size_t rows = 0;

	(void)state;
	while (rd_until(&rest, &line, '\n')) {
		struct span cell[7];
		char quote_name[128], dir[128];
		struct postern_tee_collateral *c;
		struct postern_tee_verdict v;
		struct span quote;
		uint64_t at;
		bool accepts;

		if (!line.n || line.p[0] == '#')
			continue;
		for (size_t i = 0; i < 5; i++)
			assert_true(rd_until(&line, &cell[i], '\t'));
		snprintf(quote_name, sizeof(quote_name), "%.*s", (int)cell[0].n, cell[0].p);
		snprintf(dir, sizeof(dir), "%.*s", (int)cell[1].n, cell[1].p);
		assert_true(text_u64(&at, cell[3], UINT32_MAX));
		print_message("%s @%llu\n", quote_name, (unsigned long long)at);
		quote = tee_vector_quote(quote_name);
		c = collateral_of(dir);
		accepts = span_has_prefix(cell[4], span_str("ACCEPT"));
		struct postern_tee_request r = request_of(quote, c, (int64_t)at);
		assert_int_equal(verify(&v, &r), accepts ? POSTERN_TEE_OK : POSTERN_TEE_REFUSED);
		if (span_has_prefix(cell[4], span_str("VERIFIED ")))
			assert_verified_as(&v, span_of(cell[4].p + 9, cell[4].n - 9));
		assert_int_equal(v.layer == POSTERN_TEE_LAYER_NONE, accepts);
		postern_tee_collateral_free(c);
		vector_free(quote);
		rows++;
	}
	assert_int_equal(rows, 18);
	vector_free(text);
}

static void assert_claim(const struct postern_tee_verdict *v, const char *name, size_t size,
			 const char *hex_start)
{
	const struct postern_tee_claim *c = postern_tee_claim_find(v, name);
	uint8_t start[8];

	assert_non_null(c);
	assert_int_equal(c->size, size);
	assert_true(text_hex_decode(start, strlen(hex_start) / 2, span_str(hex_start)));
	assert_memory_equal(c->value, start, strlen(hex_start) / 2);
}

/* The verdict borrows nothing: everything else is gone when it is read. */
static void verdict_tells(void **state)
{
	struct postern_tee_collateral *c = collateral_of(B0C0);
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct postern_tee_request r = request_of(quote, c, B0C0_AT);
	struct postern_tee_verdict v;

	(void)state;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_OK);
	postern_tee_collateral_free(c);
	vector_free(quote);
	assert_true(v.verified && !v.simulated && !v.debug);
	assert_string_equal(v.anchor, "Intel SGX Root CA");
	assert_int_equal(v.kind, POSTERN_TEE_KIND_TDX);
	assert_int_equal(v.version, 4);
	assert_int_equal(v.tcb_status, POSTERN_TEE_UP_TO_DATE);
	assert_int_equal(v.qe_status, POSTERN_TEE_UP_TO_DATE);
	assert_int_equal(v.tcb_evaluation, 17);
	assert_true(v.collateral_issued_at < B0C0_AT && v.collateral_expires_at > B0C0_AT);
	assert_int_equal(v.at, B0C0_AT);
	assert_int_equal(v.family_size, 6);
	assert_memory_equal(v.family, "\xb0\xc0\x6f\0\0\0", 6);
	assert_int_equal(v.platform_id_size, 16);
	assert_false(span_is_zero(span_of(v.platform_id, 16)));
	assert_string_equal(v.image, "");
	assert_claim(&v, "mr_td", 48, "91eb2b44");
	assert_claim(&v, "rtmr3", 48, "");
	assert_claim(&v, "td_attributes", 8, "0000000010000000");
	assert_null(postern_tee_claim_find(&v, "mr_service_td")); /* TD report 1.0 */
	assert_null(postern_tee_claim_find(&v, "mr"));
	assert_null(postern_tee_claim_find(&v, NULL));
	assert_null(postern_tee_claim_find(NULL, "mr_td"));
}

static void sgx_verdict_tells(void **state)
{
	struct postern_tee_collateral *c = collateral_of("collateral/sgx_00a067_202506");
	struct span quote = tee_vector_quote("quotes/sgx_v3_00a067.bin");
	struct postern_tee_request r = request_of(quote, c, B0C0_AT);
	struct postern_tee_verdict v;

	(void)state;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_true(v.verified && v.layer == POSTERN_TEE_LAYER_POLICY);
	assert_string_equal(v.reason, "tcb-status-not-accepted");
	assert_int_equal(v.kind, POSTERN_TEE_KIND_SGX);
	assert_int_equal(v.tcb_status, POSTERN_TEE_CONFIGURATION_AND_SW_HARDENING_NEEDED);
	assert_int_equal(v.module_status, POSTERN_TEE_STATUS_NONE);
	assert_int_equal(v.advisory_count, 2);
	assert_string_equal(v.advisories[0], "INTEL-SA-00289");
	assert_claim(&v, "mr_enclave", 32, "");
	assert_claim(&v, "isv_svn", 2, "");
	postern_tee_collateral_free(c);
	vector_free(quote);
}

/* Fifteen of a TD report 1.5: every claim there is, and room for logs. */
static void td_15_verdict_tells(void **state)
{
	struct postern_tee_collateral *c = collateral_of(N90C0);
	struct span quote = tee_vector_quote("quotes/tdx_v5_90c0_uptodate.bin");
	struct postern_tee_request r = request_of(quote, c, N90C0_AT);
	struct postern_tee_verdict v;

	(void)state;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_OK);
	assert_int_equal(v.version, 5);
	assert_claim(&v, "mr_service_td", 48, "0000");
	assert_claim(&v, "tee_tcb_svn2", 16, "");
	assert_int_equal(v.claim_count, 15);
	postern_tee_collateral_free(c);
	vector_free(quote);
}

static void debug_is_said(void **state)
{
	struct postern_tee_collateral *c = collateral_of("collateral/tdx_5080_202306");
	struct span quote = tee_vector_quote("quotes/tdx_v4_5080_debug.bin");
	struct postern_tee_request r = request_of(quote, c, 1688173200);
	struct postern_tee_verdict v;

	(void)state;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "policy-debug");
	assert_true(v.verified && v.debug);
	postern_tee_collateral_free(c);
	vector_free(quote);
}

/* What a caller can do wrong with a request, one mistake a row. */
static void wrong_requests(void **state)
{
	static const uint8_t bytes[65] = { 1 };
	struct postern_tee_collateral *c = collateral_of(B0C0);
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	const struct postern_tee_request good = request_of(quote, c, B0C0_AT);
	struct postern_tee_request bad[11];
	struct postern_tee_verdict v;
	struct {
		struct postern_tee_request known;
		uint8_t more[16];
	} newer = { .known = good };

	(void)state;
	for (size_t i = 0; i < 11; i++)
		bad[i] = good;
	bad[0].size = 0;
	bad[1].size--;
	bad[2].evidence = NULL;
	bad[3].collateral = NULL;
	bad[4].any_report_data = 0; /* neither */
	bad[5].report_data = bytes; /* both */
	bad[5].report_data_size = 1;
	bad[6].any_report_data = 0;
	bad[6].report_data = bytes;
	bad[6].report_data_size = 65;
	bad[7].any_report_data = 0;
	bad[7].report_data = bytes;
	bad[8].report_data_size = 1;
	bad[9].firmware_log_size = 1;
	bad[10].runtime_log_size = 1;
	for (size_t i = 0; i < 11; i++) {
		assert_int_equal(verify(&v, &bad[i]), POSTERN_TEE_UNUSABLE);
		assert_string_equal(v.reason, "unusable");
		print_message("%s\n", v.detail);
	}
	assert_int_equal(verify(&v, NULL), POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_verify(NULL, &good), POSTERN_TEE_UNUSABLE);
	v.size = sizeof(v) - 1;
	v.accepted = 7;
	assert_int_equal(postern_tee_verify(&v, &good), POSTERN_TEE_UNUSABLE);
	assert_int_equal(v.accepted, 7); /* no room to say it in */

	/* A newer caller: what we do not know must not be asked for. */
	newer.known.size = sizeof(newer);
	assert_int_equal(verify(&v, &newer.known), POSTERN_TEE_OK);
	newer.more[15] = 1;
	assert_int_equal(verify(&v, &newer.known), POSTERN_TEE_UNUSABLE);
	postern_tee_collateral_free(c);
	vector_free(quote);
}

/* What the library does not fill is zero, and nothing after it is touched. */
static void verdict_of_a_newer_caller(void **state)
{
	struct postern_tee_collateral *c = collateral_of(B0C0);
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct postern_tee_request r = request_of(quote, c, B0C0_AT);
	struct {
		struct postern_tee_verdict known;
		uint8_t more[16];
		uint8_t beyond[16];
	} v;

	(void)state;
	memset(&v, 0x5a, sizeof(v));
	v.known.size = sizeof(v.known) + sizeof(v.more);
	assert_int_equal(postern_tee_verify(&v.known, &r), POSTERN_TEE_OK);
	assert_true(span_is_zero(SPAN_ARRAY(v.more)));
	for (size_t i = 0; i < sizeof(v.beyond); i++)
		assert_int_equal(v.beyond[i], 0x5a);
	postern_tee_collateral_free(c);
	vector_free(quote);
}

static void report_data_bound(void **state)
{
	struct postern_tee_collateral *c = collateral_of(B0C0);
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct postern_tee_request r = request_of(quote, c, B0C0_AT);
	struct postern_tee_verdict v, again;
	uint8_t want[64];

	(void)state;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_OK);
	memcpy(want, v.report_data, sizeof(want));
	assert_false(span_is_zero(SPAN_ARRAY(want)));
	r.any_report_data = 0;
	r.report_data = want;
	r.report_data_size = sizeof(want);
	assert_int_equal(verify(&again, &r), POSTERN_TEE_OK);
	for (size_t i = 0; i < sizeof(want); i++) {
		want[i] ^= 1;
		assert_int_equal(verify(&again, &r), POSTERN_TEE_REFUSED);
		assert_string_equal(again.reason, "report-data-mismatch");
		assert_int_equal(again.layer, POSTERN_TEE_LAYER_BINDING);
		want[i] ^= 1;
	}
	/* A prefix will do only where zeros follow. */
	for (size_t n = 1; n < sizeof(want); n++) {
		bool rest_is_zero = span_is_zero(span_of(want + n, sizeof(want) - n));

		r.report_data_size = n;
		assert_int_equal(verify(&again, &r) == POSTERN_TEE_OK, rest_is_zero);
	}
	postern_tee_collateral_free(c);
	vector_free(quote);
}

static void documents_refused(void **state)
{
	struct postern_tee_collateral *c = (void *)1;
	struct postern_tee_error e;
	struct folder f;
	const char *name = NULL;

	(void)state;
	folder_load(&f, B0C0);
	for (size_t i = 0; i < 6; i++) { /* the seventh may be left out */
		struct postern_tee_document kept = f.documents[i];

		f.documents[i] = f.documents[6];
		assert_int_equal(postern_tee_collateral_new(&c, f.documents, 6, &e),
				 POSTERN_TEE_REFUSED);
		assert_string_equal(e.reason, "collateral-missing");
		assert_null(c);
		f.documents[i] = kept;
	}
	vector_free(span_of(f.documents[6].data, f.documents[6].size));
	f.documents[6] = f.documents[5];
	assert_int_equal(postern_tee_collateral_new(&c, f.documents, 7, &e), POSTERN_TEE_UNUSABLE);
	assert_non_null(strstr(e.detail, "comes twice"));
	f.documents[6] = (struct postern_tee_document){ "tcb_info.JSON", "", 0 };
	assert_int_equal(postern_tee_collateral_new(&c, f.documents, 7, &e), POSTERN_TEE_UNUSABLE);
	assert_non_null(strstr(e.detail, "tcb_info.JSON"));
	f.documents[6].name = f.documents[5].name; /* nothing: not given */
	assert_int_equal(postern_tee_collateral_new(&c, f.documents, 7, &e), POSTERN_TEE_OK);
	postern_tee_collateral_free(c);
	f.documents[6].name = NULL;
	assert_int_equal(postern_tee_collateral_new(&c, f.documents, 7, NULL),
			 POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_collateral_new(&c, NULL, 7, &e), POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_collateral_new(NULL, f.documents, 6, &e),
			 POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_collateral_new(&c, f.documents, 6, NULL), POSTERN_TEE_OK);
	postern_tee_collateral_free(c);
	f.count = 6;
	folder_free(&f);
	/* the first names are those of this folder's files */
	for (size_t i = 0; (name = postern_tee_document_name(i)); i++)
		if (i < TEE_VECTOR_ITEMS)
			assert_string_equal(name, tee_vector_items[i]);
}

/* Intel's sample under its private root: only by the explicit call. */
static void simulated_is_said(void **state)
{
#define SAMPLE TDX_VECTORS "intel-sample-sgx/"
	struct span quote = vector_load(SAMPLE "quote.dat");
	struct span root = vector_load(SAMPLE "trustedRootCaCert.pem");
	struct span intel = vector_load(TDX_VECTORS "roots/intel_sgx_root_ca.pem");
	struct span leaf = vector_load(SAMPLE "pckCert.pem");
	struct span rest = vector_load(SAMPLE "pckSignChain.pem");
	struct span signer = vector_load(SAMPLE "tcbSignChain.pem");
	struct span docs[4] = {
		vector_load(SAMPLE "rootCaCrl.der"),
		vector_load(SAMPLE "intermediateCaCrl.der"),
		vector_load(SAMPLE "tcbInfo.json"),
		vector_load(SAMPLE "qeIdentity.json"),
	};
	uint8_t chain[8192];
	struct wr w = WR_ARRAY(chain);
	const struct postern_tee_document documents[] = {
		{ POSTERN_TEE_ROOT_CRL, docs[0].p, docs[0].n },
		{ POSTERN_TEE_PCK_CRL, docs[1].p, docs[1].n },
		{ POSTERN_TEE_TCB_INFO, docs[2].p, docs[2].n },
		{ POSTERN_TEE_TCB_INFO_CHAIN, signer.p, signer.n },
		{ POSTERN_TEE_QE_IDENTITY, docs[3].p, docs[3].n },
		{ POSTERN_TEE_QE_IDENTITY_CHAIN, signer.p, signer.n },
		{ POSTERN_TEE_PCK_CHAIN, chain, leaf.n + rest.n },
	};
	static const char strict[] = "simulated: false\n";
	struct postern_tee_collateral *c = NULL;
	struct postern_tee_policy *policy = NULL;
	struct postern_tee_request r;
	struct postern_tee_verdict v;
	struct postern_tee_error e;

	(void)state;
	wr_bytes(&w, leaf);
	wr_bytes(&w, rest);
	assert_int_equal(postern_tee_collateral_new(&c, documents, 7, &e), POSTERN_TEE_REFUSED);
	assert_string_equal(e.reason, "root-untrusted");
	assert_int_equal(postern_tee_collateral_new_simulated(&c, intel.p, intel.n, documents, 7,
							      &e),
			 POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_collateral_new_simulated(&c, "x", 1, documents, 7, &e),
			 POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_collateral_new_simulated(&c, NULL, 0, documents, 7, &e),
			 POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_collateral_new_simulated(&c, root.p, root.n, documents, 7, &e),
			 POSTERN_TEE_OK);
	r = request_of(quote, c, 1640995200); /* 2022-01-01 */
	assert_int_equal(verify(&v, &r), POSTERN_TEE_OK);
	assert_true(v.simulated);
	assert_string_equal(v.anchor, "simulated");
	assert_int_equal(postern_tee_policy_new(&policy, "p", strict, strlen(strict), &e),
			 POSTERN_TEE_OK);
	r.policy = policy;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "policy-simulated-anchor");
	assert_true(v.simulated);
	postern_tee_policy_free(policy);
	postern_tee_collateral_free(c);
	/* Intel's collateral under a simulated root is no better */
	struct folder f;
	folder_load(&f, B0C0);
	assert_int_equal(postern_tee_collateral_new_simulated(&c, root.p, root.n, f.documents,
							      f.count, &e),
			 POSTERN_TEE_REFUSED);
	folder_free(&f);
	const struct span all[] = { quote, root, intel, leaf, rest, signer };
	for (size_t i = 0; i < 6; i++)
		vector_free(all[i]);
	for (size_t i = 0; i < 4; i++)
		vector_free(docs[i]);
}

static void policy_read_and_applied(void **state)
{
	static const char pinned[] =
		"images:\n  - name: right\n    mr_td: "
		"91eb2b44d141d4ece09f0c75c2c53d247a3c68edd7fafe8a3520c942a604a407"
		"de03ae6dc5f87f27428b2538873118b7\n";
	static const char other[] = "images:\n  - name: other\n    mr_td: \"00\"\n";
	struct postern_tee_collateral *c = collateral_of(B0C0);
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct postern_tee_request r = request_of(quote, c, B0C0_AT);
	struct postern_tee_policy *p = (void *)1;
	struct postern_tee_error e;
	struct postern_tee_verdict v;

	(void)state;
	assert_int_equal(postern_tee_policy_new(&p, "x.yaml", other, strlen(other), &e),
			 POSTERN_TEE_UNUSABLE);
	assert_null(p);
	assert_int_equal(strncmp(e.detail, "x.yaml:3:", 9), 0);
	assert_int_equal(postern_tee_policy_new(&p, NULL, other, 1, &e), POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_policy_new(&p, "x", NULL, 1, NULL), POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_policy_new(NULL, "x", other, 1, NULL), POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_policy_new(&p, "x", pinned, strlen(pinned), &e),
			 POSTERN_TEE_OK);
	r.policy = p;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_OK);
	assert_string_equal(v.image, "right");
	postern_tee_policy_free(p);
	assert_int_equal(postern_tee_policy_new(&p, "x", "images: []\n", 11, &e), POSTERN_TEE_OK);
	r.policy = p;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "measurement-not-listed");
	postern_tee_policy_free(p);
	postern_tee_policy_free(NULL);
	postern_tee_collateral_free(NULL);
	postern_tee_collateral_free(c);
	vector_free(quote);
}

/* A policy that names one deny list, "lists/ours.json", and its signer. */
static struct postern_tee_policy *policy_with_list(const struct p256_private *key)
{
	struct postern_tee_policy *p = NULL;
	struct p256_point at;
	uint8_t der[SPKI_LEN];
	char pem[512], yaml[1024];
	struct wr w = WR_ARRAY(pem), y = WR_ARRAY(yaml);
	struct span lines, line;

	p256_private_point(key, &at);
	spki_of(der, &at);
	pem_encode(&w, PEM_PUBLIC_KEY, SPAN_ARRAY(der));
	wr_str(&y, "platforms:\n  lists:\n    - name: ours\n      use: deny\n"
		   "      file: lists/ours.json\n      key: |\n");
	for (lines = wr_span(&w); rd_until(&lines, &line, '\n');)
		wr_printf(&y, "        %.*s\n", (int)line.n, (const char *)line.p);
	assert_true(wr_done(&y, &line));
	assert_int_equal(postern_tee_policy_new(&p, "p", line.p, line.n, NULL), POSTERN_TEE_OK);
	return p;
}

/* A list that is not given refuses; one that is, denies whom it names. */
static void signed_lists_given(void **state)
{
	struct postern_tee_collateral *c = collateral_of(B0C0);
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct p256_private *key = p256_private_generate();
	struct postern_tee_policy *p = policy_with_list(key);
	struct postern_tee_request r = request_of(quote, c, B0C0_AT);
	struct platform entry = { 0 };
	struct platform_list list = {
		.name = "ours",
		.use = PLATFORM_DENY,
		.serial = 1,
		.issued_at = B0C0_AT - 1,
		.expires_at = B0C0_AT + 1,
		.platforms = &entry,
		.count = 1,
	};
	struct postern_tee_document file = { .name = "lists/ours.json" };
	struct postern_tee_verdict v;
	struct postern_tee_error e;
	char room[2][1024];
	struct wr w = WR_ARRAY(room[0]), other = WR_ARRAY(room[1]);

	(void)state;
	assert_string_equal(postern_tee_policy_file(p, 0), "lists/ours.json");
	assert_null(postern_tee_policy_file(p, 1));
	assert_null(postern_tee_policy_file(NULL, 0));
	r.policy = p;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "platform-list-missing");
	assert_int_equal(v.layer, POSTERN_TEE_LAYER_POLICY);

	entry.ppid[0] = 1;
	platforms_write(&other, &list, key);
	memcpy(entry.ppid, v.platform_id, sizeof(entry.ppid));
	platforms_write(&w, &list, key);
	file.data = room[1];
	file.size = other.n;
	assert_int_equal(postern_tee_policy_give(p, &file, &e), POSTERN_TEE_OK);
	assert_int_equal(verify(&v, &r), POSTERN_TEE_OK);
	r.at += 2;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "platform-list-expired");
	r.at -= 2;
	file.data = room[0];
	file.size = w.n;
	assert_int_equal(postern_tee_policy_give(p, &file, &e), POSTERN_TEE_OK);
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "policy-platform");
	room[0][w.n / 2] ^= 1;
	assert_int_equal(postern_tee_policy_give(p, &file, &e), POSTERN_TEE_REFUSED);
	assert_string_equal(e.reason, "platform-list-signature-invalid");
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "platform-list-signature-invalid");

	file.name = "ours.json";
	assert_int_equal(postern_tee_policy_give(p, &file, &e), POSTERN_TEE_UNUSABLE);
	file.name = NULL;
	assert_int_equal(postern_tee_policy_give(p, &file, NULL), POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_policy_give(p, NULL, NULL), POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_policy_give(NULL, &file, NULL), POSTERN_TEE_UNUSABLE);
	postern_tee_policy_free(p);
	p256_private_free(key);
	postern_tee_collateral_free(c);
	vector_free(quote);
}

/* The events of dstack's JSON as firmware would have logged them. */
static struct span firmware_log(uint8_t *room, size_t cap, struct span report)
{
	struct arena arena = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *e = document_load(&arena, report);
	struct wr w = wr_over(room, cap);
	struct span text, log;

	assert_true(document_text(e, "event_log", &text));
	wr_le32(&w, 0);
	wr_le32(&w, 3); /* EV_NO_ACTION */
	wr_zero(&w, 20);
	wr_le32(&w, 33);
	wr_bytes(&w, span_of("Spec ID Event03", 16));
	wr_le32(&w, 0);
	wr_bytes(&w, span_of("\0\2\0\2", 4)); /* 2.0, errata 0, UINTN 8 bytes */
	wr_le32(&w, 1);
	wr_le16(&w, 0x000c);
	wr_le16(&w, 48);
	wr_u8(&w, 0);
	for (e = document_load(&arena, text)->first; e; e = e->next) {
		uint32_t imr = 0, type = 0;
		uint8_t digest[48];

		assert_true(document_u32(e, "imr", &imr, 3) &&
			    document_u32(e, "event_type", &type, UINT32_MAX) &&
			    document_hex(e, "digest", digest, 48));
		wr_le32(&w, imr + 1);
		wr_le32(&w, type);
		wr_le32(&w, 1);
		wr_le16(&w, 0x000c);
		wr_bytes(&w, SPAN_ARRAY(digest));
		wr_le32(&w, 0);
	}
	assert_true(wr_done(&w, &log));
	arena_fini(&arena);
	return log;
}

static void logs_compared(void **state)
{
	struct postern_tee_collateral *c = collateral_of(N90C0);
	struct span quote = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	struct span report = vector_load(TDX_VECTORS "dstack/quote-report.json");
	struct postern_tee_request r = request_of(quote, c, N90C0_AT);
	struct arena arena = { .max = DOCUMENT_TREE_MAX };
	struct postern_tee_verdict v;
	uint8_t room[4096];
	struct span runtime, firmware = firmware_log(room, sizeof(room), report);
	uint8_t *changed;

	(void)state;
	assert_true(document_text(document_load(&arena, report), "event_log", &runtime));
	assert_int_equal(verify(&v, &r), POSTERN_TEE_OK);
	assert_null(postern_tee_claim_find(&v, "app_id"));
	r.runtime_log = runtime.p;
	r.runtime_log_size = runtime.n;
	r.firmware_log = firmware.p;
	r.firmware_log_size = firmware.n;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_OK);
	assert_claim(&v, "app_id", 20, "3763bc34");
	assert_claim(&v, "instance_id", 20, "c3714eb6");
	assert_claim(&v, "manifest_hash", 32, "3763bc34");

	room[firmware.n - 20] ^= 1;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "event-log-mismatch");
	assert_int_equal(v.layer, POSTERN_TEE_LAYER_LOG);
	assert_non_null(strstr(v.detail, "firmware log"));
	assert_null(postern_tee_claim_find(&v, "app_id"));
	r.firmware_log_size--;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "event-log-malformed");
	r.firmware_log = NULL;
	r.firmware_log_size = 0;
	changed = vector_copy(runtime);
	changed[runtime.n - 1] = ' ';
	r.runtime_log = changed;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_string_equal(v.reason, "event-log-malformed");
	/* a refusal before is not covered up by one of the log */
	r.at = 0;
	assert_int_equal(verify(&v, &r), POSTERN_TEE_REFUSED);
	assert_int_not_equal(v.layer, POSTERN_TEE_LAYER_LOG);
	free(changed);
	arena_fini(&arena);
	vector_free(report);
	vector_free(quote);
	postern_tee_collateral_free(c);
}

static void hint_tells(void **state)
{
	struct span quote = tee_vector_quote(B0C0_QUOTE);
	struct span sample = vector_load(TDX_VECTORS "intel-sample-sgx/quote.dat");
	struct postern_tee_hint h;

	(void)state;
	memset(&h, 0x5a, sizeof(h));
	h.size = sizeof(h);
	assert_int_equal(postern_tee_hint_read(&h, quote.p, quote.n), POSTERN_TEE_OK);
	assert_int_equal(h.kind, POSTERN_TEE_KIND_TDX);
	assert_int_equal(h.family_size, 6);
	assert_memory_equal(h.family, "\xb0\xc0\x6f\0\0\0\0", 7);
	assert_int_equal(postern_tee_hint_read(&h, sample.p, sample.n), POSTERN_TEE_OK);
	assert_int_equal(h.kind, POSTERN_TEE_KIND_SGX);
	assert_int_equal(h.family_size, 0); /* no certificate in it */
	h.kind = POSTERN_TEE_KIND_TDX;
	assert_int_equal(postern_tee_hint_read(&h, "nonsense", 8), POSTERN_TEE_REFUSED);
	assert_int_equal(h.kind, POSTERN_TEE_KIND_NONE);
	assert_int_equal(h.size, sizeof(h));
	assert_int_equal(postern_tee_hint_read(&h, NULL, 8), POSTERN_TEE_UNUSABLE);
	assert_int_equal(postern_tee_hint_read(NULL, quote.p, quote.n), POSTERN_TEE_UNUSABLE);
	h.size = offsetof(struct postern_tee_hint, reported_tcb) - 1; /* less than the first's */
	assert_int_equal(postern_tee_hint_read(&h, quote.p, quote.n), POSTERN_TEE_UNUSABLE);
	vector_free(quote);
	vector_free(sample);
}

/* Rows "| `name` | layer | meaning |" of the document, in the enum's order. */
static void reasons_documented(void **state)
{
	struct span text = vector_load("docs/REASONS.md"), rest = text, line;
	enum postern_tee_layer layer;
	size_t rows = 0;

	(void)state;
	while (rd_until(&rest, &line, '\n')) {
		struct span cell[4];

		if (!span_has_prefix(line, span_str("| `")))
			continue;
		for (size_t i = 0; i < 4; i++)
			assert_true(rd_until(&line, &cell[i], '|'));
		const char *name = postern_tee_reason(rows, &layer);
		char want[96];
		if (!name)
			fail_msg("docs/REASONS.md: more rows than reasons");
		snprintf(want, sizeof(want), " `%s` ", name);
		if (!span_equal_str(cell[1], want))
			fail_msg("docs/REASONS.md: expected row %zu to be%s, found%.*s", rows, want,
				 (int)cell[1].n, cell[1].p);
		snprintf(want, sizeof(want), " %s ", postern_tee_layer_name(layer));
		if (!span_equal_str(cell[2], want))
			fail_msg("docs/REASONS.md: %s: expected layer%s, found%.*s", name, want,
				 (int)cell[2].n, cell[2].p);
		assert_true(cell[3].n > 20);
		rows++;
	}
	if (postern_tee_reason(rows, NULL))
		fail_msg("docs/REASONS.md: no row for %s", postern_tee_reason(rows, NULL));
	assert_null(postern_tee_reason(SIZE_MAX, &layer));
	vector_free(text);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(postern_tee_version(), POSTERN_TEE_VERSION);
	assert_string_equal(postern_tee_reason(0, NULL), "ok");
	assert_string_equal(postern_tee_status_name(POSTERN_TEE_UP_TO_DATE), "UpToDate");
	assert_string_equal(postern_tee_status_name(POSTERN_TEE_REVOKED), "Revoked");
	assert_string_equal(postern_tee_status_name((enum postern_tee_status)99), "unknown");
	assert_string_equal(postern_tee_layer_name(POSTERN_TEE_LAYER_LOG), "log");
	assert_string_equal(postern_tee_layer_name((enum postern_tee_layer)99), "unknown");
}

/* One collateral and one policy in many threads; MODE=tsan looks closer. */
struct job {
	const struct postern_tee_collateral *collateral;
	const struct postern_tee_policy *policy;
	struct span good, bad, log;
	size_t right;
};

static void *work(void *arg)
{
	struct postern_tee_collateral *own = collateral_of(N90C0);
	struct job *j = arg;

	postern_tee_collateral_free(own);
	for (size_t i = 0; i < ROUNDS; i++) {
		struct span quote = i & 1 ? j->bad : j->good;
		struct postern_tee_request r = request_of(quote, j->collateral, N90C0_AT);
		struct postern_tee_verdict v = { .size = sizeof(v) };

		r.policy = j->policy;
		r.runtime_log = j->log.p;
		r.runtime_log_size = j->log.n;
		j->right += postern_tee_verify(&v, &r) ==
			    (i & 1 ? POSTERN_TEE_REFUSED : POSTERN_TEE_OK);
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct postern_tee_collateral *c = collateral_of(N90C0);
	struct span quote = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	struct span report = vector_load(TDX_VECTORS "dstack/quote-report.json");
	static const char text[] = "tcb:\n  accept: [UpToDate]\n";
	struct arena arena = { .max = DOCUMENT_TREE_MAX };
	uint8_t *bad = vector_copy(quote);
	struct postern_tee_policy *policy = NULL;
	pthread_t threads[THREADS];
	struct job jobs[THREADS];
	pthread_attr_t attributes;
	struct span log;

	(void)state;
	assert_int_equal(pthread_attr_init(&attributes), 0);
	/* what the header asks for; sanitizers take more */
	if (!SANITIZED)
		assert_int_equal(pthread_attr_setstacksize(&attributes, STACK), 0);
	bad[600] ^= 1;
	assert_true(document_text(document_load(&arena, report), "event_log", &log));
	assert_int_equal(postern_tee_policy_new(&policy, "t", text, strlen(text), NULL),
			 POSTERN_TEE_OK);
	for (size_t i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ c, policy, quote, span_of(bad, quote.n), log, 0 };
		assert_int_equal(pthread_create(&threads[i], &attributes, work, &jobs[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(jobs[i].right, ROUNDS);
	}
	pthread_attr_destroy(&attributes);
	postern_tee_policy_free(policy);
	postern_tee_collateral_free(c);
	arena_fini(&arena);
	free(bad);
	vector_free(report);
	vector_free(quote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_tsv),
		cmocka_unit_test(verdict_tells),
		cmocka_unit_test(sgx_verdict_tells),
		cmocka_unit_test(td_15_verdict_tells),
		cmocka_unit_test(debug_is_said),
		cmocka_unit_test(wrong_requests),
		cmocka_unit_test(verdict_of_a_newer_caller),
		cmocka_unit_test(report_data_bound),
		cmocka_unit_test(documents_refused),
		cmocka_unit_test(simulated_is_said),
		cmocka_unit_test(policy_read_and_applied),
		cmocka_unit_test(signed_lists_given),
		cmocka_unit_test(logs_compared),
		cmocka_unit_test(hint_tells),
		cmocka_unit_test(reasons_documented),
		cmocka_unit_test(names),
		cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
