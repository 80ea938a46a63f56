/* What the daemons' configuration fields accept, and their command line. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "io/file.h"
#include "io/sock.h"
#include "io/tun.h"
#include "node/settings.h"

struct check_case {
	const char *name;
	conf_check_fn *check;
	const char *text;
	bool want;
};

#define LONG_LABEL "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static const struct check_case checks[] = {
	{ "label", settings_check_label, "gw-1", true },
	{ "label_of_63", settings_check_label, LONG_LABEL, true },
	{ "label_of_64_refused", settings_check_label, LONG_LABEL "1", false },
	{ "label_empty_refused", settings_check_label, "", false },
	{ "label_upper_case_refused", settings_check_label, "GW", false },
	{ "label_hyphen_first_refused", settings_check_label, "-gw", false },
	{ "label_hyphen_last_refused", settings_check_label, "gw-", false },
	{ "label_with_dot_refused", settings_check_label, "a.b", false },
	{ "label_with_newline_refused", settings_check_label, "a\nb", false },
	{ "interface", settings_check_interface, "wg0", true },
	{ "interface_of_16_refused", settings_check_interface, "abcdefghijklmnop", false },
	{ "interface_with_quote_refused", settings_check_interface, "wg0\"", false },
	{ "interface_with_space_refused", settings_check_interface, "wg 0", false },
	{ "interface_with_slash_refused", settings_check_interface, "../wg0", false },
	{ "host", settings_check_host, "gateway.postern.localhost", true },
	{ "host_two_dots_refused", settings_check_host, "a..b", false },
	{ "host_leading_dot_refused", settings_check_host, ".a", false },
	{ "host_with_tag_refused", settings_check_host, "<b>", false },
};

static void checks_as_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		const struct check_case *c = &checks[i];

		if (c->check(NULL, c->text, NULL) != c->want)
			fail_msg("%s", c->name);
	}
}

static void addresses_and_prefixes_converted(void **state)
{
	struct sock_addr address;
	struct io_prefix prefix;

	(void)state;
	assert_true(settings_check_address(&address, "192.0.2.1:443", NULL));
	assert_int_equal(address.in.sin_port, htons(443));
	assert_false(settings_check_address(&address, "192.0.2.1", NULL));
	assert_true(settings_check_prefix(&prefix, "10.88.0.1/16", NULL));
	assert_int_equal(prefix.len, 16);
	assert_false(settings_check_prefix(&prefix, "10.88.0.1/33", NULL));
}

static enum settings_start parse(struct settings_arguments *out, int argc, const char *const *argv)
{
	char *copy[8] = { 0 };

	for (int i = 0; i < argc; i++)
		copy[i] = strdup(argv[i]);
	enum settings_start start = settings_arguments(out, "postern-test", argc, copy);
	if (out->config && strcmp(out->config, "default"))
		out->config = strcmp(out->config, "/x") ? "other" : "/x";
	for (int i = 0; i < argc; i++)
		free(copy[i]);
	return start;
}

static void command_line_read(void **state)
{
	struct settings_arguments a = { .config = "default" };

	(void)state;
	assert_int_equal(parse(&a, 4, (const char *const[]){ "p", "--config", "/x", "--check" }),
			 SETTINGS_GO);
	assert_string_equal(a.config, "/x");
	assert_true(a.only_check);
	assert_int_equal(parse(&a, 2, (const char *const[]){ "p", "--config" }),
			 SETTINGS_EXIT_USAGE);
	assert_int_equal(parse(&a, 2, (const char *const[]){ "p", "/x" }), SETTINGS_EXIT_USAGE);
	assert_int_equal(parse(&a, 2, (const char *const[]){ "p", "--help" }), SETTINGS_EXIT_OK);
	assert_int_equal(parse(&a, 2, (const char *const[]){ "p", "--version" }),
			 SETTINGS_EXIT_OK);
}

struct trust_file {
	struct trust_settings trust;
};
static const struct conf_field trust_file_fields[] = {
	{ .key = "trust",
	  .type = CONF_STRUCT,
	  .fields = settings_trust_fields,
	  .is_required = true },
	{ 0 },
};

struct file_case {
	const char *name, *text, *error; /* NULL: read */
};
static const struct file_case files[] = {
	{ "whole", "trust: { policy: p, collateral: c, simulated_root: r }\n", NULL },
	{ "policy_missing", "trust:\n  collateral: c\n", "policy" },
#define SOURCE(text) "trust:\n  policy: p\n  collateral: c\n  simulated_root: r\n" \
		     "  source: { " text " }\n"
	{ "source", SOURCE("url: 'https://pccs.example:8081'"), NULL },
	{ "source_whole",
	  SOURCE("url: 'https://h', ca: /c, update: early, platforms: [ b0c06f000000 ]"),
	  NULL },
	{ "source_by_number", SOURCE("url: 'http://192.0.2.7', update: 17"), NULL },
	{ "source_without_url", SOURCE("update: early"), "url" },
	{ "source_of_another_scheme", SOURCE("url: 'ftp://h'"), "url: expected a URL" },
	{ "source_with_password", SOURCE("url: 'https://u:p@h'"), "url: expected a URL" },
	{ "source_of_late", SOURCE("url: 'https://h', update: late"), "update: expected early" },
	{ "source_of_half_a_platform", SOURCE("url: 'https://h', platforms: [ b0c0 ]"),
	  "platforms" },
	{ "unknown_key", "trust: { policy: p, collateral: c }\nfoo: 1\n", ":2: foo" },
};

