/* shared: bytes live as long as anybody has them. */
#include "unit.h"

#include <pthread.h>

#include "base/shared.h"

static void last_reference_frees(void **state)
{
	struct shared *s, *other;
	struct buf b;

	(void)state;
	shared_unref(NULL);
	buf_init(&b, 8);
	assert_true(buf_add(&b, span_str("bytes")));
	s = shared_of(&b);
	assert_int_equal(b.n, 0);
	assert_null(b.p);
	other = shared_ref(s);
	assert_ptr_equal(shared_span(s).p, shared_span(other).p);
	shared_unref(s);
	assert_true(span_equal_str(shared_span(other), "bytes"));
	shared_unref(other); /* a leak, or twice, is for ASan to see */
}

enum {
	ROUNDS = 20000,
};

static void *take_and_give_back(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < ROUNDS; i++)
		shared_unref(shared_ref(s));
	shared_unref(s);
	return NULL;
}

static void threads_share(void **state)
{
	pthread_t threads[4];
	struct buf b;
	struct shared *s;

	(void)state;
	buf_init(&b, 8);
	assert_true(buf_add(&b, span_str("bytes")));
	s = shared_of(&b);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give_back,
						shared_ref(s)),
				 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(span_equal_str(shared_span(s), "bytes"));
	shared_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_reference_frees),
		cmocka_unit_test(threads_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
