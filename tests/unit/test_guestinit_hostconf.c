/* What a host tells its guest: what is read, what is refused and why. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guestinit/hostconf.h"

#define GATEWAY \
	"\"gateway\":{\"address\":\"192.0.2.1:443\",\"name\":\"gateway.example.net\"}"
#define ROOT \
	"\"simulated_root\":\"-----BEGIN CERTIFICATE-----\\nMIIB+/=\\n" \
	"-----END CERTIFICATE-----\\n\""

static const char full[] =
	"{\"node\":\"a-1\",\"gateway\":{\"address\":\"[2001:db8::1]:443\","
	"\"name\":\"gateway.example.net\","
	"\"app\":\"00112233445566778899aabbccddeeff00112233\"},"
	"\"kms\":[\"192.0.2.2:8443\",\"192.0.2.3:8443\"],"
	"\"net\":{\"address\":\"10.0.2.15/24\",\"route\":\"10.0.2.2\"},"
	"\"collateral\":{\"url\":\"https://192.0.2.7:8081/sgx\"}," ROOT "}";

static void full_config_read(void **state)
{
	static const uint8_t via[4] = { 10, 0, 2, 2 };
	char error[HOSTCONF_ERROR_MAX] = "";
	struct hostconf c;

	(void)state;
	assert_int_equal(hostconf_read(&c, span_str(full), true, error), RC_OK);
	assert_string_equal(c.node, "a-1");
	assert_string_equal(c.gateway_address, "[2001:db8::1]:443");
	assert_string_equal(c.gateway_name, "gateway.example.net");
	assert_string_equal(c.gateway_app, "00112233445566778899aabbccddeeff00112233");
	assert_int_equal(c.kms_count, 2);
	assert_string_equal(c.kms[1], "192.0.2.3:8443");
	assert_true(c.has_net);
	assert_int_equal(c.address.len, 24);
	assert_memory_equal(c.route, via, 4);
	assert_string_equal(c.collateral_url, "https://192.0.2.7:8081/sgx");
	assert_string_equal(c.simulated_root,
			    "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n");
}

static void least_config_read(void **state)
{
	char error[HOSTCONF_ERROR_MAX] = "";
	struct hostconf c;

	(void)state;
	assert_int_equal(hostconf_read(&c, span_str("{\"node\":\"a\"," GATEWAY "}"), false, error),
			 RC_OK);
	assert_false(c.has_net);
	assert_int_equal(c.kms_count, 0);
	assert_string_equal(c.gateway_app, "");
	assert_string_equal(c.simulated_root, "");
}

static const struct refusal {
	const char *name, *text, *error;
	bool is_simulated;
	enum rc rc;
} refusals[] = {
	{ "nothing", "", "config: expected a JSON object", false, RC_MALFORMED },
	{ "no_object", "[]", "config: expected a JSON object", false, RC_MALFORMED },
	{ "no_node", "{" GATEWAY "}", "node: missing", false, RC_MALFORMED },
	{ "no_gateway", "{\"node\":\"a\"}", "gateway: missing", false, RC_MALFORMED },
	{ "node_of_capitals", "{\"node\":\"A\"," GATEWAY "}", "node: ", false, RC_MALFORMED },
	{ "node_that_ends_a_string", "{\"node\":\"a\\\"\\nfirewall: false\"," GATEWAY "}",
	  "node: ", false,
	  RC_MALFORMED },
	{ "node_empty", "{\"node\":\"\"," GATEWAY "}", "node: ", false, RC_MALFORMED },
	{ "node_a_number", "{\"node\":1," GATEWAY "}", "node: ", false, RC_MALFORMED },
	{ "node_of_64",
	  "{\"node\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
	  "" GATEWAY "}",
	  "node: ", false, RC_MALFORMED },
	{ "gateway_a_text", "{\"node\":\"a\",\"gateway\":\"192.0.2.1:443\"}", "gateway: ", false,
	  RC_MALFORMED },
	{ "gateway_without_port",
	  "{\"node\":\"a\",\"gateway\":{\"address\":\"192.0.2.1\",\"name\":\"g\"}}",
	  "gateway.address: ", false, RC_MALFORMED },
	{ "gateway_a_unix_socket",
	  "{\"node\":\"a\",\"gateway\":{\"address\":\"unix:/run/x\",\"name\":\"g\"}}",
	  "gateway.address: ", false, RC_MALFORMED },
	{ "gateway_without_name", "{\"node\":\"a\",\"gateway\":{\"address\":\"192.0.2.1:443\"}}",
	  "gateway.name: ", false, RC_MALFORMED },
	{ "gateway_with_more",
	  "{\"node\":\"a\",\"gateway\":{\"address\":\"192.0.2.1:443\",\"name\":\"g\",\"x\":1}}",
	  "gateway: ", false, RC_MALFORMED },
	{ "gateway_app_short",
	  "{\"node\":\"a\",\"gateway\":{\"address\":\"192.0.2.1:443\",\"name\":\"g\","
	  "\"app\":\"00\"}}",
	  "gateway.app: ", false, RC_MALFORMED },
	{ "kms_a_text", "{\"node\":\"a\"," GATEWAY ",\"kms\":\"192.0.2.1:1\"}", "kms: ", false,
	  RC_MALFORMED },
	{ "kms_nine",
	  "{\"node\":\"a\"," GATEWAY ",\"kms\":[\"1.1.1.1:1\",\"1.1.1.1:1\",\"1.1.1.1:1\","
	  "\"1.1.1.1:1\","
	  "\"1.1.1.1:1\",\"1.1.1.1:1\",\"1.1.1.1:1\",\"1.1.1.1:1\",\"1.1.1.1:1\"]}",
	  "kms: ", false, RC_MALFORMED },
	{ "kms_a_name", "{\"node\":\"a\"," GATEWAY ",\"kms\":[\"kms.example.net:1\"]}", "kms: ",
	  false,
	  RC_MALFORMED },
	{ "net_of_v6", "{\"node\":\"a\"," GATEWAY ",\"net\":{\"address\":\"fd00::2/64\"}}",
	  "net.address: ", false, RC_MALFORMED },
	{ "net_whole", "{\"node\":\"a\"," GATEWAY ",\"net\":{\"address\":\"10.0.2.15\"}}",
	  "net.address: ", false, RC_MALFORMED },
	{ "route_a_network",
	  "{\"node\":\"a\"," GATEWAY ",\"net\":{\"address\":\"10.0.2.15/24\","
	  "\"route\":\"10.0.2.0/24\"}}",
	  "net.route: ", false, RC_MALFORMED },
	{ "collateral_from_a_file",
	  "{\"node\":\"a\"," GATEWAY ",\"collateral\":{\"url\":\"file:/x\"}}",
	  "collateral.url: ", false, RC_MALFORMED },
	{ "collateral_with_a_quote",
	  "{\"node\":\"a\"," GATEWAY ",\"collateral\":{\"url\":\"https://x\\\"\"}}",
	  "collateral.url: ",
	  false, RC_MALFORMED },
	{ "unknown_member", "{\"node\":\"a\"," GATEWAY ",\"shell\":true}", "config: a member",
	  false,
	  RC_MALFORMED },
	{ "node_twice", "{\"node\":\"a\",\"node\":\"b\"," GATEWAY "}", "config: ", false,
	  RC_MALFORMED },
	{ "simulated_root_of_a_real_image", "{\"node\":\"a\"," GATEWAY "," ROOT "}",
	  "simulated_root: ",
	  false, RC_DENIED },
	{ "no_simulated_root", "{\"node\":\"a\"," GATEWAY "}", "simulated_root: missing", true,
	  RC_MALFORMED },
	{ "simulated_root_no_pem", "{\"node\":\"a\"," GATEWAY ",\"simulated_root\":\"x\"}",
	  "simulated_root: ", true, RC_MALFORMED },
};

static void each_refusal_has_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		char error[HOSTCONF_ERROR_MAX] = "";
		struct hostconf c = { .node = "as before" };
		enum rc rc = hostconf_read(&c, span_str(r->text), r->is_simulated, error);

		if (rc != r->rc || strncmp(error, r->error, strlen(r->error)) != 0)
			fail_msg("%s: %s, %s", r->name, rc_name(rc), error);
		assert_string_equal(c.node, "as before");
	}
}

static void every_prefix_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(full) - 1; n++) {
		char *copy = malloc(n ? n : 1);
		char error[HOSTCONF_ERROR_MAX] = "";
		struct hostconf c;

		memcpy(copy, full, n);
		assert_int_equal(hostconf_read(&c, span_of(copy, n), true, error), RC_MALFORMED);
		free(copy);
	}
}

static void too_long_refused(void **state)
{
	char *text = malloc(HOSTCONF_MAX + 1);
	char error[HOSTCONF_ERROR_MAX] = "";
	struct hostconf c;

	(void)state;
	memset(text, ' ', HOSTCONF_MAX + 1);
	memcpy(text, full, sizeof(full) - 1);
	assert_int_equal(hostconf_read(&c, span_of(text, HOSTCONF_MAX), true, error), RC_OK);
	assert_int_equal(hostconf_read(&c, span_of(text, HOSTCONF_MAX + 1), true, error),
			 RC_MALFORMED);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_config_read),
		cmocka_unit_test(least_config_read),
		cmocka_unit_test(each_refusal_has_its_reason),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(too_long_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