static void files_as_listed(void **state)
{
	struct folder folder;
	char path[128], error[CONF_ERROR_MAX];

	(void)state;
	folder_make(&folder);
	folder_file(path, &folder, "f.yaml");
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		const struct file_case *c = &files[i];
		struct trust_file got = { 0 };
		struct arena arena;
		enum rc rc;

		arena_init(&arena, SETTINGS_ARENA_MAX);
		assert_int_equal(file_replace(path, span_str(c->text), 0600), RC_OK);
		rc = settings_load(&got, trust_file_fields, &arena, path, error);
		if (c->error && (rc != RC_MALFORMED || !strstr(error, c->error)))
			fail_msg("%s: %s", c->name, error);
		if (!c->error && (rc || strcmp(got.trust.simulated_root, "r")))
			fail_msg("%s: %s", c->name, error);
		arena_fini(&arena);
	}
	folder_remove(&folder);
}

static void source_is_read(void **state)
{
	static const char text[] =
		"trust:\n"
		"  policy: p\n"
		"  collateral: c\n"
		"  source: { url: 'https://h', ca: /c, update: 17,\n"
		"            platforms: [ b0c06f000000, 90c06f000000 ] }\n";
	struct trust_file got = { 0 };
	const struct source_settings *s = &got.trust.source;
	char error[CONF_ERROR_MAX] = "";
	struct arena arena;

	(void)state;
	arena_init(&arena, SETTINGS_ARENA_MAX);
	assert_int_equal(conf_read(&got, trust_file_fields, &arena, "f", span_str(text), error),
			 RC_OK);
	assert_string_equal(s->server.base, "https://h");
	assert_string_equal(s->ca, "/c");
	assert_int_equal(s->update.kind, PCS_UPDATE_NUMBER);
	assert_int_equal(s->update.evaluation, 17);
	assert_int_equal(s->platforms.count, 2);
	assert_memory_equal(s->platforms.items, "\xb0\xc0\x6f\0\0\0\x90\xc0\x6f\0\0\0", 12);
	arena_fini(&arena);
}

static void missing_file_named(void **state)
{
	struct trust_file got = { 0 };
	struct arena arena;
	char error[CONF_ERROR_MAX] = "";

	(void)state;
	arena_init(&arena, SETTINGS_ARENA_MAX);
	assert_int_equal(settings_load(&got, trust_file_fields, &arena, "/nonexistent/a.yaml",
				       error),
			 RC_MALFORMED);
	assert_string_equal(error, "/nonexistent/a.yaml: No such file or directory");
	arena_fini(&arena);
}

/* An address the firewall can open to, or a name it cannot. */
static void sources_have_an_address_or_not(void **state)
{
	static const struct {
		const char *url, *address; /* NULL: a name, or none */
	} rows[] = {
		{ "https://192.0.2.7:8081", "192.0.2.7:8081" },
		{ "http://192.0.2.7/pccs", "192.0.2.7:80" },
		{ "https://[2001:db8::1]", "[2001:db8::1]:443" },
		{ "https://pccs.example:8081", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trust_settings s = { 0 };
		struct sock_addr got = { 0 }, want = { 0 };

		assert_false(settings_has_source(&s));
		assert_false(settings_source_address(&got, &s));
		assert_true(pcs_server_parse(&s.source.server, span_str(rows[i].url)));
		assert_true(settings_has_source(&s));
		assert_int_equal(settings_source_address(&got, &s), rows[i].address != NULL);
		if (!rows[i].address)
			continue;
		assert_true(sock_addr_parse(&want, span_str(rows[i].address)));
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_as_listed),
		cmocka_unit_test(addresses_and_prefixes_converted),
		cmocka_unit_test(command_line_read),
		cmocka_unit_test(files_as_listed),
		cmocka_unit_test(source_is_read),
		cmocka_unit_test(sources_have_an_address_or_not),
		cmocka_unit_test(missing_file_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
