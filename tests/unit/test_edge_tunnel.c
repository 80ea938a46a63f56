/* tunnel: which addresses are an instance's. */
#include "unit.h"

#include <arpa/inet.h>
#include <string.h>

#include "edge/tunnel.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct {
	const char *name, *address;
	bool is_admitted;
} ROWS[] = {
	{ "instance", "10.88.0.2", true },
	{ "last_instance", "10.88.255.254", true },
	{ "zero_byte_inside_the_network", "10.88.1.0", true },
	{ "gateway_itself_refused", "10.88.0.1", false },
	{ "network_refused", "10.88.0.0", false },
	{ "broadcast_refused", "10.88.255.255", false },
	{ "next_network_refused", "10.89.0.2", false },
	{ "network_before_refused", "10.87.255.254", false },
	{ "loopback_refused", "127.0.0.1", false },
	{ "metadata_service_refused", "169.254.169.254", false },
	{ "any_refused", "0.0.0.0", false },
	{ "public_refused", "198.51.100.1", false },
};

static void mapped(uint8_t out[16], const char *text)
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

static void table_of_addresses(void **state)
{
	const struct edge_tunnel t = { { 10, 88, 0, 1 }, 16 }, none = { .bits = 0 };
	uint8_t address[16], v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		mapped(address, ROWS[i].address);
		if (tunnel_admits(&t, address) != ROWS[i].is_admitted)
			fail_msg("%s", ROWS[i].name);
		assert_true(tunnel_admits(&none, address));
	}
	assert_false(tunnel_admits(&t, v6));
}

static void narrow_networks(void **state)
{
	const struct edge_tunnel t = { { 10, 0, 0, 5 }, 30 };
	uint8_t address[16];
	bool want[8] = { [6] = true };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		mapped(address, "10.0.0.0");
		address[15] = (uint8_t)i;
		assert_int_equal(tunnel_admits(&t, address), want[i]);
	}
}

static void sockets(void **state)
{
	uint8_t address[16], v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };
	struct sock_addr a, want;

	(void)state;
	mapped(address, "10.88.0.2");
	tunnel_socket(&a, address, 8080);
	assert_true(sock_addr_parse(&want, span_str("10.88.0.2:8080")));
	assert_true(sock_addr_equal(&a, &want));
	tunnel_socket(&a, v6, 443);
	assert_true(sock_addr_parse(&want, span_str("[2001:db8::2]:443")));
	assert_true(sock_addr_equal(&a, &want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_addresses),
		cmocka_unit_test(narrow_networks),
		cmocka_unit_test(sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
