/* config: edge.yaml, its defaults and its mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/config.h"

static enum rc read_text(struct edge_config *out, struct arena *arena, const char *text,
			 char error[CONF_ERROR_MAX])
{
	char path[] = "/tmp/pt-edgeconf-XXXXXX";
	int fd = mkstemp(path);
	enum rc rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	arena_init(arena, CONF_FILE_MAX);
	rc = edge_config_read(out, arena, path, error);
	unlink(path);
	return rc;
}

static void defaults_and_values(void **state)
{
	char error[CONF_ERROR_MAX];
	struct edge_config c;
	const struct edge_listen *l;
	struct arena arena;

	(void)state;
	assert_int_equal(read_text(&c, &arena,
				   "base: example.net\n"
				   "listen: [ \"192.0.2.1:443\", \"inherit:3\", \"[::1]:443\" ]\n"
				   "timeouts: { idle: 7s }\n"
				   "limits: { buffer: 16384 }\n",
				   error),
			 RC_OK);
	l = c.listen.items;
	assert_int_equal(c.listen.count, 3);
	assert_false(l[0].is_inherited);
	assert_true(l[1].is_inherited && l[1].index == 3);
	assert_int_equal(l[2].address.sa.sa_family, AF_INET6);
	assert_string_equal(c.store, "/var/lib/postern/store");
	assert_int_equal(c.timeouts.idle, 7000);
	assert_int_equal(c.timeouts.hello, 10000);
	assert_int_equal(c.timeouts.request, 30000);
	assert_int_equal(c.limits.connections, 8192);
	assert_int_equal(c.limits.per_source, 512);
	assert_int_equal(c.limits.per_app, 6144);
	assert_int_equal(c.limits.source_rate, 1000);
	assert_int_equal(c.limits.app_rate, 0);
	assert_int_equal(c.limits.lag, 500);
	assert_in_range(c.workers, 1, EDGE_WORKERS_MAX);
	assert_string_equal(c.admin, "");
	assert_int_equal(c.log_format, LOG_TEXT);
	assert_int_equal(c.limits.buffer, 16384);
	assert_int_equal(c.log, LOG_INFO);
	assert_int_equal(c.registrar.sa.sa_family, AF_UNIX);
	assert_null(c.default_name);
	assert_int_equal(c.tunnel.bits, 0);
	assert_int_equal(c.dns.servers.count, 0);
	assert_int_equal(c.timeouts.race, 250);
	arena_fini(&arena);
}

static void routing_values(void **state)
{
	const struct sock_addr *servers;
	char error[CONF_ERROR_MAX];
	struct edge_config c;
	struct arena arena;

	(void)state;
	assert_int_equal(read_text(&c, &arena,
				   "base: example.net\n"
				   "listen: [ \"192.0.2.1:443\" ]\n"
				   "default: hello-443s.example.net\n"
				   "tunnel: 10.88.0.1/16\n"
				   "dns:\n"
				   "  servers: [ \"192.0.2.53:53\", \"[2001:db8::53]:5353\" ]\n"
				   "  anchor: /etc/postern/root.key\n"
				   "  require_dnssec: true\n"
				   "  names: 100\n",
				   error),
			 RC_OK);
	servers = c.dns.servers.items;
	assert_string_equal(c.default_name, "hello-443s.example.net");
	assert_int_equal(c.tunnel.own[1], 88);
	assert_int_equal(c.tunnel.bits, 16);
	assert_int_equal(c.dns.servers.count, 2);
	assert_int_equal(servers[1].sa.sa_family, AF_INET6);
	assert_string_equal(c.dns.anchor, "/etc/postern/root.key");
	assert_true(c.dns.require_dnssec);
	assert_int_equal(c.dns.names, 100);
	/* 128 at a time would be more than are kept. */
	assert_int_equal(c.dns.asking, 50);
	assert_int_equal(c.dns.timeout, 3000);
	assert_int_equal(c.dns.ttl_max, 300000);
	arena_fini(&arena);
}

/* One source holds a 16th, whatever the whole is. */
static void share_of_a_source_follows_the_whole(void **state)
{
	static const struct {
		const char *limits;
		uint64_t want;
	} rows[] = {
		{ "connections: 160", 10 },
		{ "connections: 161", 11 },
		{ "connections: 1", 1 },
		{ "connections: 160, per_source: 160", 160 },
	};
	char error[CONF_ERROR_MAX], text[256];
	struct edge_config c;
	struct arena arena;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
			 "base: a\nlisten: [ \"127.0.0.1:1\" ]\nlimits: { %s }\n", rows[i].limits);
		assert_int_equal(read_text(&c, &arena, text, error), RC_OK);
		assert_int_equal(c.limits.per_source, rows[i].want);
		arena_fini(&arena);
	}
}

struct mistake {
	const char *text, *want;
};

