#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

struct td {
	const char *name;
	uint8_t id[2];
	struct conf_list ports; /* uint64_t */
	uint64_t line;
};

struct gateway {
	const char *address;
	uint64_t port;
};

struct settings {
	const char *name;
	const char *path;
	uint64_t count;
	uint64_t lease_ms;
	bool is_on;
	int level;
	double fraction;
	uint8_t key[4];
	struct gateway gateway;
	struct conf_list tds;
	struct conf_list names; /* const char * */
};

static bool check_fraction(void *out, const char *text, struct arena *arena)
{
	double *v = out;
	char *end;

	(void)arena;
	*v = strtod(text, &end);
	return *end == '\0' && *v > 0 && *v < 1;
}

static bool check_path(void *out, const char *text, struct arena *arena)
{
	const char **field = out;

	(void)arena;
	assert_string_equal(*field, text);
	return text[0] == '/';
}

/* A mapping as a whole: "a" has no second id byte. */
static bool check_td(void *out, const char *text, struct arena *arena)
{
	const struct td *td = out;

	(void)arena;
	assert_null(text);
	return strcmp(td->name, "a") != 0 || !td->id[1];
}

static bool check_tds(void *out, const char *text, struct arena *arena)
{
	const struct conf_list *list = out;
	const struct td *tds = list->items;

	(void)arena;
	assert_null(text);
	return list->count < 2 || strcmp(tds[0].name, tds[1].name) != 0;
}

/* clang-format off */
#define AT(field) .offset = offsetof(struct settings, field)

static const char *const levels[] = { "low", "middle", "high", NULL };

static const struct conf_field port = { .type = CONF_U64, .size = 8, .min = 1, .max = 65535 };

static const struct conf_field td_fields[] = {
	{ .key = "name", .type = CONF_STRING, .offset = offsetof(struct td, name), .is_required = true },
	{ .key = "id", .type = CONF_HEX, .offset = offsetof(struct td, id), .size = 2 },
	{ .key = "ports", .type = CONF_LIST, .offset = offsetof(struct td, ports), .element = &port, .max = 3 },
	{ 0 },
};

static const struct conf_field td = { .type = CONF_STRUCT, .size = sizeof(struct td), .fields = td_fields, .has_line = true, .line_offset = offsetof(struct td, line), .check = check_td, .expected = "no second byte" };
static const struct conf_field name = { .type = CONF_STRING, .size = sizeof(char *) };

static const struct conf_field gateway_fields[] = {
	{ .key = "address", .type = CONF_STRING, .offset = offsetof(struct gateway, address), .is_required = true },
	{ .key = "port", .type = CONF_U64, .offset = offsetof(struct gateway, port) },
	{ 0 },
};

static const struct conf_field fields[] = {
	{ .key = "name", .type = CONF_STRING, AT(name), .is_required = true, .max = 8 },
	{ .key = "path", .type = CONF_STRING, AT(path), .check = check_path, .expected = "an absolute path" },
	{ .key = "count", .type = CONF_U64, AT(count), .min = 2, .max = 10 },
	{ .key = "lease", .type = CONF_MS, AT(lease_ms), .max = 86400000 },
	{ .key = "on", .type = CONF_BOOL, AT(is_on) },
	{ .key = "level", .type = CONF_ENUM, AT(level), .names = levels },
	{ .key = "fraction", .type = CONF_CUSTOM, AT(fraction), .check = check_fraction, .expected = "a fraction such as 0.5" },
	{ .key = "key", .type = CONF_HEX, AT(key), .size = 4 },
	{ .key = "gateway", .type = CONF_STRUCT, AT(gateway), .fields = gateway_fields },
	{ .key = "tds", .type = CONF_LIST, AT(tds), .element = &td, .check = check_tds, .expected = "two names" },
	{ .key = "names", .type = CONF_LIST, AT(names), .element = &name, .min = 1 },
	{ 0 },
};
/* clang-format on */

static enum rc read_text(struct settings *s, struct arena *arena, const char *text, size_t n,
			 char error[CONF_ERROR_MAX])
{
	uint8_t *own = malloc(n ? n : 1); /* exactly as long, for ASan */
	enum rc rc;

	memcpy(own, text, n);
	rc = conf_read(s, fields, arena, "a.yaml", span_of(own, n), error);
	free(own);
	return rc;
}

