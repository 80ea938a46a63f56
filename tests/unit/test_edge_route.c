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

#include "base/mem.h"
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
	.default_name = "hello-443s." BASE,
	.dns = { .servers = { .count = 1 } },
	.tunnel = { .own = { 10, 0, 0, 77 }, .bits = 24 },
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
	{ "no_name_is_the_default", "", { NULL }, true, PASS(443, 2) },
	{ "ipv4_is_the_default", "192.0.2.7", { NULL }, true, PASS(443, 2) },
	{ "ipv6_is_the_default", "2001:db8::7", { NULL }, true, PASS(443, 2) },
	{ "port_after_address_refused", "192.0.2.7:443", { NULL }, true,
	  REFUSED(UNRECOGNIZED_NAME, "bad_name") },
	{ "colon_in_name_refused", "hello:443." BASE, { NULL }, true,
	  REFUSED(UNRECOGNIZED_NAME, "bad_name") },
	{ "half_an_address_refused", "192.0.2", { NULL }, true,
	  REFUSED(UNRECOGNIZED_NAME, "bad_name") },
	{ "acme_through_own_name_refused", "hello-443s." BASE, { "acme-tls/1" }, false,
	  REFUSED(NO_APPLICATION_PROTOCOL, "acme") },
	{ "acme_among_others_refused", "hello-s." BASE, { "h2", "acme-tls/1" }, false,
	  REFUSED(NO_APPLICATION_PROTOCOL, "acme") },
	{ "acme_terminated_refused", "hello." BASE, { "acme-tls/1" }, false,
	  REFUSED(NO_APPLICATION_PROTOCOL, "alpn") },
	{ "base_itself_refused", BASE, { NULL }, false,
	  REFUSED(UNRECOGNIZED_NAME, "other_domain") },
	{ "other_domain_looked_up", "www.example.org", { NULL }, false,
	  ROUTE_LOOK_UP, 0, NULL, 0, 0, 0 },
	{ "address_of_the_gateway_refused", "self-80s." BASE, { NULL }, false, PASS(80, 0) },
	{ "address_outside_the_tunnel_refused", "outside-80s." BASE, { NULL }, false, PASS(80, 0) },
	{ "broadcast_address_refused", "broadcast-80s." BASE, { NULL }, false, PASS(80, 0) },
	{ "network_address_refused", "network-80s." BASE, { NULL }, false, PASS(80, 0) },

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
	{ "bad_name_refused", "hello-443sg." BASE, { NULL }, false,
	  REFUSED(UNRECOGNIZED_NAME, "bad_name") },
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

static struct {
	struct store *store;
	struct balance balance;
} world;

