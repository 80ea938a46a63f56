/* keep: what a node finds again, on a platform that has a key and on one that has none. */
#include "sim_platform.h"

#include "keyless.h"
#include "keys_policy.h"
#include "kms/keep.h"
#include "seal/hardware.h"

static const uint8_t cluster_id[KEYS_CLUSTER_ID_LEN] = { 7 };

struct world {
	struct platform platform;
	struct quote_source *source;
	struct admins admins;
	struct identity identity;
	struct keys_cluster cluster;
	char sealed[128], policy[16384];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct key32 root = { .b = { 1 } };
	char why[KEYS_POLICY_ERROR_MAX] = "";
	struct span policy;

	w->source = platform_start(&w->platform, NULL);
	folder_file(w->sealed, &w->platform.folder, "sealed");
	admins_init(&w->admins);
	w->identity.instance_id[0] = 1;
	keys_cluster_init(&w->cluster);
	policy = sign_policy(w->policy, sizeof(w->policy), &w->admins, HEAD(1) "}", 3);
	assert_int_equal(keys_cluster_found(&w->cluster, cluster_id, &root, policy,
					    &w->admins.authority, why),
			 KEYS_OK);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	keys_cluster_fini(&w->cluster);
	admins_fini(&w->admins);
	platform_end(&w->platform);
	free(w);
	return 0;
}

static struct keep *open_keep(struct world *w)
{
	struct keep *k = NULL;
	char error[NODE_ERROR_MAX] = "";

	if (keep_open(&k, w->sealed, &w->identity, w->source, error))
		fail_msg("%s", error);
	return k;
}

static void cluster_and_key_are_found_again(void **state)
{
	struct world *w = *state;
	struct keep *k = open_keep(w);
	struct keys_cluster c;
	struct p256_private *key, *again;
	struct p256_point at, at_again;
	char error[NODE_ERROR_MAX] = "";
	bool is_new = false;

	assert_true(keep_is_lasting(k));
	keys_cluster_init(&c);
	assert_int_equal(keep_read(k, &c, &w->admins.authority, error), RC_OK);
	assert_false(c.is_founded);
	assert_int_equal(keep_audit_key(&key, &is_new, k, error), RC_OK);
	assert_true(is_new);
	assert_int_equal(keep_write(k, &w->cluster), RC_OK);
	keep_free(k);

	k = open_keep(w);
	assert_int_equal(keep_read(k, &c, &w->admins.authority, error), RC_OK);
	assert_true(c.is_founded);
	assert_memory_equal(c.id, cluster_id, sizeof(cluster_id));
	assert_int_equal(c.root_count, 1);
	assert_memory_equal(c.roots[0].root.key.b, w->cluster.roots[0].root.key.b, 32);
	assert_int_equal(keep_audit_key(&again, &is_new, k, error), RC_OK);
	assert_false(is_new);
	p256_private_point(key, &at);
	p256_private_point(again, &at_again);
	assert_memory_equal(at.xy, at_again.xy, sizeof(at.xy));
	p256_private_free(again);
	p256_private_free(key);
	keys_cluster_fini(&c);
	keep_free(k);
}

/* What others sealed is not opened: other code, another instance, no answer. */
static void what_is_not_ours_is_denied(void **state)
{
	struct world *w = *state;
	struct keep *k = open_keep(w);
	char error[NODE_ERROR_MAX] = "";

	assert_int_equal(keep_write(k, &w->cluster), RC_OK);
	keep_free(k);
	k = NULL;
	w->platform.td.rtmr[1].b[0] ^= 1;
	assert_int_equal(keep_open(&k, w->sealed, &w->identity, w->source, error), RC_DENIED);
	assert_non_null(strstr(error, "other_measurement"));
	w->platform.td.rtmr[1].b[0] ^= 1;
	w->identity.instance_id[0] ^= 1;
	assert_int_equal(keep_open(&k, w->sealed, &w->identity, w->source, error), RC_DENIED);
	assert_non_null(strstr(error, "other_instance"));
	w->identity.instance_id[0] ^= 1;
	/* A simulated platform has a key: that it does not say so now is no
	 * reason to begin anew. */
	w->platform.fails = 1u << SIMPROTO_KEY;
	assert_int_equal(keep_open(&k, w->sealed, &w->identity, w->source, error), RC_DENIED);
	assert_null(k);
	w->platform.fails = 0;
	k = open_keep(w);
	keep_free(k);
}

static void other_administrators_are_denied(void **state)
{
	struct world *w = *state;
	struct keep *k = open_keep(w);
	struct keys_cluster c;
	struct admins others;
	char error[NODE_ERROR_MAX] = "";

	admins_init(&others);
	keys_cluster_init(&c);
	assert_int_equal(keep_write(k, &w->cluster), RC_OK);
	assert_int_equal(keep_read(k, &c, &others.authority, error), RC_DENIED);
	assert_string_equal(error, "sealed cluster: not what these administrators signed");
	assert_false(c.is_founded);
	keys_cluster_fini(&c);
	admins_fini(&others);
	keep_free(k);
}

