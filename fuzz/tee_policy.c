/* A policy that is read never accepts Revoked, and each image pins something. */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "tee/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[POLICY_ERROR_MAX];
	struct tee_policy p;
	struct arena arena;

	memset(error, 0, sizeof(error));
	arena_init(&arena, 4 * 1024 * 1024);
	if (policy_read(&p, &arena, "fuzz", span_of(data, size), error)) {
		assert(error[0] && memchr(error, 0, sizeof(error)));
	} else {
		assert(!p.accepts_status[TCB_REVOKED] && !p.accepts_status[TCB_NONE]);
		assert(p.has_images || !p.image_count);
		assert(p.image_count <= POLICY_IMAGES_MAX && p.clock_skew_s >= 0);
		for (size_t i = 0; i < p.image_count; i++)
			assert(strlen(p.images[i].name) &&
			       memchr(p.images[i].is_pinned, true, POLICY_REGISTER_COUNT));
	}
	arena_fini(&arena);
	return 0;
}
