/* What an agent takes from a gateway, and what it refuses. */
#include "unit.h"

#include <string.h>

#include "agent/assignment.h"

static struct channel_prefix v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint8_t len)
{
	return (struct channel_prefix){ .family = 4, .bytes = { a, b, c, d }, .len = len };
}

static struct channel_assignment good(void)
{
	return (struct channel_assignment){
		.wg_public = { 7 },
		.address = v4(10, 88, 0, 2, 32),
		.gateway = v4(10, 88, 0, 1, 32),
		.endpoint_ip = v4(198, 51, 100, 1, 32),
		.endpoint_port = 51820,
		.allowed = { v4(10, 88, 0, 1, 32) },
		.allowed_count = 1,
		.lease_ms = 600000,
		.keepalive_s = 25,
	};
}

#define BEND(body) \
	({ \
		struct channel_assignment a = good(); \
		body; \
		a; \
	})

static void assignments_as_listed(void **state)
{
	const struct {
		const char *name;
		struct channel_assignment a;
		const char *error; /* NULL: taken */
	} cases[] = {
		{ "good", good(), NULL },
		{ "shortest_lease", BEND(a.lease_ms = 1000), NULL },
		{ "address_is_network", BEND(a.address.len = 16), "address" },
		{ "address_is_zero", BEND(memset(a.address.bytes, 0, 16)), "address" },
		{ "address_family_unknown", BEND(a.address.family = 5), "address" },
		{ "gateway_is_own_address", BEND(a.gateway = a.address), "gateway address" },
		{ "gateway_is_network", BEND(a.gateway.len = 24), "gateway address" },
		{ "families_differ", BEND(a.gateway.family = 6; a.gateway.len = 128),
		  "gateway address" },
		{ "endpoint_port_zero", BEND(a.endpoint_port = 0), "endpoint" },
		{ "endpoint_inside_tunnel", BEND(a.endpoint_ip = a.gateway), "endpoint" },
		{ "endpoint_is_own_address", BEND(a.endpoint_ip = a.address), "endpoint" },
		{ "allowed_everything", BEND(a.allowed[0] = v4(0, 0, 0, 0, 0)),
		  "allowed addresses" },
		{ "allowed_another", BEND(a.allowed[0] = v4(10, 88, 0, 9, 32)),
		  "allowed addresses" },
		{ "allowed_two", BEND(a.allowed[1] = a.gateway; a.allowed_count = 2),
		  "allowed addresses" },
		{ "allowed_none", BEND(a.allowed_count = 0), "allowed addresses" },
		{ "lease_too_short", BEND(a.lease_ms = 999), "lease" },
		{ "lease_over_a_day", BEND(a.lease_ms = 86400001), "lease" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char error[NODE_ERROR_MAX] = "assignment: ";
		bool taken = assignment_check(&cases[i].a, error);

		if (taken != !cases[i].error ||
		    (cases[i].error && strcmp(error + strlen("assignment: "), cases[i].error)))
			fail_msg("%s: %s", cases[i].name, error);
	}
}

static void words_of_device_and_firewall(void **state)
{
	struct channel_assignment a = good();
	const struct key32 psk = { .b = { 9 } };
	struct firewall_tunnel way = assignment_way(&a);
	struct wgctl_peer peer;

	(void)state;
	assert_int_equal(way.own.len, 32);
	assert_memory_equal(way.own.bytes, a.address.bytes, 4);
	assert_memory_equal(way.gateway.bytes, a.gateway.bytes, 4);
	assert_int_equal(way.endpoint.in.sin_port, htons(51820));
	assignment_peer(&peer, &a, &psk);
	assert_int_equal(peer.public_key[0], 7);
	assert_int_equal(peer.psk.b[0], 9);
	assert_true(peer.has_psk && peer.has_endpoint);
	assert_int_equal(peer.keepalive_s, 25);
	assert_int_equal(peer.allowed_count, 1);
	assert_int_equal(peer.allowed[0].len, 32);
}

static void endpoint_may_be_ipv6(void **state)
{
	struct channel_assignment a = good();
	char error[NODE_ERROR_MAX];

	(void)state;
	a.endpoint_ip = (struct channel_prefix){ .family = 6, .bytes = { 0x20, 1 }, .len = 128 };
	assert_true(assignment_check(&a, error));
	assert_int_equal(assignment_way(&a).endpoint.sa.sa_family, AF_INET6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assignments_as_listed),
		cmocka_unit_test(words_of_device_and_firewall),
		cmocka_unit_test(endpoint_may_be_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