static void lease(struct store *s, uint8_t instance, uint8_t app, uint8_t host, int64_t expires)
{
	struct store_lease l = {
		.app_name = "hello",
		.node_id = "cvm",
		.granted_unix_ms = instance,
		.expires_unix_ms = expires,
		.ports = { { .port = 80, .protocol = STORE_HTTP },
			   { .port = 443, .protocol = STORE_TLS, .proxy_protocol = 1 },
			   { .port = 9000, .protocol = STORE_H2 },
			   { .port = 22, .protocol = STORE_TCP } },
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

/* An app of its own at any address. */
static void stray(struct store *s, struct store_alias *alias, const char *label, uint8_t app,
		  uint8_t net, uint8_t host)
{
	struct store_lease l = {
		.app_name = "stray",
		.expires_unix_ms = NOW + HOUR,
		.ports = { { .port = 80, .protocol = STORE_HTTP } },
		.port_count = 1,
	};

	memset(l.instance_id, app, sizeof(l.instance_id));
	l.instance_id[0] = 1;
	memset(l.app_id, app, sizeof(l.app_id));
	memset(l.wg_public, app, sizeof(l.wg_public));
	l.address[10] = l.address[11] = 0xff;
	l.address[12] = 10;
	l.address[14] = net;
	l.address[15] = host;
	assert_int_equal(store_lease_put(s, &l, NO_QUOTE), RC_OK);
	strcpy(alias->label, label);
	memcpy(alias->app_id, l.app_id, STORE_ID_LEN);
}

static char folder[] = "/tmp/pt-route-XXXXXX";

static int open_store(void **state)
{
	static struct store_alias aliases[5] = { { .label = "hello" } };
	struct store_app app = { .lists_domains = true, .domain_count = 2 };
	struct store *s;
	char error[256];

	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(&s, folder, STORE_WRITE, 1 << 20, error), RC_OK);
	lease(s, 0x11, 0xaa, 1, NOW + HOUR);
	lease(s, 0x22, 0xaa, 2, NOW + HOUR);
	lease(s, 0x55, 0x55, 3, NOW - 1);
	memset(aliases[0].app_id, 0xaa, STORE_ID_LEN);
	stray(s, &aliases[1], "self", 0xb1, 0, 77);
	stray(s, &aliases[2], "outside", 0xb2, 1, 9);
	stray(s, &aliases[3], "broadcast", 0xb3, 0, 255);
	stray(s, &aliases[4], "network", 0xb4, 0, 0);
	assert_int_equal(store_aliases_set(s, aliases, 5), RC_OK);
	strcpy(app.domains[0], "www.example.org");
	strcpy(app.domains[1], "*.shop.example.org");
	assert_int_equal(store_app_put(s, aliases[0].app_id, &app), RC_OK);
	assert_int_equal(store_app_put(s, aliases[3].app_id, &(struct store_app){ 0 }), RC_OK);
	balance_init(&world.balance, 7);
	world.store = s;
	*state = s;
	return 0;
}

static int close_store(void **state)
{
	char path[64];

	balance_fini(&world.balance);
	store_close(*state);
	snprintf(path, sizeof(path), "%s/data.mdb", folder);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", folder);
	(void)unlink(path);
	(void)rmdir(folder);
	return 0;
}

static struct route_input input(const struct edge_config *c, struct store *s, int64_t now,
				unsigned turn)
{
	return (struct route_input){ .config = c,
				     .store = s,
				     .now_unix_ms = now,
				     .now_ms = NOW,
				     .turn = turn,
				     .balance = &world.balance };
}

static void choose(struct route *out, struct store *s, const char *sni, const char *const *alpn,
		   bool no_tls13, unsigned turn)
{
	const struct route_input in = input(&config, s, NOW, turn);
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
		if (r.kind != w->kind || (w->reason && strcmp(r.reason, w->reason) != 0))
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

/* Without TLS 1.3 where the name's terms admit it, and under no other. */
static void tls12_where_the_name_admits_it(void **state)
{
	static const char *const names[] = { "hello." BASE, "hello-80." BASE };
	struct edge_name admitted = { .name = names[0], .tls12 = true };
	struct edge_config with = config;
	struct files files = { 0 };
	char error[EDGE_ERROR_MAX];
	struct terms terms;
	struct route r;

	with.names = (struct conf_list){ .items = &admitted, .count = 1 };
	assert_int_equal(terms_load(&terms, &files, &with, "edge.yaml", error), RC_OK);
	for (size_t i = 0; i < 4; i++) {
		struct route_input in = input(&config, *state, NOW, 0);
		const struct hello h = { .sni = span_str(names[i / 2]), .offers_tls13 = i % 2 };

		in.terms = &terms;
		route_choose(&r, &h, &in);
		assert_int_equal(r.kind == ROUTE_TERMINATE, i != 2);
		if (i == 2)
			assert_int_equal(r.alert, TLS_ALERT_PROTOCOL_VERSION);
	}
	terms_fini(&terms);
}

/* A custom name that ends here needs a certificate of its own. */
static void backend_of_a_custom_name(void **state)
{
	static const char *with[] = { "www.own.test", "*.own.test" };
	static const char *without[] = { "bare.test" };
	struct edge_backend at[] = {
		{ .names = { .items = with, .count = 2 },
		  .to = { .un = { .sun_family = AF_UNIX, .sun_path = "/b" }, .len = 5 },
		  .proxy = 2,
		  .forwarded = true },
		{ .names = { .items = without, .count = 1 } },
	};
	static const struct {
		const char *sni;
		enum route_kind kind;
		const char *reason;
	} rows[] = {
		{ "www.own.test", ROUTE_TERMINATE, "backend" },
		{ "WWW.own.test.", ROUTE_TERMINATE, "backend" },
		{ "x.own.test", ROUTE_TERMINATE, "backend" },
		{ "x.y.own.test", ROUTE_LOOK_UP, NULL },
		{ "bare.test", ROUTE_REFUSE, "no_certificate" },
		{ "hello." BASE, ROUTE_TERMINATE, "app" },
	};
	struct edge_config with_backends = config;
	const struct names_entry *first, *again;
	char error[EDGE_ERROR_MAX];
	struct certs certs = { 0 };
	struct backends backends;
	struct route r;

	with_backends.backends = (struct conf_list){ .items = at, .count = 2 };
	assert_int_equal(backends_load(&backends, &with_backends, "edge.yaml", error), RC_OK);
	assert_true(names_add(&certs.names, span_str("*.own.test"), 1));
	assert_true(names_sort(&certs.names, &first, &again));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct route_input in = input(&config, *state, NOW, 0);
		const struct hello h = { .sni = span_str(rows[i].sni), .offers_tls13 = true };

		in.certs = &certs;
		in.backends = &backends;
		route_choose(&r, &h, &in);
		if (r.kind != rows[i].kind ||
		    (rows[i].reason && strcmp(r.reason, rows[i].reason) != 0))
			fail_msg("%s: %s", rows[i].sni, r.reason);
		if (i < 3)
			assert_true(r.proxy_protocol == 2 && r.is_forwarding &&
				    r.target_count == 1 && r.targets[0].address.len == 5);
		/* What was found stands. */
		route_refresh(&r, &in);
		assert_int_equal(r.target_count, i < 3 ? 1 : r.target_count);
		/* Without a store there is no app, and all else is the same. */
		in.store = NULL;
		route_choose(&r, &h, &in);
		assert_int_equal(r.kind, i == 5 ? ROUTE_REFUSE : rows[i].kind);
	}
	names_fini(&certs.names);
	backends_fini(&backends);
}

/* A CA gets the proof that is there, for whomever; all else is as without. */
static void proof_is_for_acme_alone(void **state)
{
	static const struct {
		const char *sni, *alpn[2];
		bool no_tls13;
		bool is_proof;
		enum route_kind kind;
	} rows[] = {
		{ "hello." BASE, { "acme-tls/1" }, false, true, ROUTE_TERMINATE },
		{ "HELLO." BASE, { "acme-tls/1" }, false, true, ROUTE_TERMINATE },
		{ "hello-443s." BASE, { "acme-tls/1" }, false, true, ROUTE_TERMINATE },
		{ "gateway." BASE, { "acme-tls/1" }, false, true, ROUTE_TERMINATE },
		{ "www.else.where", { "acme-tls/1" }, false, true, ROUTE_TERMINATE },
		{ "hello." BASE, { "acme-tls/1" }, true, true, ROUTE_REFUSE },
		{ "hello." BASE, { "acme-tls/1", "http/1.1" }, false, false, ROUTE_TERMINATE },
		{ "hello-443s." BASE, { "acme-tls/1", "h2" }, false, false, ROUTE_REFUSE },
		{ "hello." BASE, { "http/1.1" }, false, false, ROUTE_TERMINATE },
		{ "hello." BASE, { NULL }, false, false, ROUTE_TERMINATE },
		{ "hello-8080." BASE, { "acme-tls/1" }, false, false, ROUTE_REFUSE },
		{ "", { "acme-tls/1" }, false, false, ROUTE_REFUSE },
		{ "other.else.where", { "acme-tls/1" }, false, false, ROUTE_LOOK_UP },
	};
	static const char *const names[] = { "hello." BASE, "hello-443s." BASE, "gateway." BASE,
					     "www.else.where" };
	struct certs_proof contexts[COUNT(names)];
	const struct names_entry *first, *again;
	struct certs certs = { .proofs = contexts };
	struct route r;

	/* Only whether there is one counts here. */
	for (size_t i = 0; i < COUNT(names); i++) {
		contexts[i].context = (struct tls_context *)&certs;
		assert_true(names_add(&certs.proof_names, span_str(names[i]), i));
	}
	assert_true(names_sort(&certs.proof_names, &first, &again));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct route_input in = input(&config, *state, NOW, 0);
		struct hello h = { .sni = span_str(rows[i].sni) };

		h.offers_tls13 = !rows[i].no_tls13;
		for (size_t k = 0; k < 2 && rows[i].alpn[k]; k++)
			h.alpn[h.alpn_count++] = span_str(rows[i].alpn[k]);
		in.certs = &certs;
		route_choose(&r, &h, &in);
		if (r.kind != rows[i].kind || r.is_proof != rows[i].is_proof)
			fail_msg("row %zu: %d", i, (int)r.kind);
	}
	names_fini(&certs.proof_names);
}

