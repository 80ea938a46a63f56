/* config: teesim.yaml as documented, and its mistakes. */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "teesim/config.h"

enum {
	ARENA = 65536,
};

static void documented_file_is_read(void **state)
{
	static const char text[] =
		"state: /s\n"
		"collateral: /c\n"
		"root: /r.pem\n"
		"control: /run/control.sock\n"
		"quote_delay: 250ms\n"
		"tds:\n"
		"  - name: hello\n"
		"    socket: /run/hello/tee.sock\n"
		"    image: base\n"
		"    manifest: /m.json\n"
		"    measured: /p.json\n"
		"    debug: true\n"
		"  - { name: other, socket: /run/other/tee.sock, image: base }\n"
		"log: debug\n";
	char error[CONF_ERROR_MAX] = "";
	struct arena arena;
	struct config c;

	(void)state;
	arena_init(&arena, ARENA);
	assert_int_equal(config_read(&c, &arena, "t.yaml", span_str(text), error), RC_OK);
	assert_string_equal(c.state, "/s");
	assert_string_equal(c.collateral, "/c");
	assert_string_equal(c.root, "/r.pem");
	assert_string_equal(c.control, "/run/control.sock");
	assert_int_equal(c.quote_delay_ms, 250);
	assert_int_equal(c.log, LOG_DEBUG);
	assert_int_equal(c.tds.count, 2);
	const struct td_spec *td = c.tds.items;
	assert_string_equal(td[0].name, "hello");
	assert_string_equal(td[0].socket, "/run/hello/tee.sock");
	assert_string_equal(td[0].image, "base");
	assert_string_equal(td[0].manifest, "/m.json");
	assert_string_equal(td[0].measured, "/p.json");
	assert_true(td[0].is_debug);
	assert_null(td[1].manifest);
	assert_null(td[1].measured);
	assert_false(td[1].is_debug);
	arena_fini(&arena);
}

static void empty_file_has_the_defaults(void **state)
{
	char error[CONF_ERROR_MAX] = "";
	struct arena arena;
	struct config c;

	(void)state;
	arena_init(&arena, ARENA);
	assert_int_equal(config_read(&c, &arena, "t.yaml", span_str(""), error), RC_OK);
	assert_string_equal(c.state, "/var/lib/postern-teesim");
	assert_null(c.control);
	assert_int_equal(c.quote_delay_ms, 0);
	assert_int_equal(c.log, LOG_INFO);
	assert_int_equal(c.tds.count, 0);
	arena_fini(&arena);
}

static void mistakes_name_their_place(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} table[] = {
		{ "unknown_key", "stat: /s\n", "t.yaml:1: stat" },
		{ "td_without_socket", "tds:\n  - name: a\n    image: b\n", "socket" },
		{ "td_name_with_slash", "tds:\n  - { name: a/b, socket: /s, image: b }\n",
		  "t.yaml:2: tds[0].name" },
		{ "image_empty", "tds:\n  - { name: a, socket: /s, image: '' }\n",
		  "t.yaml:2: tds[0].image" },
		{ "delay_over_30s", "quote_delay: 31s\n", "t.yaml:1: quote_delay" },
		{ "log_level_unknown", "log: loud\n", "t.yaml:1: log" },
		{ "name_twice",
		  "tds:\n  - { name: a, socket: /s, image: b }\n"
		  "  - { name: a, socket: /t, image: b }\n",
		  "tds[1].name" },
		{ "socket_twice",
		  "tds:\n  - { name: a, socket: /s, image: b }\n"
		  "  - { name: c, socket: /s, image: b }\n",
		  "tds[1].socket" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char error[CONF_ERROR_MAX] = "";
		struct config c = { .log = 77 };
		struct arena arena;

		arena_init(&arena, ARENA);
		assert_int_equal(config_read(&c, &arena, "t.yaml", span_str(table[i].text), error),
				 RC_MALFORMED);
		print_message("%s: %s\n", table[i].name, error);
		assert_non_null(strstr(error, table[i].want));
		assert_int_equal(c.log, 77);
		arena_fini(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented_file_is_read),
		cmocka_unit_test(empty_file_has_the_defaults),
		cmocka_unit_test(mistakes_name_their_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
