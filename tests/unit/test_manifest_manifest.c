/* The application manifest: what is read, what is refused and why. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "manifest/manifest.h"

static const char full[] =
	"{\"manifest_version\":2,\"name\":\"hello\",\"runner\":\"docker-compose\","
	"\"docker_compose_file\":\"services: {}\\n\","
	"\"ports\":[{\"port\":80,\"protocol\":\"http\",\"pp\":false,"
	"\"health\":{\"type\":\"http\",\"path\":\"/ready?x=1\",\"interval\":5}},"
	"{\"port\":443,\"protocol\":\"tls\",\"pp\":true},{\"port\":50051,\"protocol\":\"h2\"},"
	"{\"port\":22,\"protocol\":\"tcp\",\"pp\":1,\"forwarded\":false,"
	"\"health\":{\"type\":\"tcp\"}},"
	"{\"port\":8080,\"pp\":2,\"forwarded\":true,\"host\":\"any\"}],"
	"\"domains\":[\"www.example.org\",\"*.shop.example.org\"],"
	"\"storage\":{\"integrity\":true,\"rollback\":\"read-only\"},"
	"\"egress\":true,\"kms_enabled\":false}";

static void full_manifest_read(void **state)
{
	struct manifest m;
	char error[MANIFEST_ERROR_MAX] = "";

	(void)state;
	assert_int_equal(manifest_read(&m, span_str(full), error), RC_OK);
	assert_string_equal(m.name, "hello");
	assert_string_equal(m.compose, "services: {}\n");
	assert_int_equal(m.port_count, 5);
	assert_int_equal(m.ports[1].port, 443);
	assert_int_equal(m.ports[1].protocol, MANIFEST_TLS);
	assert_int_equal(m.ports[0].proxy_protocol, 0);
	assert_false(m.ports[0].is_forwarding || m.ports[0].is_any_host);
	assert_int_equal(m.ports[1].proxy_protocol, 2);
	assert_int_equal(m.ports[3].proxy_protocol, 1);
	assert_int_equal(m.ports[4].proxy_protocol, 2);
	assert_true(m.ports[4].is_forwarding && m.ports[4].is_any_host);
	assert_int_equal(m.ports[2].protocol, MANIFEST_H2);
	assert_int_equal(m.ports[3].protocol, MANIFEST_TCP);
	assert_int_equal(m.ports[4].protocol, MANIFEST_HTTP);
	assert_int_equal(m.ports[0].check, MANIFEST_CHECK_HTTP);
	assert_string_equal(m.ports[0].path, "/ready?x=1");
	assert_int_equal(m.ports[0].interval_s, 5);
	assert_int_equal(m.ports[1].check, MANIFEST_NO_CHECK);
	assert_int_equal(m.ports[3].check, MANIFEST_CHECK_TCP);
	assert_int_equal(m.ports[3].interval_s, 10);
	assert_true(m.lists_domains);
	assert_int_equal(m.domain_count, 2);
	assert_string_equal(m.domains[1], "*.shop.example.org");
	assert_string_equal(m.domains[0], "www.example.org");
	assert_true(m.allows_egress);
	assert_true(m.storage.has_integrity);
	assert_true(m.storage.reads_older);
	manifest_fini(&m);
	assert_null(m.compose);
}

/* SHA-256("abc") is FIPS 180-2's example: identity comes from the bytes. */
static void ids_are_of_the_bytes(void **state)
{
	static const char hash[] = "ba7816bf8f01cfea414140de5dae2223"
				   "b00361a396177a9cb410ff61f20015ad";
	uint8_t want[32], app[MANIFEST_ID_LEN], config[MANIFEST_CONFIG_ID_LEN];

	(void)state;
	assert_true(text_hex_decode(want, 32, span_str(hash)));
	manifest_app_id(app, span_str("abc"));
	assert_memory_equal(app, want, 20);
	manifest_config_id(config, span_str("abc"));
	assert_int_equal(config[0], 1);
	assert_memory_equal(config + 1, want, 32);
	assert_true(span_is_zero(span_of(config + 33, 15)));
}

