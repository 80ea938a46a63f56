/* release: what an administrator signs is what a node of the key service reads. */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/json.h"
#include "cli/release.h"
#include "keys/policy_read.h"

#define R16 "11111111111111111111111111111111"
#define S16 "22222222222222222222222222222222"
#define R96 R16 R16 R16
#define S96 S16 S16 S16
#define NODE "0100000000000000000000000000000000000000"
#define ROW(name, rtmr2) \
	"  - name: " name "\n    mr_td: " R96 "\n    rtmr0: " R96 "\n    rtmr1: " R96 \
	"\n    rtmr2: " rtmr2 "\n"

static const uint8_t app_a[MANIFEST_ID_LEN] = { 0xaa }, app_b[MANIFEST_ID_LEN] = { 0xbb };

struct bench {
	json_t *policy;
	struct p256_private *key;
	struct keys_authority authority;
	struct buf text;
	struct arena arena;
	struct keys_policy read;
	char error[RELEASE_ERROR_MAX];
};

static void bench_init(struct bench *b)
{
	static const char *const nodes[] = { NODE };

	*b = (struct bench){ .policy = release_new(), .key = p256_private_generate() };
	b->authority = (struct keys_authority){ .admin_count = 1, .quorum = 1 };
	p256_private_point(b->key, &b->authority.admins[0]);
	release_set_nodes(b->policy, nodes, 1);
	arena_init(&b->arena, KEYS_POLICY_TREE_MAX);
}

static void bench_fini(struct bench *b)
{
	json_decref(b->policy);
	p256_private_free(b->key);
	buf_fini(&b->text);
	arena_fini(&b->arena);
}

/* Its first manifest: a hash that begins with the app id. */
static struct release_app first_of(const uint8_t *app, const char *rows)
{
	struct release_app a = { .rows = rows };

	memcpy(a.id, app, sizeof(a.id));
	memcpy(a.manifest.b, app, sizeof(a.id));
	return a;
}

static bool allow(struct bench *b, const uint8_t *app, const char *rows)
{
	struct release_app a = first_of(app, rows);
	bool changed = false;

	assert_int_equal(release_allow(b->policy, &changed, &a, b->error), RC_OK);
	return changed;
}

/* Signs, and reads it as a node does. */
static void sign(struct bench *b)
{
	buf_init(&b->text, KEYS_POLICY_MAX);
	assert_int_equal(release_sign(&b->text, b->policy, 1795824000, b->key, b->error), RC_OK);
	assert_int_equal(keys_policy_read(&b->read, &b->arena, buf_span(&b->text), &b->authority,
					  b->error),
			 KEYS_OK);
}

static enum keys_reason asks(const struct bench *b, const uint8_t *app, uint8_t rtmr2,
			     enum keys_scope scope, const char *purpose)
{
	struct keys_subject s = { .is_simulated = true };
	struct keys_wanted wanted = { .scope = scope };

	memcpy(s.app, app, sizeof(s.app));
	memcpy(s.manifest.b, app, sizeof(s.app));
	memset(&s.measurement, 0x11, sizeof(s.measurement));
	memset(s.measurement.rtmr2, rtmr2, sizeof(s.measurement.rtmr2));
	(void)snprintf(wanted.purpose, sizeof(wanted.purpose), "%s", purpose);
	return keys_policy_allows(&b->read, &s, &wanted, 1);
}

