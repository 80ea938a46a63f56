/* The release policy: who may sign it, what it may say, and what it decides. */
#include "unit.h"

#include "keys_policy.h"

#define APP \
	"{\"app\":\"" ID_A "\",\"images\":[\"base\"],\"instance_keys\":[\"disk\",\"app/\"]," \
	"\"app_keys\":[\"env\"],\"min_epoch\":2,\"instances\":[{\"instance\":\"" NODE_3 \
	"\",\"denied\":true},{\"instance\":\"" NODE_2 "\",\"name\":\"disk\",\"floor\":7}]}"
#define ANY_SIZE \
	HEAD(1) \
	IMAGES ",\"simulated\":true,\"apps\":[{\"app\":\"" ID_A \
	       "\",\"images\":[\"any-size\"]}]}"
#define OTHER_KMS \
	HEAD(1) \
	IMAGES ",\"simulated\":true,\"kms\":[{\"app\":\"" ID_B \
	       "\",\"image\":\"base\"}]}"
#define WHOLE HEAD(3) IMAGES ",\"simulated\":true,\"apps\":[" APP "]}"

struct world {
	struct admins admins;
	struct arena arena;
	struct keys_policy policy;
	char text[16384], error[KEYS_POLICY_ERROR_MAX];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	admins_init(&w->admins);
	arena_init(&w->arena, KEYS_POLICY_TREE_MAX);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	admins_fini(&w->admins);
	arena_fini(&w->arena);
	free(w);
	return 0;
}

static enum keys_reason read_signed(struct world *w, const char *object, unsigned who)
{
	struct span text = sign_policy(w->text, sizeof(w->text), &w->admins, object, who);

	return keys_policy_read(&w->policy, &w->arena, text, &w->admins.authority, w->error);
}

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

static struct keys_subject subject(void)
{
	struct keys_subject s = { .app = { 0xaa }, .instance = { 1 }, .is_simulated = true };

	memset(&s.measurement, 0x11, sizeof(s.measurement));
	memcpy(s.manifest.b, s.app, sizeof(s.app));
	return s;
}

static void decisions(void **state)
{
	static const struct {
		const char *name;
		uint8_t app, instance, register_byte;
		enum keys_scope scope;
		const char *purpose;
		uint32_t epoch;
		enum keys_reason want;
	} table[] = {
		{ "instance_key", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "disk", 2, KEYS_OK },
		{ "newest", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "disk", 0, KEYS_OK },
		{ "below", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "app/x/y", 0, KEYS_OK },
		{ "the_folder_itself", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "app", 0, KEYS_PURPOSE },
		{ "begins_so_only", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "apple", 0, KEYS_PURPOSE },
		{ "app_key", 0xaa, 1, 0x11, KEYS_OF_APP, "env", 3, KEYS_OK },
		{ "app_scope", 0xaa, 1, 0x11, KEYS_OF_APP, "disk", 3, KEYS_SCOPE },
		{ "instance_scope", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "env", 3, KEYS_SCOPE },
		{ "other_purpose", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "seal", 3, KEYS_PURPOSE },
		{ "other_app", 0xbb, 1, 0x11, KEYS_OF_INSTANCE, "disk", 3, KEYS_APP_UNKNOWN },
		{ "other_code", 0xaa, 1, 0x12, KEYS_OF_INSTANCE, "disk", 3, KEYS_MEASUREMENT },
		{ "denied", 0xaa, 3, 0x11, KEYS_OF_INSTANCE, "disk", 3, KEYS_INSTANCE },
		{ "old_epoch", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "disk", 1, KEYS_EPOCH_FLOOR },
		{ "future_epoch", 0xaa, 1, 0x11, KEYS_OF_INSTANCE, "disk", 4, KEYS_EPOCH_UNKNOWN },
	};
	struct world *w = *state;

	assert_int_equal(read_signed(w, WHOLE, 3), KEYS_OK);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct keys_wanted k = { table[i].epoch, table[i].scope, "" };
		struct keys_subject s = subject();

		s.app[0] = s.manifest.b[0] = table[i].app;
		s.instance[0] = table[i].instance;
		s.measurement.rtmr2[47] = table[i].register_byte;
		(void)snprintf(k.purpose, sizeof(k.purpose), "%s", table[i].purpose);
		if (keys_policy_allows(&w->policy, &s, &k, 3) != table[i].want)
			fail_msg("%s", table[i].name);
	}
}

