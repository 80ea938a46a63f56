/*
 * The rules as text, and in the kernel of a namespace of their own (as root;
 * what passes and what does not is the end-to-end tests' matter).
 */
#include "unit.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/firewall.h"
#include "base/buf.h"
#include "io/file.h"

static const struct manifest two_ports = {
	.port_count = 2,
	.ports = { { .port = 80 }, { .port = 443 } },
};
static const struct manifest none = { .port_count = 0 };
static const struct manifest outward = {
	.port_count = 1,
	.ports = { { .port = 80 } },
	.allows_egress = true,
};

static const struct manifest with_ingress = {
	.port_count = 1,
	.ports = { { .port = 443 } },
	.ingress.domain_count = 1,
};

static struct firewall_options options(const struct manifest *m, const char *gateway)
{
	struct firewall_options o = { .interface = "wg0", .listen_port = 51821, .manifest = m };

	assert_true(sock_addr_parse(&o.gateway, span_str(gateway)));
	return o;
}

static struct firewall_tunnel tunnel(void)
{
	struct firewall_tunnel t = { 0 };

	assert_true(io_prefix_parse(&t.own, span_str("10.88.0.2/32")));
	assert_true(io_prefix_parse(&t.gateway, span_str("10.88.0.1/32")));
	assert_true(sock_addr_parse(&t.endpoint, span_str("198.51.100.1:51820")));
	return t;
}

static const char *text_of(const struct manifest *m, const struct firewall_tunnel *t)
{
	static char text[FIREWALL_TEXT_MAX];
	struct firewall_options o = options(m, "198.51.100.1:443");
	struct wr w = wr_over(text, sizeof(text) - 1);
	struct span all;

	memset(text, 0, sizeof(text));
	firewall_write(&w, &o, t);
	assert_true(wr_done(&w, &all));
	return text;
}

struct text_case {
	const char *name;
	const struct manifest *manifest;
	bool has_tunnel;
	const char *line;
	bool want;
};
#define PORTS "tcp dport { 80, 443 } accept\n"
static const struct text_case texts[] = {
	{ "input_drops_by_default", &none, false, "hook input priority -10; policy drop;", true },
	{ "forward_drops_by_default", &none, false, "hook forward priority -10; policy drop;",
	  true },
	{ "output_drops_by_default", &none, false, "hook output priority -10; policy drop;", true },
	{ "ingress_lets_postern_cert_out", &with_ingress, false,
	  "output oifname != \"wg0\" meta skgid 64443 meta l4proto { tcp, udp } accept\n", true },
	{ "no_ingress_lets_nobody_out", &outward, true, "skgid", false },
	{ "ingress_is_no_egress", &with_ingress, true, "iifname \"br-*\" oifname !=", false },
	{ "reverse_path_is_strict", &none, false, "fib saddr . iif oif missing", true },
	{ "ports_with_tunnel", &two_ports, true, "ip saddr 10.88.0.1/32 " PORTS, true },
	{ "no_ports_without_tunnel", &two_ports, false, "tcp dport {", false },
	{ "no_wireguard_without_tunnel", &two_ports, false, "udp dport", false },
	{ "interface_shut_without_tunnel", &two_ports, false,
	  "early iifname \"wg0\" counter name \"dropped_spoofed\" drop", true },
	{ "no_ports_listed_none_open", &none, true, "tcp dport {", false },
	{ "docker_only_by_its_own_nat", &two_ports, true,
	  "ct status dnat meta l4proto tcp ct original proto-dst { 80, 443 } accept", true },
	{ "tunnel_address_only_by_tunnel", &none, true,
	  "early iifname != \"wg0\" ip daddr 10.88.0.2/32 counter", true },
	{ "only_the_gateway_by_tunnel", &none, true,
	  "early iifname \"wg0\" ip saddr != 10.88.0.1/32 counter", true },
	{ "wireguard_from_endpoint_only", &none, true,
	  "input ip saddr 198.51.100.1/32 udp dport 51821 accept", true },
	{ "gateway_by_tcp", &none, false, "output ip daddr 198.51.100.1/32 tcp dport 443 accept",
	  true },
	{ "no_dns_by_default", &two_ports, true, "dport 53", false },
	{ "no_egress_by_default", &two_ports, true, "oifname != \"wg0\"", false },
	{ "egress_when_measured", &outward, true,
	  "forward iifname \"br-*\" oifname != \"wg0\" accept", true },
	{ "dns_with_egress", &outward, true, "dport 53 accept", true },
};

