/*
 * Real quotes and real collateral with one bit changed or their end cut off:
 * refused, each in an allocation of just its size.
 *
 * Every byte with its lowest and with its highest bit flipped, and every
 * length; under ASan every 7th place, or all of them, and all eight bits, with
 * an argument ("make mutate").  Refused means more than a reason: not even
 * layer 1 may hold, or a change would only have fallen foul of the policy.
 *
 * What is accepted all the same is listed here, with why; nothing else is.
 */
#include "unit.h"

#include <string.h>

#include "tee/policy.h"
#include "tee_vectors.h"

#if defined(POSTERN_COVERAGE)
#define STRIDE 97 /* which lines run is not a matter of every byte */
#elif defined(__SANITIZE_ADDRESS__)
#define STRIDE 7
#else
#define STRIDE 1
#endif

/* How thorough this run is: main() decides. */
struct extent {
	size_t stride;
	const uint8_t *masks;
	size_t mask_count;
};

static const struct evidence {
	const char *quote, *collateral;
	int64_t at, skew_s;
	/* unmutated */
	enum tee_reason reason;
	size_t canonical; /* bytes of the quote without padding */
} all[] = {
	{ "quotes/tdx_v4_b0c0_uptodate.bin", "collateral/tdx_b0c0_202506", 1751328000, 0, TEE_OK,
	  4936 },
	{ "quotes/sgx_v3_00a067.bin", "collateral/sgx_00a067_202506", 1751328000, 0,
	  TEE_TCB_STATUS, 4600 },
	{ "quotes/tdx_v5_90c0_uptodate.bin", "collateral/tdx_90c0_202602", 1772323200, 0, TEE_OK,
	  5006 },
	{ "quotes/tdx_v4_90c0_dstack.bin", "collateral/tdx_90c0_202602", 1772323200, 0, TEE_OK,
	  4936 },
	{ "quotes/tdx_v4_5080_debug.bin", "collateral/tdx_5080_202306", 1688173200, 0,
	  TEE_POLICY_DEBUG, 4936 },
	/* its CRLs are of three months later: see cases.tsv */
	{ "quotes/tdx_v4_00a0_outofdate.bin", "collateral/tdx_00a0_202510", 1762732800, 9'000'000,
	  TEE_TCB_STATUS, 4936 },
	{ "quotes/tdx_v5_90c0_notsupported.bin", "collateral/tdx_90c0_202602", 1772323200, 0,
	  TEE_TCB_NOT_SUPPORTED, 5006 },
	{ "quotes/tdx_v4_b0c0_notsupported.bin", "collateral/tdx_b0c0_202506", 1751328000, 0,
	  TEE_TCB_NOT_SUPPORTED, 4936 },
};

enum {
	EVIDENCE_COUNT = sizeof(all) / sizeof(all[0]),
};

static struct tee_policy policy_of(const struct evidence *e)
{
	struct tee_policy p = tee_policy_default;

	p.clock_skew_s = e->skew_s;
	return p;
}

/* Neither accepted nor valid, and it says why. */
static bool is_refused(const struct tee_verdict *v)
{
	return v->reason != TEE_OK && !v->is_verified && v->detail[0];
}

struct tally {
	size_t refused, accepted, seen[TEE_REASON_COUNT];
};

static void tally_print(const char *name, const struct tally *t)
{
	print_message("%s: %zu refused, %zu on the list\n", name, t->refused, t->accepted);
	for (size_t i = 0; i < TEE_REASON_COUNT; i++)
		if (t->seen[i])
			print_message("  %6zu %s\n", t->seen[i],
				      tee_reason_name((enum tee_reason)i));
}

/*
 * Unsigned bytes of a quote whose change is read as the same evidence: between
 * its PEM blocks stand line ends and the NUL that ends them, and a space is as
 * good as a NUL there.
 */
static bool is_quote_slack(uint8_t was, uint8_t is)
{
	return was == 0 && is == ' ';
}

static void flip_quote(const struct evidence *e, const struct extent *x)
{
	struct span quote = tee_vector_quote(e->quote);
	struct tee_collateral c = tee_vector_collateral(e->collateral);
	const struct tee_policy policy = policy_of(e);
	struct tee_prepared *p = NULL;
	char detail[TEE_DETAIL_MAX];
	struct tally t = { 0 };
	struct tee_verdict v;

	assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1), TEE_OK);
	tee_verify_prepared(&v, p, quote, &policy, e->at);
	assert_int_equal(v.reason, e->reason);
	assert_true(v.is_verified);
	assert_int_equal(v.quote.canonical.n, e->canonical);
	for (size_t i = 0; i < quote.n; i += x->stride) {
		for (size_t m = 0; m < x->mask_count; m++) {
			uint8_t *copy = vector_copy(quote);

			copy[i] ^= x->masks[m];
			tee_verify_prepared(&v, p, span_of(copy, quote.n), &policy, e->at);
			if (is_refused(&v))
				t.refused++;
			else if (i < e->canonical && is_quote_slack(quote.p[i], copy[i]))
				t.accepted++;
			else
				fail_msg("%s: byte %zu ^ %02x: %s", e->quote, i, x->masks[m],
					 tee_reason_name(v.reason));
			if (i >= e->canonical)
				assert_int_equal(v.reason, TEE_QUOTE_TRAILING);
			t.seen[v.reason]++;
			free(copy);
		}
	}
	tally_print(e->quote, &t);
	tee_prepared_free(p);
	tee_vector_collateral_free(&c);
	vector_free(quote);
}

static void every_flip_of_each_quote_refused(void **state)
{
	for (size_t i = 0; i < EVIDENCE_COUNT; i++)
		flip_quote(&all[i], *state);
}