/* Who speaks HTTP/1.1 alone, at a port of HTTP/2: evidence, where there is any. */
static void h2_alone_lets_others_in_for_evidence(void **state)
{
	static const struct {
		const char *sni, *alpn[2];
		bool has_public;
		enum route_kind kind;
		bool is_own_only;
	} rows[] = {
		{ "hello-9000." BASE, { "http/1.1" }, true, ROUTE_TERMINATE, true },
		{ "hello-9000." BASE, { NULL }, true, ROUTE_TERMINATE, true },
		{ "hello-80g." BASE, { "http/1.1" }, true, ROUTE_TERMINATE, true },
		{ "hello-9000." BASE, { "h2", "http/1.1" }, true, ROUTE_TERMINATE, false },
		{ "hello-9000." BASE, { "http/1.0" }, true, ROUTE_REFUSE, false },
		{ "hello-9000." BASE, { "http/1.1" }, false, ROUTE_REFUSE, false },
		{ APP "-9000." BASE, { "http/1.1" }, true, ROUTE_REFUSE, false },
		{ "hello." BASE, { "http/1.1" }, true, ROUTE_TERMINATE, false },
	};
	const struct names_entry *first, *again;
	struct edge_config with = config;
	struct certs certs = { 0 };
	struct route r;

	with.cert.public.len = 5;
	assert_true(names_add(&certs.issued, span_str("hello-9000." BASE), 0));
	assert_true(names_add(&certs.issued, span_str("hello-80g." BASE), 0));
	assert_true(names_sort(&certs.issued, &first, &again));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct route_input in =
			input(rows[i].has_public ? &with : &config, *state, NOW, 0);
		struct hello h = { .sni = span_str(rows[i].sni), .offers_tls13 = true };

		for (size_t k = 0; k < 2 && rows[i].alpn[k]; k++)
			h.alpn[h.alpn_count++] = span_str(rows[i].alpn[k]);
		in.certs = &certs;
		route_choose(&r, &h, &in);
		if (r.kind != rows[i].kind || r.is_own_only != rows[i].is_own_only)
			fail_msg("row %zu: %d, %d", i, (int)r.kind, r.is_own_only);
		/* No target, now or later: the app is not spoken to. */
		if (!r.is_own_only)
			continue;
		assert_int_equal(r.alpn, CERTS_HTTP1);
		assert_int_equal(r.target_count, 0);
		route_refresh(&r, &in);
		assert_int_equal(r.target_count, 0);
	}
	names_fini(&certs.issued);
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