/* Hashes of manifests: of 64 equal digits, and the first one's, which begins with the app id. */
#define EIGHT(digit) digit digit digit digit digit digit digit digit
#define HASH(digit) \
	EIGHT(digit) \
	EIGHT(digit) \
	EIGHT(digit) \
	EIGHT(digit) \
	EIGHT(digit) \
	EIGHT(digit) \
	EIGHT(digit) \
	EIGHT(digit)
#define FIRST ID_A "000000000000000000000000"
#define LISTS(manifests) \
	HEAD(1) \
	IMAGES ",\"simulated\":true,\"apps\":[{\"app\":\"" ID_A \
	       "\",\"images\":[\"base\"]," manifests \
	       "\"instance_keys\":[\"disk\"]}]}"

static void manifests_of_an_app(void **state)
{
	static const struct {
		const char *name, *object;
		uint8_t manifest; /* 0: the first */
		enum keys_reason want;
	} table[] = {
		{ "first_without_a_list", LISTS(""), 0, KEYS_OK },
		{ "second_without_a_list", LISTS(""), 0x22, KEYS_MANIFEST },
		{ "first_listed", LISTS("\"manifests\":[\"" FIRST "\"],"), 0, KEYS_OK },
		{ "second_listed", LISTS("\"manifests\":[\"" FIRST "\",\"" HASH("2") "\"],"), 0x22,
		  KEYS_OK },
		{ "first_beside_it", LISTS("\"manifests\":[\"" FIRST "\",\"" HASH("2") "\"],"), 0,
		  KEYS_OK },
		{ "first_taken_out", LISTS("\"manifests\":[\"" HASH("2") "\"],"), 0,
		  KEYS_MANIFEST },
		{ "second_alone", LISTS("\"manifests\":[\"" HASH("2") "\"],"), 0x22, KEYS_OK },
		{ "another", LISTS("\"manifests\":[\"" HASH("2") "\"],"), 0x33, KEYS_MANIFEST },
		{ "empty_list_first", LISTS("\"manifests\":[],"), 0, KEYS_MANIFEST },
		{ "empty_list_second", LISTS("\"manifests\":[],"), 0x22, KEYS_MANIFEST },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct keys_wanted k = { 1, KEYS_OF_INSTANCE, "disk" };
		struct keys_subject s = subject();
		uint64_t floor;

		if (table[i].manifest)
			memset(s.manifest.b, table[i].manifest, sizeof(s.manifest.b));
		assert_int_equal(read_signed(w, table[i].object, 3), KEYS_OK);
		if (keys_policy_allows(&w->policy, &s, &k, 1) != table[i].want ||
		    keys_policy_epoch(&floor, &w->policy, &s, "disk") != table[i].want)
			fail_msg("%s", table[i].name);
	}
}

static void every_byte_of_a_manifest_counts(void **state)
{
	struct world *w = *state;
	struct keys_subject s = subject();

	memset(s.manifest.b, 0x22, sizeof(s.manifest.b));
	assert_int_equal(read_signed(w, LISTS("\"manifests\":[\"" HASH("2") "\"],"), 3), KEYS_OK);
	for (size_t i = 0; i < sizeof(s.manifest.b); i++) {
		s.manifest.b[i] ^= 1;
		assert_int_equal(keys_policy_admits(&w->policy, &s), KEYS_MANIFEST);
		s.manifest.b[i] ^= 1;
	}
	assert_int_equal(keys_policy_admits(&w->policy, &s), KEYS_OK);
}

static void every_register_counts(void **state)
{
	struct world *w = *state;
	struct keys_subject s = subject();
	uint8_t *bytes = (uint8_t *)&s.measurement;

	assert_int_equal(read_signed(w, WHOLE, 3), KEYS_OK);
	for (size_t i = 0; i < sizeof(s.measurement); i++) {
		bytes[i] ^= 0x80;
		assert_int_equal(keys_policy_admits(&w->policy, &s), KEYS_MEASUREMENT);
		bytes[i] ^= 0x80;
	}
	assert_int_equal(keys_policy_admits(&w->policy, &s), KEYS_OK);
}

static void rtmr0_may_be_left_out(void **state)
{
	struct world *w = *state;
	struct keys_subject s = subject();

	assert_int_equal(read_signed(w, ANY_SIZE, 3),
			 KEYS_OK);
	s.measurement.rtmr0[0] = 0;
	assert_int_equal(keys_policy_admits(&w->policy, &s), KEYS_OK);
	s.measurement.rtmr1[0] = 0;
	assert_int_equal(keys_policy_admits(&w->policy, &s), KEYS_MEASUREMENT);
}

