/* What a server answers, judged and brought into one form. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "pcs/answer.h"
#include "pki/crl.h"
#include "pki/pem.h"
#include "tee_vectors.h"

#define RAW TDX_VECTORS "pcs-raw-2023/"

static void statuses(void **state)
{
	static const struct {
		unsigned status;
		const char *reason;
	} rows[] = {
		{ 200, "ok" },
		{ 0, "status-unexpected" },
		{ 100, "status-unexpected" },
		{ 201, "status-unexpected" },
		{ 204, "status-unexpected" },
		{ 206, "status-unexpected" },
		{ 301, "server-redirects" },
		{ 302, "server-redirects" },
		{ 304, "server-redirects" },
		{ 308, "server-redirects" },
		{ 400, "request-refused" },
		{ 401, "key-required" },
		{ 403, "key-required" },
		{ 404, "not-found" },
		{ 410, "tcb-evaluation-retired" },
		{ 418, "status-unexpected" },
		{ 429, "server-busy" },
		{ 461, "platform-unknown" },
		{ 462, "no-cached-data" },
		{ 500, "server-error" },
		{ 502, "server-error" },
		{ 503, "server-error" },
		{ 599, "server-error" },
		{ 600, "status-unexpected" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(pcs_reason_name(pcs_status_judge(rows[i].status)),
				    rows[i].reason);
}

static void retry_after(void **state)
{
	enum {
		NOW = 784'111'777 /* Sun, 06 Nov 1994 08:49:37 GMT */
	};
	static const struct {
		const char *value;
		unsigned seconds;
	} rows[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "120", 120 },
		{ "86400", 86400 },
		{ "86401", PCS_RETRY_MAX_S },
		{ "18446744073709551615", PCS_RETRY_MAX_S },
		{ "18446744073709551616", 0 },
		{ "-5", 0 },
		{ "1.5", 0 },
		{ "", 0 },
		{ "soon", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:38 GMT", 1 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60 },
		{ "Mon, 06 Nov 1995 08:49:37 GMT", PCS_RETRY_MAX_S },
		{ "Sun, 06 Nov 1994 08:49:36 GMT", 0 },
		{ "Sun, 31 Feb 1995 08:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 24:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 09:49:37 UTC", 0 },
		{ "Sunday, 06-Nov-94 09:49:37 GMT", 0 },
		{ "Sun Nov  6 09:49:37 1994", 0 },
		{ "Sun, 06 Nov 1994 09:49:37 GMT ", 0 },
		{ "Sun, 06 Nvo 1994 09:49:37 GMT", 0 },
		{ "Sun, 0x Nov 1994 09:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 09:49:3", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (pcs_retry_after(span_str(rows[i].value), NOW) != rows[i].seconds)
			fail_msg("%s: %u", rows[i].value,
				 pcs_retry_after(span_str(rows[i].value), NOW));
}

static void chain_texts(void **state)
{
	static const struct {
		const char *value, *text; /* NULL: refused */
	} rows[] = {
		{ "a%20b%0A", "a b\n" },
		{ "a%0a", "a\n" },
		{ "a", "a\n" },
		{ "a+b%2Bc%2bd%3D", "a+b+c+d=\n" },
		{ "-----BEGIN CERTIFICATE-----%0D%0A", "-----BEGIN CERTIFICATE-----\r\n" },
		{ .value = "" },
		{ .value = "%" },
		{ .value = "a%2" },
		{ .value = "a%2g" },
		{ .value = "a%%20" },
		{ .value = "a%00b" },
		{ .value = "a%80" },
		{ .value = "a%09" },
		{ .value = "a\tb" },
		{ .value = "a\x80" },
		{ .value = "a\nb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128] = "";
		struct wr w = WR_ARRAY(text);
		enum rc rc = pcs_chain_decode(&w, span_str(rows[i].value));

		assert_int_equal(rc, rows[i].text ? RC_OK : RC_MALFORMED);
		if (!rc)
			assert_true(span_equal_str(wr_span(&w), rows[i].text));
	}
}

static void chain_larger_than_room_is_limit(void **state)
{
	char text[4];
	struct wr w = WR_ARRAY(text);

	(void)state;
	assert_int_equal(pcs_chain_decode(&w, span_str("abcd")), RC_LIMIT);
	w = WR_ARRAY(text);
	assert_int_equal(pcs_chain_decode(&w, span_str("abc")), RC_OK);
}

/* The headers as Intel served them in 2023 are the chains that other tools
 * decoded. */
static void real_headers(void **state)
{
	static const struct {
		const char *header, *pem;
	} rows[] = {
		{ RAW "header-TCB-Info-Issuer-Chain.txt",
		  TDX_VECTORS "collateral/tdx_5080_202306/tcb_info_issuer_chain.pem" },
		{ RAW "header-SGX-Enclave-Identity-Issuer-Chain.txt",
		  TDX_VECTORS "collateral/tdx_5080_202306/qe_identity_issuer_chain.pem" },
		{ RAW "header-SGX-PCK-CRL-Issuer-Chain.txt",
		  TDX_VECTORS "collateral/tdx_5080_202306/pck_crl_issuer_chain.pem" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span header = vector_load(rows[i].header);
		struct span pem = vector_load(rows[i].pem);
		struct span value = span_of(header.p, header.n - 1); /* its line end */
		char text[PCS_CHAIN_MAX];
		struct wr w = WR_ARRAY(text);

		assert_int_equal(pcs_chain_decode(&w, value), RC_OK);
		assert_true(span_equal(wr_span(&w), pem));
		vector_free(header);
		vector_free(pem);
	}
}

static void bodies(void **state)
{
	static const struct {
		const char *file;
		enum pcs_item item;
	} rows[] = {
		{ RAW "sample_tcbInfo_response", PCS_TCB_INFO },
		{ RAW "sample_qeIdentity_response", PCS_QE_IDENTITY },
		{ RAW "pckcrl", PCS_PCK_CRL },
		{ RAW "rootcrl.der", PCS_ROOT_CRL },
	};
	static const char numbers[] =
		"{\"tcbEvaluationDataNumbers\":{\"id\":\"TDX\"},\"signature\":\""
		"00000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"000000000000000000000000000000000000000000000000\"}";

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct span body = vector_load(rows[i].file);

		assert_true(pcs_body_is(rows[i].item, body));
		/* One is not taken for another. */
		assert_int_equal(pcs_body_is(PCS_TCB_INFO, body), i == 0);
		assert_int_equal(pcs_body_is(PCS_QE_IDENTITY, body), i == 1);
		assert_int_equal(pcs_body_is(PCS_PCK_CRL, body), i >= 2);
		assert_false(pcs_body_is(PCS_EVALUATIONS, body));
		vector_free(body);
	}
	assert_true(pcs_body_is(PCS_EVALUATIONS, span_str(numbers)));
	assert_false(pcs_body_is(PCS_TCB_INFO, span_str(numbers)));
	assert_false(pcs_body_is(PCS_ITEM_COUNT, span_str(numbers)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(retry_after),
		cmocka_unit_test(chain_texts),
		cmocka_unit_test(chain_larger_than_room_is_limit),
		cmocka_unit_test(real_headers),
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
