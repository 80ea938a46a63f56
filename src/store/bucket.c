#include "store/bucket.h"

#include <assert.h>

enum {
	SLOTS = 256,
	SLOT_LEN = 2,
	GRANULE_LEN = 16,
	GRANULE_FIRST = SLOTS * SLOT_LEN / GRANULE_LEN,
	GRANULE_END = BUCKET_LEN / GRANULE_LEN,
};

static_assert(GRANULE_END < 256, "a granule is a byte");
static_assert(GRANULE_END - GRANULE_FIRST == BUCKET_ENTRIES_MAX,
	      "the smallest entry is a granule");

static size_t first_slot(uint32_t hash)
{
	return hash % SLOTS;
}

static uint8_t tag_of(uint32_t hash)
{
	return (uint8_t)(hash >> 8);
}

static bool read_entry(struct bucket_entry *out, struct span page,
		       uint8_t granule)
{
	return granule >= GRANULE_FIRST &&
	       rd_skip(&page, (size_t)granule * GRANULE_LEN) &&
	       rd_be32(&page, &out->hash) &&
	       rd_vec8(&page, &out->key) && rd_vec16(&page, &out->value);
}

bool bucket_find(struct span *value, bool *is_found, struct span page,
		 uint32_t hash, struct span key)
{
	const uint8_t tag = tag_of(hash);
	size_t slot = first_slot(hash);
	struct bucket_entry e;

	if (page.n != BUCKET_LEN)
		return false;
	for (size_t i = 0; i < SLOTS; i++, slot = (slot + 1) % SLOTS) {
		const uint8_t *s = page.p + slot * SLOT_LEN;

		if (s[1] == 0) {
			*is_found = false;
			return true;
		}
		if (s[0] != tag)
			continue;
		if (!read_entry(&e, page, s[1]))
			return false;
		if (e.hash != hash || !span_equal(e.key, key))
			continue;
		*value = e.value;
		*is_found = true;
		return true;
	}
	return false; /* one is always free */
}

bool bucket_read(struct bucket *out, struct span page)
{
	size_t most = out->count + BUCKET_ENTRIES_MAX;

	if (page.n != BUCKET_LEN)
		return false;
	for (size_t slot = 0; slot < SLOTS; slot++) {
		uint8_t granule = page.p[slot * SLOT_LEN + 1];

		if (granule == 0)
			continue;
		if (out->count == most ||
		    !read_entry(&out->at[out->count++], page, granule))
			return false;
	}
	return true;
}

static size_t granules(const struct bucket_entry *e)
{
	size_t n = 4 + 1 + e->key.n + 2 + e->value.n;

	return (n + GRANULE_LEN - 1) / GRANULE_LEN;
}

bool bucket_fits(const struct bucket *b)
{
	size_t n = GRANULE_FIRST;

	for (size_t i = 0; i < b->count; i++)
		n += granules(&b->at[i]);
	return n <= GRANULE_END;
}

static void take_slot(uint8_t page[BUCKET_LEN], uint32_t hash, size_t granule)
{
	size_t slot = first_slot(hash);

	while (page[slot * SLOT_LEN + 1] != 0)
		slot = (slot + 1) % SLOTS;
	page[slot * SLOT_LEN] = tag_of(hash);
	page[slot * SLOT_LEN + 1] = (uint8_t)granule;
}

void bucket_write(uint8_t page[BUCKET_LEN], const struct bucket *b)
{
	size_t granule = GRANULE_FIRST;

	assert(bucket_fits(b));
	memset(page, 0, BUCKET_LEN);
	for (size_t i = 0; i < b->count; i++) {
		const struct bucket_entry *e = &b->at[i];
		size_t at = granule * GRANULE_LEN;
		struct wr w = wr_over(page + at, BUCKET_LEN - at);

		wr_be32(&w, e->hash);
		wr_vec8(&w, e->key);
		wr_vec16(&w, e->value);
		take_slot(page, e->hash, granule);
		granule += granules(e);
	}
}

bool bucket_remove(struct bucket *b, struct span key)
{
	for (size_t i = 0; i < b->count; i++)
		if (span_equal(b->at[i].key, key)) {
			b->at[i] = b->at[--b->count];
			return true;
		}
	return false;
}

void bucket_split(struct bucket *b, struct bucket *upper)
{
	const uint32_t bit = UINT32_C(1) << (31 - b->depth);
	size_t lower = 0;

	for (size_t i = 0; i < b->count; i++) {
		struct bucket_entry e = b->at[i];

		if (e.hash & bit)
			continue;
		b->at[i] = b->at[lower];
		b->at[lower++] = e;
	}
	b->depth++;
	*upper = (struct bucket){ b->depth, b->at + lower, b->count - lower };
	b->count = lower;
}

uint32_t bucket_last(uint32_t hash, unsigned depth)
{
	return depth < BUCKET_DEPTH_MAX ? hash | UINT32_MAX >> depth : hash;
}
