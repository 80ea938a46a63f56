/* appkeys: who gives an app its keys, and what is said where nobody does. */
#include "agent_world.h"

#include "agent/appkeys.h"
#include "keyless.h"

static int setup(void **state)
{
	struct agent_world *w = calloc(1, sizeof(*w));

	*state = w;
	return agent_world_setup(w);
}

static int teardown(void **state)
{
	agent_world_teardown(*state);
	free(*state);
	return 0;
}

static struct key32 key_of(const struct appkeys *k, const char *purpose)
{
	struct key32 out = { 0 };
	char error[NODE_ERROR_MAX];

	assert_int_equal(k->get(k->arg, &out, purpose, error), RC_OK);
	return out;
}

/* The same each time and in each instance; another of each purpose and app. */
static void simulated_keys_are_of_app_and_purpose(void **state)
{
	struct agent_world *w = *state;
	struct appkeys_simulated s = { .source = w->source, .identity = &w->id };
	const struct appkeys k = appkeys_simulated(&s);
	const struct key32 env = key_of(&k, "env");
	struct key32 other;

	assert_string_equal(k.name, "simulated");
	w->id.instance_id[0] ^= 1;
	other = key_of(&k, "env");
	assert_memory_equal(env.b, other.b, sizeof(env.b));
	other = key_of(&k, "disk");
	assert_memory_not_equal(env.b, other.b, sizeof(env.b));
	w->id.manifest.app_id[0] ^= 1;
	other = key_of(&k, "env");
	assert_memory_not_equal(env.b, other.b, sizeof(env.b));
}

static void platforms_without_a_key_say_so(void **state)
{
	struct agent_world *w = *state;
	struct quote_source *none = keyless_source();
	struct appkeys_simulated s = { .source = none, .identity = &w->id };
	const struct appkeys k = appkeys_simulated(&s);
	struct key32 out = { { 5 } }, before = out;
	char error[NODE_ERROR_MAX] = "";

	assert_int_equal(k.get(k.arg, &out, "env", error), RC_UNSUPPORTED);
	assert_non_null(strstr(error, "no key provider"));
	s.source = w->source;
	w->platform.fails = 1u << SIMPROTO_KEY;
	assert_int_not_equal(k.get(k.arg, &out, "env", error), RC_OK);
	assert_non_null(strstr(error, "the app's key: "));
	assert_memory_equal(out.b, before.b, sizeof(out.b));
	quote_source_free(none);
}

/* Nobody listens at the only address: the error names the service's reason. */
static void absent_key_service_is_named(void **state)
{
	struct agent_world *w = *state;
	struct sock_addr nobody;
	struct appkeys_kms kms = { .options = { .addresses = &nobody,
						.address_count = 1,
						.identity = &w->id,
						.source = w->source,
						.timeout_ms = 200 } };
	const struct appkeys k = appkeys_kms(&kms);
	struct key32 out = { { 5 } }, before = out;
	char error[NODE_ERROR_MAX] = "";

	assert_string_equal(k.name, "kms");
	assert_true(sock_addr_parse(&nobody, span_str("unix:/nowhere/kms.sock")));
	assert_int_equal(k.get(k.arg, &out, "env", error), RC_CLOSED);
	assert_int_equal(strncmp(error, "key service: ", 13), 0);
	assert_memory_equal(out.b, before.b, sizeof(out.b));
	kms.options.address_count = 0;
	assert_int_not_equal(k.get(k.arg, &out, "env", error), RC_OK);
	assert_non_null(strstr(error, "no_address"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(simulated_keys_are_of_app_and_purpose),
		T(platforms_without_a_key_say_so),
		T(absent_key_service_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
