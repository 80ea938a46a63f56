/*
 * tdreport: the layout laid out by hand, what is not a trust domain's report,
 * and that a quote of another report is told apart by each measured field.
 */
#include "unit.h"

#include <string.h>

#include "tdreport_vectors.h"
#include "tee_vectors.h"

static void fields_lie_where_the_source_says(void **state)
{
	uint8_t bytes[TDREPORT_LEN];
	struct tdreport r;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / 8); /* each 8 bytes tell their place */
	memcpy(bytes, "\x81\0\1\0", 4);
	assert_true(tdreport_parse(&r, SPAN_ARRAY(bytes)));
	assert_int_equal(r.version, 1);
	assert_ptr_equal(r.report_data.p, bytes + 128);
	assert_ptr_equal(r.td_attributes.p, bytes + 512);
	assert_ptr_equal(r.xfam.p, bytes + 520);
	assert_ptr_equal(r.mr_td.p, bytes + 528);
	assert_ptr_equal(r.mr_config_id.p, bytes + 576);
	assert_ptr_equal(r.mr_owner.p, bytes + 624);
	assert_ptr_equal(r.mr_owner_config.p, bytes + 672);
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		assert_ptr_equal(r.rtmr[i].p, bytes + 720 + 48 * i);
}

/* clang-format off */
static const struct {
	const char *name;
	uint8_t head[4];
	size_t n;
	bool want;
} heads[] = {
	{ "tdx_10_accepted", { 0x81, 0, 0, 0 }, 1024, true },
	{ "tdx_15_accepted", { 0x81, 0, 1, 0 }, 1024, true },
	{ "sgx_refused", { 0x00, 0, 0, 0 }, 1024, false },
	{ "subtype_refused", { 0x81, 1, 0, 0 }, 1024, false },
	{ "unknown_version_refused", { 0x81, 0, 2, 0 }, 1024, false },
	{ "reserved_byte_refused", { 0x81, 0, 0, 1 }, 1024, false },
	{ "short_refused", { 0x81, 0, 0, 0 }, 1023, false },
	{ "empty_refused", { 0x81, 0, 0, 0 }, 0, false },
	{ "long_refused", { 0x81, 0, 0, 0 }, 1025, false },
};
/* clang-format on */

static void heads_accepted_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		uint8_t bytes[TDREPORT_LEN + 1] = { 0 };
		struct tdreport r = { .version = 9 };

		print_message("%s\n", heads[i].name);
		memcpy(bytes, heads[i].head, 4);
		assert_int_equal(tdreport_parse(&r, span_of(bytes, heads[i].n)), heads[i].want);
		assert_int_equal(r.version == 9, !heads[i].want);
	}
}

static void quote_of_another_report_told_apart(void **state)
{
	struct span bytes = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	struct span sgx = tee_vector_quote("quotes/sgx_v3_00a067.bin");
	uint8_t report[TDREPORT_LEN];
	struct quote q, enclave;
	struct tdreport r;
	size_t told = 0;

	(void)state;
	assert_int_equal(quote_parse(&q, bytes), TEE_OK);
	assert_int_equal(quote_parse(&enclave, sgx), TEE_OK);
	tdreport_of(report, &q);
	assert_true(tdreport_parse(&r, SPAN_ARRAY(report)));
	assert_true(tdreport_is_quoted(&r, &q));
	assert_false(tdreport_is_quoted(&r, &enclave));
	for (size_t i = 4; i < sizeof(report); i++) {
		report[i] ^= 1;
		told += !tdreport_is_quoted(&r, &q);
		report[i] ^= 1;
	}
	/* report data; attributes, XFAM, four measurements, four registers */
	assert_int_equal(told, 64 + 8 + 8 + 8 * 48);
	vector_free(sgx);
	vector_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_lie_where_the_source_says),
		cmocka_unit_test(heads_accepted_or_refused),
		cmocka_unit_test(quote_of_another_report_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