static void whole_file_is_read(void **state)
{
	static const char text[] =
		"# a comment\n"
		"name: 'n 1'\n"
		"path: /tmp\n"
		"count: 10\n"
		"lease: 5m\n"
		"on: true\n"
		"level: high\n"
		"fraction: 0.25\n"
		"key: 00ffAa10\n"
		"gateway: { address: \"a b\", port: 18446744073709551615 }\n"
		"tds:\n"
		"  - name: one\n"
		"    id: 0102\n"
		"    ports: [ 1, 65535 ]\n"
		"  - { name: two }\n"
		"names: [ x, 12, \"\" ]\n";
	struct settings s = { 0 };
	char error[CONF_ERROR_MAX];
	const struct td *tds;
	const char *const *names;
	const uint64_t *ports;
	struct arena arena;

	(void)state;
	arena_init(&arena, 65536);
	assert_int_equal(read_text(&s, &arena, text, strlen(text), error), RC_OK);
	assert_string_equal(s.name, "n 1");
	assert_string_equal(s.path, "/tmp");
	assert_int_equal(s.count, 10);
	assert_int_equal(s.lease_ms, 300000);
	assert_true(s.is_on);
	assert_int_equal(s.level, 2);
	assert_true(s.fraction == 0.25);
	assert_memory_equal(s.key, "\x00\xff\xaa\x10", 4);
	assert_string_equal(s.gateway.address, "a b");
	assert_true(s.gateway.port == UINT64_MAX);
	assert_int_equal(s.tds.count, 2);
	tds = s.tds.items;
	assert_string_equal(tds[0].name, "one");
	assert_memory_equal(tds[0].id, "\x01\x02", 2);
	assert_int_equal(tds[0].ports.count, 2);
	ports = tds[0].ports.items;
	assert_int_equal(ports[1], 65535);
	assert_string_equal(tds[1].name, "two");
	assert_int_equal(tds[0].line, 12);
	assert_int_equal(tds[1].line, 15);
	assert_int_equal(tds[1].ports.count, 0);
	assert_int_equal(s.names.count, 3);
	names = s.names.items;
	assert_string_equal(names[1], "12");
	assert_string_equal(names[2], "");
	arena_fini(&arena);
}

static void absent_keys_keep_defaults(void **state)
{
	struct settings s = { .count = 7, .gateway = { .address = "default" } };
	char error[CONF_ERROR_MAX];
	struct arena arena;

	(void)state;
	arena_init(&arena, 65536);
	assert_int_equal(read_text(&s, &arena, "name: x", 7, error), RC_OK);
	assert_int_equal(s.count, 7);
	assert_string_equal(s.gateway.address, "default");
	arena_fini(&arena);
}

struct mistake {
	const char *name, *text, *want;
};

