/* cloud: what a description may say, and what its mistakes are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cloud.h"
#include "cli/fmt.h"

enum {
	ARENA_MAX = 1024 * 1024
};

#define HEAD "name: test\nbase: postern.localhost\n"
#define GATEWAY \
	"gateways:\n  - { name: gw, address: 198.51.100.1, public: true, image: g, " \
	"accepts: b, manifest: gw.json }\n"
#define KMS(name, address) "  - { name: " name ", address: " address ", image: k }\n"
#define KMS_K "kms:\n" KMS("k", "198.51.100.5")
#define CVM(name, address, more) \
	"  - { name: " name ", address: " address ", image: b, manifest: m.json, " \
	"gateway: \"198.51.100.1:443\", accepts: g" more " }\n"

/* Reads 'text' from a file in a folder of its own. */
static enum rc read_text(struct cloud *out, struct arena *arena, const char *text, char *error)
{
	char folder[] = "/tmp/pt-cloud-XXXXXX", path[64];
	enum rc rc;

	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/cloud.yaml", folder);
	assert_int_equal(fmt_file(path, 0644, text), RC_OK);
	rc = cloud_read(out, arena, path, error);
	assert_int_equal(fmt_remove_tree(folder), RC_OK);
	return rc;
}

static void whole_description_read(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[CONF_ERROR_MAX] = "";
	struct cloud c;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(
		read_text(&c, &arena,
			  HEAD "lease: 20s\n"
			       "world: w.py\n" GATEWAY "cvms:\n" CVM("a", "198.51.100.11", "")
				       CVM("b", "198.51.100.12",
					   ", debug: true, engine: none, expect: refused, "
					   "alias: x, contexts: [ /etc ], data: 2G") KMS_K,
			  error),
		RC_OK);
	assert_string_equal(c.name, "test");
	assert_int_equal(c.lease_ms, 20000);
	assert_int_equal(c.world[0], '/');
	assert_non_null(strstr(c.world, "/w.py"));
	assert_int_equal(c.gateways.count, 1);
	assert_true(cloud_gateway(&c, 0)->is_public);
	assert_int_equal(c.cvms.count, 2);
	assert_int_equal(cloud_cvm(&c, 0)->expect, CLOUD_EXPECT_TUNNEL);
	assert_int_equal(cloud_cvm(&c, 0)->engine, CLOUD_DOCKER);
	assert_null(cloud_cvm(&c, 0)->alias);
	assert_int_equal(cloud_cvm(&c, 1)->expect, CLOUD_EXPECT_REFUSED);
	assert_int_equal(cloud_cvm(&c, 1)->engine, CLOUD_NO_ENGINE);
	assert_true(cloud_cvm(&c, 1)->is_debug);
	assert_string_equal(((const char *const *)cloud_cvm(&c, 1)->contexts.items)[0], "/etc");
	assert_int_equal(cloud_cvm(&c, 0)->data_mib, 0);
	assert_int_equal(cloud_cvm(&c, 1)->data_mib, 2048);
	assert_int_equal(c.kms.count, 1);
	assert_string_equal(cloud_kms(&c, 0)->name, "k");
	assert_string_equal(cloud_kms(&c, 0)->address, "198.51.100.5");
	assert_string_equal(cloud_kms(&c, 0)->image, "k");
	/* Relative to the file, and there is no such file. */
	assert_int_equal(cloud_cvm(&c, 0)->manifest[0], '/');
	assert_non_null(strstr(cloud_cvm(&c, 0)->manifest, "/m.json"));
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "no_gateways", HEAD, "gateways" },
		{ "empty_gateways", HEAD "gateways: []\n", "gateways" },
		{ "lease_too_short", HEAD "lease: 4s\n" GATEWAY, "lease" },
		{ "unknown_key", HEAD GATEWAY "foo: 1\n", "foo" },
		{ "two_of_one_name",
		  HEAD GATEWAY "cvms:\n" CVM("gw", "198.51.100.11", ""),
		  "gw and gw need different names and addresses" },
		{ "two_of_one_address",
		  HEAD GATEWAY "cvms:\n" CVM("a", "198.51.100.1", ""),
		  "gw and a need different names and addresses" },
		{ "reserved_name", HEAD GATEWAY "cvms:\n" CVM("platform", "198.51.100.11", ""),
		  "cannot be called platform" },
		{ "the_attackers_address", HEAD GATEWAY "cvms:\n" CVM("a", "198.51.100.254", ""),
		  "address" },
		{ "another_network", HEAD GATEWAY "cvms:\n" CVM("a", "198.51.101.1", ""),
		  "address" },
		{ "name_too_long",
		  HEAD GATEWAY "cvms:\n" CVM("abcdefghijklmnop", "198.51.100.11", ""), "name" },
		{ "name_with_a_dot", HEAD GATEWAY "cvms:\n" CVM("a.b", "198.51.100.11", ""),
		  "name" },
		{ "odd_expectation",
		  HEAD GATEWAY "cvms:\n" CVM("a", "198.51.100.11", ", expect: luck"), "expect" },
		{ "too_many_contexts",
		  HEAD GATEWAY "cvms:\n" CVM("a", "198.51.100.11", ", contexts: [a, b, c, d, e]"),
		  "contexts" },
		{ "no_size", HEAD GATEWAY "cvms:\n" CVM("a", "198.51.100.11", ", data: much"),
		  "cvms[0].data" },
		{ "disk_too_small", HEAD GATEWAY "cvms:\n" CVM("a", "198.51.100.11", ", data: 15M"),
		  "cvms[0].data" },
		{ "alias_of_two_words",
		  HEAD GATEWAY "cvms:\n" CVM("a", "198.51.100.11", ", alias: \"x y\""), "alias" },
		{ "kms_without_nodes", HEAD GATEWAY "kms: []\n", "kms" },
		{ "kms_with_a_manifest",
		  HEAD GATEWAY "kms:\n  - { name: k, address: 198.51.100.5, image: k, "
			       "manifest: m }\n",
		  "kms[0].manifest" },
		{ "kms_on_a_cvms_address",
		  HEAD GATEWAY "cvms:\n" CVM("a", "198.51.100.11",
					     "") "kms:\n" KMS("k", "198.51.100.11"),
		  "a and k need different names and addresses" },
		{ "two_kms_of_one_name",
		  HEAD GATEWAY "kms:\n" KMS("k", "198.51.100.5") KMS("k", "198.51.100.6"),
		  "k and k need different names and addresses" },
		{ "too_many_kms",
		  HEAD GATEWAY "kms:\n" KMS("a", "198.51.100.5") KMS("b", "198.51.100.6")
			  KMS("c", "198.51.100.7") KMS("d", "198.51.100.8")
				  KMS("e", "198.51.100.9") KMS("f", "198.51.100.10"),
		  "kms" },
		{ "base_without_name", "name: test\nbase: a..b\n" GATEWAY, "base" },
		{ "gateway_without_port",
		  HEAD GATEWAY "cvms:\n"
			       "  - { name: a, address: 198.51.100.11, image: b, manifest: m, "
			       "gateway: 198.51.100.1, accepts: g }\n",
		  "cvms[0].gateway" },
		{ "nobody_public",
		  HEAD "gateways:\n  - { name: gw, address: 198.51.100.1, image: g, accepts: b, "
		       "manifest: m }\n",
		  "exactly one says public" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(arena_fini)
		struct arena arena;
		char error[CONF_ERROR_MAX] = "";
		struct cloud c;

		arena_init(&arena, ARENA_MAX);
		assert_int_equal(read_text(&c, &arena, rows[i].text, error), RC_MALFORMED);
		if (!strstr(error, rows[i].want) || !strstr(error, "/cloud.yaml"))
			fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].name, error,
				 rows[i].want);
	}
}

static void missing_file_is_sys(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[CONF_ERROR_MAX] = "";
	struct cloud c;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(cloud_read(&c, &arena, "/nonexistent/cloud.yaml", error), RC_SYS);
	assert_non_null(strstr(error, "/nonexistent/cloud.yaml: No such file"));
}

static void absent_manifest_named(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[CONF_ERROR_MAX] = "";
	struct cloud c;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(read_text(&c, &arena, HEAD GATEWAY, error), RC_OK);
	assert_int_equal(cloud_check_files(&c, "cloud.yaml", error), RC_SYS);
	assert_non_null(strstr(error, "cloud.yaml: gw: manifest: "));
	assert_non_null(strstr(error, "/gw.json: No such file"));
}

static void names(void **state)
{
	static const struct {
		const char *name;
		bool want;
	} rows[] = {
		{ "a", true },
		{ "cvm-1", true },
		{ "abcdefghijklmno", true },
		{ "abcdefghijklmnop", false },
		{ "", false },
		{ "-a", false },
		{ "A", false },
		{ "a.b", false },
		{ "../a", false },
		{ "a b", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cloud_is_name(rows[i].name), rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_description_read),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(missing_file_is_sys),
		cmocka_unit_test(absent_manifest_named),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