static void who_is_allowed_gets_what_an_agent_asks_for(void **state)
{
	static const struct {
		const char *name;
		const uint8_t *app;
		uint8_t rtmr2;
		enum keys_scope scope;
		const char *purpose;
		enum keys_reason want;
	} rows[] = {
		{ "disk", app_a, 0x11, KEYS_OF_INSTANCE, "disk", KEYS_OK },
		{ "seal", app_a, 0x11, KEYS_OF_INSTANCE, "seal", KEYS_OK },
		{ "environment", app_a, 0x11, KEYS_OF_APP, "env", KEYS_OK },
		{ "lineage", app_a, 0x11, KEYS_OF_APP, "lineage", KEYS_OK },
		{ "guest_api", app_a, 0x11, KEYS_OF_APP, "app/guest", KEYS_OK },
		{ "disk_of_all_instances", app_a, 0x11, KEYS_OF_APP, "disk", KEYS_SCOPE },
		{ "another_purpose", app_a, 0x11, KEYS_OF_APP, "app/other", KEYS_PURPOSE },
		{ "another_image", app_a, 0x22, KEYS_OF_INSTANCE, "disk", KEYS_MEASUREMENT },
		{ "another_app", app_b, 0x11, KEYS_OF_INSTANCE, "disk", KEYS_APP_UNKNOWN },
	};
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_true(allow(&b, app_a, ROW("x", R96)));
	sign(&b);
	assert_int_equal(b.read.serial, 1);
	assert_int_equal(b.read.node_count, 1);
	assert_int_equal(b.read.issued_at, 1795824000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum keys_reason got = asks(&b, rows[i].app, rows[i].rtmr2, rows[i].scope,
					    rows[i].purpose);

		if (got != rows[i].want)
			fail_msg("%s: %s", rows[i].name, keys_reason_name(got));
	}
	bench_fini(&b);
}

static void the_same_again_changes_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_true(allow(&b, app_a, ROW("x", R96)));
	assert_false(allow(&b, app_a, ROW("x", R96)));
	assert_false(allow(&b, app_a, ROW("called-otherwise", R96)));
	assert_int_equal(json_array_size(json_object_get(b.policy, "images")), 1);
	/* A second app of the image, then a second image of the first app, under
	 * the name of the first. */
	assert_true(allow(&b, app_b, ROW("x", R96)));
	assert_int_equal(json_array_size(json_object_get(b.policy, "images")), 1);
	assert_true(allow(&b, app_a, ROW("x", S96)));
	sign(&b);
	assert_int_equal(b.read.image_count, 2);
	assert_int_equal(asks(&b, app_a, 0x11, KEYS_OF_APP, "env"), KEYS_OK);
	assert_int_equal(asks(&b, app_a, 0x22, KEYS_OF_APP, "env"), KEYS_OK);
	assert_int_equal(asks(&b, app_b, 0x22, KEYS_OF_APP, "env"), KEYS_MEASUREMENT);
	bench_fini(&b);
}

/* "min_epoch", a denied instance: somebody's decision, which stays. */
static void what_others_wrote_is_kept(void **state)
{
	static const char more[] = "{\"instance\":\"" NODE "\",\"denied\":true}";
	struct bench b;
	json_t *app;

	(void)state;
	bench_init(&b);
	allow(&b, app_a, ROW("x", R96));
	app = json_array_get(json_object_get(b.policy, "apps"), 0);
	jset(app, "min_epoch", json_integer(7));
	jset(app, "instances", json_array());
	jadd(json_object_get(app, "instances"), json_loads(more, 0, NULL));
	jset_text(b.policy, "release", "known");
	assert_true(allow(&b, app_a, ROW("y", S96)));
	sign(&b);
	assert_true(b.read.releases_alone);
	assert_int_equal(b.read.apps[0].min_epoch, 7);
	assert_int_equal(b.read.apps[0].instance_count, 1);
	assert_true(b.read.apps[0].instances[0].is_denied);
	bench_fini(&b);
}

static enum keys_reason gets_disk(const struct bench *b, const struct sha256 *manifest)
{
	struct keys_subject s = { .app = { 0xaa }, .is_simulated = true, .manifest = *manifest };
	struct keys_wanted wanted = { .scope = KEYS_OF_INSTANCE, .purpose = "disk" };

	memset(&s.measurement, 0x11, sizeof(s.measurement));
	return keys_policy_allows(&b->read, &s, &wanted, 1);
}

