/* The manifest's guest rules and variables: what is read, refused, allowed. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "manifest/manifest.h"

#define BEGIN "{\"manifest_version\":2,\"name\":\"a\","

static const char full[] =
	BEGIN "\"guest\":{\"raw_quotes\":true,\"containers\":{"
	      "\"web\":[\"info\",\"quote\",\"key:/web/*\",\"sign:vms\",\"key:one\"],"
	      "\"db\":[\"key:*\",\"tls-key\",\"event\",\"evidence\"],\"idle\":[]},"
	      "\"env_signers\":[\""
	      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F\"]},"
	      "\"allowed_envs\":[\"DB_PASSWORD\",\"_x9\"]}";

static const struct guest_container *find(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->guest->container_count; i++)
		if (strcmp(m->guest->containers[i].name, name) == 0)
			return &m->guest->containers[i];
	fail_msg("no container %s", name);
	return NULL;
}

static void rules_allow_what_they_say(void **state)
{
	static const struct {
		const char *container;
		enum guest_right right;
		const char *path;
		bool allowed;
	} cases[] = {
		{ "web", GUEST_INFO, "", true },
		{ "web", GUEST_QUOTE, "", true },
		{ "web", GUEST_EVIDENCE, "", false },
		{ "web", GUEST_TLS_KEY, "", false },
		{ "web", GUEST_EVENT, "", false },
		{ "web", GUEST_KEY, "/web/", true },
		{ "web", GUEST_KEY, "/web/x/y", true },
		{ "web", GUEST_KEY, "/web", false },
		{ "web", GUEST_KEY, "", false },
		{ "web", GUEST_KEY, "one", true },
		{ "web", GUEST_KEY, "ones", false },
		{ "web", GUEST_KEY, "vms", false }, /* sign only */
		{ "web", GUEST_SIGN, "vms", true },
		{ "web", GUEST_SIGN, "/web/x", false },
		{ "db", GUEST_KEY, "", true },
		{ "db", GUEST_KEY, "/web/x", true },
		{ "db", GUEST_SIGN, "vms", false },
		{ "db", GUEST_TLS_KEY, "", true },
		{ "db", GUEST_EVENT, "", true },
		{ "db", GUEST_EVIDENCE, "", true },
		{ "db", GUEST_INFO, "", false },
		{ "idle", GUEST_INFO, "", false },
	};
	char error[MANIFEST_ERROR_MAX] = "";
	struct manifest m;

	(void)state;
	assert_int_equal(manifest_read(&m, span_str(full), error), RC_OK);
	assert_true(m.guest->has_raw_quotes && m.guest->lists_envs);
	assert_int_equal(m.guest->container_count, 3);
	assert_int_equal(m.guest->signer_count, 1);
	assert_int_equal(m.guest->signers[0][31], 0x1f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (guest_allows(find(&m, cases[i].container), cases[i].right,
				 span_str(cases[i].path)) != cases[i].allowed)
			fail_msg("case %zu", i);
	assert_true(guest_allows_env(m.guest, span_str("DB_PASSWORD")));
	assert_true(guest_allows_env(m.guest, span_str("_x9")));
	assert_false(guest_allows_env(m.guest, span_str("DB_PASSWOR")));
	assert_false(guest_allows_env(m.guest, span_str("")));
	manifest_fini(&m);
	assert_null(m.guest);
}

static void nothing_said_is_nothing_allowed(void **state)
{
	char error[MANIFEST_ERROR_MAX] = "";
	struct manifest m;

	(void)state;
	assert_int_equal(manifest_read(&m, span_str(BEGIN "\"ports\":[]}"), error), RC_OK);
	assert_null(m.guest);
	manifest_fini(&m);
	assert_int_equal(manifest_read(&m, span_str(BEGIN "\"allowed_envs\":[]}"), error), RC_OK);
	assert_true(m.guest->lists_envs && !m.guest->has_raw_quotes);
	assert_int_equal(m.guest->env_count + m.guest->container_count, 0);
	manifest_fini(&m);
}

