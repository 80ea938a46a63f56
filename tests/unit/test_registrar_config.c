/* registrar.yaml: what is read, and the mistakes it names. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "io/file.h"
#include "io/log.h"
#include "registrar/config.h"

static const char good[] =
	"base: postern.localhost\n"
	"node: gw-1\n"
	"trust: { policy: /p, collateral: /c }\n"
	"wireguard:\n"
	"  endpoint: 198.51.100.1:51820\n"
	"  address: 10.88.0.1/16\n"
	"lease: 10m\n"
	"aliases:\n"
	"  - { label: hello, app: 0123456789abcdef0123456789abcdef01234567 }\n"
	"log: info\n";

struct config_case {
	const char *name;
	const char *replace, *with; /* in the good text */
	const char *error; /* part of it; NULL: read */
};

static const struct config_case cases[] = {
	{ "good", "gw-1", "gw-1", NULL },
	{ "base_missing", "base: postern.localhost\n", "", "base" },
	{ "base_with_markup", "postern.localhost", "\"<b>\"", ":1: base" },
	{ "node_not_a_label", "gw-1", "GW_1", ":2: node" },
	{ "trust_missing", "trust: { policy: /p, collateral: /c }\n", "", "trust" },
	{ "endpoint_is_unix", "198.51.100.1:51820", "unix:/x", ":5: wireguard.endpoint" },
	{ "address_is_ipv6", "10.88.0.1/16", "fd00::1/64", ":6: wireguard.address" },
	{ "address_of_one_host", "10.88.0.1/16", "10.88.0.1/31", ":6: wireguard.address" },
	{ "lease_without_unit", "10m", "10", ":7: lease" },
	{ "lease_too_short", "10m", "999ms", ":7: lease" },
	{ "alias_not_a_label", "hello", "he.llo", "label" },
	{ "alias_in_upper_case", "hello", "Hello", ":9: aliases[0].label" },
	{ "alias_like_a_port", "hello", "app-8080", ":9: aliases[0].label" },
	{ "alias_like_a_passthrough", "hello", "app-s", ":9: aliases[0].label" },
	{ "alias_is_the_gateway", "hello", "gateway", ":9: aliases[0].label" },
	{ "alias_like_an_id", "hello", "00000000000000000000000000000000000000aa",
	  ":9: aliases[0].label" },
	{ "alias_too_short", "0123456789abcdef0123456789abcdef01234567", "0123", "app" },
	{ "log_unknown", "info", "chatty", ":10: log" },
	{ "key_unknown", "log: info", "logs: info", ":10: logs" },
	{ "key_twice", "log: info", "log: info\nlog: info", ":11: log" },
	{ "apps", "log: info", "apps: [ 0123456789abcdef0123456789abcdef01234567 ]", NULL },
	{ "app_too_short", "log: info", "apps: [ 0123 ]", ":10: apps" },
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
	assert_int_equal(c.lease_ms, 600000);
	assert_int_equal(c.max_channels, 4096);
	assert_int_equal(c.wireguard.listen_port, 51820);
	assert_int_equal(c.wireguard.address.len, 16);
	assert_int_equal(c.listen.sa.sa_family, AF_UNIX);
	assert_string_equal(c.state, c.store);
	assert_null(c.trust.simulated_root);
	assert_null(c.quotes.simulator);
	assert_false(c.has_apps);
	assert_int_equal(c.aliases.count, 1);
	assert_string_equal(((struct store_alias *)c.aliases.items)->label, "hello");
	assert_int_equal(c.log, LOG_INFO);
	config_fini(&c);
	folder_remove(&folder);
}

/* An empty list admits nobody; only its absence admits everybody. */
static void empty_list_of_apps_is_a_list(void **state)
{
	struct folder folder;
	struct config c;
	char path[128], text[4096], error[CONF_ERROR_MAX];

	(void)state;
	folder_make(&folder);
	folder_file(path, &folder, "config.yaml");
	snprintf(text, sizeof(text), "%sapps: []\n", good);
	assert_int_equal(file_replace(path, span_str(text), 0600), RC_OK);
	assert_int_equal(config_load(&c, path, error), RC_OK);
	assert_true(c.has_apps);
	assert_int_equal(c.apps.count, 0);
	config_fini(&c);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_as_listed),
		cmocka_unit_test(absent_keys_have_defaults),
		cmocka_unit_test(empty_list_of_apps_is_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