static void rules_as_listed(void **state)
{
	struct firewall_tunnel t = tunnel();

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct text_case *c = &texts[i];
		const char *text = text_of(c->manifest, c->has_tunnel ? &t : NULL);

		if ((strstr(text, c->line) != NULL) != c->want)
			fail_msg("%s:\n%s", c->name, text);
	}
}

static void largest_manifest_fits(void **state)
{
	struct manifest m = { .port_count = MANIFEST_PORTS_MAX, .allows_egress = true };
	struct firewall_tunnel t = tunnel();

	(void)state;
	for (size_t i = 0; i < MANIFEST_PORTS_MAX; i++)
		m.ports[i].port = (uint16_t)(65535 - i);
	assert_non_null(strstr(text_of(&m, &t), "65504 }"));
}

static void nothing_is_known_nothing_is_open(void **state)
{
	static char text[FIREWALL_TEXT_MAX];
	const struct firewall_options o = { .interface = "wg0", .listen_port = 51821 };
	struct wr w = wr_over(text, sizeof(text) - 1);

	(void)state;
	firewall_write(&w, &o, NULL);
	assert_null(strstr(text, "dport"));
	assert_null(strstr(text, "daddr"));
	assert_null(strstr(text, "oifname !="));
}

static void neighbours_are_found_for_either_endpoint(void **state)
{
	static char text[FIREWALL_TEXT_MAX];
	struct firewall_options o = options(&none, "198.51.100.1:443");
	struct firewall_tunnel t = tunnel();
	struct wr w = wr_over(text, sizeof(text) - 1);

	(void)state;
	assert_null(strstr(text_of(&none, &t), "nd-neighbor-solicit"));
	assert_true(sock_addr_parse(&t.endpoint, span_str("[2001:db8::1]:51820")));
	firewall_write(&w, &o, &t);
	assert_non_null(strstr(text, "input icmpv6 type { nd-neighbor-solicit"));
	assert_non_null(strstr(text, "output icmpv6 type { nd-neighbor-solicit"));
}

static void only_the_source_of_collateral_is_opened_beside_the_gateway(void **state)
{
	static char text[FIREWALL_TEXT_MAX];
	struct firewall_options o = options(&none, "198.51.100.1:443");
	struct wr w = wr_over(text, sizeof(text) - 1);

	(void)state;
	assert_null(strstr(text_of(&none, NULL), "8081"));
	assert_true(sock_addr_parse(&o.collateral, span_str("192.0.2.7:8081")));
	firewall_write(&w, &o, NULL);
	assert_non_null(strstr(text, "output ip daddr 192.0.2.7/32 tcp dport 8081 accept"));
	assert_null(strstr(text, "dport 53"));
	/* Neighbours are looked for where it is IPv6's. */
	assert_true(sock_addr_parse(&o.collateral, span_str("[2001:db8::7]:8081")));
	memset(text, 0, sizeof(text));
	w = wr_over(text, sizeof(text) - 1);
	firewall_write(&w, &o, NULL);
	assert_non_null(strstr(text, "output ip6 daddr 2001:db8::7/128 tcp dport 8081 accept"));
	assert_non_null(strstr(text, "output icmpv6 type { nd-neighbor-solicit"));
}

