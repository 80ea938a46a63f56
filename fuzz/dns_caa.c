/*
 * RDATA of CAA records, one a line (with its length), judged.  Promised: what permits a request
 * that is ours alone by the pins is no hole, a hole is never NONE for a property that permits a
 * stranger; texts come back.
 */
#include <assert.h>
#include <string.h>

#include "dns/caa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ARENA_MAX = 1024 * 1024,
	RECORDS_MAX = 16,
};

static const struct span issuer = { (const uint8_t *)"ca.test", 7 };
static const struct span method = { (const uint8_t *)"dns-01", 6 };

static void check_text(const struct caa_property *p)
{
	static uint8_t text[300 * 1024], rdata[70 * 1024];
	struct wr w = WR_ARRAY(text), again = WR_ARRAY(rdata), want;
	static uint8_t plain[70 * 1024];

	caa_write_text(&w, p);
	if (w.over)
		return;
	assert(caa_text_rdata(&again, wr_span(&w)) == RC_OK);
	want = WR_ARRAY(plain);
	caa_write_rdata(&want, p->flags, p->tag_text, p->value);
	assert(span_equal(wr_span(&again), wr_span(&want)));
}

/* A stranger: another CA; our CA with another account; our account by another method. */
static void check_holes(const struct caa_set *set, bool wild)
{
	const struct caa_pin pin = { &issuer, 1, span_str("acct"), &method, 1 };
	const struct caa_pins mine = { &pin, 1 };
	const struct caa_request strangers[] = {
		{ span_str("evil.test"), span_str("acct"), method, wild },
		{ issuer, span_str("other"), method, wild },
		{ issuer, span_str("acct"), span_str("http-01"), wild },
	};
	const struct caa_property *p;
	bool is_held = true;
	size_t at = 0, i;

	while ((p = caa_next_relevant(set, wild, &at)))
		if (caa_property_hole(p, &mine) != CAA_HOLE_NONE)
			is_held = false;
	for (i = 0; i < 3; i++) {
		struct caa_judgement j = caa_may_issue(set, &strangers[i]);

		assert((j.answer == CAA_PERMITTED) == (j.reason <= CAA_MATCHES));
		if (j.reason == CAA_MATCHES)
			assert(!is_held);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = span_of(data, size), rdatas[RECORDS_MAX];
	struct caa_set set = { .count = 77 };
	struct arena arena;
	uint8_t bytes[512];
	struct wr w = WR_ARRAY(bytes);
	size_t n = 0, i;

	(void)!caa_text_rdata(&w, all);
	while (n < RECORDS_MAX && rd_vec8(&all, &rdatas[n]))
		n++;
	arena_init(&arena, ARENA_MAX);
	if (caa_set_read(&set, &arena, rdatas, n)) {
		assert(set.count == 77);
	} else {
		assert(set.count == n);
		for (i = 0; i < n; i++)
			check_text(&set.items[i]);
		check_holes(&set, false);
		check_holes(&set, true);
	}
	arena_fini(&arena);
	return 0;
}