static void remove_sealed(const struct world *w, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s.sealed", w->sealed, name);
	assert_int_equal(unlink(path), 0);
}

/* A host that takes files away does not make the node begin anew. */
static void files_taken_away_are_denied(void **state)
{
	struct world *w = *state;
	struct keep *k = open_keep(w);
	struct keys_cluster c;
	struct p256_private *key = NULL;
	char error[NODE_ERROR_MAX] = "";
	bool is_new;

	keys_cluster_init(&c);
	assert_int_equal(keep_write(k, &w->cluster), RC_OK);
	assert_int_equal(keep_audit_key(&key, &is_new, k, error), RC_OK);
	p256_private_free(key);
	key = NULL;
	remove_sealed(w, "kms-cluster");
	remove_sealed(w, "kms-audit-key");
	assert_int_equal(keep_read(k, &c, &w->admins.authority, error), RC_DENIED);
	assert_string_equal(error, "sealed cluster: missing");
	assert_int_equal(keep_audit_key(&key, &is_new, k, error), RC_DENIED);
	assert_string_equal(error, "audit key: missing");
	assert_false(is_new);
	assert_null(key);
	keys_cluster_fini(&c);
	keep_free(k);
}

/* Sealed by us, and yet not what it should be: our own mistake. */
static void sealed_nonsense_is_denied(void **state)
{
	struct world *w = *state;
	const struct seal_provider provider = hardware_provider(w->source);
	struct seal_options o = { .folder = w->sealed, .provider = &provider };
	char why[SEAL_ERROR_MAX], error[NODE_ERROR_MAX] = "";
	struct p256_private *key = NULL;
	struct keys_cluster c;
	struct keep *k;
	struct seal *s;
	bool is_new;

	memcpy(o.instance, w->identity.instance_id, sizeof(o.instance));
	assert_int_equal(seal_open(&s, &o, why), SEAL_OK);
	assert_int_equal(seal_write(s, "kms-audit-key", span_str("x")), SEAL_OK);
	assert_int_equal(seal_write(s, "kms-cluster", span_str("x")), SEAL_OK);
	seal_close(s);
	k = open_keep(w);
	keys_cluster_init(&c);
	assert_int_equal(keep_audit_key(&key, &is_new, k, error), RC_DENIED);
	assert_string_equal(error, "audit key: no key");
	assert_int_equal(keep_read(k, &c, &w->admins.authority, error), RC_DENIED);
	assert_string_equal(error, "sealed cluster: not what these administrators signed");
	keys_cluster_fini(&c);
	keep_free(k);
}

static void what_cannot_be_written_is_said(void **state)
{
	struct world *w = *state;
	struct keep *k = open_keep(w);
	struct p256_private *key = NULL;
	struct folder sealed;
	char error[NODE_ERROR_MAX] = "";
	bool is_new;

	assert_true(strlen(w->sealed) < sizeof(sealed.path));
	strcpy(sealed.path, w->sealed);
	folder_remove(&sealed);
	assert_int_equal(keep_write(k, &w->cluster), RC_SYS);
	assert_int_equal(keep_audit_key(&key, &is_new, k, error), RC_SYS);
	assert_string_equal(error, "audit key: io");
	assert_null(key);
	keep_free(k);
}

/* ---- real TDX has no such key */

static void without_a_sealing_key_nothing_is_kept(void **state)
{
	struct world *w = *state;
	struct quote_source *simulated = w->source;
	struct p256_private *key;
	struct keys_cluster c;
	char error[NODE_ERROR_MAX] = "";
	bool is_new = false;

	w->source = keyless_source();
	for (int i = 0; i < 2; i++) {
		struct keep *k = open_keep(w);

		assert_false(keep_is_lasting(k));
		keys_cluster_init(&c);
		assert_int_equal(keep_read(k, &c, &w->admins.authority, error), RC_OK);
		assert_false(c.is_founded);
		assert_int_equal(keep_audit_key(&key, &is_new, k, error), RC_OK);
		assert_true(is_new);
		assert_int_equal(keep_write(k, &w->cluster), RC_OK);
		p256_private_free(key);
		keys_cluster_fini(&c);
		keep_free(k);
	}
	keep_free(NULL);
	quote_source_free(w->source);
	w->source = simulated;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(cluster_and_key_are_found_again),
		T(what_is_not_ours_is_denied),
		T(other_administrators_are_denied),
		T(files_taken_away_are_denied),
		T(sealed_nonsense_is_denied),
		T(what_cannot_be_written_is_said),
		T(without_a_sealing_key_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