/* Padding may be cut: it is no part of the quote, see tee/quote.h. */
static void every_truncation_of_each_quote_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < EVIDENCE_COUNT; i++) {
		const struct evidence *e = &all[i];
		struct span quote = tee_vector_quote(e->quote);
		struct tee_collateral c = tee_vector_collateral(e->collateral);
		const struct tee_policy policy = policy_of(e);
		struct tee_prepared *p = NULL;
		char detail[TEE_DETAIL_MAX];
		struct tee_verdict v;

		assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1), TEE_OK);
		for (size_t n = 0; n <= quote.n; n++) {
			uint8_t *copy = vector_copy(span_of(quote.p, n));

			tee_verify_prepared(&v, p, span_of(copy, n), &policy, e->at);
			assert_int_equal(v.reason,
					 n < e->canonical ? TEE_QUOTE_TOO_SHORT : e->reason);
			assert_int_equal(v.is_verified, n >= e->canonical);
			free(copy);
		}
		tee_prepared_free(p);
		tee_vector_collateral_free(&c);
		vector_free(quote);
	}
}

/*
 * Bytes of collateral that nothing is signed over, and what of them may change:
 *
 * - a document's signature is hex of either case, as Intel's services send it:
 *   'a' and 'A' are one digit (bit 0x20; not among those of a usual run).
 *
 * The rest of the frame, the names of its members, line ends and boundaries of
 * PEM, the unused bits of base64, may not.
 */
static bool is_document_slack(const char *item, struct span text, size_t at, uint8_t mask)
{
	static const char key[] = "\"signature\":\"";
	const uint8_t *begin = memmem(text.p, text.n, key, strlen(key));
	uint8_t c = text.p[at] | 0x20;

	return strstr(item, ".json") && mask == 0x20 && begin && text.p + at > begin &&
	       c >= 'a' && c <= 'f';
}

/* What is left of a document that still is the whole of it. */
static bool is_whole(const char *item, struct span text, size_t n)
{
	/* The line end behind a text is no part of it; the PCK CRL's issuer
	 * chain may be absent, and no bytes say that. */
	if (!strstr(item, ".der") && n == text.n - 1 && text.p[n] == '\n')
		return true;
	return n == text.n || (!n && strcmp(item, "pck_crl_issuer_chain.pem") == 0);
}

static void flip_item(const struct evidence *e, struct tee_collateral *c, size_t item,
		      struct span quote, const struct extent *x)
{
	const char *name = tee_vector_items[item];
	struct span *s = tee_vector_item(c, item), kept = *s;
	const struct tee_policy policy = policy_of(e);
	const struct tee_input in = {
		.quote = quote,
		.collateral = c,
		.anchors = &tee_anchor_intel,
		.anchor_count = 1,
		.policy = &policy,
		.at = e->at,
	};
	struct tally t = { 0 };
	struct tee_verdict v;

	for (size_t i = 0; i < kept.n; i += x->stride) {
		for (size_t m = 0; m < x->mask_count; m++) {
			uint8_t *copy = vector_copy(kept);

			copy[i] ^= x->masks[m];
			*s = span_of(copy, kept.n);
			tee_verify(&v, &in);
			if (is_refused(&v))
				t.refused++;
			else if (is_document_slack(name, kept, i, x->masks[m]))
				t.accepted++;
			else
				fail_msg("%s/%s: byte %zu ^ %02x: %s", e->collateral, name, i,
					 x->masks[m], tee_reason_name(v.reason));
			t.seen[v.reason]++;
			free(copy);
		}
	}
	for (size_t n = 0; n <= kept.n; n += n + 8 < kept.n ? x->stride : 1) {
		uint8_t *copy = vector_copy(span_of(kept.p, n));

		*s = span_of(copy, n);
		tee_verify(&v, &in);
		if (is_refused(&v) == is_whole(name, kept, n))
			fail_msg("%s/%s: %zu of %zu bytes: %s", e->collateral, name, n, kept.n,
				 tee_reason_name(v.reason));
		t.seen[v.reason]++;
		free(copy);
	}
	*s = kept;
	tally_print(name, &t);
}

/* The same bytes in the same place of an earlier set: nothing new. */
static bool is_known(const struct evidence *e, size_t item, struct span bytes)
{
	bool found = false;

	for (const struct evidence *before = all; before < e && !found; before++) {
		struct tee_collateral c = tee_vector_collateral(before->collateral);

		found = span_equal(*tee_vector_item(&c, item), bytes);
		tee_vector_collateral_free(&c);
	}
	return found;
}

static void every_change_of_each_document_refused(void **state)
{
	for (size_t i = 0; i < EVIDENCE_COUNT; i++) {
		const struct evidence *e = &all[i];
		struct tee_collateral c = tee_vector_collateral(e->collateral);
		struct span quote = tee_vector_quote(e->quote);

		print_message("%s\n", e->collateral);
		for (size_t item = 0; item < TEE_VECTOR_ITEMS; item++)
			if (!is_known(e, item, *tee_vector_item(&c, item)))
				flip_item(e, &c, item, quote, *state);
		tee_vector_collateral_free(&c);
		vector_free(quote);
	}
}

int main(int argc, char **argv)
{
	static const uint8_t bits[] = { 0x01, 0x80, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40 };
	struct extent extent = { STRIDE, bits, 2 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(every_truncation_of_each_quote_refused, &extent),
		cmocka_unit_test_prestate(every_flip_of_each_quote_refused, &extent),
		cmocka_unit_test_prestate(every_change_of_each_document_refused, &extent),
	};

	(void)argv;
	if (argc > 1)
		extent = (struct extent){ 1, bits, sizeof(bits) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
