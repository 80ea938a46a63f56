/*
 * A bundle that is read, in any of its forms, has items within their bound, and
 * written and read again it is the same.
 */
#include <assert.h>

#include "pcs/bundle.h"

static void expect_equal(const struct bundle *a, const struct bundle *b)
{
	assert(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		struct span as[COLLATERAL_ITEMS], bs[COLLATERAL_ITEMS];

		collateral_spans(as, &a->sets[i]);
		collateral_spans(bs, &b->sets[i]);
		for (size_t k = 0; k < COLLATERAL_ITEMS; k++) {
			assert(as[k].n <= COLLATERAL_ITEM_MAX);
			assert(k >= COLLATERAL_NEEDED || as[k].n);
			assert(span_equal(as[k], bs[k]));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[BUNDLE_ERROR_MAX] = "";
	struct bundle b = { 0 }, again = { 0 };
	struct buf text;

	if (bundle_read(&b, span_of(data, size), error)) {
		assert(error[0] && !b.count);
		return 0;
	}
	buf_init(&text, BUNDLE_MAX);
	assert(bundle_write(&text, b.sets, b.count) == RC_OK);
	assert(bundle_read(&again, buf_span(&text), error) == RC_OK);
	expect_equal(&b, &again);
	bundle_fini(&b);
	bundle_fini(&again);
	buf_fini(&text);
	return 0;
}