/* clang-format off */
static const struct mistake mistakes[] = {
	{ "empty_misses_required", "", "a.yaml:1: name: missing, expected a text with a length from 0 to 8" },
	{ "comments_alone_miss_required", "# x\n\n", "a.yaml:1: name: missing, expected a text with a length from 0 to 8" },
	{ "unknown_key", "name: x\nnmae: y\n", "a.yaml:2: nmae: unknown, expected one of name, path, count, lease, on, level, fraction, key, gateway, tds, names" },
	{ "unknown_nested_key", "name: x\ngateway:\n  address: a\n  prot: 1\n", "a.yaml:4: gateway.prot: unknown, expected one of address, port" },
	{ "unknown_key_is_escaped", "\"a\\nb\": 1\n", "a.yaml:1: a\\x0ab: unknown, expected one of name, path, count, lease, on, level, fraction, key, gateway, tds, names" },
	{ "merge_key_is_unknown", "gateway: { <<: 1 }", "a.yaml:1: gateway.<<: unknown, expected one of address, port" },
	{ "key_twice", "name: x\non: true\nname: y\n", "a.yaml:3: name: expected once, given twice" },
	{ "nested_missing_says_where_it_begins", "name: x\ntds:\n  - name: y\n  - id: 0102\n", "a.yaml:4: tds[1].name: missing, expected a text with a length from 0 to 4096" },
	{ "string_too_long", "name: 123456789\n", "a.yaml:1: name: expected a text with a length from 0 to 8" },
	{ "string_null", "name:\n", "a.yaml:1: name: expected a text with a length from 0 to 8" },
	{ "string_tilde", "name: ~\n", "a.yaml:1: name: expected a text with a length from 0 to 8" },
	{ "string_with_nul", "name: \"a\\0b\"\n", "a.yaml:1: name: expected a text with a length from 0 to 8" },
	{ "string_is_list", "name: [ a ]\n", "a.yaml:1: name: expected a text with a length from 0 to 8" },
	{ "checked_string", "name: x\npath: tmp\n", "a.yaml:2: path: expected an absolute path" },
	{ "number_too_small", "count: 1\n", "a.yaml:1: count: expected a number from 2 to 10" },
	{ "number_too_large", "count: 11\n", "a.yaml:1: count: expected a number from 2 to 10" },
	{ "number_hex", "count: 0x3\n", "a.yaml:1: count: expected a number from 2 to 10" },
	{ "number_octal", "count: 07\n", "a.yaml:1: count: expected a number from 2 to 10" },
	{ "number_signed", "count: +7\n", "a.yaml:1: count: expected a number from 2 to 10" },
	{ "number_quoted", "count: '7'\n", "a.yaml:1: count: expected a number from 2 to 10" },
	{ "number_overflows", "gateway: { port: 18446744073709551616 }\n", "a.yaml:1: gateway.port: expected a number" },
	{ "bool_yes", "on: yes\n", "a.yaml:1: on: expected true or false" },
	{ "bool_capital", "on: True\n", "a.yaml:1: on: expected true or false" },
	{ "bool_quoted", "on: \"true\"\n", "a.yaml:1: on: expected true or false" },
	{ "time_without_unit", "lease: 10\n", "a.yaml:1: lease: expected a time such as 250ms, 10s, 5m, 1h or 7d, in milliseconds from 0 to 86400000" },
	{ "time_fraction", "lease: 1.5s\n", "a.yaml:1: lease: expected a time such as 250ms, 10s, 5m, 1h or 7d, in milliseconds from 0 to 86400000" },
	{ "time_too_long", "lease: 25h\n", "a.yaml:1: lease: expected a time such as 250ms, 10s, 5m, 1h or 7d, in milliseconds from 0 to 86400000" },
	{ "time_overflows", "lease: 18446744073709551615d\n", "a.yaml:1: lease: expected a time such as 250ms, 10s, 5m, 1h or 7d, in milliseconds from 0 to 86400000" },
	{ "enum_unknown", "level: top\n", "a.yaml:1: level: expected one of low, middle, high" },
	{ "custom", "fraction: 2\n", "a.yaml:1: fraction: expected a fraction such as 0.5" },
	{ "hex_short", "key: 0011\n", "a.yaml:1: key: expected 8 hex digits" },
	{ "hex_no_digit", "key: 0011223g\n", "a.yaml:1: key: expected 8 hex digits" },
	{ "struct_is_text", "gateway: x\n", "a.yaml:1: gateway: expected a mapping with address, port" },
	{ "list_is_text", "tds: x\n", "a.yaml:1: tds: expected a list with a length from 0 to 1024" },
	{ "list_too_long", "tds: [ { name: x, ports: [ 1,\n 2, 3,\n 4 ] } ]\n", "a.yaml:3: tds[0].ports: expected a list with a length from 0 to 3" },
	{ "list_too_short", "names: []\n", "a.yaml:1: names: expected a list with a length from 1 to 1024" },
	{ "element_wrong", "tds:\n - name: x\n - name: y\n   ports: [ 1,\n     0 ]\n", "a.yaml:5: tds[1].ports[1]: expected a number from 1 to 65535" },
	{ "mapping_as_a_whole", "name: x\ntds:\n - name: y\n - name: a\n   id: 0001\n", "a.yaml:4: tds[1]: expected no second byte" },
	{ "list_as_a_whole", "name: x\ntds:\n - name: y\n - name: y\n", "a.yaml:3: tds: expected two names" },
	{ "anchor", "name: &a x\n", "a.yaml:1: expected no anchors, aliases, tags or directives" },
	{ "alias", "name: x\npath: *a\n", "a.yaml:2: expected no anchors, aliases, tags or directives" },
	{ "tag", "name: !!str x\n", "a.yaml:1: expected no anchors, aliases, tags or directives" },
	{ "tag_on_list", "tds: !x []\n", "a.yaml:1: expected no anchors, aliases, tags or directives" },
	{ "anchor_on_mapping", "gateway: &g { address: x }\n", "a.yaml:1: expected no anchors, aliases, tags or directives" },
	{ "directive", "%YAML 1.1\n---\nname: x\n", "a.yaml:1: expected no anchors, aliases, tags or directives" },
	{ "two_documents", "name: x\n---\nname: y\n", "a.yaml:2: expected one document" },
	{ "root_is_list", "- name: x\n", "a.yaml:1: expected a mapping" },
	{ "root_is_null", "---\n", "a.yaml:2: expected a mapping" },
	{ "complex_key", "name: x\n? [ a ]\n: b\n", "a.yaml:2: expected a key" },
	{ "complex_nested_key", "gateway:\n  ? { a: b }\n  : c\n", "a.yaml:2: gateway: expected a key" },
	{ "first_of_two_mistakes", "count: 1\nbad: 1\n", "a.yaml:1: count: expected a number from 2 to 10" },
	{ "mistake_before_broken_syntax", "count: 1\nx: ]\n", "a.yaml:1: count: expected a number from 2 to 10" },
	{ "tab_indent", "gateway:\n\taddress: x\n", "a.yaml:2: expected YAML: found character that cannot start any token" },
	{ "broken_utf8", "name: x\npath: /\xff\n", "a.yaml:1: expected YAML: invalid leading UTF-8 octet" },
	{ "utf16", "\xff\xfen\0", "a.yaml:1: expected YAML: invalid leading UTF-8 octet" },
};
/* clang-format on */