static void read_agrees_with_ids(void **state)
{
	struct manifest m;
	char error[MANIFEST_ERROR_MAX];
	uint8_t app[MANIFEST_ID_LEN];

	(void)state;
	assert_int_equal(manifest_read(&m, span_str(full), error), RC_OK);
	manifest_app_id(app, span_str(full));
	assert_memory_equal(m.app_id, app, 20);
	assert_memory_equal(m.hash.b, app, 20);
	manifest_fini(&m);
}

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X64 X63 "x"
#define PORT_80 HEAD ",\"ports\":[{\"port\":80"
#define HEAD "{\"manifest_version\":2,\"name\":\"a\""

static const struct {
	const char *name, *json, *error; /* error NULL: read */
} rows[] = {
	{ "gateway_without_compose_read", HEAD "}", NULL },
	{ "runner_none_read", HEAD ",\"runner\":\"none\"}", NULL },
	{ "version_1_read", "{\"manifest_version\":1,\"name\":\"a\"}", NULL },
	{ "unknown_keys_pass", HEAD ",\"x\":{\"y\":[1,null]}}", NULL },
	{ "empty_lists_read", HEAD ",\"ports\":[],\"domains\":[]}", NULL },
	{ "longest_label_read",
	  "{\"manifest_version\":2,\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
	  NULL },
	{ "empty_refused", "", "manifest: " },
	{ "broken_json_names_line", "{\n\n\"name\": }", "line 3: " },
	{ "trailing_bytes_refused", HEAD "} x", "line 1: " },
	{ "array_refused", "[]", "manifest: " },
	{ "duplicate_key_refused", HEAD ",\"name\":\"b\"}", "line 1: " },
	{ "nul_in_string_refused", "{\"manifest_version\":2,\"name\":\"a\\u0000b\"}", "line 1: " },
	{ "no_version_refused", "{\"name\":\"a\"}", "manifest_version: " },
	{ "version_3_refused", "{\"manifest_version\":3,\"name\":\"a\"}", "manifest_version: " },
	{ "version_text_refused", "{\"manifest_version\":\"2\",\"name\":\"a\"}",
	  "manifest_version: " },
	{ "no_name_refused", "{\"manifest_version\":2}", "name: " },
	{ "name_upper_case_refused", "{\"manifest_version\":2,\"name\":\"A\"}", "name: " },
	{ "name_dash_first_refused", "{\"manifest_version\":2,\"name\":\"-a\"}", "name: " },
	{ "name_dash_last_refused", "{\"manifest_version\":2,\"name\":\"a-\"}", "name: " },
	{ "name_dot_refused", "{\"manifest_version\":2,\"name\":\"a.b\"}", "name: " },
	{ "name_empty_refused", "{\"manifest_version\":2,\"name\":\"\"}", "name: " },
	{ "name_64_refused",
	  "{\"manifest_version\":2,\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
	  "name: " },
	{ "runner_unknown_refused", HEAD ",\"runner\":\"bash\"}", "runner: " },
	{ "runner_none_with_file_refused",
	  HEAD ",\"runner\":\"none\",\"docker_compose_file\":\"x\"}",
	  "runner: " },
	{ "file_without_runner_refused", HEAD ",\"docker_compose_file\":\"x\"}", "runner: " },
	{ "runner_without_file_refused", HEAD ",\"runner\":\"docker-compose\"}",
	  "docker_compose_file: " },
	{ "file_not_text_refused",
	  HEAD ",\"runner\":\"docker-compose\",\"docker_compose_file\":{}}",
	  "docker_compose_file: " },
	{ "file_empty_refused", HEAD ",\"runner\":\"docker-compose\",\"docker_compose_file\":\"\"}",
	  "docker_compose_file: " },
	{ "ports_not_list_refused", HEAD ",\"ports\":{}}", "ports: " },
	{ "port_0_refused", HEAD ",\"ports\":[{\"port\":0}]}", "ports[0].port: " },
	{ "port_65536_refused", HEAD ",\"ports\":[{\"port\":80},{\"port\":65536}]}",
	  "ports[1].port: " },
	{ "port_fraction_refused", HEAD ",\"ports\":[{\"port\":80.0}]}", "ports[0].port: " },
	{ "port_missing_refused", HEAD ",\"ports\":[{}]}", "ports[0].port: " },
	{ "port_number_alone_refused", HEAD ",\"ports\":[80]}", "ports[0].port: " },
	{ "port_twice_refused",
	  HEAD ",\"ports\":[{\"port\":80},{\"port\":80,\"protocol\":\"tcp\"}]}",
	  "ports[1].port: listed twice" },
	{ "protocol_unknown_refused", HEAD ",\"ports\":[{\"port\":80,\"protocol\":\"HTTP\"}]}",
	  "ports[0].protocol: " },
	{ "protocol_null_refused", HEAD ",\"ports\":[{\"port\":80,\"protocol\":null}]}",
	  "ports[0].protocol: " },
	{ "pp_0_refused", HEAD ",\"ports\":[{\"port\":80,\"pp\":0}]}", "ports[0].pp: " },
	{ "pp_3_refused", HEAD ",\"ports\":[{\"port\":80,\"pp\":3}]}", "ports[0].pp: " },
	{ "pp_text_refused", HEAD ",\"ports\":[{\"port\":80,\"pp\":\"2\"}]}", "ports[0].pp: " },
	{ "forwarded_text_refused", HEAD ",\"ports\":[{\"port\":80,\"forwarded\":\"yes\"}]}",
	  "ports[0].forwarded: " },
	{ "forwarded_without_http_refused",
	  HEAD ",\"ports\":[{\"port\":80,\"protocol\":\"tcp\",\"forwarded\":true}]}",
	  "ports[0].forwarded: " },
	{ "host_of_a_name_refused", HEAD ",\"ports\":[{\"port\":80,\"host\":\"a.test\"}]}",
	  "ports[0].host: " },
	{ "host_true_refused",
	  HEAD ",\"ports\":[{\"port\":80,\"host\":true}]}", "ports[0].host: " },
	{ "host_without_http_refused",
	  HEAD ",\"ports\":[{\"port\":80,\"protocol\":\"tls\",\"host\":\"any\"}]}",
	  "ports[0].host: " },
	{ "domains_text_refused", HEAD ",\"domains\":\"a.b\"}", "domains: " },
	{ "domain_one_label_refused", HEAD ",\"domains\":[\"localhost\"]}", "domains[0]: " },
	{ "domain_upper_case_refused", HEAD ",\"domains\":[\"A.org\"]}", "domains[0]: " },
	{ "domain_trailing_dot_refused", HEAD ",\"domains\":[\"a.org.\"]}", "domains[0]: " },
	{ "domain_empty_label_refused", HEAD ",\"domains\":[\"a..org\"]}", "domains[0]: " },
	{ "domain_wildcard_read", HEAD ",\"domains\":[\"*.a.org\"]}", NULL },
	{ "domain_wildcard_inside_refused", HEAD ",\"domains\":[\"a.*.org\"]}", "domains[0]: " },
	{ "domain_wildcard_in_label_refused", HEAD ",\"domains\":[\"a*.b.org\"]}",
	  "domains[0]: " },
	{ "domain_wildcard_of_one_label_refused", HEAD ",\"domains\":[\"*.org\"]}",
	  "domains[0]: " },
	{ "domain_wildcard_twice_refused", HEAD ",\"domains\":[\"*.*.a.org\"]}",
	  "domains[0]: " },
	{ "health_http_without_path_read", PORT_80 ",\"health\":{\"type\":\"http\"}}]}", NULL },
	{ "health_text_refused", PORT_80 ",\"health\":\"http\"}]}", "ports[0].health: " },
	{ "health_without_type_refused", PORT_80 ",\"health\":{}}]}", "ports[0].health: " },
	{ "health_unknown_type_refused", PORT_80 ",\"health\":{\"type\":\"exec\"}}]}",
	  "ports[0].health: " },
	{ "health_tcp_with_path_refused",
	  PORT_80 ",\"health\":{\"type\":\"tcp\",\"path\":\"/\"}}]}", "ports[0].health: " },
	{ "health_http_of_tls_refused",
	  PORT_80 ",\"protocol\":\"tls\",\"health\":{\"type\":\"http\"}}]}", "ports[0].health: " },
	{ "health_http_of_h2_refused",
	  PORT_80 ",\"protocol\":\"h2\",\"health\":{\"type\":\"http\"}}]}", "ports[0].health: " },
	{ "health_path_relative_refused",
	  PORT_80 ",\"health\":{\"type\":\"http\",\"path\":\"x\"}}]}", "ports[0].health: " },
	{ "health_path_with_blank_refused",
	  PORT_80 ",\"health\":{\"type\":\"http\",\"path\":\"/ HTTP/1.0\"}}]}",
	  "ports[0].health: " },
	{ "health_path_with_line_end_refused",
	  PORT_80 ",\"health\":{\"type\":\"http\",\"path\":\"/\\r\\n\"}}]}",
	  "ports[0].health: " },
	{ "health_path_number_refused",
	  PORT_80 ",\"health\":{\"type\":\"http\",\"path\":1}}]}", "ports[0].health: " },
	{ "health_path_of_128_refused",
	  PORT_80 ",\"health\":{\"type\":\"http\",\"path\":\"/" X64 X63 "\"}}]}",
	  "ports[0].health: " },
	{ "health_interval_0_refused",
	  PORT_80 ",\"health\":{\"type\":\"tcp\",\"interval\":0}}]}",
	  "ports[0].health.interval: " },
	{ "health_interval_3601_refused",
	  PORT_80 ",\"health\":{\"type\":\"tcp\",\"interval\":3601}}]}",
	  "ports[0].health.interval: " },
	{ "health_interval_text_refused",
	  PORT_80 ",\"health\":{\"type\":\"tcp\",\"interval\":\"10s\"}}]}",
	  "ports[0].health.interval: " },
	{ "domain_number_refused", HEAD ",\"domains\":[1]}", "domains[0]: " },
	{ "domain_twice_refused", HEAD ",\"domains\":[\"a.org\",\"a.org\"]}",
	  "domains[1]: listed twice" },
	{ "egress_text_refused", HEAD ",\"egress\":\"yes\"}", "egress: " },
	{ "storage_empty_read", HEAD ",\"storage\":{}}", NULL },
	{ "storage_integrity_alone_read", HEAD ",\"storage\":{\"integrity\":true}}", NULL },
	{ "storage_refuse_read", HEAD ",\"storage\":{\"rollback\":\"refuse\"}}", NULL },
	{ "storage_text_refused", HEAD ",\"storage\":\"integrity\"}", "storage: " },
	{ "storage_member_unknown_refused", HEAD ",\"storage\":{\"encrypted\":true}}",
	  "storage: " },
	{ "storage_integrity_number_refused", HEAD ",\"storage\":{\"integrity\":1}}",
	  "storage.integrity: " },
	{ "storage_rollback_unknown_refused", HEAD ",\"storage\":{\"rollback\":\"ignore\"}}",
	  "storage.rollback: " },
	{ "storage_rollback_bool_refused", HEAD ",\"storage\":{\"rollback\":false}}",
	  "storage.rollback: " },
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct manifest m, before;
		char error[MANIFEST_ERROR_MAX] = "";
		enum rc rc;

		memset(&m, 0x5a, sizeof(m));
		before = m;
		rc = manifest_read(&m, span_str(rows[i].json), error);
		if (!rows[i].error && rc)
			fail_msg("%s: %s", rows[i].name, error);
		if (rows[i].error && (rc != RC_MALFORMED ||
				      strncmp(error, rows[i].error, strlen(rows[i].error)) != 0))
			fail_msg("%s: rc %d, %s", rows[i].name, (int)rc, error);
		if (rc)
			assert_memory_equal(&m, &before, sizeof(m));
		else
			manifest_fini(&m);
	}
}

