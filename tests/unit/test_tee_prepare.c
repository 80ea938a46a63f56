/* What prepared collateral says of itself, and other documents of its signer. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "pki/pem.h"
#include "tee_vectors.h"

enum {
	JULY_2025 = 1'751'328'000 /* 2025-07-01T00:00:00Z */
};

static int64_t utc(const char *text)
{
	int64_t at = 0;

	assert_true(text_utc(&at, span_str(text)));
	return at;
}

/* Intel's lists in the forms that servers give them in: the same verdict. */
static void lists_in_every_form(void **state)
{
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	struct span *const lists[] = { &c.root_crl, &c.pck_crl };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		static char text[256 * 1024];
		struct span der = *lists[i];

		for (int form = 0; form < 3; form++) {
			struct tee_prepared_info info;
			struct tee_prepared *p = NULL;
			struct wr w = WR_ARRAY(text);
			char detail[TEE_DETAIL_MAX];

			if (form == 0)
				pem_encode(&w, PEM_CRL, der);
			else
				text_hex(&w, der);
			if (form == 2)
				wr_str(&w, "\r\n");
			*lists[i] = wr_span(&w);
			assert_false(w.over);
			assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1), TEE_OK);
			tee_prepared_info(&info, p);
			assert_int_equal(info.pck_crl_issued, 1750327235);
			tee_prepared_free(p);
			/* The form is right and the list is not. */
			text[w.n / 2] = text[w.n / 2] == '0' ? '1' : '0';
			assert_int_not_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1),
					     TEE_OK);
			lists[i]->n -= 3;
			assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1),
					 TEE_CRL_MALFORMED);
		}
		*lists[i] = der;
	}
	tee_vector_collateral_free(&c);
}

/* The windows that tests/vectors/tdx was collected with. */
static void info(void **state)
{
	static const struct {
		const char *dir;
		enum quote_tee tee;
		uint8_t fmspc[6];
		uint32_t evaluation;
		const char *from, *to; /* to the minute */
	} rows[] = {
		{ "collateral/tdx_b0c0_202506",
		  QUOTE_TDX,
		  { 0xb0, 0xc0, 0x6f },
		  17,
		  "2025-06-19T10:33:00Z",
		  "2025-07-19T10:00:00Z" },
		{ "collateral/tdx_90c0_202602",
		  QUOTE_TDX,
		  { 0x90, 0xc0, 0x6f },
		  18,
		  "2026-02-18T10:59:00Z",
		  "2026-03-20T10:41:00Z" },
		{ "collateral/sgx_00a067_202506",
		  QUOTE_SGX,
		  { 0x00, 0xa0, 0x67, 0x11 },
		  17,
		  "2025-06-19T10:56:00Z",
		  "2025-07-19T10:01:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tee_collateral c = tee_vector_collateral(rows[i].dir);
		struct tee_prepared_info found;
		struct tee_prepared *p = NULL;
		char detail[TEE_DETAIL_MAX];

		assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1), TEE_OK);
		tee_prepared_info(&found, p);
		assert_int_equal(found.tcb_tee, rows[i].tee);
		assert_int_equal(found.qe_tee, rows[i].tee);
		assert_memory_equal(found.fmspc, rows[i].fmspc, 6);
		assert_int_equal(found.tcb_evaluation, rows[i].evaluation);
		assert_int_equal(found.qe_evaluation, rows[i].evaluation);
		assert_in_range(found.valid_from - utc(rows[i].from) + 60, 0, 120);
		assert_in_range(found.valid_to - utc(rows[i].to) + 60, 0, 120);
		assert_true(found.tcb_issued <= found.valid_from);
		assert_false(found.is_simulated);
		assert_string_equal(found.anchor, tee_anchor_intel.label);
		tee_prepared_free(p);
		tee_vector_collateral_free(&c);
	}
}

static void documents(void **state)
{
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	uint8_t *changed = vector_copy(c.tcb_info);
	const struct tee_signed_document good = { .text = c.tcb_info,
						  .chain = c.tcb_info_chain,
						  .root_crl = c.root_crl,
						  .name = "tcbInfo" };
	struct tee_signed_document rows[8];
	const enum tee_reason want[8] = {
		TEE_OK,
		TEE_COLLATERAL_SIGNATURE,
		TEE_COLLATERAL_MALFORMED,
		TEE_SIGNER_CHAIN,
		TEE_SIGNER_CHAIN,
		TEE_CRL_MALFORMED,
		TEE_CRL_ISSUER,
		TEE_COLLATERAL_MALFORMED,
	};

	(void)state;
	for (size_t i = 0; i < 8; i++)
		rows[i] = good;
	changed[100] ^= 1;
	rows[1].text = span_of(changed, c.tcb_info.n);
	rows[2].name = "enclaveIdentity";
	rows[3].chain = c.pck_crl_chain; /* a CA's, not the signer's */
	rows[4].chain = span_str("");
	rows[5].root_crl = span_str("");
	rows[6].root_crl = c.pck_crl;
	rows[7].text = span_of(c.tcb_info.p, c.tcb_info.n - 1);
	for (size_t i = 0; i < 8; i++) {
		struct span object = { 0 };
		char detail[TEE_DETAIL_MAX] = "";
		enum tee_reason reason = tee_document_open(&object, detail, &rows[i],
							   &tee_anchor_intel, 1, JULY_2025);

		if (reason != want[i])
			fail_msg("%zu: %s: %s", i, tee_reason_name(reason), detail);
		assert_int_equal(object.n != 0, reason == TEE_OK);
		assert_int_equal(detail[0] != 0, reason != TEE_OK);
	}
	free(changed);
	tee_vector_collateral_free(&c);
}

static void document_times(void **state)
{
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	const struct tee_signed_document d = { .text = c.tcb_info,
					       .chain = c.tcb_info_chain,
					       .root_crl = c.root_crl,
					       .name = "tcbInfo" };
	const struct {
		int64_t at;
		enum tee_reason want;
	} rows[] = {
		{ JULY_2025, TEE_OK },
		{ utc("2020-01-01T00:00:00Z"), TEE_CRL_NOT_YET },
		{ utc("2030-01-01T00:00:00Z"), TEE_CRL_EXPIRED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span object;
		char detail[TEE_DETAIL_MAX];

		assert_int_equal(tee_document_open(&object, detail, &d, &tee_anchor_intel, 1,
						   rows[i].at),
				 rows[i].want);
	}
	tee_vector_collateral_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info),
		cmocka_unit_test(lists_in_every_form),
		cmocka_unit_test(documents),
		cmocka_unit_test(document_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
