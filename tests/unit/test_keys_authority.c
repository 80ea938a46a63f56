/* Who may sign a release policy, and how many have to. */
#include "keys_signed.h"

static void quorum_of_distinct_administrators(void **state)
{
	struct world *w = *state;
	struct admins stranger;
	struct span text;

	assert_int_equal(read_signed(w, WHOLE, 0), KEYS_SIGNATURES);
	assert_int_equal(read_signed(w, WHOLE, 1), KEYS_SIGNATURES);
	assert_int_equal(read_signed(w, WHOLE, 5), KEYS_OK);
	/* The same one twice. */
	w->admins.authority.admins[1] = w->admins.authority.admins[0];
	text = sign_policy(w->text, sizeof(w->text), &w->admins, WHOLE, 3);
	assert_int_equal(keys_policy_read(&w->policy, &w->arena, text, &w->admins.authority,
					  w->error),
			 KEYS_SIGNATURES);
	p256_private_point(w->admins.keys[1], &w->admins.authority.admins[1]);
	admins_init(&stranger);
	text = sign_policy(w->text, sizeof(w->text), &stranger, WHOLE, 7);
	assert_int_equal(keys_policy_read(&w->policy, &w->arena, text, &w->admins.authority,
					  w->error),
			 KEYS_SIGNATURES);
	admins_fini(&stranger);
}

static void authority_of_the_manifest(void **state)
{
	static const struct {
		const char *name, *before, *after;
	} bad[] = {
		{ "none", "{\"name\":\"kms\"", "}" },
		{ "quorum_zero", "{\"kms\":{\"quorum\":0,\"admins\":[", "]}}" },
		{ "quorum_over", "{\"kms\":{\"quorum\":3,\"admins\":[", "]}}" },
		{ "no_quorum", "{\"kms\":{\"admins\":[", "]}}" },
		{ "twice", "{\"kms\":{\"quorum\":1,\"admins\":[", ",\"\"]}}" },
		{ "more", "{\"kms\":{\"x\":1,\"quorum\":1,\"admins\":[", "]}}" },
	};
	struct world *w = *state;
	struct keys_authority a = { 0 };
	char points[600], text[1024];
	struct wr p = wr_over(points, sizeof(points) - 1);

	for (size_t i = 0; i < 2; i++) {
		wr_str(&p, i ? "\",\"" : "\"");
		text_hex(&p, SPAN_ARRAY(w->admins.authority.admins[i].xy));
	}
	wr_str(&p, "\"");
	points[wr_span(&p).n] = '\0';
	(void)snprintf(text, sizeof(text), "{\"kms\":{\"quorum\":2,\"admins\":[%s]}}", points);
	assert_int_equal(keys_authority_read(&a, span_str(text), w->error), RC_OK);
	assert_int_equal(a.admin_count, 2);
	assert_int_equal(a.quorum, 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		(void)snprintf(text, sizeof(text), "%s%s%s", bad[i].before, i ? points : "",
			       bad[i].after);
		if (keys_authority_read(&a, span_str(text), w->error) != RC_MALFORMED)
			fail_msg("%s", bad[i].name);
	}
	(void)snprintf(text, sizeof(text), "{\"kms\":{\"quorum\":1,\"admins\":[%.130s,%.130s]}}",
		       points, points);
	assert_int_equal(keys_authority_read(&a, span_str(text), w->error), RC_MALFORMED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(quorum_of_distinct_administrators),
		T(authority_of_the_manifest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
