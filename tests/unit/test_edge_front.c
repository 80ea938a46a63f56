/* front: ranges of addresses as an operator writes them. */
#include "unit.h"

#include "edge/front.h"

static const struct {
	const char *name, *text;
	bool is_read;
} rows[] = {
	{ "range_read", "192.0.2.0/24", true },
	{ "range_6_read", "2001:db8::/32", true },
	{ "address_alone_read", "192.0.2.1", true },
	{ "address_6_alone_read", "2001:db8::1", true },
	{ "all_read", "0.0.0.0/0", true },
	{ "all_6_read", "::/0", true },
	{ "bits_behind_prefix_refused", "192.0.2.1/24", false },
	{ "bits_behind_prefix_6_refused", "2001:db8::1/32", false },
	{ "prefix_33_refused", "192.0.2.0/33", false },
	{ "prefix_129_refused", "::/129", false },
	{ "no_prefix_refused", "192.0.2.0/", false },
	{ "sign_refused", "192.0.2.0/+24", false },
	{ "two_slashes_refused", "192.0.2.0/24/24", false },
	{ "port_refused", "192.0.2.0:443", false },
	{ "name_refused", "localhost", false },
	{ "unix_refused", "unix:/run/x", false },
	{ "empty_refused", "", false },
	{ "long_refused", "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000/32", false },
};

static void texts_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct front f = { .bits = 77 };

		if (front_parse(&f, span_str(rows[i].text)) != rows[i].is_read)
			fail_msg("%s", rows[i].name);
		if (!rows[i].is_read && f.bits != 77)
			fail_msg("%s: written", rows[i].name);
	}
}

static bool has(const char *range, const char *address)
{
	struct sock_addr a;
	struct front f;

	assert_true(front_parse(&f, span_str(range)));
	assert_true(sock_addr_parse(&a, span_str(address)));
	return front_has(&f, &a);
}

static void addresses_are_in_or_out(void **state)
{
	(void)state;
	assert_true(has("192.0.2.0/24", "192.0.2.255:1"));
	assert_false(has("192.0.2.0/24", "192.0.3.0:1"));
	assert_false(has("192.0.2.0/25", "192.0.2.128:1"));
	assert_true(has("192.0.2.1", "192.0.2.1:9"));
	assert_false(has("192.0.2.1", "192.0.2.0:9"));
	assert_true(has("2001:db8::/33", "[2001:db8:7fff::1]:1"));
	assert_false(has("2001:db8::/33", "[2001:db8:8000::1]:1"));
	assert_true(has("0.0.0.0/0", "1.2.3.4:1"));
	assert_false(has("0.0.0.0/0", "[2001:db8::1]:1"));
	assert_true(has("::/0", "[2001:db8::1]:1"));
	assert_false(has("::/0", "unix:/run/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_or_refused),
		cmocka_unit_test(addresses_are_in_or_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
