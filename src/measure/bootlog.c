#include "measure/bootlog.h"

#include <assert.h>

void bootlog_add(struct bootlog *log, unsigned rtmr, const char *name,
		 const struct sha384 *digest)
{
	assert(log->count < BOOTLOG_MAX && rtmr < BOOTLOG_RTMR_COUNT);
	log->event[log->count++] = (struct bootlog_event){
		.rtmr = rtmr,
		.name = name,
		.digest = *digest,
	};
}

void bootlog_add_bytes(struct bootlog *log, unsigned rtmr, const char *name,
		       struct span bytes)
{
	struct sha384 digest;

	sha384_of(&digest, bytes);
	bootlog_add(log, rtmr, name, &digest);
}

void bootlog_replay(struct sha384 *out, const struct bootlog *log,
		    unsigned rtmr)
{
	struct sha384 value = { 0 };

	for (size_t i = 0; i < log->count; i++) {
		const struct span parts[] = {
			SPAN_ARRAY(value.b),
			SPAN_ARRAY(log->event[i].digest.b),
		};

		if (log->event[i].rtmr == rtmr)
			sha384_parts(&value, parts, 2);
	}
	*out = value;
}