static void more_than_32_ports_refused(void **state)
{
	char json[2048] = HEAD ",\"ports\":[{\"port\":1}";
	char error[MANIFEST_ERROR_MAX];
	struct manifest m;

	(void)state;
	for (int i = 2; i <= 32; i++)
		(void)sprintf(json + strlen(json), ",{\"port\":%d}", i);
	strcat(json, "]}");
	assert_int_equal(manifest_read(&m, span_str(json), error), RC_OK);
	assert_int_equal(m.port_count, 32);
	manifest_fini(&m);
	strcpy(json + strlen(json) - 2, ",{\"port\":33}]}");
	assert_int_equal(manifest_read(&m, span_str(json), error), RC_MALFORMED);
	assert_true(strncmp(error, "ports: ", 7) == 0);
}

static void more_than_8_checks_refused(void **state)
{
	char json[2048] = HEAD ",\"ports\":[";
	char error[MANIFEST_ERROR_MAX];
	struct manifest m;

	(void)state;
	for (int i = 1; i <= 9; i++)
		(void)sprintf(json + strlen(json),
			      "{\"port\":%d,\"health\":{\"type\":\"tcp\"}},", i);
	strcpy(json + strlen(json) - 1, "]}");
	assert_int_equal(manifest_read(&m, span_str(json), error), RC_MALFORMED);
	assert_true(strncmp(error, "ports[8].health: ", 17) == 0);
}