static void without_a_default_no_name_is_refused(void **state)
{
	const struct edge_config bare = { .base = BASE };
	const struct route_input in = input(&bare, *state, NOW, 0);
	static const char *const names[] = { "", "192.0.2.7", "::1" };
	struct route r;

	for (size_t i = 0; i < COUNT(names); i++) {
		struct hello h = { .sni = span_str(names[i]), .offers_tls13 = true };

		route_choose(&r, &h, &in);
		assert_int_equal(r.kind, ROUTE_REFUSE);
		assert_string_equal(r.reason, "no_name");
	}
}

/* Names of others, by what the DNS says and what the app lists. */
static const struct {
	const char *name, *sni, *id, *reason; /* reason "app": passed through */
	uint16_t port;
	enum domain_status status;
} DOMAINS[] = {
	{ "listed", "www.example.org", "hello", "app", 443, DOMAIN_FOUND },
	{ "listed_in_capitals", "WWW.Example.org.", "hello", "app", 443, DOMAIN_FOUND },
	{ "by_app_id", "www.example.org", APP, "app", 443, DOMAIN_FOUND },
	{ "by_instance_id", "www.example.org", INSTANCE, "app", 443, DOMAIN_FOUND },
	{ "under_wildcard", "a.shop.example.org", "hello", "app", 443, DOMAIN_FOUND },
	{ "wildcard_itself_refused", "shop.example.org", "hello", "domain_not_listed", 443,
	  DOMAIN_FOUND },
	{ "two_labels_under_wildcard_refused", "a.b.shop.example.org", "hello",
	  "domain_not_listed", 443, DOMAIN_FOUND },
	{ "not_listed_refused", "evil.example.org", "hello", "domain_not_listed", 443,
	  DOMAIN_FOUND },
	{ "not_listed_by_instance_refused", "evil.example.org", INSTANCE, "domain_not_listed", 443,
	  DOMAIN_FOUND },
	{ "app_without_list", "any.example.org", "broadcast", "app", 80, DOMAIN_FOUND },
	{ "app_nothing_is_known_of_refused", "www.example.org", "outside", "domain_not_listed", 80,
	  DOMAIN_FOUND },
	{ "nobody_refused", "www.example.org", NOBODY, "domain_not_listed", 443, DOMAIN_FOUND },
	{ "unknown_alias_refused", "www.example.org", "nobody", "unknown_alias", 443,
	  DOMAIN_FOUND },
	{ "port_not_listed_refused", "www.example.org", "hello", "port_not_listed", 22 + 1,
	  DOMAIN_FOUND },
	{ "none_refused", "www.example.org", "", "domain_unknown", 0, DOMAIN_NONE },
	{ "ambiguous_refused", "www.example.org", "", "domain_ambiguous", 0, DOMAIN_AMBIGUOUS },
	{ "malformed_refused", "www.example.org", "", "domain_malformed", 0, DOMAIN_MALFORMED },
	{ "forged_refused", "www.example.org", "", "dns_not_secure", 0, DOMAIN_NOT_SECURE },
	{ "failed_refused", "www.example.org", "", "dns_failed", 0, DOMAIN_FAILED },
	{ "timeout_refused", "www.example.org", "", "dns_timeout", 0, DOMAIN_TIMEOUT },
	{ "busy_refused", "www.example.org", "", "dns_busy", 0, DOMAIN_BUSY },
	{ "limited_refused", "www.example.org", "", "dns_limited", 0, DOMAIN_LIMITED },
	{ "name_of_the_base_not_asked", "hello-443s." BASE, "outside", "app", 80, DOMAIN_FOUND },
	{ "base_itself_refused", BASE, "hello", "other_domain", 443, DOMAIN_FOUND },
};

