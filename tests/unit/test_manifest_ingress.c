/* The manifest's key "ingress": what it says, what it adds, what is refused. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "manifest/manifest.h"

static enum rc read_with(struct manifest *m, const char *rest, char error[MANIFEST_ERROR_MAX])
{
	char text[4096];

	(void)snprintf(text, sizeof(text), "{\"manifest_version\":2,\"name\":\"x\",%s}", rest);
	return manifest_read(m, span_str(text), error);
}

static struct manifest good(const char *rest)
{
	char error[MANIFEST_ERROR_MAX] = "";
	struct manifest m;

	if (read_with(&m, rest, error))
		fail_msg("%s: %s", rest, error);
	return m;
}

#define OF(members) "\"ingress\":{" members "}"
#define NAMES "\"domains\":[\"www.example.org\"]"

static void one_line_says_it_all(void **state)
{
	struct manifest m = good(OF(NAMES ",\"backend\":8080"));
	const struct manifest_ingress *g = &m.ingress;

	(void)state;
	assert_int_equal(g->domain_count, 1);
	assert_string_equal(g->domains[0].name, "www.example.org");
	assert_int_equal(g->domains[0].backend, 8080);
	assert_int_equal(g->protocol, INGRESS_HTTP);
	assert_false(g->is_forwarding);
	assert_int_equal(g->challenge_count, 1);
	assert_int_equal(g->challenges[0], INGRESS_TLS_ALPN);
	assert_string_equal(g->hook, "");
	assert_string_equal(g->directory, "");
	/* What it adds. */
	assert_int_equal(m.port_count, 1);
	assert_int_equal(m.ports[0].port, 443);
	assert_int_equal(m.ports[0].protocol, MANIFEST_TLS);
	assert_int_equal(m.ports[0].proxy_protocol, 2);
	assert_true(m.lists_domains);
	assert_int_equal(m.domain_count, 1);
	assert_string_equal(m.domains[0], "www.example.org");
	assert_false(m.allows_egress);
}

static void without_it_nothing_is_added(void **state)
{
	struct manifest m = good("\"ports\":[]");

	(void)state;
	assert_int_equal(m.ingress.domain_count, 0);
	assert_int_equal(m.port_count, 0);
	assert_false(m.lists_domains);
}

static void all_of_it(void **state)
{
	struct manifest m = good(
		"\"ports\":[{\"port\":80},{\"port\":443,\"protocol\":\"tls\"}],"
		"\"domains\":[\"*.example.org\",\"*.b.example.org\",\"other.example.net\"],"
		"\"ingress\":{\"domains\":{\"www.example.org\":8080,\"*.b.example.org\":9000},"
		"\"protocol\":\"h2\",\"forwarded\":true,\"hook\":\"/hook\","
		"\"challenges\":[\"dns-persist-01\",\"dns-01\"],\"directory\":\"https://ca/dir\"}");
	const struct manifest_ingress *g = &m.ingress;

	(void)state;
	assert_int_equal(g->domain_count, 2);
	assert_string_equal(g->domains[1].name, "*.b.example.org");
	assert_int_equal(g->domains[1].backend, 9000);
	assert_int_equal(g->protocol, INGRESS_H2);
	assert_true(g->is_forwarding);
	assert_int_equal(g->challenge_count, 2);
	assert_string_equal(ingress_challenge_name(g->challenges[0]), "dns-persist-01");
	assert_string_equal(ingress_challenge_name(g->challenges[1]), "dns-01");
	assert_string_equal(g->hook, "/hook");
	assert_string_equal(g->directory, "https://ca/dir");
	/* What was listed stays as it was. */
	assert_int_equal(m.port_count, 2);
	assert_int_equal(m.ports[1].proxy_protocol, 0);
	assert_int_equal(m.domain_count, 3);
}

