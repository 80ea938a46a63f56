/* What a release policy may say, and that nobody changes a byte of it. */
#include "keys_signed.h"

static void whole_is_read(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_signed(w, WHOLE, 3), KEYS_OK);
	assert_int_equal(w->policy.serial, 3);
	assert_int_equal(w->policy.node_count, 3);
	assert_int_equal(w->policy.image_count, 2);
	assert_int_equal(w->policy.signer_count, 2);
	assert_int_equal(w->policy.apps[0].per_minute, KEYS_RATE_DEFAULT);
	assert_true(w->policy.accepts_simulated);
	assert_false(w->policy.releases_alone);
	assert_int_equal(read_signed(w, HEAD(1) "}", 7), KEYS_OK);
}

static void no_byte_of_it_can_change(void **state)
{
	struct world *w = *state;
	struct span text = sign_policy(w->text, sizeof(w->text), &w->admins, WHOLE, 3);
	const struct keys_policy before = { .serial = 77 };

	for (size_t i = 0; i < text.n; i++) {
		char was = w->text[i];

		if (was == '\n' || was == ' ')
			continue;
		w->policy = before;
		w->text[i] ^= 1;
		/* Hex digits of a key may change case only with bit 5. */
		if (keys_policy_read(&w->policy, &w->arena, text, &w->admins.authority,
				     w->error) == KEYS_OK)
			fail_msg("byte %zu '%c'", i, was);
		assert_memory_equal(&w->policy, &before, sizeof(before));
		w->text[i] = was;
		arena_fini(&w->arena);
		arena_init(&w->arena, KEYS_POLICY_TREE_MAX);
	}
	for (size_t n = 0; n < text.n - 1; n++)
		assert_int_not_equal(keys_policy_read(&w->policy, &w->arena, span_of(text.p, n),
						      &w->admins.authority, w->error),
				     KEYS_OK);
}

static void what_is_not_understood_is_refused(void **state)
{
	static const struct {
		const char *name, *object;
	} table[] = {
		{ "unknown_member", HEAD(1) ",\"more\":1}" },
		{ "other_type", "{\"type\":\"postern/kms-policy/v2\",\"serial\":1,\"issued\":"
				"\"2026-11-28T00:00:00Z\",\"nodes\":[\"" NODE_1 "\"]}" },
		{ "serial_zero", HEAD(0) "}" },
		{ "no_nodes", "{\"type\":\"postern/kms-policy/v1\",\"serial\":1,\"issued\":"
			      "\"2026-11-28T00:00:00Z\",\"nodes\":[]}" },
		{ "node_twice",
		  "{\"type\":\"postern/kms-policy/v1\",\"serial\":1,\"issued\":"
		  "\"2026-11-28T00:00:00Z\",\"nodes\":[\"" NODE_1 "\",\"" NODE_1 "\"]}" },
		{ "majority_lost_text", HEAD(1) ",\"majority_lost\":\"yes\"}" },
		{ "release_other", HEAD(1) ",\"release\":\"always\"}" },
		{ "image_without_mr_td", HEAD(1) ",\"images\":[{\"name\":\"x\",\"rtmr1\":\"" R96
						 "\",\"rtmr2\":\"" R96 "\"}]}" },
		{ "image_twice", HEAD(1) ",\"images\":[{\"name\":\"x\",\"mr_td\":\"" R96
					 "\",\"rtmr1\":\"" R96 "\",\"rtmr2\":\"" R96
					 "\"},{\"name\":\"x\",\"mr_td\":\"" R96
					 "\",\"rtmr1\":\"" R96 "\",\"rtmr2\":\"" R96 "\"}]}" },
		{ "app_of_no_image", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
						    "\",\"images\":[\"nope\"]}]}" },
		{ "app_twice", HEAD(3) IMAGES ",\"apps\":[" APP "," APP "]}" },
		{ "purpose_of_ours", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
						    "\",\"images\":[],\"app_keys\":"
						    "[\"kms/audit\"]}]}" },
		{ "purposes_of_ours", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
						     "\",\"images\":[],"
						     "\"app_keys\":[\"kms/\"]}]}" },
		{ "floor_without_name", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
						       "\",\"images\":[],\"instances\":[{"
						       "\"instance\":\"" ID_B
						       "\",\"floor\":1}]}]}" },
		{ "rate_zero", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
					      "\",\"images\":[],\"per_minute\":0}]}" },
		{ "manifest_of_31_bytes", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
							 "\",\"images\":[],\"manifests\":[\"" R16
							 "222222222222222222222222222222\"]}]}" },
		{ "manifest_twice", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
						   "\",\"images\":[],\"manifests\":[\"" R16 R16
						   "\",\"" R16 R16 "\"]}]}" },
		{ "manifests_no_list", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
						      "\",\"images\":[],\"manifests\":\"" R16 R16
						      "\"}]}" },
		{ "app_unknown_member", HEAD(1) IMAGES ",\"apps\":[{\"app\":\"" ID_A
						       "\",\"images\":[],\"x\":0}]}" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (read_signed(w, table[i].object, 3) != KEYS_MALFORMED || !w->error[0])
			fail_msg("%s", table[i].name);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(whole_is_read),
		T(no_byte_of_it_can_change),
		T(what_is_not_understood_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