static void every_mistake_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		char error[CONF_ERROR_MAX] = "";
		struct settings s = { 0 };
		struct arena arena;

		print_message("%s\n", m->name);
		arena_init(&arena, 65536);
		assert_int_equal(read_text(&s, &arena, m->text, strlen(m->text), error),
				 RC_MALFORMED);
		assert_string_equal(error, m->want);
		arena_fini(&arena);
	}
}

static void long_message_is_cut(void **state)
{
	char text[600], error[CONF_ERROR_MAX], file[600];
	struct settings s = { 0 };
	struct arena arena;

	(void)state;
	memset(text, '\x01' + 'a', sizeof(text));
	memcpy(text + 580, ": 1\n", 4);
	memset(file, 'n', sizeof(file) - 1);
	file[sizeof(file) - 1] = '\0';
	arena_init(&arena, 65536);
	assert_int_equal(read_text(&s, &arena, text, 584, error), RC_MALFORMED);
	assert_non_null(strstr(error, "bbb...: unknown"));
	assert_int_equal(conf_read(&s, fields, &arena, file, span_of(text, 584), error),
			 RC_MALFORMED);
	assert_int_equal(strlen(error), CONF_ERROR_MAX - 1);
	arena_fini(&arena);
}

static void deep_nesting_is_refused(void **state)
{
	char error[CONF_ERROR_MAX], *deep = malloc(CONF_FILE_MAX);
	struct settings s = { 0 };
	struct arena arena;

	(void)state;
	memset(deep, '[', CONF_FILE_MAX);
	arena_init(&arena, 65536);
	assert_int_equal(read_text(&s, &arena, deep, CONF_FILE_MAX, error), RC_MALFORMED);
	memcpy(deep, "tds: ", 5);
	assert_int_equal(read_text(&s, &arena, deep, CONF_FILE_MAX, error), RC_MALFORMED);
	assert_string_equal(error, "a.yaml:1: tds[0]: expected a mapping with name, id, ports");
	arena_fini(&arena);
	free(deep);
}

static void large_file_is_refused(void **state)
{
	char error[CONF_ERROR_MAX], *large = malloc(CONF_FILE_MAX + 1);
	struct settings s = { 0 };
	struct arena arena;

	(void)state;
	memset(large, '\n', CONF_FILE_MAX + 1);
	memcpy(large, "name: x", 7);
	arena_init(&arena, 65536);
	assert_int_equal(read_text(&s, &arena, large, CONF_FILE_MAX, error), RC_OK);
	assert_int_equal(read_text(&s, &arena, large, CONF_FILE_MAX + 1, error), RC_MALFORMED);
	assert_string_equal(error, "a.yaml:1: expected at most 1 MiB");
	arena_fini(&arena);
	free(large);
}

static void full_arena_is_refused(void **state)
{
	char error[CONF_ERROR_MAX];
	struct settings s = { 0 };
	struct arena arena;

	(void)state;
	arena_init(&arena, 16);
	assert_int_equal(read_text(&s, &arena, "name: x\nnames: [ a, b ]", 23, error),
			 RC_MALFORMED);
	assert_string_equal(error, "a.yaml:2: names[0]: "
				   "expected a text with a length from 0 to 4096");
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_file_is_read),
		cmocka_unit_test(absent_keys_keep_defaults),
		cmocka_unit_test(every_mistake_is_named),
		cmocka_unit_test(long_message_is_cut),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(large_file_is_refused),
		cmocka_unit_test(full_arena_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
