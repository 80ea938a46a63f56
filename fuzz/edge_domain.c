/*
 * The RDATA of a TXT record that says where a domain leads.  Promised: what is
 * read is written again as the same text but for its case; a refusal touches
 * nothing; and a record is read in one way only.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct domain_target t, before;
	char text[128];

	memset(&t, 0x5a, sizeof(t));
	before = t;
	if (!domain_read(&t, span_of(data, n))) {
		assert(memcmp(&t, &before, sizeof(t)) == 0); /* public: a test's */
		return 0;
	}
	assert(t.port > 0);
	assert(t.id_is_hex ? strlen(t.id) == NAME_ID_HEX_LEN : name_is_alias(span_str(t.id)));
	(void)snprintf(text, sizeof(text), "%s:%u", t.id, (unsigned)t.port);
	assert(n == strlen(text) + 1 && data[0] == n - 1);
	assert(span_equal_nocase(span_of(data + 1, n - 1), span_str(text)));
	return 0;
}
