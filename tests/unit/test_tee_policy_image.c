/* policy_image: which measurements match, and what is said of others. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "policy_made.h"

static void images(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *yaml, *image; /* NULL: refused */
		const char *detail;
	} cases[] = {
		{ "no_list_any", "tcb: {accept: [UpToDate]}", "", "" },
		{ "empty_list_none", "images: []", NULL, "images: expected a listed one, found an empty list" },
		{ "one_register", "images: [{name: a, mr_td: " MR_1 "}]", "a", "" },
		{ "two_registers", "images: [{name: a, mr_td: " MR_1 ", rtmr0: " MR_2 "}]", "a",
		  "" },
		{ "second_register_differs",
		  "images: [{name: a, mr_td: " MR_1 ", rtmr0: " MR_1 "}]", NULL,
		  "images.a.rtmr0: expected 0101" },
		{ "second_image",
		  "images: [{name: a, mr_td: " MR_2 "}, {name: b, rtmr0: " MR_2 "}]", "b", "" },
		{ "nearest_image_is_named",
		  "images: [{name: a, mr_td: " MR_2 "}, {name: b, mr_td: " MR_1 ", rtmr3: " MR_2
		  "}]",
		  NULL, "images.b.rtmr3: expected 0202" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		assert_int_equal(check_text(&m, cases[i].yaml),
				 cases[i].image ? TEE_OK : TEE_POLICY_MEASUREMENT);
		assert_string_equal(m.v.image, cases[i].image ? cases[i].image : "");
		assert_non_null(strstr(m.v.detail, cases[i].detail));
	}
}

static void every_register_pinned(void **state)
{
	(void)state;
	for (int r = 0; r < POLICY_REGISTER_COUNT; r++) {
		const char *name = policy_register_name((enum policy_register)r);
		char yaml[256], expected[64];
		size_t n = (size_t)snprintf(yaml, sizeof(yaml), "images: [{name: a, %s: \"", name);
		struct made m;

		for (int i = 0; i < QUOTE_MR_LEN; i++)
			n += (size_t)snprintf(yaml + n, sizeof(yaml) - n, "%02X",
					      r == POLICY_MR_SERVICE_TD ? 0 : r + 1);
		snprintf(yaml + n, sizeof(yaml) - n, "\"}]\ntd: {service_td: true}");
		make(&m);
		assert_int_equal(check_text(&m, yaml), TEE_OK);
		for (int other = 0; other < POLICY_REGISTER_COUNT; other++) {
			make(&m);
			m.mr[other][47] ^= 1;
			assert_int_equal(check_text(&m, yaml),
					 other == r ? TEE_POLICY_MEASUREMENT : TEE_OK);
			snprintf(expected, sizeof(expected), "images.a.%s: expected", name);
			if (other == r)
				assert_non_null(strstr(m.v.detail, expected));
		}
	}
}

#define ENCLAVE "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1"
#define SIGNER "5151515151515151515151515151515151515151515151515151515151515151"

/* The verdict's enclave: product 7, SVN 3. */
static void enclaves(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *yaml, *image; /* NULL: refused */
		const char *detail;
	} cases[] = {
		{ "no_list_any", "", "", "" },
		{ "empty_list_none", "images: []", NULL, "found an empty list" },
		{ "only_tdx_listed", "images: [{name: a, mr_td: " MR_1 "}]", NULL,
		  "images: expected evidence of a listed kind, found SGX" },
		{ "enclave", "images: [{name: a, mr_enclave: " ENCLAVE "}]", "a", "" },
		{ "another_enclave", "images: [{name: a, mr_enclave: " SIGNER "}]", NULL,
		  "images.a.mr_enclave: expected " SIGNER ", found " ENCLAVE },
		{ "signer_and_product", "images: [{name: a, mr_signer: " SIGNER ", isv_prod_id: 7}]",
		  "a", "" },
		{ "another_signer", "images: [{name: a, mr_signer: " ENCLAVE ", isv_prod_id: 7}]",
		  NULL, "images.a.mr_signer: expected " ENCLAVE ", found " SIGNER },
		{ "another_product", "images: [{name: a, mr_signer: " SIGNER ", isv_prod_id: 8}]",
		  NULL, "images.a.isv_prod_id: expected 8, found 7" },
		{ "product_zero_is_one_too",
		  "images: [{name: a, mr_signer: " SIGNER ", isv_prod_id: 0}]", NULL,
		  "images.a.isv_prod_id: expected 0, found 7" },
		{ "svn_reached",
		  "images: [{name: a, mr_signer: " SIGNER ", isv_prod_id: 7, min_isv_svn: 3}]", "a",
		  "" },
		{ "svn_not_reached",
		  "images: [{name: a, mr_signer: " SIGNER ", isv_prod_id: 7, min_isv_svn: 4}]",
		  NULL, "images.a.min_isv_svn: expected at least 4, found 3" },
		{ "second_image_among_both_kinds",
		  "images: [{name: t, mr_td: " MR_1 "}, {name: b, mr_enclave: " ENCLAVE "}]", "b",
		  "" },
		{ "nearest_is_named",
		  "images: [{name: a, mr_enclave: " SIGNER "}, {name: b, mr_signer: " SIGNER
		  ", isv_prod_id: 7, min_isv_svn: 9}]",
		  NULL, "images.b.min_isv_svn" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m);
		m.v.quote.tee = QUOTE_SGX;
		assert_int_equal(check_text(&m, cases[i].yaml),
				 cases[i].image ? TEE_OK : TEE_POLICY_MEASUREMENT);
		assert_string_equal(m.v.image, cases[i].image ? cases[i].image : "");
		assert_non_null(strstr(m.v.detail, cases[i].detail));
	}
	struct made m;

	make(&m); /* a TD is none of the enclaves */
	assert_int_equal(check_text(&m, "images: [{name: a, mr_enclave: " ENCLAVE "}]"),
			 TEE_POLICY_MEASUREMENT);
	assert_non_null(strstr(m.v.detail, "found TDX"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images),
		cmocka_unit_test(every_register_pinned),
		cmocka_unit_test(enclaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
