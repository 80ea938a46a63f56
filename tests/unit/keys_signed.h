/* keys_signed: policies that administrators signed, read, for tests of the room keys. */
#ifndef POSTERN_TESTS_KEYS_SIGNED_H
#define POSTERN_TESTS_KEYS_SIGNED_H

#include "unit.h"

#include "keys_policy.h"

#define APP \
	"{\"app\":\"" ID_A "\",\"images\":[\"base\"],\"instance_keys\":[\"disk\",\"app/\"]," \
	"\"app_keys\":[\"env\"],\"min_epoch\":2,\"instances\":[{\"instance\":\"" NODE_3 \
	"\",\"denied\":true},{\"instance\":\"" NODE_2 "\",\"name\":\"disk\",\"floor\":7}]}"
#define WHOLE HEAD(3) IMAGES ",\"simulated\":true,\"apps\":[" APP "]}"

struct world {
	struct admins admins;
	struct arena arena;
	struct keys_policy policy;
	char text[16384], error[KEYS_POLICY_ERROR_MAX];
};

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	admins_init(&w->admins);
	arena_init(&w->arena, KEYS_POLICY_TREE_MAX);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	admins_fini(&w->admins);
	arena_fini(&w->arena);
	free(w);
	return 0;
}

static inline enum keys_reason read_signed(struct world *w, const char *object, unsigned who)
{
	struct span text = sign_policy(w->text, sizeof(w->text), &w->admins, object, who);

	return keys_policy_read(&w->policy, &w->arena, text, &w->admins.authority, w->error);
}

#endif