static void table_of_domains(void **state)
{
	for (size_t i = 0; i < COUNT(DOMAINS); i++) {
		struct domain_answer answer = {
			.status = DOMAINS[i].status,
			.target = { .port = DOMAINS[i].port,
				    .id_is_hex = strlen(DOMAINS[i].id) == 40 },
		};
		struct route_input in = input(&config, *state, NOW, 0);
		struct hello h = { .sni = span_str(DOMAINS[i].sni) };
		bool passes = strcmp(DOMAINS[i].reason, "app") == 0;
		struct route r;

		strcpy(answer.target.id, DOMAINS[i].id);
		in.domain = &answer;
		h.alpn[h.alpn_count++] = span_str("h2");
		route_choose(&r, &h, &in);
		if (strcmp(r.reason, DOMAINS[i].reason) != 0 ||
		    (r.kind == ROUTE_PASS) != passes || r.kind == ROUTE_TERMINATE)
			fail_msg("%s: kind %d, %s", DOMAINS[i].name, (int)r.kind, r.reason);
		if (strcmp(DOMAINS[i].id, "outside") == 0 && passes)
			assert_int_equal(r.port, 443);
	}
}

/* Its owner may get a certificate by it. */
static void acme_passes_through_to_a_domain(void **state)
{
	struct domain_answer answer = { DOMAIN_FOUND, { .port = 443, .id = "hello" } };
	struct route_input in = input(&config, *state, NOW, 0);
	struct hello h = { .sni = span_str("www.example.org"), .alpn_count = 1 };
	struct route r;

	in.domain = &answer;
	h.alpn[0] = span_str("acme-tls/1");
	route_choose(&r, &h, &in);
	assert_int_equal(r.kind, ROUTE_PASS);
	assert_int_equal(r.target_count, 2);
	assert_true(r.proxy_protocol);
}

