/*
 * A list that is read keeps the promises of pki/crl.h: it lists just the serial
 * numbers that a plain walk over its entries finds.  A refusal touches nothing.
 */
#include <assert.h>
#include <string.h>

#include "pki/crl.h"
#include "pki/der.h"

/* Each entry is listed, and one with a bit changed only where it is, too. */
static void check_entries(const struct crl *c)
{
	struct span left = c->entries, entry, serial, other;
	uint8_t near[64];
	size_t count = 0;

	for (; !rd_end(&left); count++) {
		assert(der_take(&left, DER_SEQUENCE, &entry) && der_integer(&entry, &serial));
		assert(crl_lists(c, serial));
		if (count >= 4 || serial.n > sizeof(near))
			continue;
		memcpy(near, serial.p, serial.n);
		near[serial.n - 1] ^= 1;
		bool is_there = false;

		for (struct span s = c->entries; !rd_end(&s);) {
			assert(der_take(&s, DER_SEQUENCE, &entry) && der_integer(&entry, &other));
			is_there |= span_equal(other, span_of(near, serial.n));
		}
		assert(crl_lists(c, span_of(near, serial.n)) == is_there);
	}
	assert(count == c->entry_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t serial[] = { 0x6f, 0xc3 };
	struct crl c, kept;

	memset(&c, 0x5a, sizeof(c));
	kept = c;
	if (crl_parse(&c, span_of(data, size))) {
		assert(memcmp(&c, &kept, sizeof(c)) == 0);
		return 0;
	}
	assert(c.tbs.p >= data && c.tbs.p + c.tbs.n <= data + size);
	assert(c.number.n && c.aki.n && c.this_update >= 0 && c.next_update >= 0);
	assert(!c.entry_count == !c.entries.n);
	assert(c.entry_count || !crl_lists(&c, SPAN_ARRAY(serial)));
	check_entries(&c);
	assert(crl_parse(&kept, span_of(data, size - 1)) == RC_MALFORMED);
	return 0;
}