static void simulated_only_when_the_policy_says(void **state)
{
	struct world *w = *state;
	struct keys_subject s = subject();

	assert_int_equal(read_signed(w, HEAD(1) IMAGES ",\"apps\":[" APP "]}", 3), KEYS_OK);
	assert_int_equal(keys_policy_admits(&w->policy, &s), KEYS_SIMULATED);
	s.is_simulated = false;
	assert_int_equal(keys_policy_admits(&w->policy, &s), KEYS_OK);
}

static void floors_of_numbers(void **state)
{
	struct world *w = *state;
	struct keys_subject s = subject();
	uint64_t floor;

	assert_int_equal(read_signed(w, WHOLE, 3), KEYS_OK);
	assert_int_equal(keys_policy_epoch(&floor, &w->policy, &s, "disk"), KEYS_OK);
	assert_int_equal(floor, 0);
	s.instance[0] = 2;
	assert_int_equal(keys_policy_epoch(&floor, &w->policy, &s, "disk"), KEYS_OK);
	assert_int_equal(floor, 7);
	assert_int_equal(keys_policy_epoch(&floor, &w->policy, &s, "app/x"), KEYS_OK);
	assert_int_equal(floor, 0);
	assert_int_equal(keys_policy_epoch(&floor, &w->policy, &s, "env"), KEYS_PURPOSE);
}

static void nodes_are_own_code_or_listed(void **state)
{
	struct world *w = *state;
	struct keys_subject own = subject(), s = subject();

	assert_true(keys_policy_is_kms(NULL, &s, &own));
	s.measurement.mr_td[0] = 0;
	assert_false(keys_policy_is_kms(NULL, &s, &own));
	s = subject();
	s.app[0] = s.manifest.b[0] = 0xbb;
	assert_false(keys_policy_is_kms(NULL, &s, &own));
	assert_int_equal(read_signed(w, OTHER_KMS, 3),
			 KEYS_OK);
	assert_true(keys_policy_is_kms(&w->policy, &s, &own));
	s.measurement.mr_td[0] = 0;
	assert_false(keys_policy_is_kms(&w->policy, &s, &own));
	/* Nor is a manifest that says it continues ours, which is what the app
	 * of a subject comes from. */
	s = subject();
	s.manifest.b[0] ^= 1;
	assert_false(keys_policy_is_kms(NULL, &s, &own));
	assert_false(keys_policy_is_kms(&w->policy, &s, &own));
	s.app[0] = 0xbb; /* or one that is listed */
	assert_false(keys_policy_is_kms(&w->policy, &s, &own));
	/* A simulated TEE is none that a real one gives its roots to. */
	s = subject();
	own.is_simulated = false;
	assert_false(keys_policy_is_kms(NULL, &s, &own));
	s.app[0] = s.manifest.b[0] = 0xbb; /* whatever the policy says of those that ask for keys */
	assert_false(keys_policy_is_kms(&w->policy, &s, &own));
	s.is_simulated = false;
	assert_true(keys_policy_is_kms(&w->policy, &s, &own));
}

static void nodes_that_come_and_go(void **state)
{
	static const struct {
		const char *name;
		uint8_t from[4], to[4];
		size_t want;
	} table[] = {
		{ "none", { 1, 2, 3 }, { 3, 1, 2 }, 0 },
		{ "one_comes", { 1, 2 }, { 1, 2, 3 }, 1 },
		{ "one_goes", { 1, 2, 3 }, { 1, 3 }, 1 },
		{ "one_replaced", { 1, 2, 3 }, { 1, 4, 3 }, 2 },
		{ "all_replaced", { 1, 2 }, { 3, 4 }, 4 },
		{ "all_but_one_go", { 1, 2, 3 }, { 2 }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct keys_policy from = { 0 }, to = { 0 };

		for (const uint8_t *n = table[i].from; *n; n++)
			from.nodes[from.node_count++][0] = *n;
		for (const uint8_t *n = table[i].to; *n; n++)
			to.nodes[to.node_count++][0] = *n;
		if (keys_policy_node_changes(&from, &to) != table[i].want)
			fail_msg("%s", table[i].name);
	}
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
		T(whole_is_read),
		T(quorum_of_distinct_administrators),
		T(no_byte_of_it_can_change),
		T(what_is_not_understood_is_refused),
		T(decisions),
		T(manifests_of_an_app),
		T(every_byte_of_a_manifest_counts),
		T(every_register_counts),
		T(rtmr0_may_be_left_out),
		T(simulated_only_when_the_policy_says),
		T(floors_of_numbers),
		T(nodes_are_own_code_or_listed),
		T(nodes_that_come_and_go),
		T(authority_of_the_manifest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
