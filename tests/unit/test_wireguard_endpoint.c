/* Endpoints as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wireguard/endpoint.h"

static const struct {
	const char *text, *want; /* NULL: refused */
} texts[] = {
	{ "192.0.2.1:51820", "192.0.2.1:51820" },
	{ "255.255.255.255:65535", "255.255.255.255:65535" },
	{ "[2001:db8::1]:1", "[2001:db8::1]:1" },
	{ "[2001:0DB8:0::1]:1", "[2001:db8::1]:1" },
	{ "[fe80::1%3]:51820", "[fe80::1%3]:51820" },
	{ "[::ffff:192.0.2.1]:5", "[::ffff:192.0.2.1]:5" },
	{ "192.0.2.1:0", NULL },
	{ "192.0.2.1:65536", NULL },
	{ "192.0.2.1:051820", NULL },
	{ "192.0.2.1:", NULL },
	{ "192.0.2.1", NULL },
	{ "192.0.2:1", NULL },
	{ "[192.0.2.1]:1", NULL },
	{ "2001:db8::1:1", NULL },
	{ "[2001:db8::1]", NULL },
	{ "[2001:db8::1]1", NULL },
	{ "[2001:db8::1", NULL },
	{ "[2001:db8::1]:1 ", NULL },
	{ "[fe80::1%eth0]:1", NULL },
	{ "[fe80::1%4294967296]:1", NULL },
	{ "[]:1", NULL },
	{ ":1", NULL },
	{ "", NULL },
	{ "example.net:1", NULL },
};

static void endpoints_as_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct endpoint e, before;
		uint8_t out[64];
		struct wr w = WR_ARRAY(out);
		bool ok;

		memset(&e, 0x55, sizeof(e));
		before = e;
		ok = endpoint_parse(&e, span_str(texts[i].text));
		print_message("'%s'\n", texts[i].text);
		assert_int_equal(ok, texts[i].want != NULL);
		if (!ok) {
			assert_memory_equal(&e, &before, sizeof(e));
			continue;
		}
		endpoint_write(&w, &e);
		assert_true(span_equal_str(wr_span(&w), texts[i].want));
	}
}

static void nul_inside_refused(void **state)
{
	struct endpoint e;

	(void)state;
	assert_false(endpoint_parse(&e, span_of("192.0.2.1\0:1", 12)));
	assert_false(endpoint_parse(&e, span_of("192.0.2.1:1\0", 12)));
}

static void equal_looks_at_everything(void **state)
{
	struct endpoint a, b;

	(void)state;
	assert_true(endpoint_parse(&a, span_str("[fe80::1%3]:5")));
	b = a;
	assert_true(endpoint_equal(&a, &b));
	b.port++;
	assert_false(endpoint_equal(&a, &b));
	b = a;
	b.scope_id++;
	assert_false(endpoint_equal(&a, &b));
	b = a;
	b.ip[15]++;
	assert_false(endpoint_equal(&a, &b));
	b = a;
	b.is_v6 = false;
	assert_false(endpoint_equal(&a, &b));
}

static void key_is_address_and_port(void **state)
{
	uint8_t key[ENDPOINT_KEY_MAX];
	struct endpoint e;

	(void)state;
	assert_true(endpoint_parse(&e, span_str("192.0.2.1:258")));
	assert_int_equal(endpoint_key(key, &e), 6);
	assert_memory_equal(key, "\xc0\x00\x02\x01\x01\x02", 6);
	assert_true(endpoint_parse(&e, span_str("[::1]:258")));
	assert_int_equal(endpoint_key(key, &e), 18);
	assert_int_equal(key[15], 1);
	assert_int_equal(key[17], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_as_text),
		cmocka_unit_test(nul_inside_refused),
		cmocka_unit_test(equal_looks_at_everything),
		cmocka_unit_test(key_is_address_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
