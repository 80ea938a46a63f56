/* kind: quotes and reports told apart, whatever their length. */
#include "unit.h"

#include <string.h>

#include "tee/kind.h"
#include "vectors.h"

static void real_ones(void **state)
{
	static const struct {
		const char *path;
		enum tee_kind want;
		const char *name;
	} cases[] = {
		{ "tests/vectors/tdx/quotes/sgx_v3_00a067.bin", TEE_KIND_SGX, "SGX" },
		{ "tests/vectors/tdx/quotes/tdx_v4_b0c0_uptodate.bin", TEE_KIND_TDX, "TDX" },
		{ "tests/vectors/tdx/quotes/tdx_v5_90c0_uptodate.bin", TEE_KIND_TDX, "TDX" },
		{ "tests/vectors/snp/reports/milan_trustee.bin", TEE_KIND_SNP, "SEV-SNP" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span bytes = vector_load(cases[i].path);

		/* every prefix long enough to tell */
		for (size_t n = 0; n <= bytes.n; n++)
			assert_int_equal(tee_kind_of(span_of(bytes.p, n)),
					 n < 8 ? TEE_KIND_NONE : cases[i].want);
		assert_string_equal(tee_kind_name(cases[i].want), cases[i].name);
		vector_free(bytes);
	}
	assert_string_equal(tee_kind_name(TEE_KIND_NONE), "none");
}

/* A quote whose key type is not set stays a quote, to be refused as one. */
static void quote_without_key_type(void **state)
{
	struct span bytes = vector_load("tests/vectors/tdx/quotes/tdx_v4_b0c0_uptodate.bin");
	uint8_t *copy = vector_copy(bytes);

	(void)state;
	copy[2] = 0;
	assert_int_equal(tee_kind_of(span_of(copy, bytes.n)), TEE_KIND_TDX);
	free(copy);
	vector_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_ones),
		cmocka_unit_test(quote_without_key_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
