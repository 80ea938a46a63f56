/*
 * No log is believed against a register it does not lead to: the quote's RTMR3
 * is random here, and zero only agrees with a log without events of RTMR3.
 * Input that is no JSON array is the events of a log we make: that log agrees
 * with the register it was extended into, and with no other.
 */
#include <assert.h>
#include <string.h>

#include "tee/eventlog.h"

enum {
	MADE_MAX = 8, /* events of a log we make */
};

struct registers {
	struct quote quote;
	struct sha384 rtmr[QUOTE_RTMR_COUNT];
};

static void init(struct registers *r)
{
	memset(r, 0, sizeof(*r));
	r->quote.tee = QUOTE_TDX;
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		r->quote.td.rtmr[i] = SPAN_ARRAY(r->rtmr[i].b);
}

/* Our platform's names, and those of events that are an application's. */
static const char *const names[] = { "app-id", "compose-hash", "instance-id", "boot-mr-done",
				     "system-ready", "a", "", "key-provider" };

static void check_made(struct span in)
{
	struct eventlog_identity id;
	struct sha384 digest;
	struct eventlog log;
	struct registers r;
	struct buf text;
	unsigned imr = 99;
	enum tee_reason reason;
	uint8_t head;

	init(&r);
	eventlog_init(&log);
	buf_init(&text, EVENTLOG_MAX);
	for (int i = 0; i < MADE_MAX && rd_u8(&in, &head); i++) {
		size_t n = head >> 3 == 31 ? 20 : head >> 3 == 30 ? 32
								  : head >> 3;
		struct span payload;

		if (!rd_n(&in, &payload, n < in.n ? n : in.n) ||
		    eventlog_append(&log, &digest, names[head & 7], payload))
			break;
		eventlog_extend(&r.rtmr[EVENTLOG_RTMR], &digest);
	}
	assert(eventlog_text(&log, &text) == RC_OK);
	reason = eventlog_check(&id, &imr, &r.quote, buf_span(&text));
	/* what is wrong can only be a statement that comes twice or is short */
	assert(reason == TEE_OK || reason == TEE_LOG_MALFORMED);
	r.rtmr[EVENTLOG_RTMR].b[0] ^= 1;
	if (reason == TEE_OK)
		assert(eventlog_check(&id, &imr, &r.quote, buf_span(&text)) == TEE_LOG_MISMATCH &&
		       imr == EVENTLOG_RTMR);
	buf_fini(&text);
	eventlog_fini(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eventlog_identity id, kept;
	struct span json = span_of(data, size);
	struct registers r;
	unsigned imr = 99;
	enum tee_reason reason;

	if (size && data[0] != '[' && data[0] != ' ') {
		check_made(json);
		return 0;
	}
	init(&r);
	memset(&id, 0x5a, sizeof(id));
	kept = id;
	reason = eventlog_check(&id, &imr, &r.quote, json);
	assert(reason == TEE_OK || reason == TEE_LOG_MALFORMED || reason == TEE_LOG_MISMATCH);
	if (reason == TEE_OK)
		assert(!id.has_app_id && !id.has_instance_id && !id.has_manifest_hash);
	else
		assert(memcmp(&id, &kept, sizeof(id)) == 0);
	assert((reason == TEE_LOG_MISMATCH) == (imr < QUOTE_RTMR_COUNT));
	memcpy(r.rtmr[3].b, "\x42\x17", 2);
	assert(eventlog_check(&id, &imr, &r.quote, json) != TEE_OK);
	return 0;
}
