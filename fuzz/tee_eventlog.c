/*
 * No log is believed against a register it does not lead to: the quote's RTMR3
 * is random here, and zero only agrees with a log without events of RTMR3.
 */
#include <assert.h>
#include <string.h>

#include "tee/eventlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zero[QUOTE_MR_LEN], other[QUOTE_MR_LEN] = { 0x42, 0x17 };
	struct quote q = { .tee = QUOTE_TDX };
	struct eventlog_identity id;
	struct span json = span_of(data, size);
	unsigned imr = 99;
	enum tee_reason reason;

	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		q.td.rtmr[i] = SPAN_ARRAY(zero);
	memset(&id, 0x5a, sizeof(id));
	reason = eventlog_check(&id, &imr, &q, json);
	assert(reason == TEE_OK || reason == TEE_LOG_MALFORMED || reason == TEE_LOG_MISMATCH);
	if (reason == TEE_OK)
		assert(!id.has_app_id && !id.has_instance_id && !id.has_manifest_hash);
	assert((reason == TEE_LOG_MISMATCH) == (imr < QUOTE_RTMR_COUNT));
	q.td.rtmr[3] = SPAN_ARRAY(other);
	assert(eventlog_check(&id, &imr, &q, json) != TEE_OK);
	return 0;
}
