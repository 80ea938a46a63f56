/*
 * Records of the database, any bytes.  Promises: what is read is written again
 * as the same bytes; a refusal touches nothing; its brief says the same.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "store/record.h"

/* What a route needs of a lease is what its brief says. */
static void check_view(const struct store_lease *l)
{
	uint16_t port = l->port_count ? l->ports[l->port_count - 1].port : 80;
	uint8_t bytes[RECORD_BRIEF_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct record_view v;

	record_write_brief(&w, l);
	assert(record_look(&v, wr_span(&w), port));
	assert(span_equal(v.address, SPAN_ARRAY(l->address)));
	assert(v.expires_unix_ms == l->expires_unix_ms);
	assert(v.port.port == (l->port_count ? port : 0));
}

/* Any bytes as a brief: what is read lies inside, a refusal touches nothing. */
static void check_brief(struct span bytes)
{
	struct record_view v, before;

	memset(&v, 0x5a, sizeof(v));
	before = v;
	if (!record_look(&v, bytes, 80))
		assert(memcmp(&v, &before, sizeof(v)) == 0); /* public: a test's */
	else
		assert(v.address.p >= bytes.p && v.address.p + v.address.n <= bytes.p + bytes.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct store_lease l, before;
	uint8_t bytes[RECORD_MAX];
	struct wr w = WR_ARRAY(bytes);

	check_brief(span_of(data, n));
	memset(&l, 0x5a, sizeof(l));
	before = l;
	if (record_read(&l, span_of(data, n))) {
		record_write(&w, &l);
		assert(span_equal(wr_span(&w), span_of(data, n)));
		check_view(&l);
	} else {
		assert(memcmp(&l, &before, sizeof(l)) == 0); /* public: a test's */
	}
	return 0;
}
