/*
 * What libpostern-tee allocates is bounded as its header says, for real input
 * and for input made to take much; and nothing is left behind.
 *
 * Every malloc of the process is counted, libcrypto's and libyaml's too.  A
 * sanitizer brings its own malloc, which is not counted; the leaks are its.
 */
#include "unit.h"

#include <malloc.h>
#include <postern/tee.h>
#include <string.h>

#include "base/wr.h"
#include "tee_vectors.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHERS_MALLOC
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHERS_MALLOC
#endif

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define AT 1751328000

static size_t now, peak, calls; /* bytes, bytes, allocations */

#ifndef OTHERS_MALLOC
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

static void *count(void *p)
{
	now += p ? malloc_usable_size(p) : 0;
	peak = now > peak ? now : peak;
	calls++;
	return p;
}

static void uncount(void *p)
{
	now -= p ? malloc_usable_size(p) : 0;
}

void *malloc(size_t n)
{
	return count(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	return count(__libc_calloc(n, size));
}

void *realloc(void *p, size_t n)
{
	uncount(p);
	return count(__libc_realloc(p, n));
}

void free(void *p)
{
	uncount(p);
	__libc_free(p);
}
#endif

/* From here on: what is taken now, at most, and in how many pieces. */
struct mark {
	size_t now, calls;
};

static struct mark begin(void)
{
	peak = now;
	calls = 0;
	return (struct mark){ now, 0 };
}

static void end(const char *what, struct mark m, size_t most, size_t kept)
{
	size_t high = peak - m.now, left = now - m.now;

	print_message("%-32s %7zu allocations, %9zu bytes at most, %8zu kept\n", what, calls, high,
		      left);
	assert_true(high <= most);
	assert_true(left <= kept);
#ifndef OTHERS_MALLOC
	assert_true(calls > 0); /* it is counted indeed */
#endif
}

static struct postern_tee_collateral *prepare(const char *dir)
{
	struct tee_collateral files = tee_vector_collateral(dir);
	struct postern_tee_document d[TEE_VECTOR_ITEMS];
	struct postern_tee_collateral *c = NULL;

	for (size_t i = 0; i < TEE_VECTOR_ITEMS; i++) {
		struct span s = *tee_vector_item(&files, i);

		d[i] = (struct postern_tee_document){ tee_vector_items[i], s.p, s.n };
	}
	assert_int_equal(postern_tee_collateral_new(&c, d, TEE_VECTOR_ITEMS, NULL),
			 POSTERN_TEE_OK);
	tee_vector_collateral_free(&files);
	return c;
}

static void real_input(void **state)
{
	struct span quote = tee_vector_quote("quotes/tdx_v4_b0c0_uptodate.bin");
	struct postern_tee_verdict v = { .size = sizeof(v) };
	struct postern_tee_request r = {
		.size = sizeof(r),
		.evidence = quote.p,
		.evidence_size = quote.n,
		.at = AT,
		.any_report_data = 1,
	};
	struct postern_tee_collateral *c;
	struct mark m;

	(void)state;
	m = begin();
	c = prepare("collateral/tdx_b0c0_202506");
	end("collateral", m, 400 * KIB, 100 * KIB);
	r.collateral = c;
	m = begin();
	for (int i = 0; i < 100; i++)
		assert_int_equal(postern_tee_verify(&v, &r), POSTERN_TEE_OK);
	assert_int_equal(calls, 0); /* nor by libcrypto */
	assert_true(now == m.now);
	postern_tee_collateral_free(c);
	vector_free(quote);
}

/* n bytes: 'head', then 'part' again and again, then 'tail'. */
static char *filled(size_t n, const char *head, const char *part, const char *tail)
{
	char *text = mem_new(n + 1);
	struct wr w = wr_over(text, n);

	wr_str(&w, head);
	while (wr_span(&w).n + strlen(part) + strlen(tail) <= n)
		wr_str(&w, part);
	wr_str(&w, tail);
	return text;
}

static void logs_of_strangers(void **state)
{
	static const struct {
		const char *name, *head, *part, *tail;
	} cases[] = {
		{ "numbers", "[1", ",1", "]" },
		{ "empty_arrays", "[[]", ",[]", "]" },
		{ "empty_objects", "[{}", ",{}", "]" },
		{ "escapes", "[\"", "\\n", "\"]" },
		{ "short_escapes", "[\"\\n\"", ",\"\\n\"", "]" },
		{ "members", "[{", "\"a\":1,", "}]" },
		{ "brackets", "[", "[", "]" },
		{ "white_space", "[1", " ", "]" },
	};
	struct span quote = tee_vector_quote("quotes/tdx_v4_b0c0_uptodate.bin");
	struct postern_tee_collateral *c = prepare("collateral/tdx_b0c0_202506");
	struct postern_tee_verdict v = { .size = sizeof(v) };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = filled(256 * KIB, cases[i].head, cases[i].part, cases[i].tail);
		struct postern_tee_request r = {
			.size = sizeof(r),
			.evidence = quote.p,
			.evidence_size = quote.n,
			.collateral = c,
			.at = AT,
			.any_report_data = 1,
			.runtime_log = text,
			.runtime_log_size = 256 * KIB,
		};
		struct mark m = begin();

		assert_int_equal(postern_tee_verify(&v, &r), POSTERN_TEE_REFUSED);
		assert_int_equal(v.layer, POSTERN_TEE_LAYER_LOG);
		end(cases[i].name, m, 5 * MIB, 0);
		free(text);
	}
	postern_tee_collateral_free(c);
	vector_free(quote);
}

