/* A list that is read keeps the promises of pki/crl.h; it lists its entries. */
#include <assert.h>

#include "pki/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t serial[] = { 0x6f, 0xc3 };
	struct crl c;

	if (crl_parse(&c, span_of(data, size)))
		return 0;
	assert(c.tbs.p >= data && c.tbs.p + c.tbs.n <= data + size);
	assert(c.number.n && c.aki.n);
	assert(!c.entry_count == !c.entries.n);
	assert(c.entry_count * 4 <= c.entries.n);
	assert(c.entry_count || !crl_lists(&c, SPAN_ARRAY(serial)));
	(void)crl_lists(&c, SPAN_ARRAY(serial));
	return 0;
}
