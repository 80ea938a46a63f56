/* Every member of a release policy, odd in every way. */
#include "unit.h"

#include "json_odd.h"
#include "keys_policy.h"

/* clang-format off */
static const char document[] =
	"{\"type\":\"postern/kms-policy/v1\",\"serial\":9,\"issued\":\"2026-11-28T00:00:00Z\","
	"\"nodes\":[\"" NODE_1 "\",\"" NODE_2 "\"],\"release\":\"known\",\"simulated\":true,"
	"\"images\":[{\"name\":\"base\",\"mr_td\":\"" R96 "\",\"rtmr0\":\"" R96 "\",\"rtmr1\":\"" R96
	"\",\"rtmr2\":\"" R96 "\"}],"
	"\"kms\":[{\"app\":\"" ID_B "\",\"image\":\"base\"}],"
	"\"apps\":[{\"app\":\"" ID_A "\",\"images\":[\"base\"],\"instance_keys\":[\"disk\",\"app/\"],"
	"\"app_keys\":[\"env\"],\"min_epoch\":1,\"per_minute\":600,"
	"\"instances\":[{\"instance\":\"" NODE_3 "\",\"denied\":true},"
	"{\"instance\":\"" NODE_2 "\",\"name\":\"disk\",\"floor\":7}]}]}";
/* What may be left out, is a number of that range, or a list that may be
 * shorter or empty. */
static const char *const may[] = {
	".serial 7",
	".nodes.? gone",
	".release gone", ".simulated gone", ".simulated true",
	".images.0.rtmr0 gone",
	".kms gone", ".kms array", ".kms.0 gone", ".kms.0 twice",
	".apps gone", ".apps array", ".apps.0 gone",
	".apps.0.images array", ".apps.0.images.0 gone", ".apps.0.images.0 twice",
	".apps.0.instance_keys gone", ".apps.0.instance_keys array",
	".apps.0.instance_keys.? gone", ".apps.0.instance_keys.? twice",
	".apps.0.instance_keys.? text",
	".apps.0.app_keys gone", ".apps.0.app_keys array",
	".apps.0.app_keys.0 gone", ".apps.0.app_keys.0 twice",
	".apps.0.app_keys.0 text",
	".apps.0.min_epoch gone", ".apps.0.min_epoch 7",
	".apps.0.per_minute gone", ".apps.0.per_minute 7",
	".apps.0.instances gone", ".apps.0.instances array",
	".apps.0.instances.? gone", ".apps.0.instances.? twice", ".apps.0.instances.0.denied gone",
	".apps.0.instances.0.denied true",
	".apps.0.instances.1.name text",
	".apps.0.instances.1.floor 7",
	NULL
};
/* clang-format on */

static bool read_object(void *arg, struct span text)
{
	struct arena arena;
	struct keys_policy p, before;
	char error[KEYS_POLICY_ERROR_MAX] = "";
	enum keys_reason reason;

	(void)arg;
	arena_init(&arena, KEYS_POLICY_TREE_MAX);
	memset(&p, 0xa5, sizeof(p));
	before = p;
	reason = keys_policy_read_object(&p, &arena, text, error);
	arena_fini(&arena);
	if (!reason)
		return true;
	assert_int_equal(reason, KEYS_MALFORMED);
	assert_string_not_equal(error, "");
	assert_memory_equal(&p, &before, sizeof(p));
	return false;
}

static void members_one_by_one(void **state)
{
	struct odd o = { .read = read_object, .may = may };

	(void)state;
	odd_each(&o, document);
	assert_true(o.tried > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