#define START "base: a\nlisten: [ \"127.0.0.1:1\" ]\n"
static const struct mistake MISTAKES[] = {
	{ "base: example.net\n", "listen" },
	{ START "http: { port: 8443 }\n", "listen" },
	{ START "http: { listen: [] }\n", ":3: http.listen" },
	{ START "http: { listen: [ '127.0.0.1:80' ], port: 0 }\n", ":3: http.port" },
	{ START "http: { listen: [ '127.0.0.1:80' ], to: x }\n", ":3: http.to" },
	{ "listen: [ \"127.0.0.1:1\" ]\n", "base" },
	{ "base: Example.net\nlisten: [ \"127.0.0.1:1\" ]\n", ":1: base" },
	{ "base: a\nlisten: [ ]\n", ":2: listen" },
	{ "base: a\nlisten: [ \"localhost:1\" ]\n", ":2: listen" },
	{ "base: a\nlisten: [ \"inherit:x\" ]\n", ":2: listen" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\nlimits: { buffer: 1 }\n", ":3: limits.buffer" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\ntimeouts: { hello: 0ms }\n",
	  ":3: timeouts.hello" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\nlog: loud\n", ":3: log" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\nlog_format: xml\n", ":3: log_format" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\nworkers: 0\n", ":3: workers" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\nworkers: 65\n", ":3: workers" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\nlimits: { per_app: 0 }\n", ":3: limits.per_app" },
	{ START "default: 192.0.2.1\n", ":3: default" },
	{ START "default: Hello.example.net\n", ":3: default" },
	{ START "tunnel: 10.88.0.1\n", ":3: tunnel" },
	{ START "tunnel: 10.88.0.1/0\n", ":3: tunnel" },
	{ START "tunnel: 10.88.0.1/31\n", ":3: tunnel" },
	{ START "tunnel: 10.88.0/16\n", ":3: tunnel" },
	{ START "tunnel: fd00::1/64\n", ":3: tunnel" },
	{ START "dns: { }\n", "dns.servers" },
	{ START "dns: { servers: [ ] }\n", ":3: dns.servers" },
	{ START "dns: { servers: [ \"unix:/x\" ] }\n", ":3: dns.servers" },
	{ START "dns: { servers: [ \"192.0.2.53\" ] }\n", ":3: dns.servers" },
	{ START "dns: { servers: [ \"192.0.2.53:53\" ], require_dnssec: true }\n", ":3: dns" },
	{ START "dns: { servers: [ \"192.0.2.53:53\" ], names: 16, asking: 16 }\n", ":3: dns" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\ncolour: red\n", ":3: colour" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\nproxy_protocol: { from: [ 192.0.2.1/24 ] }\n",
	  ":3: proxy_protocol.from" },
	{ "base: a\nlisten: [ \"127.0.0.1:1\" ]\nproxy_protocol: { from: [ ] }\n",
	  ":3: proxy_protocol.from" },
};

static void fronts_are_listed_or_none(void **state)
{
	char error[CONF_ERROR_MAX];
	struct sock_addr in, out;
	struct edge_config c;
	struct arena arena;

	(void)state;
	assert_true(sock_addr_parse(&in, span_str("192.0.2.9:1")));
	assert_true(sock_addr_parse(&out, span_str("192.0.3.9:1")));
	assert_int_equal(read_text(&c, &arena,
				   "base: a\nlisten: [ \"127.0.0.1:1\" ]\n"
				   "proxy_protocol: { from: [ \"2001:db8::1\", 192.0.2.0/24 ] }\n",
				   error),
			 RC_OK);
	assert_true(edge_config_is_front(&c, &in));
	assert_false(edge_config_is_front(&c, &out));
	arena_fini(&arena);
	assert_int_equal(read_text(&c, &arena, "base: a\nlisten: [ 127.0.0.1:1 ]\n", error), RC_OK);
	assert_false(edge_config_is_front(&c, &in));
	arena_fini(&arena);
}

static void mistakes_name_their_line(void **state)
{
	char error[CONF_ERROR_MAX];
	struct edge_config c;
	struct arena arena;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(MISTAKES) / sizeof(*MISTAKES); i++) {
		assert_int_equal(read_text(&c, &arena, MISTAKES[i].text, error), RC_MALFORMED);
		if (!strstr(error, MISTAKES[i].want))
			fail_msg("%s: %s", MISTAKES[i].text, error);
		arena_fini(&arena);
	}
	arena_init(&arena, CONF_FILE_MAX);
	assert_int_equal(edge_config_read(&c, &arena, "/nonexistent/x", error), RC_SYS);
	assert_non_null(strstr(error, "/nonexistent/x: "));
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_values),
		cmocka_unit_test(routing_values),
		cmocka_unit_test(share_of_a_source_follows_the_whole),
		cmocka_unit_test(fronts_are_listed_or_none),
		cmocka_unit_test(mistakes_name_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
