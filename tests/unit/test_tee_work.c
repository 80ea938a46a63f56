/*
 * work: a piece at rest is used again, what is over the pool's places is freed,
 * and threads that share prepared collateral do not disturb one another.
 */
#include "unit.h"

#include <pthread.h>

#include "tee/work.h"
#include "tee_vectors.h"

enum {
	B0C0_AT = 1751328000, /* 2025-07-01T00:00:00Z */
	THREADS = WORK_IDLE_MAX + 4,
	ROUNDS = 8,
	SIGNATURE_AT = 636, /* the quote's, by the attestation key */
};

static void piece_at_rest_is_used_again(void **state)
{
	struct work_pool pool = { { NULL } };
	struct work *a = work_take(&pool), *b = work_take(&pool);

	(void)state;
	assert_ptr_not_equal(a, b);
	work_give(&pool, b);
	assert_ptr_equal(work_take(&pool), b);
	work_give(&pool, a);
	work_give(&pool, b);
	work_pool_fini(&pool);
	for (size_t i = 0; i < WORK_IDLE_MAX; i++)
		assert_null(pool.idle[i]);
}

/* Under ASan one that is neither kept nor freed would be found. */
static void more_than_places_are_freed(void **state)
{
	struct work_pool pool = { { NULL } };
	struct work *w[WORK_IDLE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < WORK_IDLE_MAX + 2; i++)
		w[i] = work_take(&pool);
	for (size_t i = 0; i < WORK_IDLE_MAX + 2; i++)
		work_give(&pool, w[i]);
	for (size_t i = 0; i < WORK_IDLE_MAX; i++)
		assert_ptr_equal(pool.idle[i], w[i]);
	work_pool_fini(&pool);
}

struct verifier {
	pthread_t id;
	const struct tee_prepared *p;
	struct span quote;
	enum tee_reason want;
	unsigned wrong;
};

static void *verify(void *arg)
{
	struct verifier *t = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct tee_verdict v;

		tee_verify_prepared(&v, t->p, t->quote, NULL, B0C0_AT);
		t->wrong += v.reason != t->want;
	}
	return NULL;
}

/* Every other thread's quote is signed wrongly; make MODE=tsan unit T=tee_. */
static void threads_share_prepared_collateral(void **state)
{
	struct tee_collateral c = tee_vector_collateral("collateral/tdx_b0c0_202506");
	struct span good = tee_vector_quote("quotes/tdx_v4_b0c0_uptodate.bin");
	uint8_t *bad = vector_copy(good);
	struct verifier threads[THREADS];
	struct tee_prepared *p = NULL;
	char detail[TEE_DETAIL_MAX];

	(void)state;
	bad[SIGNATURE_AT] ^= 1;
	assert_int_equal(tee_prepare(&p, detail, &c, &tee_anchor_intel, 1), TEE_OK);
	for (size_t i = 0; i < THREADS; i++) {
		threads[i] = (struct verifier){
			.p = p,
			.quote = i % 2 ? span_of(bad, good.n) : good,
			.want = i % 2 ? TEE_QUOTE_SIGNATURE : TEE_OK,
		};
		assert_int_equal(pthread_create(&threads[i].id, NULL, verify, &threads[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i].id, NULL);
		assert_int_equal(threads[i].wrong, 0);
	}
	tee_prepared_free(p);
	free(bad);
	vector_free(good);
	tee_vector_collateral_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(piece_at_rest_is_used_again),
		cmocka_unit_test(more_than_places_are_freed),
		cmocka_unit_test(threads_share_prepared_collateral),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
