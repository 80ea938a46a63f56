#include "tee/work.h"

#include <stdlib.h>

#include "base/mem.h"

static struct work *work_new(void)
{
	struct work *w = mem_new(sizeof(*w));

	w->hasher = hasher_new();
	w->p256 = p256_verifier_new(w->hasher);
	return w;
}

static void work_free(struct work *w)
{
	if (!w)
		return;
	p256_verifier_free(w->p256);
	hasher_free(w->hasher);
	free(w);
}

struct work *work_take(struct work_pool *pool)
{
	for (size_t i = 0; i < WORK_IDLE_MAX; i++) {
		struct work *w = atomic_exchange(&pool->idle[i], NULL);

		if (w)
			return w;
	}
	return work_new();
}

void work_give(struct work_pool *pool, struct work *w)
{
	for (size_t i = 0; i < WORK_IDLE_MAX; i++) {
		struct work *none = NULL;

		if (atomic_compare_exchange_strong(&pool->idle[i], &none, w))
			return;
	}
	work_free(w);
}

void work_pool_fini(struct work_pool *pool)
{
	for (size_t i = 0; i < WORK_IDLE_MAX; i++)
		work_free(atomic_exchange(&pool->idle[i], NULL));
}
