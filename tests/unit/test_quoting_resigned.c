/*
 * Quotes of the simulated platform taken apart and put together again with its
 * own keys: what can be signed correctly and must still be refused, or accepted.
 */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "base/wr.h"
#include "quoting/collateral_dir.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_quote.h"
#include "tee/verify.h"

enum {
	NOW = 1'800'000'000,
	TRAILER_LEN = 20,
	TYPE_2_LEN = 276,
	TYPE_3_LEN = 404,
};

enum chain {
	CHAIN_NONE, /* the collateral has no PCK chain */
	CHAIN_SAME, /* ... the quote's */
	CHAIN_OTHER, /* ... another one, its line ends are CRLF */
};

static const uint8_t report_data[64] = "what the quote is over";

struct world {
	struct sim_pki pki;
	struct tee_anchor anchor;
	struct collateral_files docs;
	struct buf quote;
	struct quote parsed; /* of quote */
};

static int setup(void **state)
{
	static struct world w;
	struct sim_td td;

	assert_int_equal(sim_pki_generate(&w.pki, NULL, NOW), RC_OK);
	assert_int_equal(sim_docs_make(&w.docs, &w.pki, NULL, NOW), RC_OK);
	sim_pki_anchor(&w.anchor, &w.pki);
	sim_td_launch(&td, "base", NULL);
	buf_init(&w.quote, QUOTE_MAX);
	assert_int_equal(sim_quote(&w.quote, &w.pki, &td, report_data, NULL), RC_OK);
	assert_int_equal(quote_parse(&w.parsed, buf_span(&w.quote)), TEE_OK);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	sim_pki_fini(&w->pki);
	collateral_fini(&w->docs);
	buf_fini(&w->quote);
	return 0;
}

/* What is put together differently. */
struct again {
	const char *name;
	size_t auth_data_len; /* of the QE's authentication data; 0: none */
	uint8_t upper; /* last byte of the QE's report data */
	bool high_s; /* the other half of s, in both signatures */
	bool swaps_rs; /* r and s exchanged in the quote's signature */
	uint16_t type; /* of the certification data; 0: as it was */
	size_t len; /* its length, for types 1 to 4 */
	size_t flip; /* from its end: one byte changed; 0: none */
	enum chain chain;
	const char *want;
};

/* (r, n - s) is a signature too. */
static void other_half(struct p256_signature *sig)
{
	static const uint8_t n[32] = {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
		0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
	};
	int borrow = 0;

	for (size_t i = 32; i-- > 0;) {
		int d = n[i] - sig->rs[32 + i] - borrow;

		borrow = d < 0;
		sig->rs[32 + i] = (uint8_t)(d + 256 * borrow);
	}
}

static struct p256_signature signed_by(const struct world *w, enum sim_key key, struct span message,
				       bool high_s)
{
	struct p256_signature sig;

	p256_sign(w->pki.key[key], &sig, message);
	if ((sig.rs[32] >= 0x80) != high_s)
		other_half(&sig);
	return sig;
}

static void add_certification(struct wr *w, const struct world *world, const struct again *a)
{
	const struct issue_sgx *p = &world->pki.platform;
	uint8_t data[512] = { 0 };
	struct wr tail;

	if (!a->type) {
		wr_le16(w, 5);
		wr_le32(w, (uint32_t)world->parsed.certification_data.n);
		wr_bytes(w, world->parsed.certification_data);
		return;
	}
	tail = wr_over(data + a->len - TRAILER_LEN, TRAILER_LEN);
	wr_bytes(&tail, SPAN_ARRAY(p->cpu_svn));
	wr_le16(&tail, p->pce_svn);
	wr_bytes(&tail, SPAN_ARRAY(p->pce_id));
	if (a->flip)
		data[a->len - a->flip] ^= 1;
	wr_le16(w, a->type);
	wr_le32(w, (uint32_t)a->len);
	wr_bytes(w, span_of(data, a->len));
}

static struct span build(struct wr *w, const struct world *world, const struct again *a)
{
	const struct quote *q = &world->parsed;
	uint8_t report[QUOTE_ENCLAVE_REPORT_LEN], auth_data[128] = { 0 }, inner[16 * 1024];
	struct span bound[] = { q->attestation_key, span_of(auth_data, a->auth_data_len) };
	struct p256_signature sig, qe_sig;
	struct wr in = WR_ARRAY(inner);
	struct sha256 hash;

