/* What a quote says of where it comes from, before anything is verified. */
#include "unit.h"

#include <string.h>

#include "tee/hint.h"
#include "tee_vectors.h"

static struct quote parsed(struct span bytes)
{
	struct quote q;

	assert_int_equal(quote_parse(&q, bytes), TEE_OK);
	return q;
}

static void real_quotes(void **state)
{
	/* clang-format off */
	static const struct {
		const char *path;
		bool has_fmspc;
		uint8_t fmspc[FMSPC_LEN];
		bool is_of_processor_ca;
	} cases[] = {
		{ "quotes/tdx_v4_b0c0_uptodate.bin", true, { 0xb0, 0xc0, 0x6f }, false },
		{ "quotes/tdx_v5_90c0_uptodate.bin", true, { 0x90, 0xc0, 0x6f }, false },
		{ "quotes/sgx_v3_00a067.bin", true, { 0x00, 0xa0, 0x67, 0x11 }, true },
		/* certification type 1: a PPID and no certificate */
		{ "intel-sample-sgx/quote.dat", false, { 0 }, false },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct span bytes = tee_vector_quote(cases[i].path);
		struct quote q = parsed(bytes);
		uint8_t fmspc[FMSPC_LEN] = { 0 };

		print_message("%s\n", cases[i].path);
		assert_int_equal(hint_fmspc(fmspc, &q), cases[i].has_fmspc);
		assert_memory_equal(fmspc, cases[i].fmspc, FMSPC_LEN);
		assert_int_equal(hint_processor_ca(&q), cases[i].is_of_processor_ca);
		vector_free(bytes);
	}
}

static void what_is_no_chain_says_nothing(void **state)
{
	struct span bytes = tee_vector_quote("quotes/sgx_v3_00a067.bin");
	struct span signers = vector_load(TDX_VECTORS
					  "collateral/sgx_00a067_202506/tcb_info_issuer_chain.pem");
	struct quote q = parsed(bytes);
	uint8_t fmspc[FMSPC_LEN] = "same.";
	struct span chain = q.certification_data;

	(void)state;
	q.certification_data = span_str("-----BEGIN CERTIFICATE-----\n");
	assert_false(hint_fmspc(fmspc, &q));
	assert_false(hint_processor_ca(&q));
	/* certificates, but two, and of nobody's platform */
	q.certification_data = signers;
	assert_false(hint_fmspc(fmspc, &q));
	assert_false(hint_processor_ca(&q));
	assert_memory_equal(fmspc, "same.", FMSPC_LEN);
	q.certification_data = chain;
	assert_true(hint_fmspc(fmspc, &q));
	vector_free(signers);
	vector_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_quotes),
		cmocka_unit_test(what_is_no_chain_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
