/*
 * control_read() on any line.  Promises: a refusal has words and leaves the
 * output alone; a launch that was read has its three texts.
 */
#include <assert.h>
#include <string.h>

#include "teesim/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct control_command c = { .verb = CONTROL_LIST };
	char error[TD_ERROR_MAX] = "";

	if (!control_read(&c, span_of(data, n), error)) {
		assert(error[0] && !c.json && c.verb == CONTROL_LIST);
		return 0;
	}
	if (c.verb == CONTROL_LAUNCH)
		assert(c.spec.name && c.spec.socket && c.spec.image);
	if (c.verb == CONTROL_STOP)
		assert(c.spec.name);
	control_fini(&c);
	assert(!c.json);
	return 0;
}