static void loaded_failing_and_drained_come_last(void **state)
{
	struct route_input in = input(&config, *state, NOW, 0);
	struct hello h = { .sni = span_str("hello-443s." BASE) };
	struct health_key down = { .port = 443 };
	uint8_t first[STORE_ID_LEN], second[STORE_ID_LEN];
	struct health_board *board = mem_new(sizeof(*board));
	struct health_reader reader;
	struct route r;

	memset(first, 0x11, sizeof(first));
	memset(second, 0x22, sizeof(second));
	balance_begin(&world.balance, first);
	route_choose(&r, &h, &in);
	assert_memory_equal(r.targets[0].instance_id, second, STORE_ID_LEN);
	health_reader_init(&reader, board);
	memcpy(down.instance_id, second, STORE_ID_LEN);
	health_publish(board, &down, 1);
	in.health = health_read(&reader);
	route_choose(&r, &h, &in);
	assert_memory_equal(r.targets[0].instance_id, first, STORE_ID_LEN);
	assert_int_equal(r.target_count, 2);
	/* Another port of it is not down. */
	h.sni = span_str("hello-22s." BASE);
	route_choose(&r, &h, &in);
	assert_memory_equal(r.targets[0].instance_id, second, STORE_ID_LEN);
	balance_end(&world.balance, first);
	assert_int_equal(store_drain(*state, first, true), RC_OK);
	h.sni = span_str("hello-443s." BASE);
	route_choose(&r, &h, &in);
	assert_int_equal(r.target_count, 1);
	assert_memory_equal(r.targets[0].instance_id, second, STORE_ID_LEN);
	assert_int_equal(store_drain(*state, second, true), RC_OK);
	route_choose(&r, &h, &in);
	assert_int_equal(r.kind, ROUTE_PASS);
	assert_int_equal(r.target_count, 0);
	assert_int_equal(store_drain(*state, first, false), RC_OK);
	assert_int_equal(store_drain(*state, second, false), RC_OK);
	health_reader_fini(&reader);
	free(board);
}

static void services_that_are_not_configured_refused(void **state)
{
	const struct edge_config bare = { .base = BASE };
	const struct route_input in = input(&bare, *state, NOW, 0);
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
	const struct route_input later = input(&config, *state, NOW + HOUR, 0);
	const struct route_input now = input(&config, *state, NOW, 1);
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
		cmocka_unit_test(tls12_where_the_name_admits_it),
		cmocka_unit_test(backend_of_a_custom_name),
		cmocka_unit_test(proof_is_for_acme_alone),
		cmocka_unit_test(h2_alone_lets_others_in_for_evidence),
		cmocka_unit_test(targets_take_turns_at_their_addresses),
		cmocka_unit_test(without_a_default_no_name_is_refused),
		cmocka_unit_test(table_of_domains),
		cmocka_unit_test(acme_passes_through_to_a_domain),
		cmocka_unit_test(loaded_failing_and_drained_come_last),
		cmocka_unit_test(services_that_are_not_configured_refused),
		cmocka_unit_test(refresh_finds_what_lives_now),
	};

	return cmocka_run_group_tests(tests, open_store, close_store);
}
