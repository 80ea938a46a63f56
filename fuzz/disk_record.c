/*
 * The two slots of a data disk as a host may hand them to us.  Promises: what
 * is read is written again to the same bytes but for the MAC; no slot is
 * authentic that our key did not sign; the newest comes first; on refusal
 * nothing is found.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "disk/record.h"

enum {
	MAC_AT = 180,
	MAC_END = 212
};

static const struct key32 root = { .b = { 1, 2, 3 } };

static void read_and_written_is_the_same(struct span slot)
{
	static const uint8_t header[RECORD_HEADER_LEN];
	uint8_t again[RECORD_LEN];
	struct record_keys keys;
	struct record r;

	if (record_read(&r, slot))
		return;
	record_keys_derive(&keys, &root, &r.owner);
	record_write(again, &r, &keys);
	assert(memcmp(again, slot.p, MAC_AT) == 0); /* public: a test */
	assert(memcmp(again + MAC_END, slot.p + MAC_END, RECORD_LEN - MAC_END) == 0); /* public: */
	assert(!record_is_authentic(slot, &keys, SPAN_ARRAY(header)));
	assert(r.state == RECORD_BEGUN || r.generation > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(mem_auto_free)
	uint8_t *slots = mem_new((size_t)RECORD_SLOTS * RECORD_LEN);
	struct record_found found[RECORD_SLOTS];
	const struct span both = span_of(slots, (size_t)RECORD_SLOTS * RECORD_LEN);
	struct span parts[RECORD_SLOTS];
	size_t count = 99;

	/* Each half of the input is the front of a slot; zeros follow. */
	for (size_t i = 0; i < RECORD_SLOTS; i++) {
		size_t len = n / 2 < RECORD_LEN ? n / 2 : RECORD_LEN;

		if (len)
			memcpy(slots + i * RECORD_LEN, data + i * (n / 2), len);
		parts[i] = span_of(slots + i * RECORD_LEN, RECORD_LEN);
		read_and_written_is_the_same(parts[i]);
	}
	if (record_choose(found, &count, both))
		assert(count == 0);
	else
		assert(count > 0 || span_is_zero(both));
	assert(count <= RECORD_SLOTS);
	if (count == 2)
		assert(found[0].record.generation >= found[1].record.generation &&
		       found[0].slot != found[1].slot);
	return 0;
}
