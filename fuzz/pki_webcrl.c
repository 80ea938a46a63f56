/*
 * A list that is read keeps the promises of pki/webcrl.h: it finds the serial
 * numbers that a plain walk over its entries finds. A refusal touches nothing.
 */
#include <assert.h>
#include <string.h>

#include "pki/der.h"
#include "pki/webcrl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct webcrl c, kept;
	struct webcrl_entry e;
	struct span left, entry, serial;
	size_t count = 0;

	memset(&c, 0x5a, sizeof(c));
	kept = c;
	if (webcrl_parse(&c, span_of(data, size))) {
		assert(memcmp(&c, &kept, sizeof(c)) == 0);
		return 0;
	}
	assert(c.tbs.p >= data && c.tbs.p + c.tbs.n <= data + size);
	assert(c.has_idp || (!c.idp_names.n && !c.is_indirect));
	for (left = c.entries; !rd_end(&left); count++) {
		assert(der_take(&left, DER_SEQUENCE, &entry) && der_integer(&entry, &serial));
		if (count < 4)
			assert(webcrl_find(&e, &c, serial) && e.reason <= WEBCRL_REASON_MAX &&
			       e.revoked_at >= 0 && webcrl_reason_name(e.reason));
	}
	assert(count == c.entry_count);
	assert(webcrl_parse(&kept, span_of(data, size - 1)) == RC_MALFORMED);
	return 0;
}
