/*
 * Lines of an audit log.  One that is not in order leaves the walk where it
 * was; one that is moves it by one.
 */
#include <stdlib.h>
#include <string.h>

#include "keys/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), line;
	struct keys_audit_walk w = { 0 };

	while (rd_until(&rest, &line, '\n')) {
		struct keys_audit_walk before = w;

		if (keys_audit_check(&w, line) == KEYS_AUDIT_OK) {
			if (w.chain.seq != before.chain.seq + 1)
				abort();
		} else if (w.chain.seq != before.chain.seq ||
			   w.signatures != before.signatures ||
			   !span_equal(SPAN_ARRAY(w.chain.head.b),
				       SPAN_ARRAY(before.chain.head.b))) {
			abort();
		}
	}
	return 0;
}
