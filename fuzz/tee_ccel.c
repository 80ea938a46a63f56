/*
 * A log is read to its end or refused; replay agrees with reading event by
 * event; nothing is read beyond the log; what is shown of an event is printable
 * and as short as promised.
 */
#include <assert.h>

#include "tee/ccel.h"
#include "tee/ccel_text.h"

static void check_text(const struct ccel_event *e)
{
	char line[CCEL_TEXT_MAX];
	struct wr w = WR_ARRAY(line);
	struct span text;

	ccel_describe(&w, e->type, e->data);
	assert(wr_done(&w, &text));
	for (size_t i = 0; i < text.n; i++)
		assert(text.p[i] >= 0x20 && text.p[i] <= 0x7e);
}

static void check_event(const struct ccel_event *e, struct span log)
{
	assert(e->index <= 4);
	assert(e->digest.n == 0 || e->digest.n == 48);
	assert(!e->is_extended || (e->digest.n && e->index && e->type != CCEL_EV_NO_ACTION));
	assert(e->data.p >= log.p && e->data.p + e->data.n <= log.p + log.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned count[QUOTE_RTMR_COUNT] = { 0 };
	struct span log = span_of(data, size);
	struct ccel_registers r;
	enum ccel_step step = CCEL_MALFORMED;
	struct ccel_event e;
	struct ccel c;

	if (ccel_open(&c, log)) {
		while ((step = ccel_next(&c, &e)) == CCEL_EVENT) {
			check_event(&e, log);
			check_text(&e);
			if (e.is_extended)
				count[e.index - 1]++;
		}
	}
	assert((ccel_replay(&r, log) == TEE_OK) == (step == CCEL_END));
	for (size_t i = 0; step == CCEL_END && i < QUOTE_RTMR_COUNT; i++) {
		assert(r.event_count[i] == count[i]);
		assert(span_is_zero(SPAN_ARRAY(r.rtmr[i].b)) == !count[i]);
	}
	return 0;
}