/* The new one besides the old one, which goes when somebody takes it out. */
static void an_update_is_listed_besides(void **state)
{
	struct release_app old = first_of(app_a, ROW("x", R96)), new = old;
	json_t *list;
	bool changed = false;
	struct bench b;

	(void)state;
	memset(new.manifest.b, 0x22, sizeof(new.manifest.b));
	new.continues = true;
	bench_init(&b);
	assert_true(allow(&b, app_a, old.rows));
	sign(&b);
	assert_int_equal(gets_disk(&b, &old.manifest), KEYS_OK);
	assert_int_equal(gets_disk(&b, &new.manifest), KEYS_MANIFEST);
	assert_int_equal(release_allow(b.policy, &changed, &new, b.error), RC_OK);
	assert_true(changed);
	buf_fini(&b.text);
	sign(&b);
	assert_int_equal(gets_disk(&b, &old.manifest), KEYS_OK);
	assert_int_equal(gets_disk(&b, &new.manifest), KEYS_OK);
	assert_int_equal(b.read.app_count, 1);
	changed = false;
	assert_int_equal(release_allow(b.policy, &changed, &new, b.error), RC_OK);
	assert_false(changed);
	list = json_object_get(json_array_get(json_object_get(b.policy, "apps"), 0), "manifests");
	assert_int_equal(json_array_remove(list, 0), 0);
	buf_fini(&b.text);
	sign(&b);
	assert_int_equal(gets_disk(&b, &old.manifest), KEYS_MANIFEST);
	assert_int_equal(gets_disk(&b, &new.manifest), KEYS_OK);
	bench_fini(&b);
}

static void an_update_of_nothing_refused(void **state)
{
	struct release_app app = first_of(app_b, ROW("x", R96));
	bool changed = false;
	struct bench b;

	(void)state;
	bench_init(&b);
	allow(&b, app_a, ROW("x", R96));
	app.continues = true;
	assert_int_equal(release_allow(b.policy, &changed, &app, b.error), RC_DENIED);
	assert_non_null(strstr(b.error, "continues app bb00"));
	assert_false(changed);
	assert_int_equal(json_array_size(json_object_get(b.policy, "apps")), 1);
	bench_fini(&b);
}

static void what_a_manifest_asks_for(void **state)
{
	static const char first[] = "{\"name\":\"a\"}";
	static const char later[] = "{\"name\":\"a\",\"continues\":"
				    "\"aa00000000000000000000000000000000000000\"}";
	struct release_app app = { 0 };
	uint8_t own[MANIFEST_ID_LEN];

	(void)state;
	manifest_app_id(own, span_str(first));
	assert_int_equal(release_app_of(&app, span_str(first)), RC_OK);
	assert_false(app.continues);
	assert_memory_equal(app.id, own, sizeof(own));
	assert_memory_equal(app.manifest.b, own, sizeof(own));
	manifest_app_id(own, span_str(later));
	assert_int_equal(release_app_of(&app, span_str(later)), RC_OK);
	assert_true(app.continues);
	assert_memory_equal(app.id, app_a, sizeof(own));
	assert_memory_equal(app.manifest.b, own, sizeof(own));
	assert_int_equal(release_app_of(&app, span_str("{\"continues\":1}")), RC_MALFORMED);
	assert_true(app.continues);
}

