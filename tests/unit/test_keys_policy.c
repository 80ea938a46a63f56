/* What a release policy decides. */
#include "keys_signed.h"

#define ANY_SIZE \
	HEAD(1) \
	IMAGES ",\"simulated\":true,\"apps\":[{\"app\":\"" ID_A \
	       "\",\"images\":[\"any-size\"]}]}"
#define OTHER_KMS \
	HEAD(1) \
	IMAGES ",\"simulated\":true,\"kms\":[{\"app\":\"" ID_B \
	       "\",\"image\":\"base\"}]}"
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(decisions),
		T(manifests_of_an_app),
		T(every_byte_of_a_manifest_counts),
		T(every_register_counts),
		T(rtmr0_may_be_left_out),
		T(simulated_only_when_the_policy_says),
		T(floors_of_numbers),
		T(nodes_are_own_code_or_listed),
		T(nodes_that_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
