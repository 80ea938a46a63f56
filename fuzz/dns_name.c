/*
 * A name as written, and the same bytes as a message.  Promised: what is read is written and read
 * again as the same; a name from a message is never over 255 bytes and always ends.
 */
#include <assert.h>
#include <string.h>

#include "dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct dns_name *n)
{
	struct dns_name parent, joined;
	char text[DNS_NAME_TEXT];

	dns_name_text(text, n);
	assert(strlen(text) < DNS_NAME_TEXT);
	assert(n->n >= 1 && n->wire[n->n - 1] == 0 && dns_name_labels(n) <= DNS_LABELS_MAX);
	assert(dns_name_is_under(n, n) && dns_name_equal(n, n));
	if (dns_name_parent(&parent, n)) {
		assert(dns_name_is_under(n, &parent) && !dns_name_is_under(&parent, n));
		assert(dns_name_labels(&parent) + 1 == dns_name_labels(n));
	}
	if (dns_name_prefix(&joined, "_a", n))
		assert(dns_name_parent(&parent, &joined) && dns_name_equal(&parent, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span whole = span_of(data, size), at = whole;
	struct dns_name n = { 0 }, again;
	char text[DNS_NAME_TEXT];

	if (dns_name_parse(&n, whole) == RC_OK) {
		check(&n);
		dns_name_text(text, &n);
		assert(dns_name_parse(&again, span_str(text)) == RC_OK);
		assert(dns_name_equal(&n, &again));
	}
	/* Names at every place, pointing back. */
	while (at.n) {
		struct span before = at;

		if (!dns_name_read(&n, &at, whole)) {
			assert(at.p == before.p && at.n == before.n);
			(void)rd_skip(&at, 1);
			continue;
		}
		assert(at.n < before.n);
		check(&n);
	}
	return 0;
}