static void domains_absent_is_not_domains_empty(void **state)
{
	char error[MANIFEST_ERROR_MAX];
	struct manifest m;

	(void)state;
	assert_int_equal(manifest_read(&m, span_str(HEAD "}"), error), RC_OK);
	assert_false(m.lists_domains);
	assert_int_equal(manifest_read(&m, span_str(HEAD ",\"domains\":[]}"), error), RC_OK);
	assert_true(m.lists_domains);
	assert_int_equal(m.domain_count, 0);
}

static void each_prefix_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(full); n++) {
		char *copy = malloc(n + 1), error[MANIFEST_ERROR_MAX];
		struct manifest m;

		memcpy(copy, full, n);
		assert_int_equal(manifest_read(&m, span_of(copy, n), error), RC_MALFORMED);
		free(copy);
	}
}

/* A comment's worth of spaces: the bound is on bytes, before anything is read. */
static void over_64_kib_refused(void **state)
{
	char *json = malloc(MANIFEST_MAX + 1), error[MANIFEST_ERROR_MAX];
	struct manifest m;

	(void)state;
	memset(json, ' ', MANIFEST_MAX + 1);
	memcpy(json, HEAD "}", strlen(HEAD "}"));
	assert_int_equal(manifest_read(&m, span_of(json, MANIFEST_MAX), error), RC_OK);
	manifest_fini(&m);
	assert_int_equal(manifest_read(&m, span_of(json, MANIFEST_MAX + 1), error), RC_MALFORMED);
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_manifest_read),
		cmocka_unit_test(ids_are_of_the_bytes),
		cmocka_unit_test(read_agrees_with_ids),
		cmocka_unit_test(table),
		cmocka_unit_test(more_than_32_ports_refused),
		cmocka_unit_test(more_than_8_checks_refused),
		cmocka_unit_test(domains_absent_is_not_domains_empty),
		cmocka_unit_test(each_prefix_refused),
		cmocka_unit_test(over_64_kib_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
