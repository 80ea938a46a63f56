/* compose: what a Compose file publishes and names, and what no CVM can honour. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "compose/compose.h"

static enum rc read_text(struct compose *out, struct arena *arena, const char *text, char *error)
{
	arena_init(arena, COMPOSE_ARENA_MAX);
	return compose_read(out, arena, "compose.yaml", span_str(text), error);
}

static void usual_file_read(void **state)
{
	static const char text[] =
		"version: \"3.8\"\n"
		"name: shop\n"
		"services:\n"
		"  web: &web\n"
		"    image: nginx:1.25\n"
		"    ports: [ \"80:8080\", \"443:443/tcp\", { target: 9, published: 9000 } ]\n"
		"    volumes: [ \"data:/data:ro\", \"/anonymous\", \"/run/postern.sock:/p\" ]\n"
		"    network_mode: bridge\n"
		"    privileged: false\n"
		"    build: .\n"
		"    devices: []\n"
		"    tmpfs: /tmp\n"
		"  db:\n"
		"    image: registry.example:5000/team/db:1.0\n"
		"    ports: [ \"5432:5432\" ]\n"
		"    volumes:\n"
		"      - { type: volume, source: db, target: /d }\n"
		"      - { type: tmpfs, target: /t }\n"
		"    network_mode: \"service:web\"\n"
		"  again:\n"
		"    <<: *web\n"
		"    ports: []\n"
		"volumes: { data: , db: { driver: local, external: false } }\n"
		"networks: { back: { driver: bridge } }\n"
		"secrets: { pw: { environment: PW } }\n"
		"x-postern:\n"
		"  ports: { \"5432\": tcp, \"9000\": h2 }\n"
		"  domains: [ www.example.org ]\n"
		"  egress: true\n";
	static const struct {
		unsigned port;
		enum manifest_protocol protocol;
	} want[] = {
		{ 80, MANIFEST_HTTP },
		{ 443, MANIFEST_TLS },
		{ 9000, MANIFEST_H2 },
		{ 5432, MANIFEST_TCP },
	};
	AUTO(arena_fini)
	struct arena arena;
	char error[COMPOSE_ERROR_MAX] = "";
	struct compose c;

	(void)state;
	if (read_text(&c, &arena, text, error))
		fail_msg("%s", error);
	assert_string_equal(c.name, "shop");
	assert_int_equal(c.service_count, 3);
	assert_int_equal(c.port_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(c.ports[i].port, want[i].port);
		assert_int_equal(c.ports[i].protocol, want[i].protocol);
	}
	assert_int_equal(c.image_count, 2);
	assert_string_equal(c.images[0], "nginx:1.25");
	assert_string_equal(c.images[1], "registry.example:5000/team/db:1.0");
	assert_true(c.lists_domains);
	assert_int_equal(c.domain_count, 1);
	assert_string_equal(c.domains[0], "www.example.org");
	assert_true(c.allows_egress);
	assert_true(c.has_volumes);
}

static void small_file_read(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[COMPOSE_ERROR_MAX] = "";
	struct compose c;

	(void)state;
	assert_int_equal(read_text(&c, &arena, "services: { a: { image: hello } }\n", error),
			 RC_OK);
	assert_null(c.name);
	assert_int_equal(c.port_count, 0);
	assert_false(c.lists_domains || c.allows_egress || c.has_volumes);
}

/* A service whose image stands in line 3. */
#define SERVICE(more) "services:\n  a:\n    image: x\n" more
#define ROOT(more) SERVICE("") more