struct bad_case {
	const char *name, *rest, *error;
};
#define MEMBERS(more) OF(NAMES ",\"backend\":80," more)
static const struct bad_case bad[] = {
	{ "no_object", "\"ingress\":true", "ingress: expected an object" },
	{ "empty", OF(""), "ingress.domains" },
	{ "unknown_member", MEMBERS("\"chalenges\":[]"), "ingress: chalenges: unknown" },
	{ "no_domains", OF("\"backend\":80"), "ingress.domains" },
	{ "domains_empty", OF("\"domains\":[],\"backend\":80"), "ingress.domains" },
	{ "domains_text", OF("\"domains\":\"www.example.org\",\"backend\":80"), "ingress.domains" },
	{ "domain_no_name", OF("\"domains\":[\"www\"],\"backend\":80"), "ingress.domains" },
	{ "domain_no_text", OF("\"domains\":[7],\"backend\":80"), "ingress.domains" },
	{ "domain_twice", OF("\"domains\":[\"a.org\",\"a.org\"],\"backend\":80"), "listed twice" },
	{ "backend_missing", OF(NAMES), "ingress.backend" },
	{ "backend_zero", OF(NAMES ",\"backend\":0"), "ingress.backend" },
	{ "backend_large", OF(NAMES ",\"backend\":65536"), "ingress.backend" },
	{ "backend_beside_a_map", OF("\"domains\":{\"a.org\":80},\"backend\":80"),
	  "ingress.backend" },
	{ "port_of_a_name_zero", OF("\"domains\":{\"a.org\":0}"), "ingress.domains" },
	{ "protocol_unknown", MEMBERS("\"protocol\":\"tls\""), "ingress.protocol" },
	{ "protocol_no_text", MEMBERS("\"protocol\":1"), "ingress.protocol" },
	{ "forwarded_of_tcp", MEMBERS("\"protocol\":\"tcp\",\"forwarded\":true"),
	  "ingress.forwarded" },
	{ "forwarded_no_bool", MEMBERS("\"forwarded\":1"), "ingress.forwarded" },
	{ "challenges_empty", MEMBERS("\"challenges\":[]"), "ingress.challenges" },
	{ "challenge_unknown", MEMBERS("\"challenges\":[\"http-01\"]"), "ingress.challenges" },
	{ "challenge_twice", MEMBERS("\"challenges\":[\"tls-alpn-01\",\"tls-alpn-01\"]"),
	  "listed twice" },
	{ "dns_without_hook", MEMBERS("\"challenges\":[\"dns-01\"]"), "ingress.hook" },
	{ "hook_without_dns", MEMBERS("\"hook\":\"/hook\""), "ingress.hook" },
	{ "hook_relative", MEMBERS("\"challenges\":[\"dns-01\"],\"hook\":\"hook\""), "hook" },
	{ "hook_of_two_lines", MEMBERS("\"challenges\":[\"dns-01\"],\"hook\":\"/h\\nalarm: /x\""),
	  "hook" },
	{ "hook_that_quotes", MEMBERS("\"challenges\":[\"dns-01\"],\"hook\":\"/h\\\"\""), "hook" },
	{ "directory_plain", MEMBERS("\"directory\":\"http://ca/\""), "directory" },
	{ "directory_empty", MEMBERS("\"directory\":\"https://\""), "directory" },
	{ "wildcard_by_tls", OF("\"domains\":[\"*.example.org\"],\"backend\":80"),
	  "ingress.challenges" },
	{ "port_443_is_http", "\"ports\":[{\"port\":443}]," MEMBERS("\"forwarded\":true"),
	  "ports[0].protocol" },
	{ "domain_not_listed", "\"domains\":[\"example.org\"]," MEMBERS("\"forwarded\":true"),
	  "ingress.domains" },
	{ "domain_of_an_empty_list", "\"domains\":[]," MEMBERS("\"forwarded\":true"),
	  "ingress.domains" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char error[MANIFEST_ERROR_MAX] = "";
		struct manifest m;

		if (read_with(&m, bad[i].rest, error) != RC_MALFORMED)
			fail_msg("%s: read", bad[i].name);
		if (!strstr(error, bad[i].error))
			fail_msg("%s: %s", bad[i].name, error);
	}
}

static void at_most_16_domains(void **state)
{
	char text[1024] = "\"ingress\":{\"backend\":80,\"domains\":[", error[MANIFEST_ERROR_MAX];
	struct manifest m;
	size_t n = strlen(text);

	(void)state;
	for (int i = 0; i < 16; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\"a%d.org\"", i ? "," : "", i);
	(void)snprintf(text + n, sizeof(text) - n, "]}");
	assert_int_equal(read_with(&m, text, error), RC_OK);
	assert_int_equal(m.domain_count, 16);
	(void)snprintf(text + n, sizeof(text) - n, ",\"b.org\"]}");
	assert_int_equal(read_with(&m, text, error), RC_MALFORMED);
}

static void a_full_list_of_ports_has_no_room(void **state)
{
	char text[2048] = "\"ports\":[", error[MANIFEST_ERROR_MAX];
	size_t n = strlen(text);
	struct manifest m;

	(void)state;
	for (int i = 0; i < MANIFEST_PORTS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s{\"port\":%d}", i ? "," : "",
				      1000 + i);
	(void)snprintf(text + n, sizeof(text) - n,
		       "],\"ingress\":{\"domains\":[\"a.org\"],\"backend\":80}");
	assert_int_equal(read_with(&m, text, error), RC_MALFORMED);
	assert_non_null(strstr(error, "31"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_says_it_all),
		cmocka_unit_test(without_it_nothing_is_added),
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(at_most_16_domains),
		cmocka_unit_test(a_full_list_of_ports_has_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
