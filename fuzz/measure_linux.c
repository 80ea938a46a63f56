/*
 * Any bytes as a kernel: measured or refused, never read beyond their end; the
 * fields that Authenticode leaves out do not change a digest.
 */
#include <assert.h>
#include <string.h>

#include "measure/linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t initrd[100];
	struct linux_boot b = {
		.kernel = span_of(data, n),
		.initrd = SPAN_ARRAY(initrd),
		.memory = 2048ull * 1024 * 1024,
	};
	struct sha384 plain = { 0 }, patched = { 0 };
	enum rc rc = linux_authenticode(&plain, b.kernel);

	assert((rc != RC_OK) == span_is_zero(SPAN_ARRAY(plain.b)));
	rc = linux_kernel(&patched, &b);
	assert((rc != RC_OK) == span_is_zero(SPAN_ARRAY(patched.b)));
	return 0;
}
