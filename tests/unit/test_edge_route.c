/* route: what a hello asks for, against a store with a few leases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "edge/route.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define BASE "example.net"
#define APP "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define INSTANCE "1111111111111111111111111111111111111111"
#define NOBODY "9999999999999999999999999999999999999999"
#define STALE "5555555555555555555555555555555555555555"

enum {
	NOW = 1000000,
	HOUR = 3600000,
};

#define NO_QUOTE ((struct span){ 0 })

static const struct edge_config config = {
	.base = BASE,
	.registrar = { .un = { .sun_family = AF_UNIX, .sun_path = "/r" }, .len = 5 },
	.status = { .un = { .sun_family = AF_UNIX, .sun_path = "/s" }, .len = 5 },
};

struct row {
	const char *name;
	const char *sni;
	const char *alpn[3];
	bool no_tls13;
	enum route_kind kind;
	int alert; /* REFUSE */
	const char *reason;
	enum certs_alpn contexts; /* TERMINATE */
	uint16_t port;
	size_t targets;
};

#define PASS(port, targets) ROUTE_PASS, 0, "app", 0, port, targets
#define TERM(alpn, port, targets) ROUTE_TERMINATE, 0, "app", alpn, port, targets
#define REFUSED(alert, reason) ROUTE_REFUSE, TLS_ALERT_##alert, reason, 0, 0, 0
/* clang-format off */
static const struct row ROWS[] = {
	{ "alias_http", "hello." BASE, { NULL }, false, TERM(CERTS_HTTP1, 80, 2) },
	{ "app_id", APP "." BASE, { "h2", "http/1.1" }, false, TERM(CERTS_HTTP1, 80, 2) },
	{ "instance_id", INSTANCE "." BASE, { NULL }, false, TERM(CERTS_HTTP1, 80, 1) },
	{ "passthrough", "hello-443s." BASE, { NULL }, true, PASS(443, 2) },
	{ "passthrough_default", "hello-s." BASE, { "ftp" }, false, PASS(443, 2) },
	{ "h2_port", "hello-9000." BASE, { "h2" }, false, TERM(CERTS_H2, 9000, 2) },
	{ "h2_suffix", "hello-80g." BASE, { "h2" }, false, TERM(CERTS_H2, 80, 2) },
	{ "tcp_port", "hello-22." BASE, { "ssh" }, false, TERM(CERTS_NONE, 22, 2) },
	{ "no_lease_no_target", NOBODY "." BASE, { NULL }, false, TERM(CERTS_HTTP1, 80, 0) },
	{ "expired_lease_no_target", STALE "." BASE, { NULL }, false, TERM(CERTS_HTTP1, 80, 0) },
	{ "registrar", "gateway." BASE, { "postern-attest/1" }, true,
	  ROUTE_PASS, 0, "registrar", 0, 0, 1 },
	{ "status", "gateway." BASE, { "http/1.1" }, false,
	  ROUTE_TERMINATE, 0, "status", CERTS_HTTP1, 0, 1 },
	{ "status_tls12_refused", "gateway." BASE, { NULL }, true,
	  REFUSED(PROTOCOL_VERSION, "tls_version") },
	{ "no_name_refused", "", { NULL }, false, REFUSED(UNRECOGNIZED_NAME, "no_name") },
	{ "bad_name_refused", "hello-443sg." BASE, { NULL }, false,
	  REFUSED(UNRECOGNIZED_NAME, "bad_name") },
	{ "other_domain_refused", "www.example.org", { NULL }, false,
	  REFUSED(UNRECOGNIZED_NAME, "other_domain") },
	{ "unknown_alias_refused", "nobody." BASE, { NULL }, false,
	  REFUSED(UNRECOGNIZED_NAME, "unknown_alias") },
	{ "port_not_listed_refused", "hello-23." BASE, { NULL }, false,
	  REFUSED(UNRECOGNIZED_NAME, "port_not_listed") },
	{ "passthrough_port_not_listed_refused", "hello-23s." BASE, { NULL }, false,
	  REFUSED(UNRECOGNIZED_NAME, "port_not_listed") },
	{ "tls_port_terminated_refused", "hello-443." BASE, { NULL }, false,
	  REFUSED(UNRECOGNIZED_NAME, "passthrough_only") },
	{ "unknown_alpn_refused", "hello." BASE, { "ftp" }, false,
	  REFUSED(NO_APPLICATION_PROTOCOL, "alpn") },
	{ "h2_not_offered_refused", "hello-9000." BASE, { "http/1.1" }, false,
	  REFUSED(NO_APPLICATION_PROTOCOL, "alpn") },
	{ "h2_without_alpn_refused", "hello-g." BASE, { NULL }, false,
	  REFUSED(NO_APPLICATION_PROTOCOL, "alpn") },
	{ "browser_at_tcp_refused", "hello-22." BASE, { "h2", "http/1.1" }, false,
	  REFUSED(NO_APPLICATION_PROTOCOL, "alpn") },
	{ "tls12_refused", "hello." BASE, { NULL }, true,
	  REFUSED(PROTOCOL_VERSION, "tls_version") },
};
/* clang-format on */