static void refused_with_its_key(void **state)
{
	static const struct {
		const char *what, *why;
	} cases[] = {
		{ "\"guest\":[]", "guest: expected an object" },
		{ "\"guest\":{\"raw_quotes\":1}", "guest.raw_quotes: expected true or false" },
		{ "\"guest\":{\"containers\":[]}", "guest.containers: expected an object" },
		{ "\"guest\":{\"containers\":{\"\":[]}}", "guest.containers: expected names" },
		{ "\"guest\":{\"containers\":{\"../x\":[]}}", "guest.containers: expected names" },
		{ "\"guest\":{\"containers\":{\"a/b\":[]}}", "guest.containers: expected names" },
		{ "\"guest\":{\"containers\":{\"A\":[]}}", "guest.containers: expected names" },
		{ "\"guest\":{\"containers\":{\"a\":{}}}", "guest.containers.a: expected a list" },
		{ "\"guest\":{\"containers\":{\"a\":[1]}}",
		  "guest.containers.a[0]: expected info" },
		{ "\"guest\":{\"containers\":{\"a\":[\"info\",\"inf\"]}}",
		  "guest.containers.a[1]: " },
		{ "\"guest\":{\"containers\":{\"a\":[\"key\"]}}", "guest.containers.a[0]: " },
		{ "\"guest\":{\"containers\":{\"a\":[\"sign\"]}}", "guest.containers.a[0]: " },
		{ "\"guest\":{\"containers\":{\"a\":[\"info:\"]}}", "guest.containers.a[0]: " },
		{ "\"guest\":{\"containers\":{\"a\":[\"key:*x\"]}}",
		  "guest.containers.a[0]: " },
		{ "\"guest\":{\"containers\":{\"a\":[\"key:\\u0001\"]}}",
		  "guest.containers.a[0]: " },
		{ "\"ingress\":{\"domains\":[\"www.example.org\"],\"backend\":8080},"
		  "\"guest\":{\"containers\":{\"a\":[\"event\"]}}",
		  "guest.containers: expected no \"event\"" },
		{ "\"guest\":{\"env_signers\":[]}", "guest.env_signers: expected a list" },
		{ "\"guest\":{\"env_signers\":[\"00\"]}", "guest.env_signers[0]: expected 64" },
		{ "\"allowed_envs\":{}", "allowed_envs: expected a list" },
		{ "\"allowed_envs\":[\"A\",\"A\"]", "allowed_envs[1]: listed twice" },
		{ "\"allowed_envs\":[\"9A\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"A B\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"PATH\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"http_proxy\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"LD_PRELOAD\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"COMPOSE_FILE\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"DOCKER_HOST\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"PYTHONPATH\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"GODEBUG\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"GOTRACEBACK\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"GOMAXPROCS\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"XDG_CONFIG_HOME\"]", "allowed_envs[0]: expected" },
		{ "\"allowed_envs\":[\"OTEL_TRACES_EXPORTER\"]", "allowed_envs[0]: expected" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512], error[MANIFEST_ERROR_MAX] = "";
		struct manifest m;

		snprintf(text, sizeof(text),
			 BEGIN "\"runner\":\"docker-compose\",\"docker_compose_file\":\"x\",%s}",
			 cases[i].what);
		assert_int_equal(manifest_read(&m, span_str(text), error), RC_MALFORMED);
		if (strncmp(error, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("%s: %s", cases[i].what, error);
	}
}

static void bounds_are_exact(void **state)
{
	char text[16384], error[MANIFEST_ERROR_MAX] = "";
	struct manifest m;

	(void)state;
	for (size_t over = 0; over < 4; over++) {
		bool is_env = over >= 2, is_over = over % 2;
		size_t max = is_env ? GUEST_ENVS_MAX : GUEST_CONTAINERS_MAX;
		const char *begin = is_env ? BEGIN "\"allowed_envs\":["
					   : BEGIN "\"guest\":{\"containers\":{";
		size_t n = (size_t)snprintf(text, sizeof(text), "%s", begin);

		for (size_t i = 0; i < max + is_over; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      is_env ? "%s\"C%zu\"" : "%s\"c%zu\":[]",
					      i ? "," : "", i);
		snprintf(text + n, sizeof(text) - n, is_env ? "]}" : "}}}");
		assert_int_equal(manifest_read(&m, span_str(text), error),
				 is_over ? RC_MALFORMED : RC_OK);
		if (!is_over)
			manifest_fini(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_allow_what_they_say),
		cmocka_unit_test(nothing_said_is_nothing_allowed),
		cmocka_unit_test(refused_with_its_key),
		cmocka_unit_test(bounds_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
