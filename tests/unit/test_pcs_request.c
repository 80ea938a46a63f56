/* Servers' URLs, and what is asked of them. */
#include "unit.h"

#include <string.h>

#include "pcs/request.h"

static void servers(void **state)
{
	static const struct {
		const char *url, *base; /* NULL: refused */
		const char *host;
		unsigned port;
	} rows[] = {
		{ "https://api.trustedservices.intel.com",
		  "https://api.trustedservices.intel.com", "api.trustedservices.intel.com", 443 },
		{ "https://pccs.example:8081", "https://pccs.example:8081", "pccs.example", 8081 },
		{ "https://pccs.example:8081/", "https://pccs.example:8081", "pccs.example", 8081 },
		{ "https://localhost:8081/sgx/certification/v4/", "https://localhost:8081",
		  "localhost", 8081 },
		{ "https://localhost:8081/sgx/certification/v4", "https://localhost:8081",
		  "localhost", 8081 },
		{ "https://sgx/certification/v4/", "https://sgx/certification/v4", "sgx", 443 },
		{ "http://192.0.2.7", "http://192.0.2.7", "192.0.2.7", 80 },
		{ "https://[2001:db8::1]:8081/pccs", "https://[2001:db8::1]:8081/pccs",
		  "2001:db8::1", 8081 },
		{ "https://[2001:db8::1]", "https://[2001:db8::1]", "2001:db8::1", 443 },
		{ "https://h/a-b/c_d~1.x", "https://h/a-b/c_d~1.x", "h", 443 },
		{ .url = "" },
		{ .url = "https" },
		{ .url = "https://" },
		{ .url = "https:///x" },
		{ "HTTPS://h", "https://h", "h", 443 },
		{ "Http://H/X", "http://H/X", "H", 80 },
		{ .url = "ftp://h" },
		{ .url = "httpss://h" },
		{ .url = "https//h" },
		{ .url = "://h" },
		{ .url = "1https://h" },
		{ .url = "HTTPS:h" },
		{ .url = "file:///etc/passwd" },
		{ .url = "https://user@h" },
		{ .url = "https://user:pass@h" },
		{ .url = "https://h:0" },
		{ .url = "https://h:65536" },
		{ .url = "https://h:080" },
		{ .url = "https://h:" },
		{ .url = "https://h:80:80" },
		{ .url = "https://:80" },
		{ .url = "https://-h" },
		{ .url = "https://h?x" },
		{ .url = "https://h/?x" },
		{ .url = "https://h/#x" },
		{ .url = "https://h/a/../b" },
		{ .url = "https://h/./b" },
		{ .url = "https://h/a b" },
		{ .url = "https://h\r\nX: y" },
		{ .url = "https://h/%2e%2e" },
		{ .url = "https://[2001:db8::1" },
		{ .url = "https://[]" },
		{ .url = "https://[::1]x" },
		{ .url = "https://[h]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pcs_server s = { 0 }, untouched = { 0 };
		struct pcs_endpoint e;
		bool ok = pcs_server_parse(&s, span_str(rows[i].url));

		if (ok != (rows[i].base != NULL))
			fail_msg("%s", rows[i].url);
		if (!ok) {
			assert_memory_equal(&s, &untouched, sizeof(s));
			continue;
		}
		assert_string_equal(s.base, rows[i].base);
		assert_int_equal(s.is_https, s.base[4] == 's');
		assert_int_equal(s.is_intel, i == 0);
		pcs_server_endpoint(&e, &s);
		assert_string_equal(e.host, rows[i].host);
		assert_int_equal(e.port, rows[i].port);
	}
}

static void long_url_refused(void **state)
{
	char url[PCS_URL_MAX + 2];
	struct pcs_server s;

	(void)state;
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://h/", 10);
	assert_true(pcs_server_parse(&s, span_of(url, PCS_URL_MAX - 1)));
	assert_false(pcs_server_parse(&s, span_of(url, PCS_URL_MAX)));
}

static void a_url_is_told_from_a_path(void **state)
{
	(void)state;
	assert_true(pcs_is_url(span_str("https://h")));
	assert_true(pcs_is_url(span_str("http:/oops")));
	assert_true(pcs_is_url(span_str("HTTPS://h")));
	assert_true(pcs_is_url(span_str("ftp://h")));
	assert_true(pcs_is_url(span_str("git+ssh://h")));
	assert_false(pcs_is_url(span_str("a:b")));
	assert_false(pcs_is_url(span_str("./a://b")));
	assert_false(pcs_is_url(span_str("://b")));
	assert_false(pcs_is_url(span_str("-a://b")));
	assert_false(pcs_is_url(span_str("1a://b")));
	assert_false(pcs_is_url(span_str("")));
	assert_false(pcs_is_url(span_str("/var/lib/postern")));
	assert_false(pcs_is_url(span_str("https")));
	assert_false(pcs_is_url(span_str("bundle.json")));
}

static void requests(void **state)
{
	static const struct {
		const char *server;
		enum pcs_item item;
		struct pcs_key key;
		const char *url;
	} rows[] = {
		/* clang-format off */
		{ PCS_INTEL, PCS_TCB_INFO,
		  { .tee = QUOTE_TDX, .fmspc = { 0xb0, 0xc0, 0x6f } },
		  PCS_INTEL "/tdx/certification/v4/tcb?fmspc=b0c06f000000" },
		{ PCS_INTEL, PCS_TCB_INFO,
		  { .fmspc = { 0, 0xa0, 0x67, 0x11 }, .update = PCS_UPDATE_EARLY },
		  PCS_INTEL "/sgx/certification/v4/tcb?fmspc=00a067110000&update=early" },
		{ PCS_INTEL, PCS_TCB_INFO, { .tee = QUOTE_TDX, .update = PCS_UPDATE_STANDARD },
		  PCS_INTEL "/tdx/certification/v4/tcb?fmspc=000000000000&update=standard" },
		{ PCS_INTEL, PCS_TCB_INFO,
		  { .tee = QUOTE_TDX, .update = PCS_UPDATE_NUMBER, .evaluation = 17 },
		  PCS_INTEL
		  "/tdx/certification/v4/tcb?fmspc=000000000000&tcbEvaluationDataNumber=17" },
		{ PCS_INTEL, PCS_QE_IDENTITY, { .tee = QUOTE_TDX },
		  PCS_INTEL "/tdx/certification/v4/qe/identity" },
		{ PCS_INTEL, PCS_QE_IDENTITY, { .update = PCS_UPDATE_NUMBER, .evaluation = 18 },
		  PCS_INTEL "/sgx/certification/v4/qe/identity?tcbEvaluationDataNumber=18" },
		{ PCS_INTEL, PCS_QE_IDENTITY, { .tee = QUOTE_TDX, .update = PCS_UPDATE_EARLY },
		  PCS_INTEL "/tdx/certification/v4/qe/identity?update=early" },
		{ PCS_INTEL, PCS_PCK_CRL, { .tee = QUOTE_TDX, .update = PCS_UPDATE_EARLY },
		  PCS_INTEL "/sgx/certification/v4/pckcrl?ca=platform&encoding=der" },
		{ "https://p:8081/x", PCS_PCK_CRL, { .ca = PCS_CA_PROCESSOR },
		  "https://p:8081/x/sgx/certification/v4/pckcrl?ca=processor&encoding=der" },
		{ PCS_INTEL, PCS_ROOT_CRL, { .tee = QUOTE_TDX },
		  "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der" },
		{ "https://p:8081", PCS_ROOT_CRL, { .tee = QUOTE_TDX },
		  "https://p:8081/sgx/certification/v4/rootcacrl" },
		{ PCS_INTEL, PCS_EVALUATIONS, { .tee = QUOTE_TDX },
		  PCS_INTEL "/tdx/certification/v4/tcbevaluationdatanumbers" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pcs_server s;
		char url[PCS_REQUEST_MAX];
		struct wr w = WR_ARRAY(url);

		assert_true(pcs_server_parse(&s, span_str(rows[i].server)));
		pcs_request_url(&w, &s, rows[i].item, &rows[i].key);
		assert_false(w.over);
		assert_string_equal(url, rows[i].url);
	}
}

static void longest_request_fits(void **state)
{
	const struct pcs_key key = { .update = PCS_UPDATE_NUMBER, .evaluation = UINT32_MAX };
	char base[PCS_URL_MAX], url[PCS_REQUEST_MAX];
	struct pcs_server s;

	(void)state;
	memset(base, 'a', sizeof(base));
	memcpy(base, "https://h/", 10);
	assert_true(pcs_server_parse(&s, span_of(base, sizeof(base) - 1)));
	for (int item = 0; item < PCS_ITEM_COUNT; item++) {
		struct wr w = WR_ARRAY(url);

		pcs_request_url(&w, &s, (enum pcs_item)item, &key);
		assert_false(w.over);
	}
}

/* Every document that is signed with a certificate of its own comes with it. */
static void headers(void **state)
{
	(void)state;
	assert_string_equal(pcs_item_headers(PCS_TCB_INFO)[0], "TCB-Info-Issuer-Chain");
	assert_string_equal(pcs_item_headers(PCS_TCB_INFO)[1], "SGX-TCB-Info-Issuer-Chain");
	assert_null(pcs_item_headers(PCS_TCB_INFO)[2]);
	assert_string_equal(pcs_item_headers(PCS_QE_IDENTITY)[0],
			    "SGX-Enclave-Identity-Issuer-Chain");
	assert_string_equal(pcs_item_headers(PCS_PCK_CRL)[0], "SGX-PCK-CRL-Issuer-Chain");
	assert_string_equal(pcs_item_headers(PCS_EVALUATIONS)[0],
			    "TCB-Evaluation-Data-Numbers-Issuer-Chain");
	assert_null(pcs_item_headers(PCS_ROOT_CRL)[0]);
	assert_string_equal(pcs_item_name(PCS_ROOT_CRL), "root CRL");
}

static void updates(void **state)
{
	static const struct {
		const char *text, *group; /* NULL: refused */
	} rows[] = {
		{ "early", "tdx-early" },
		{ "standard", "tdx-standard" },
		{ "default", "tdx-default" },
		{ "17", "tdx-17" },
		{ "4294967295", "tdx-4294967295" },
		{ .text = "4294967296" },
		{ .text = "-1" },
		{ .text = "017" },
		{ .text = "Early" },
		{ .text = "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pcs_key key = { .tee = QUOTE_TDX };
		char group[PCS_GROUP_MAX];
		bool ok = pcs_update_parse(&key.update, &key.evaluation,
					   span_str(rows[i].text));

		assert_int_equal(ok, rows[i].group != NULL);
		if (!ok)
			continue;
		pcs_group_name(group, &key);
		assert_string_equal(group, rows[i].group);
		key.tee = QUOTE_SGX;
		pcs_group_name(group, &key);
		assert_memory_equal(group, "sgx-", 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers),
		cmocka_unit_test(long_url_refused),
		cmocka_unit_test(a_url_is_told_from_a_path),
		cmocka_unit_test(requests),
		cmocka_unit_test(longest_request_fits),
		cmocka_unit_test(headers),
		cmocka_unit_test(updates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
