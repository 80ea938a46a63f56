/* agent.yaml: what is read, and the mistakes it names. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "io/file.h"
#include "io/log.h"
#include "agent/config.h"
#include "base/text.h"

static const char good[] =
	"node: cvm-hello\n"
	"gateway:\n"
	"  address: 198.51.100.1:443\n"
	"  name: gateway.postern.localhost\n"
	"trust: { policy: /p, collateral: /c }\n"
	"containers: { engine: docker }\n"
	"renew_at: 0.25\n"
	"firewall: true\n";

struct config_case {
	const char *name;
	const char *replace, *with; /* in the good text */
	const char *error; /* part of it; NULL: read */
};

/* From the collateral's folder to the end. */
#define REST(source, firewall) \
	"/c" source " }\ncontainers: { engine: docker }\nrenew_at: 0.25\nfirewall: " firewall "\n"
#define OF(host) ", source: { url: 'https://" host "' }"

static const struct config_case cases[] = {
	{ "good", "0.25", "0.25", NULL },
	{ "renew_at_quarter", "0.25", "0.250", NULL },
	{ "renew_at_three_digits", "0.25", "0.899", NULL },
	{ "renew_at_one", "0.25", "1", ":7: renew_at" },
	{ "renew_at_too_early", "0.25", "0.249", ":7: renew_at" },
	{ "renew_at_too_late", "0.25", "0.901", ":7: renew_at" },
	{ "renew_at_four_digits", "0.25", "0.2500", ":7: renew_at" },
	{ "renew_at_without_digits", "0.25", "0.", ":7: renew_at" },
	{ "renew_at_not_a_number", "0.25", "0.x", ":7: renew_at" },
	{ "gateway_is_unix", "198.51.100.1:443", "unix:/x", ":3: gateway.address" },
	{ "gateway_without_port", "198.51.100.1:443", "198.51.100.1", ":3: gateway.address" },
	{ "gateway_name_missing", "  name: gateway.postern.localhost\n", "", "name" },
	{ "gateway_app", "  name: ", "  app: 000102030405060708090a0b0c0d0e0f10111213\n  name: ",
	  NULL },
	{ "gateway_app_too_short", "  name: ", "  app: 0001\n  name: ", ":4: gateway.app" },
	{ "engine_unknown", "docker", "podman", ":6: containers.engine" },
	{ "firewall_not_a_bool", "true", "yes", ":8: firewall" },
	{ "source_by_address", REST("", "true"), REST(OF("192.0.2.7:8081"), "true"), NULL },
	{ "source_by_name_without_firewall", REST("", "true"), REST(OF("pccs.example"), "false"),
	  NULL },
	{ "source_by_name_behind_the_firewall", REST("", "true"), REST(OF("pccs.example"), "true"),
	  "trust.source.url: expected an address" },
	{ "ingress", "firewall: true\n",
	  "firewall: true\n"
	  "ingress:\n"
	  "  directory: https://ca/\n"
	  "  resolvers: [ 192.0.2.53:53 ]\n"
	  "  ct: { list: /l, aggregators: [ { name: a, kind: crt.sh, url: 'https://a' } ] }\n",
	  NULL },
	{ "ingress_key_unknown", "firewall: true\n", "ingress: { challenges: [ http-01 ] }\n",
	  ":8: ingress.challenges" },
	{ "ingress_without_resolvers", "firewall: true\n", "ingress: { resolvers: [] }\n",
	  ":8: ingress.resolvers" },
	{ "ingress_resolver_by_name", "firewall: true\n", "ingress: { resolvers: [ dns:53 ] }\n",
	  ":8: ingress.resolvers" },
	{ "ingress_kind_unknown", "firewall: true\n",
	  "ingress: { ct: { list: /l, aggregators: [ { name: a, kind: b, url: c } ] } }\n",
	  ":8: ingress.ct.aggregators" },
	{ "disk_by_serial", "firewall", "storage: { device: data }\nfirewall", NULL },
	{ "disk_by_path", "firewall", "storage: { device: /dev/vdb, mount: /srv }\nfirewall",
	  NULL },
	{ "disk_missing", "firewall", "storage: { mount: /srv }\nfirewall", "storage" },
	{ "disk_serial_too_long", "firewall",
	  "storage: { device: aaaaaaaaaaaaaaaaaaaaa }\nfirewall", ":8: storage.device" },
	{ "disk_serial_with_a_slash", "firewall", "storage: { device: a/b }\nfirewall",
	  ":8: storage.device" },
	{ "disk_mounted_nowhere", "firewall",
	  "storage: { device: data, mount: srv }\nfirewall", ":8: storage.mount" },
	{ "disk_mounted_over_all", "firewall",
	  "storage: { device: data, mount: / }\nfirewall", ":8: storage.mount" },
	{ "disk_ready_relative", "firewall",
	  "storage: { device: data, ready: x }\nfirewall", ":8: storage.ready" },
	{ "kms", "firewall",
	  "kms: { addresses: [ '192.0.2.2:8446', '[::1]:1' ] }\nfirewall", NULL },
	{ "kms_nowhere", "firewall", "kms: { addresses: [] }\nfirewall", ":8: kms.addresses" },
	{ "kms_by_name", "firewall", "kms: { addresses: [ 'kms:8446' ] }\nfirewall",
	  ":8: kms.addresses" },
	{ "kms_app_too_short", "firewall",
	  "kms: { addresses: [ '192.0.2.2:8446' ], app: 00 }\nfirewall", ":8: kms.app" },
	{ "key_unknown", "firewall", "firewal", ":8: firewal" },
};