static void refusals_have_file_and_line(void **state)
{
	static const struct {
		const char *name, *text;
		const char *want; /* after "compose.yaml:" */
		enum rc rc;
	} rows[] = {
		{ "no_yaml", "a: [", "2: ", RC_MALFORMED },
		{ "no_services", "version: \"3\"\n", "1: services", RC_MALFORMED },
		{ "services_empty", "services: {}\n", "1: services", RC_MALFORMED },
		{ "services_list", "services: [ a ]\n", "1: services", RC_MALFORMED },
		{ "service_text", "services:\n  a: b\n", "2: a: a service is a map",
		  RC_MALFORMED },
		{ "no_image", "services:\n  a: {}\n", "2: a: name an image", RC_UNSUPPORTED },
		{ "build_alone", "services:\n  a:\n    build: .\n", "3: a: name an image",
		  RC_UNSUPPORTED },
		{ "image_variable", "services:\n  a:\n    image: \"x:${TAG}\"\n", "3: image:",
		  RC_MALFORMED },
		{ "image_digest", "services:\n  a:\n    image: x@sha256:ab\n", "3: image:",
		  RC_MALFORMED },
		{ "image_option", "services:\n  a:\n    image: -rf\n", "3: image:",
		  RC_MALFORMED },
		{ "image_map", "services:\n  a:\n    image: {}\n", "3: image:", RC_MALFORMED },
		{ "privileged", SERVICE("    privileged: true\n"), "4: privileged:",
		  RC_UNSUPPORTED },
		{ "privileged_variable", SERVICE("    privileged: \"${P}\"\n"), "4: privileged:",
		  RC_UNSUPPORTED },
		{ "host_network", SERVICE("    network_mode: host\n"), "4: network_mode:",
		  RC_UNSUPPORTED },
		{ "network_of_a_container", SERVICE("    network_mode: \"container:x\"\n"),
		  "4: network_mode:", RC_UNSUPPORTED },
		{ "network_map", SERVICE("    network_mode: {}\n"), "4: network_mode:",
		  RC_UNSUPPORTED },
		{ "host_pid", SERVICE("    pid: host\n"), "4: pid: host", RC_UNSUPPORTED },
		{ "host_ipc", SERVICE("    ipc: host\n"), "4: ipc: host", RC_UNSUPPORTED },
		{ "host_uts", SERVICE("    uts: host\n"), "4: uts: host", RC_UNSUPPORTED },
		{ "host_users", SERVICE("    userns_mode: host\n"), "4: userns_mode: host",
		  RC_UNSUPPORTED },
		{ "host_cgroup", SERVICE("    cgroup: host\n"), "4: cgroup: host",
		  RC_UNSUPPORTED },
		{ "device", SERVICE("    devices: [ \"/dev/kvm\" ]\n"), "4: devices:",
		  RC_UNSUPPORTED },
		{ "env_file", SERVICE("    env_file: .env\n"), "4: env_file:", RC_UNSUPPORTED },
		{ "extends", SERVICE("    extends: { file: b.yaml }\n"), "4: extends:",
		  RC_UNSUPPORTED },
		{ "runtime", SERVICE("    runtime: kata\n"), "4: runtime:", RC_UNSUPPORTED },
		{ "cgroup_parent", SERVICE("    cgroup_parent: /x\n"), "4: cgroup_parent:",
		  RC_UNSUPPORTED },
		{ "bind_here", SERVICE("    volumes: [ \"./x:/x\" ]\n"), "4: volumes: './x'",
		  RC_UNSUPPORTED },
		{ "bind_absolute", SERVICE("    volumes:\n      - /srv:/srv:ro\n"),
		  "5: volumes: '/srv'", RC_UNSUPPORTED },
		{ "bind_home", SERVICE("    volumes: [ \"~/x:/x\" ]\n"), "4: volumes: '~/x'",
		  RC_UNSUPPORTED },
		{ "bind_variable", SERVICE("    volumes: [ \"${X}:/x\" ]\n"), "4: volumes: '${X}'",
		  RC_UNSUPPORTED },
		{ "bind_the_engine",
		  SERVICE("    volumes: [ \"/var/run/docker.sock:/var/run/docker.sock\" ]\n"),
		  "4: volumes:", RC_UNSUPPORTED },
		{ "bind_long",
		  SERVICE("    volumes:\n      - type: bind\n        source: /srv\n"),
		  "5: volumes: this binds", RC_UNSUPPORTED },
		{ "bind_called_volume",
		  SERVICE("    volumes:\n      - type: volume\n        source: /srv\n"),
		  "6: volumes: '/srv'", RC_UNSUPPORTED },
		{ "npipe", SERVICE("    volumes: [ { type: npipe, source: x } ]\n"),
		  "4: volumes: type", RC_UNSUPPORTED },
		{ "volumes_text", SERVICE("    volumes: data\n"), "4: volumes: a list",
		  RC_MALFORMED },
		{ "port_range", SERVICE("    ports: [ \"3000-3005:3000-3005\" ]\n"), "4: ports:",
		  RC_UNSUPPORTED },
		{ "target_range", SERVICE("    ports: [ \"3000:3000-3005\" ]\n"), "4: ports:",
		  RC_UNSUPPORTED },
		{ "port_unpublished", SERVICE("    ports: [ \"80\" ]\n"), "4: ports: say which",
		  RC_UNSUPPORTED },
		{ "port_number", SERVICE("    ports: [ 80 ]\n"), "4: ports: say which",
		  RC_UNSUPPORTED },
		{ "port_udp", SERVICE("    ports: [ \"53:53/udp\" ]\n"), "4: ports: a gateway",
		  RC_UNSUPPORTED },
		{ "port_long_udp",
		  SERVICE("    ports: [ { target: 1, published: 1, protocol: udp } ]\n"),
		  "4: ports: a gateway", RC_UNSUPPORTED },
		{ "port_address", SERVICE("    ports: [ \"127.0.0.1:80:80\" ]\n"),
		  "4: ports: '127.0.0.1:80:80' binds one address", RC_UNSUPPORTED },
		{ "port_v6", SERVICE("    ports: [ \"[::1]:80:80\" ]\n"), "4: ports:",
		  RC_UNSUPPORTED },
		{ "port_host_ip",
		  SERVICE("    ports: [ { target: 1, published: 1, host_ip: 127.0.0.1 } ]\n"),
		  "4: ports: one address", RC_UNSUPPORTED },
		{ "port_zero", SERVICE("    ports: [ \"0:80\" ]\n"), "4: ports: one fixed",
		  RC_UNSUPPORTED },
		{ "port_large", SERVICE("    ports: [ \"65536:80\" ]\n"), "4: ports: one fixed",
		  RC_UNSUPPORTED },
		{ "port_empty", SERVICE("    ports: [ \"\" ]\n"), "4: ports: say which",
		  RC_UNSUPPORTED },
		{ "port_twice", SERVICE("    ports:\n    - 80:80\n    - 80:81\n"),
		  "6: ports: 80 is published on line 5", RC_MALFORMED },
		{ "ports_text", SERVICE("    ports: \"80:80\"\n"), "4: ports: a list",
		  RC_MALFORMED },
		{ "network_external", ROOT("networks:\n  n:\n    external: true\n"),
		  "6: networks: external", RC_UNSUPPORTED },
		{ "network_external_name", ROOT("networks:\n  n:\n    external: { name: x }\n"),
		  "6: networks: external", RC_UNSUPPORTED },
		{ "network_macvlan", ROOT("networks: { n: { driver: macvlan } }\n"),
		  "4: networks: driver", RC_UNSUPPORTED },
		{ "volume_external", ROOT("volumes: { v: { external: true } }\n"),
		  "4: volumes: external", RC_UNSUPPORTED },
		{ "volume_nfs", ROOT("volumes: { v: { driver: nfs } }\n"), "4: volumes: driver",
		  RC_UNSUPPORTED },
		{ "volume_that_binds",
		  ROOT("volumes:\n  v:\n    driver_opts: { o: bind, device: /srv }\n"),
		  "6: volumes: driver_opts", RC_UNSUPPORTED },
		{ "secret_file", ROOT("secrets: { s: { file: pw } }\n"), "4: secrets: file",
		  RC_UNSUPPORTED },
		{ "config_external", ROOT("configs: { c: { external: true } }\n"),
		  "4: configs: external", RC_UNSUPPORTED },
		{ "include", ROOT("include: [ b.yaml ]\n"), "4: include:", RC_UNSUPPORTED },
		{ "own_key_odd", ROOT("x-postern: { port: 1 }\n"), "4: x-postern: no key 'port'",
		  RC_MALFORMED },
		{ "own_port_unknown", ROOT("x-postern:\n  ports: { \"80\": tcp }\n"),
		  "5: x-postern.ports: no service publishes 80", RC_MALFORMED },
		{ "own_protocol_odd",
		  SERVICE("    ports: [\"80:80\"]\nx-postern: { ports: { \"80\": udp } }\n"),
		  "5: x-postern.ports: http", RC_MALFORMED },
		{ "own_domains_text", ROOT("x-postern: { domains: a.b }\n"),
		  "4: x-postern.domains", RC_MALFORMED },
		{ "own_no_map", ROOT("x-postern: [ a ]\n"), "4: x-postern: a map", RC_MALFORMED },
		{ "own_ports_no_map", ROOT("x-postern: { ports: [ 80 ] }\n"),
		  "4: x-postern.ports: a map", RC_MALFORMED },
		{ "own_port_no_number", ROOT("x-postern: { ports: { web: tcp } }\n"),
		  "4: x-postern.ports: a port", RC_MALFORMED },
		{ "own_domain_no_text", ROOT("x-postern: { domains: [ { a: b } ] }\n"),
		  "4: x-postern.domains: names", RC_MALFORMED },
		{ "no_networks", ROOT("networks: [ a ]\n"), "4: networks: a map", RC_MALFORMED },
		{ "odd_volume", SERVICE("    volumes: [ [ a ] ]\n"), "4: volumes: a text or a map",
		  RC_MALFORMED },
		{ "odd_source", SERVICE("    volumes: [ { source: [ a ], target: /d } ]\n"),
		  "4: volumes: a source is a text", RC_MALFORMED },
		{ "volume_src_is_a_source", SERVICE("    volumes: [ { src: /srv, target: /d } ]\n"),
		  "4: volumes: '/srv'", RC_UNSUPPORTED },
		{ "port_no_text", SERVICE("    ports: [ [ 80 ] ]\n"), "4: ports: a text or a map",
		  RC_MALFORMED },
		{ "port_not_published", SERVICE("    ports: [ { target: 80 } ]\n"),
		  "4: ports: say which port", RC_UNSUPPORTED },
		{ "hidden_by_a_merge",
		  "x: &x { privileged: true }\nservices:\n  a:\n    <<: *x\n    image: y\n",
		  "1: privileged:", RC_UNSUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(arena_fini)
		struct arena arena;
		char error[COMPOSE_ERROR_MAX] = "", want[256];
		struct compose c = { .service_count = 77 };
		enum rc rc = read_text(&c, &arena, rows[i].text, error);

		(void)snprintf(want, sizeof(want), "compose.yaml:%s", rows[i].want);
		if (rc != rows[i].rc || strncmp(error, want, strlen(want)) != 0 ||
		    c.service_count != 77)
			fail_msg("%s: %s \"%s\"", rows[i].name, rc_name(rc), error);
	}
}

static void too_much_is_limit(void **state)
{
	AUTO(mem_auto_free)
	char *text = mem_new(COMPOSE_MAX + 16);
	AUTO(arena_fini)
	struct arena a;
	AUTO(arena_fini)
	struct arena b;
	char error[COMPOSE_ERROR_MAX] = "";
	struct compose c;
	size_t n;

	(void)state;
	memset(text, '#', COMPOSE_MAX + 1);
	assert_int_equal(read_text(&c, &a, text, error), RC_LIMIT);
	n = (size_t)snprintf(text, COMPOSE_MAX, "services:\n");
	for (int i = 0; i <= COMPOSE_SERVICES_MAX; i++)
		n += (size_t)snprintf(text + n, COMPOSE_MAX - n, "  s%d: { image: x }\n", i);
	assert_int_equal(read_text(&c, &b, text, error), RC_LIMIT);
	assert_non_null(strstr(error, "compose.yaml:66: services: at most 64"));
}

static void one_port_too_many(void **state)
{
	AUTO(mem_auto_free)
	char *text = mem_new(COMPOSE_MAX);
	AUTO(arena_fini)
	struct arena arena;
	char error[COMPOSE_ERROR_MAX] = "";
	struct compose c;
	size_t n;

	(void)state;
	n = (size_t)snprintf(text, COMPOSE_MAX, "services:\n  a:\n    image: x\n    ports:\n");
	for (int i = 0; i <= MANIFEST_PORTS_MAX; i++)
		n += (size_t)snprintf(text + n, COMPOSE_MAX - n, "    - \"%d:1\"\n", 1000 + i);
	assert_int_equal(read_text(&c, &arena, text, error), RC_LIMIT);
	assert_non_null(strstr(error, "ports: at most"));
}

/* In arenas of every size that is too small. */
static void no_room_is_limit(void **state)
{
	static const char text[] = SERVICE("    ports: [ \"80:80\" ]\n"
					   "x-postern: { domains: [ www.example.org ] }\n");
	enum rc rc = RC_LIMIT;

	(void)state;
	for (size_t room = 0; rc != RC_OK; room += 8) {
		struct compose c = { .service_count = 77 };
		char error[COMPOSE_ERROR_MAX] = "";
		struct arena arena;

		arena_init(&arena, room);
		rc = compose_read(&c, &arena, "compose.yaml", span_str(text), error);
		arena_fini(&arena);
		assert_true(rc == RC_OK || rc == RC_LIMIT);
		assert_true(rc == RC_OK || c.service_count == 77);
		assert_true(room < COMPOSE_ARENA_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_file_read),
		cmocka_unit_test(small_file_read),
		cmocka_unit_test(refusals_have_file_and_line),
		cmocka_unit_test(too_much_is_limit),
		cmocka_unit_test(one_port_too_many),
		cmocka_unit_test(no_room_is_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
