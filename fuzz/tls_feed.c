/*
 * A stranger's bytes to an attested server, in steps given by the first byte.
 * Promised: no handshake is completed without a key, a failure stays one and
 * says why, buffers keep their bounds.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Made once a process; a fuzzer may keep it. */
static struct tls_context *context(void)
{
	static struct tls_context *kept;
	char error[TLS_ERROR_MAX];

	if (!kept && tls_attested_new(&kept, true, "postern-fuzz/1", error))
		abort();
	return kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum tls_status status = TLS_WANT;
	struct tls_conn *c;
	size_t step, at, part;

	if (n == 0 || tls_conn_new(&c, context(), NULL))
		return 0;
	step = (size_t)data[0] + 1;
	for (at = 1; at < n && status == TLS_WANT; at += part) {
		part = step < n - at ? step : n - at;
		if (tls_feed(c, span_of(data + at, part)))
			break;
		status = tls_handshake(c);
		assert(status == TLS_WANT || status == TLS_FAILED);
	}
	tls_feed_eof(c);
	assert(tls_handshake(c) == TLS_FAILED);
	assert(tls_conn_error(c)[0] != '\0');
	assert(tls_output(c)->n <= TLS_OUTPUT_MAX);
	tls_conn_free(c);
	return 0;
}