static void read_one(const struct config_case *c, const char *path)
{
	char text[4096], error[CONF_ERROR_MAX] = "";
	const char *at = strstr(good, c->replace);
	struct config config;
	enum rc rc;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, c->with,
		 at + strlen(c->replace));
	assert_int_equal(file_replace(path, span_str(text), 0600), RC_OK);
	rc = config_load(&config, path, error);
	if ((c->error && (rc != RC_MALFORMED || !strstr(error, c->error))) || (!c->error && rc))
		fail_msg("%s: %s", c->name, error);
	if (!rc)
		config_fini(&config);
}

static void files_as_listed(void **state)
{
	struct folder folder;
	char path[128];

	(void)state;
	folder_make(&folder);
	folder_file(path, &folder, "config.yaml");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		read_one(&cases[i], path);
	folder_remove(&folder);
}

static void absent_keys_have_defaults(void **state)
{
	struct folder folder;
	struct config c;
	char path[128], error[CONF_ERROR_MAX];

	(void)state;
	folder_make(&folder);
	folder_file(path, &folder, "config.yaml");
	assert_int_equal(file_replace(path, span_str(good), 0600), RC_OK);
	assert_int_equal(config_load(&c, path, error), RC_OK);
	assert_true(c.firewall);
	assert_true(span_is_zero(SPAN_ARRAY(c.gateway.app)));
	assert_int_equal(c.renew_at_permille, 250);
	assert_int_equal(c.wireguard.listen_port, 51821);
	assert_string_equal(c.wireguard.interface, "wg0");
	assert_string_equal(c.containers.socket, "/run/docker.sock");
	assert_int_equal(c.containers.engine, ENGINE_DOCKER);
	assert_string_equal(c.status, "/run/postern/agent.sock");
	assert_null(c.storage.device);
	assert_string_equal(c.storage.mount, "/var/lib");
	assert_string_equal(c.storage.ready, "/run/postern/storage");
	config_fini(&c);
	folder_remove(&folder);
}

#define OWN "0f00112233445566778899aabbccddeeff00111e"
#define OTHER "0f00112233445566778899aabbccddeeff00111f"

static const struct {
	const char *kms, *manifest; /* NULL: says nothing */
	enum rc rc;
	const char *want; /* NULL: any */
} pins[] = {
	{ NULL, "{}", RC_OK, NULL },
	{ OWN, "{}", RC_OK, OWN },
	{ NULL, "{\"key_service\":\"" OWN "\"}", RC_OK, OWN },
	{ OWN, "{\"key_service\":\"" OWN "\"}", RC_OK, OWN },
	{ OTHER, "{\"key_service\":\"" OWN "\"}", RC_DENIED, NULL },
	{ OWN, "{\"key_service\":\"\"}", RC_MALFORMED, NULL },
};

static void the_manifest_says_which_key_service(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		uint8_t got[MANIFEST_ID_LEN], want[MANIFEST_ID_LEN] = { 0 };
		char error[NODE_ERROR_MAX] = "";
		struct config c = { 0 };
		enum rc rc;

		memset(got, 0xee, sizeof(got));
		if (pins[i].kms)
			assert_true(text_hex_decode(c.kms.app, MANIFEST_ID_LEN,
						    span_str(pins[i].kms)));
		rc = config_key_service(got, &c, span_str(pins[i].manifest), error);
		if (rc != pins[i].rc || (rc != RC_OK) != (error[0] != '\0'))
			fail_msg("%zu: %s, %s", i, rc_name(rc), error);
		if (pins[i].want)
			assert_true(text_hex_decode(want, sizeof(want), span_str(pins[i].want)));
		if (rc)
			memset(want, 0xee, sizeof(want)); /* untouched */
		assert_memory_equal(got, want, sizeof(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_as_listed),
		cmocka_unit_test(absent_keys_have_defaults),
		cmocka_unit_test(the_manifest_says_which_key_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
