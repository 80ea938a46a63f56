/* A TXT record of dns-persist-01.  Promised: what is read is written and read again as the same;
 * one that permits a pin is not foreign to it. */
#include <assert.h>

#include "dns/persist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	struct persist p = { .until = 77 }, q;
	static uint8_t bytes[2 * 1024 * 1024];
	struct wr w = WR_ARRAY(bytes);

	if (persist_read(&p, text)) {
		assert(p.until == 77 && !p.issuer.p);
		return 0;
	}
	persist_write(&w, &p);
	if (!w.over) {
		const struct caa_pin pin = { &p.issuer, 1, p.account, NULL, 0 };
		const struct caa_pins pins = { &pin, 1 }, none = { 0 };

		assert(persist_read(&q, wr_span(&w)) == RC_OK);
		assert(span_equal(p.issuer, q.issuer) && span_equal(p.account, q.account));
		assert(p.is_wildcard == q.is_wildcard && p.has_until == q.has_until &&
		       p.until == q.until);
		assert(!persist_is_foreign(text, &pins) && persist_is_foreign(text, &none));
		assert(!persist_permits(&p, &pin, true, 0) || p.is_wildcard);
	}
	return 0;
}