	memset(auth_data, 0x11, sizeof(auth_data));
	memcpy(report, q->qe_report.raw.p, sizeof(report));
	sha256_parts(&hash, bound, 2);
	memcpy(report + 320, hash.b, 32);
	report[383] = a->upper;
	sig = signed_by(world, SIM_KEY_ATTESTATION, q->signed_region, a->high_s);
	qe_sig = signed_by(world, SIM_KEY_PCK, SPAN_ARRAY(report), a->high_s);
	if (a->swaps_rs)
		for (size_t i = 0; i < 32; i++) {
			uint8_t r = sig.rs[i];

			sig.rs[i] = sig.rs[32 + i];
			sig.rs[32 + i] = r;
		}
	wr_bytes(&in, SPAN_ARRAY(report));
	wr_bytes(&in, SPAN_ARRAY(qe_sig.rs));
	wr_le16(&in, (uint16_t)a->auth_data_len);
	wr_bytes(&in, bound[1]);
	add_certification(&in, world, a);
	wr_bytes(w, q->signed_region);
	wr_le32(w, (uint32_t)(134 + wr_span(&in).n));
	wr_bytes(w, SPAN_ARRAY(sig.rs));
	wr_bytes(w, q->attestation_key);
	wr_le16(w, 6);
	wr_le32(w, (uint32_t)wr_span(&in).n);
	wr_bytes(w, wr_span(&in));
	return wr_span(w);
}

/* clang-format off */
static const struct again table[] = {
	{ .name = "put_together_accepted", .auth_data_len = 32, .want = "ok" },
	{ .name = "high_s_accepted", .auth_data_len = 32, .high_s = true, .want = "ok" },
	{ .name = "r_and_s_swapped_refused", .auth_data_len = 32, .swaps_rs = true, .want = "quote-signature-invalid" },
	{ .name = "upper_half_of_qe_data_set_refused", .auth_data_len = 32, .upper = 1, .want = "qe-report-data-mismatch" },
	{ .name = "no_auth_data_accepted", .auth_data_len = 0, .want = "ok" },
	{ .name = "31_bytes_auth_data_accepted", .auth_data_len = 31, .want = "ok" },
	{ .name = "33_bytes_auth_data_accepted", .auth_data_len = 33, .want = "ok" },
	{ .name = "64_bytes_auth_data_accepted", .auth_data_len = 64, .want = "ok" },
	{ .name = "type_5_with_the_same_chain_accepted", .auth_data_len = 32, .chain = CHAIN_SAME, .want = "ok" },
	{ .name = "type_5_with_another_chain_refused", .auth_data_len = 32, .chain = CHAIN_OTHER, .want = "pck-chain-malformed" },
	{ .name = "type_3_with_chain_accepted", .type = 3, .len = TYPE_3_LEN, .chain = CHAIN_SAME, .want = "ok" },
	{ .name = "type_2_with_chain_accepted", .type = 2, .len = TYPE_2_LEN, .chain = CHAIN_SAME, .want = "ok" },
	{ .name = "type_1_with_chain_accepted", .type = 1, .len = 36, .chain = CHAIN_SAME, .want = "ok" },
	{ .name = "type_3_without_chain_refused", .type = 3, .len = TYPE_3_LEN, .want = "quote-certification-type" },
	{ .name = "type_1_without_chain_refused", .type = 1, .len = 36, .want = "quote-certification-type" },
	{ .name = "type_4_with_chain_refused", .type = 4, .len = 36, .chain = CHAIN_SAME, .want = "quote-certification-type" },
	{ .name = "type_3_of_other_pce_id_refused", .type = 3, .len = TYPE_3_LEN, .flip = 1, .chain = CHAIN_SAME, .want = "quote-certification-type" },
	{ .name = "type_3_of_other_pce_svn_refused", .type = 3, .len = TYPE_3_LEN, .flip = 4, .chain = CHAIN_SAME, .want = "quote-certification-type" },
	{ .name = "type_3_of_other_cpu_svn_refused", .type = 3, .len = TYPE_3_LEN, .flip = 20, .chain = CHAIN_SAME, .want = "quote-certification-type" },
	{ .name = "type_3_encrypted_part_is_opaque", .type = 3, .len = TYPE_3_LEN, .flip = 21, .chain = CHAIN_SAME, .want = "ok" },
};
/* clang-format on */

static void each_gets_its_reason(void **state)
{
	const struct world *w = *state;
	char crlf[16 * 1024];
	struct wr other = WR_ARRAY(crlf);

	for (size_t i = 0; i < w->parsed.certification_data.n; i++) {
		uint8_t c = w->parsed.certification_data.p[i];

		if (c == '\n')
			wr_u8(&other, '\r');
		wr_u8(&other, c);
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct tee_collateral view = collateral_view(&w->docs);
		uint8_t room[QUOTE_MAX];
		struct wr q = WR_ARRAY(room);
		struct tee_verdict v;

		if (table[i].chain == CHAIN_SAME)
			view.pck_chain = w->parsed.certification_data;
		if (table[i].chain == CHAIN_OTHER)
			view.pck_chain = wr_span(&other);
		tee_verify(&v, &(struct tee_input){
				       .quote = build(&q, w, &table[i]),
				       .collateral = &view,
				       .anchors = &w->anchor,
				       .anchor_count = 1,
				       .at = NOW,
			       });
		print_message("%s: %s\n", table[i].name, v.detail);
		assert_string_equal(tee_reason_name(v.reason), table[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gets_its_reason),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
