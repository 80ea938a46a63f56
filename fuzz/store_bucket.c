/*
 * Pages of the store's hash tables, any bytes.  Promises: what is found lies in
 * the page; a refusal touches nothing; what is read and fits is written as a
 * page in which all of it is found.
 */
#include <assert.h>
#include <string.h>

#include "store/bucket.h"

static void check_find(struct span page, uint32_t hash, struct span key)
{
	struct span value = { 0 };
	bool is_found = false;

	if (!bucket_find(&value, &is_found, page, hash, key))
		assert(value.p == NULL && !is_found);
	else if (is_found)
		assert(value.p >= page.p && value.p + value.n <= page.p + page.n);
}

static void check_written(const struct bucket *b)
{
	uint8_t page[BUCKET_LEN];
	struct span value;
	bool is_found;

	bucket_write(page, b);
	for (size_t i = 0; i < b->count; i++) {
		is_found = false;
		assert(bucket_find(&value, &is_found, SPAN_ARRAY(page), b->at[i].hash,
				   b->at[i].key));
		assert(is_found);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t page[BUCKET_LEN] = { 0 };
	struct bucket_entry at[BUCKET_ENTRIES_MAX];
	struct bucket b = { .at = at }, upper;

	memcpy(page, data, n < sizeof(page) ? n : sizeof(page));
	check_find(SPAN_ARRAY(page), 0, span_str(""));
	if (!bucket_read(&b, SPAN_ARRAY(page)))
		return 0;
	for (size_t i = 0; i < b.count; i++)
		check_find(SPAN_ARRAY(page), at[i].hash, at[i].key);
	if (bucket_fits(&b))
		check_written(&b);
	bucket_split(&b, &upper);
	assert(b.count + upper.count <= BUCKET_ENTRIES_MAX && upper.at == at + b.count);
	return 0;
}
