/*
 * A request and an answer that are read, written and read again, are the same;
 * a path that is accepted is of its tree.
 */
#include <assert.h>
#include <string.h>

#include "evidence/attest.h"

static void try_request(struct span text)
{
	struct attest_nonce n = { .n = 7 }, again;
	struct buf out;

	if (attest_request_read(&n, text)) {
		assert(n.n == 7);
		return;
	}
	assert(n.n >= ATTEST_NONCE_MIN && n.n <= ATTEST_NONCE_MAX);
	buf_init(&out, ATTEST_REQUEST_MAX);
	assert(attest_request_write(&out, &n) == RC_OK);
	assert(attest_request_read(&again, buf_span(&out)) == RC_OK);
	assert(again.n == n.n && memcmp(again.b, n.b, n.n) == 0);
	buf_fini(&out);
}

static void try_answer(struct span text)
{
	static const uint8_t exporter[ATTEST_EXPORTER_LEN];
	struct arena arena = { .max = 4 * 1024 * 1024 };
	struct attest_answer a = { .count = 0 }, again;
	uint8_t data[QUOTE_REPORT_DATA_LEN];
	struct buf out;

	if (attest_answer_read(&a, &arena, text)) {
		assert(!a.count);
	} else {
		assert(a.index < a.count && a.path_count <= MERKLE_PATH_MAX && a.quote.n);
		if (attest_expected(data, &a, exporter))
			assert(a.path_count || a.count == 1);
		buf_init(&out, ATTEST_ANSWER_MAX);
		if (attest_answer_write(&out, &a) == RC_OK) {
			assert(attest_answer_read(&again, &arena, buf_span(&out)) == RC_OK);
			assert(span_equal(a.quote, again.quote));
		}
		buf_fini(&out);
	}
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_request(span_of(data, size));
	try_answer(span_of(data, size));
	return 0;
}