static void lease(struct store *s, uint8_t instance, uint8_t app, uint8_t host, int64_t expires)
{
	struct store_lease l = {
		.app_name = "hello",
		.node_id = "cvm",
		.granted_unix_ms = instance,
		.expires_unix_ms = expires,
		.ports = { { 80, STORE_HTTP, false },
			   { 443, STORE_TLS, true },
			   { 9000, STORE_H2, false },
			   { 22, STORE_TCP, false } },
		.port_count = 4,
	};

	memset(l.instance_id, instance, sizeof(l.instance_id));
	memset(l.app_id, app, sizeof(l.app_id));
	memset(l.wg_public, instance, sizeof(l.wg_public));
	l.address[10] = l.address[11] = 0xff;
	l.address[12] = 10;
	l.address[15] = host;
	assert_int_equal(store_lease_put(s, &l, NO_QUOTE), RC_OK);
}

static char folder[] = "/tmp/pt-route-XXXXXX";

static int open_store(void **state)
{
	struct store_alias alias = { .label = "hello" };
	struct store *s;
	char error[256];

	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(&s, folder, STORE_WRITE, 1 << 20, error), RC_OK);
	lease(s, 0x11, 0xaa, 1, NOW + HOUR);
	lease(s, 0x22, 0xaa, 2, NOW + HOUR);
	lease(s, 0x55, 0x55, 3, NOW - 1);
	memset(alias.app_id, 0xaa, sizeof(alias.app_id));
	assert_int_equal(store_aliases_set(s, &alias, 1), RC_OK);
	*state = s;
	return 0;
}

static int close_store(void **state)
{
	char path[64];

	store_close(*state);
	snprintf(path, sizeof(path), "%s/data.mdb", folder);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", folder);
	(void)unlink(path);
	(void)rmdir(folder);
	return 0;
}

static void choose(struct route *out, struct store *s, const char *sni, const char *const *alpn,
		   bool no_tls13, unsigned turn)
{
	const struct route_input in = { &config, s, NULL, NOW, turn };
	struct hello h = { .sni = span_str(sni), .offers_tls13 = !no_tls13 };

	for (; alpn && *alpn; alpn++)
		h.alpn[h.alpn_count++] = span_str(*alpn);
	route_choose(out, &h, &in);
}

static void table_of_routes(void **state)
{
	struct route r;
	size_t i;

	for (i = 0; i < COUNT(ROWS); i++) {
		const struct row *w = &ROWS[i];

		choose(&r, *state, w->sni, w->alpn, w->no_tls13, 0);
		if (r.kind != w->kind || strcmp(r.reason, w->reason) != 0)
			fail_msg("%s: kind %d, %s", w->name, (int)r.kind, r.reason);
		if (r.kind == ROUTE_REFUSE) {
			if ((int)r.alert != w->alert)
				fail_msg("%s: alert %d", w->name, (int)r.alert);
			continue;
		}
		if (r.target_count != w->targets || r.port != w->port)
			fail_msg("%s: %zu targets, port %d", w->name, r.target_count, r.port);
		if (r.kind == ROUTE_TERMINATE && r.alpn != w->contexts)
			fail_msg("%s: alpn %d", w->name, (int)r.alpn);
	}
}

static void targets_take_turns_at_their_addresses(void **state)
{
	struct route a, b;

	choose(&a, *state, "hello-443s." BASE, NULL, false, 0);
	choose(&b, *state, "hello-443s." BASE, NULL, false, 1);
	assert_true(a.proxy_protocol);
	assert_int_equal(a.targets[0].address.in.sin_family, AF_INET);
	assert_int_equal(ntohs(a.targets[0].address.in.sin_port), 443);
	assert_true(sock_addr_equal(&a.targets[0].address, &b.targets[1].address));
	assert_true(sock_addr_equal(&a.targets[1].address, &b.targets[0].address));
	assert_false(sock_addr_equal(&a.targets[0].address, &b.targets[0].address));
}

static void services_that_are_not_configured_refused(void **state)
{
	const struct edge_config bare = { .base = BASE };
	const struct route_input in = { &bare, *state, NULL, NOW, 0 };
	struct hello h = { .sni = span_str("gateway." BASE), .offers_tls13 = true };
	struct route r;

	route_choose(&r, &h, &in);
	assert_int_equal(r.kind, ROUTE_REFUSE);
	h.alpn[h.alpn_count++] = span_str("postern-attest/1");
	route_choose(&r, &h, &in);
	assert_int_equal(r.kind, ROUTE_REFUSE);
}

static void refresh_finds_what_lives_now(void **state)
{
	const struct route_input later = { &config, *state, NULL, NOW + HOUR, 0 };
	const struct route_input now = { &config, *state, NULL, NOW, 1 };
	struct route r;

	choose(&r, *state, "hello." BASE, NULL, false, 0);
	route_refresh(&r, &now);
	assert_int_equal(r.target_count, 2);
	assert_int_equal(r.targets[0].instance_id[0], 0x22);
	/* Something else was agreed with the client than the port speaks. */
	r.alpn = CERTS_NONE;
	route_refresh(&r, &now);
	assert_int_equal(r.target_count, 0);
	r.alpn = CERTS_HTTP1;
	route_refresh(&r, &now);
	assert_int_equal(r.target_count, 2);
	route_refresh(&r, &later);
	assert_int_equal(r.target_count, 0);
	/* A service of the gateway has no lease. */
	choose(&r, *state, "gateway." BASE, NULL, false, 0);
	route_refresh(&r, &later);
	assert_int_equal(r.target_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_routes),
		cmocka_unit_test(targets_take_turns_at_their_addresses),
		cmocka_unit_test(services_that_are_not_configured_refused),
		cmocka_unit_test(refresh_finds_what_lives_now),
	};

	return cmocka_run_group_tests(tests, open_store, close_store);
}