static void policies_of_strangers(void **state)
{
	static const struct {
		const char *name, *head, *part, *tail;
	} cases[] = {
		{ "platforms", "platforms:\n  deny:\n",
		  "    - ppid: 00112233445566778899aabbccddeeff\n", "" },
		{ "flow_platforms", "platforms: {deny: [", "{}, ", "]}" },
		{ "long_text", "images:\n  - name: ", "x", "\n" },
		{ "quoted_text", "images:\n  - name: \"", "\\n", "\"\n" },
		{ "brackets", "", "[", "" },
		{ "dashes", "", "- ", "" },
		{ "deeper", "images:\n", "? ", "\n" },
		{ "comments", "", "#\n", "" },
		{ "advisories", "tcb:\n  advisories: [a", ",a", "]\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = filled(MIB, cases[i].head, cases[i].part, cases[i].tail);
		struct postern_tee_policy *p = NULL;
		struct mark m = begin();
		enum postern_tee_result result =
			postern_tee_policy_new(&p, "p", text, strlen(text), NULL);

		end(cases[i].name, m, 20 * MIB, p ? 5 * MIB : 0); /* no lists */
		assert_int_equal(result == POSTERN_TEE_OK, p != NULL);
		postern_tee_policy_free(p);
		end("  freed", m, 20 * MIB, 0);
		free(text);
	}
}

/* Documents whose size is all there is to them. */
static void documents_of_strangers(void **state)
{
	struct tee_collateral files = tee_vector_collateral("collateral/tdx_b0c0_202506");
	const size_t n = 16 * MIB;
	char *text = filled(n, "-----BEGIN CERTIFICATE-----\n", "A", "");

	(void)state;
	for (size_t at = 0; at < TEE_VECTOR_ITEMS; at++) {
		struct postern_tee_document d[TEE_VECTOR_ITEMS];
		struct postern_tee_collateral *c = NULL;
		struct mark m;

		for (size_t i = 0; i < TEE_VECTOR_ITEMS; i++) {
			struct span s = i == at ? span_of(text, n) : *tee_vector_item(&files, i);

			d[i] = (struct postern_tee_document){ tee_vector_items[i], s.p, s.n };
		}
		m = begin();
		assert_int_equal(postern_tee_collateral_new(&c, d, TEE_VECTOR_ITEMS, NULL),
				 POSTERN_TEE_REFUSED);
		end(tee_vector_items[at], m, 12 * MIB, 0);
	}
	free(text);
	tee_vector_collateral_free(&files);
}

/* AMD's: the real ones, and a CRL of the largest size made to take much. */
static void snp_documents(void **state)
{
#define SNP "tests/vectors/snp/"
	/* CertificateList up to its entries: lengths of 3 bytes, filled below */
	static const uint8_t head[] = {
		0x30, 0x83, 0, 0, 0, 0x30, 0x83, 0, 0, 0, /* list, tbsCertList */
		0x02, 0x01, 0x01, /* version 2 */
		0x30, 0x03, 0x06, 0x01, 0x2a, /* algorithm */
		0x30, 0x00, /* issuer */
		0x17, 0x0d, '2', '4', '0', '1', '0', '1', '0', '0', '0', '0', '0', '0', 'Z',
		0x30, 0x83, 0, 0, 0, /* revokedCertificates */
	};
	/* the smallest extensions, which take more than entries do */
#define EXTENSION 0x30, 0x05, 0x06, 0x01, 0x2a, 0x04, 0x00
#define FIVE EXTENSION, EXTENSION, EXTENSION, EXTENSION, EXTENSION
	static const uint8_t entry[] = {
		0x30, 0x7d, 0x02, 0x01, 0x01, /* serial number */
		0x17, 0x0d, '2', '4', '0', '1', '0', '1', '0', '0', '0', '0', '0', '0', 'Z',
		0x30, 0x69, FIVE, FIVE, FIVE, /* fifteen of them */
	};
	static const uint8_t tail[] = { 0x30, 0x03, 0x06, 0x01, 0x2a, 0x03, 0x01, 0x00 };
	static const char text[] = "snp: {require_crl: false}\n";
	struct span report = vector_load(SNP "reports/milan_virtee.bin");
	struct span vcek = vector_load(SNP "collateral/milan_virtee/vcek.der");
	struct span chain = vector_load(SNP "collateral/milan_virtee/cert_chain.pem");
	uint8_t *crl = mem_new(64 * KIB);
	struct wr w = wr_over(crl, 64 * KIB);
	struct postern_tee_document d[] = {
		{ POSTERN_TEE_VCEK, vcek.p, vcek.n },
		{ POSTERN_TEE_VEK_CHAIN, chain.p, chain.n },
		{ POSTERN_TEE_VEK_CRL, "", 0 },
	};
	struct postern_tee_verdict v = { .size = sizeof(v) };
	struct postern_tee_request r = {
		.size = sizeof(r),
		.evidence = report.p,
		.evidence_size = report.n,
		.at = AT,
		.any_report_data = 1,
	};
	struct postern_tee_policy *policy = NULL;
	size_t n = sizeof(head);

	(void)state;
	wr_bytes(&w, SPAN_ARRAY(head));
	for (; n + sizeof(entry) + sizeof(tail) <= 64 * KIB; n += sizeof(entry))
		wr_bytes(&w, SPAN_ARRAY(entry));
	for (size_t i = 0; i < 3; i++) { /* each from behind its length to an end */
		const size_t at[] = { 2, 7, sizeof(head) - 3 };
		size_t len = (i ? n : n + sizeof(tail)) - at[i] - 3;

		crl[at[i]] = (uint8_t)(len >> 16);
		crl[at[i] + 1] = (uint8_t)(len >> 8);
		crl[at[i] + 2] = (uint8_t)len;
	}
	wr_bytes(&w, SPAN_ARRAY(tail));
	assert_int_equal(postern_tee_policy_new(&policy, "p", text, strlen(text), NULL),
			 POSTERN_TEE_OK);
	r.policy = policy;
	for (int round = 0; round < 2; round++) { /* the first is libcrypto's */
		struct postern_tee_collateral *c = NULL;
		struct mark m;

		d[2].data = "";
		d[2].size = 0;
		m = begin();
		assert_int_equal(postern_tee_collateral_new(&c, d, 3, NULL), POSTERN_TEE_OK);
		end("SEV-SNP collateral", m, round ? 128 * KIB : MIB, round ? 32 * KIB : MIB);
		r.collateral = c;
		m = begin();
		assert_int_equal(postern_tee_verify(&v, &r), POSTERN_TEE_OK);
		end("SEV-SNP verification", m, round ? 64 * KIB : MIB, round ? 0 : MIB);
		postern_tee_collateral_free(c);
		d[2].data = crl;
		d[2].size = wr_span(&w).n;
		m = begin();
		assert_int_equal(postern_tee_collateral_new(&c, d, 3, NULL), POSTERN_TEE_OK);
#ifndef OTHERS_MALLOC
		assert_true(calls > 15 * 64 * KIB / sizeof(entry)); /* each was read */
#endif
		end("with a CRL of 64 KiB", m, MIB, 32 * KIB); /* which is not kept */
		r.collateral = c;
		m = begin();
		assert_int_equal(postern_tee_verify(&v, &r), POSTERN_TEE_REFUSED);
		assert_string_equal(v.reason, "crl-malformed");
		assert_int_equal(calls, 0); /* it was read before */
		postern_tee_collateral_free(c);
	}
	postern_tee_policy_free(policy);
	free(crl);
	vector_free(report);
	vector_free(vcek);
	vector_free(chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_input),
		cmocka_unit_test(logs_of_strangers),
		cmocka_unit_test(policies_of_strangers),
		cmocka_unit_test(documents_of_strangers),
		cmocka_unit_test(snp_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