static void nodes_change_one_at_a_time(void **state)
{
	static const struct {
		const char *name, *before[3], *wanted[3], *steps[5];
	} rows[] = {
		{ "the_same", { "a", "b" }, { "a", "b" }, { "ab" } },
		{ "in_another_order", { "a", "b" }, { "b", "a" }, { "ab" } },
		{ "one_more", { "a", "b" }, { "a", "b", "c" }, { "abc" } },
		{ "one_less", { "a", "b", "c" }, { "a", "c" }, { "ac" } },
		{ "one_replaced", { "a", "b", "c" }, { "a", "x", "c" }, { "ac", "acx" } },
		{ "two_replaced",
		  { "a", "b", "c" },
		  { "x", "y", "c" },
		  { "bc", "c", "cx", "cxy" } },
		{ "the_last_goes_after_another_came", { "a" }, { "b" }, { "ab", "b" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *policy = release_new();
		size_t before = 0, wanted = 0;
		bool is_last = false;

		while (before < 3 && rows[i].before[before])
			before++;
		while (wanted < 3 && rows[i].wanted[wanted])
			wanted++;
		release_set_nodes(policy, rows[i].before, before);
		for (size_t k = 0; k < 5 && rows[i].steps[k]; k++) {
			char now[8] = "";
			json_t *node;
			size_t n;

			assert_false(is_last);
			is_last = release_step_nodes(policy, rows[i].wanted, wanted);
			json_array_foreach(json_object_get(policy, "nodes"), n, node)
				strcat(now, json_string_value(node));
			if (strcmp(now, rows[i].steps[k]) != 0)
				fail_msg("%s: %s", rows[i].name, now);
		}
		assert_true(is_last);
		json_decref(policy);
	}
}

static void serials_grow(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b);
	allow(&b, app_a, ROW("x", R96));
	sign(&b);
	buf_fini(&b.text);
	sign(&b);
	assert_int_equal(b.read.serial, 2);
	bench_fini(&b);
}

static void rtmr0_may_be_free(void **state)
{
	static const char row[] = "  - name: x\n    mr_td: " R96 "\n    rtmr1: " R96
				  "\n    rtmr2: " R96 "\n";
	struct bench b;

	(void)state;
	bench_init(&b);
	assert_true(allow(&b, app_a, row));
	assert_true(allow(&b, app_a, ROW("x", R96))); /* another image than with it */
	sign(&b);
	assert_int_equal(b.read.image_count, 2);
	assert_true(b.read.images[0].is_rtmr0_free);
	bench_fini(&b);
}

static void images_without_registers_refused(void **state)
{
	static const struct {
		const char *name, *rows, *want;
		enum rc rc;
	} rows[] = {
		{ "no_rtmr2", "  - name: x\n    mr_td: " R96 "\n    rtmr1: " R96 "\n",
		  "image x: a release policy needs", RC_UNSUPPORTED },
		{ "an_enclave", "  - name: e\n    mr_enclave: " R16 R16 "\n",
		  "image e: a release policy needs", RC_UNSUPPORTED },
		{ "the_second_of_two", ROW("x", R96) "  - name: y\n    mr_td: " R96 "\n",
		  "image y: a release policy needs", RC_UNSUPPORTED },
		{ "no_list", "  x: 1\n", "images", RC_MALFORMED },
		{ "a_short_register", "  - name: x\n    mr_td: 11\n", "mr_td", RC_MALFORMED },
	};
	struct bench b;

	(void)state;
	bench_init(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct release_app app = first_of(app_a, rows[i].rows);
		bool changed = false;

		assert_int_equal(release_allow(b.policy, &changed, &app, b.error), rows[i].rc);
		if (!strstr(b.error, rows[i].want))
			fail_msg("%s: %s", rows[i].name, b.error);
		assert_false(changed);
	}
	assert_int_equal(json_array_size(json_object_get(b.policy, "apps")), 0);
	bench_fini(&b);
}

/* More than a node would take is not signed. */
static void too_many_apps_refused(void **state)
{
	uint8_t app[MANIFEST_ID_LEN] = { 0 };
	enum rc rc = RC_OK;
	unsigned count = 0;
	struct bench b;

	(void)state;
	bench_init(&b);
	for (; !rc && count < 2000; count += 50) {
		for (unsigned i = 0; i < 50; i++) {
			app[0] = (uint8_t)(count + i);
			app[1] = (uint8_t)((count + i) >> 8);
			allow(&b, app, ROW("x", R96));
		}
		buf_fini(&b.text);
		buf_init(&b.text, KEYS_POLICY_MAX);
		rc = release_sign(&b.text, b.policy, 1795824000, b.key, b.error);
	}
	assert_int_equal(rc, RC_LIMIT);
	assert_true(count > 200);
	assert_true(b.error[0]);
	bench_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_allowed_gets_what_an_agent_asks_for),
		cmocka_unit_test(the_same_again_changes_nothing),
		cmocka_unit_test(what_others_wrote_is_kept),
		cmocka_unit_test(an_update_is_listed_besides),
		cmocka_unit_test(an_update_of_nothing_refused),
		cmocka_unit_test(what_a_manifest_asks_for),
		cmocka_unit_test(nodes_change_one_at_a_time),
		cmocka_unit_test(serials_grow),
		cmocka_unit_test(rtmr0_may_be_free),
		cmocka_unit_test(images_without_registers_refused),
		cmocka_unit_test(too_many_apps_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