static void the_key_services_nodes_are_opened(void **state)
{
	static char text[FIREWALL_TEXT_MAX];
	struct firewall_options o = options(&none, "198.51.100.1:443");
	struct wr w = wr_over(text, sizeof(text) - 1);
	struct sock_addr kms[2];

	(void)state;
	assert_true(sock_addr_parse(&kms[0], span_str("192.0.2.2:8446")));
	assert_true(sock_addr_parse(&kms[1], span_str("[2001:db8::2]:8446")));
	o.kms = kms;
	o.kms_count = 2;
	firewall_write(&w, &o, NULL);
	assert_non_null(strstr(text, "output ip daddr 192.0.2.2/32 tcp dport 8446 accept"));
	assert_non_null(strstr(text, "output ip6 daddr 2001:db8::2/128 tcp dport 8446 accept"));
	assert_non_null(strstr(text, "output icmpv6 type { nd-neighbor-solicit"));
	assert_null(strstr(text, "input ip daddr 192.0.2.2"));
}

/* How many connections the namespace knows of; -1: the kernel does not say. */
static int connections(void)
{
	struct buf text;
	int count = -1;

	buf_init(&text, 64);
	if (file_read(&text, "/proc/sys/net/netfilter/nf_conntrack_count") == RC_OK &&
	    buf_add(&text, SPAN_ARRAY("")))
		count = atoi((const char *)buf_span(&text).p);
	buf_fini(&text);
	return count;
}

static void talk_over_loopback(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	assert_int_equal(sendto(fd, "", 1, 0, (struct sockaddr *)&at, sizeof(at)), 1);
	close(fd);
}

static void earlier_connections_are_forgotten(void **state)
{
	/* anything that makes the kernel keep track */
	static const char track[] =
		"add table inet other\n"
		"add chain inet other c { type filter hook input priority 0; }\n"
		"add rule inet other c ct state new accept\n";
	struct firewall_options o = options(NULL, "198.51.100.1:443");
	char error[NODE_ERROR_MAX] = "";
	struct nft_ctx *nft;
	struct firewall *f;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	assert_int_equal(nft_run_cmd_from_buffer(nft, track), 0);
	nft_ctx_free(nft);
	talk_over_loopback();
	assert_true(connections() >= 1);
	if (firewall_open(&f, &o, error))
		fail_msg("%s", error);
	assert_int_equal(connections(), 0);
	firewall_free(f);
}

static void kernel_takes_the_rules(void **state)
{
	static const char *const gateways[] = { "198.51.100.1:443", "[2001:db8::1]:443" };
	struct firewall_tunnel t = tunnel();
	char error[NODE_ERROR_MAX] = "";

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	for (size_t i = 0; i < 2; i++) {
		struct firewall_options o = options(&outward, gateways[i]);
		struct firewall_drops drops = { .input = 1 };
		struct firewall *f;

		o.collateral = o.gateway;
		if (firewall_open(&f, &o, error))
			fail_msg("%s", error);
		assert_int_equal(firewall_set_tunnel(f, &t, error), RC_OK);
		assert_int_equal(firewall_set_manifest(f, &two_ports, error), RC_OK);
		assert_int_equal(firewall_set_tunnel(f, &t, error), RC_OK);
		assert_int_equal(firewall_set_tunnel(f, NULL, error), RC_OK);
		assert_true(firewall_drops(f, &drops));
		assert_int_equal(drops.input, 0);
		firewall_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_as_listed),
		cmocka_unit_test(largest_manifest_fits),
		cmocka_unit_test(nothing_is_known_nothing_is_open),
		cmocka_unit_test(neighbours_are_found_for_either_endpoint),
		cmocka_unit_test(only_the_source_of_collateral_is_opened_beside_the_gateway),
		cmocka_unit_test(the_key_services_nodes_are_opened),
		cmocka_unit_test(kernel_takes_the_rules),
		cmocka_unit_test(earlier_connections_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
