/* An attestation over whatever log: it is written whole or refused with nothing
 * written; what the verifier's reader takes for a log of version 1 with every
 * digest there, the writer takes too. */
#include <stdlib.h>
#include <string.h>

#include "guest/attestation.h"
#include "tee/eventlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool has(struct span text, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.n; i++)
		if (memcmp(text.p + i, word, n) == 0)
			return true;
	return false;
}

/* Not as eventlog_append() writes: with versions, escapes, white space, or digests left out. */
static bool is_other(struct span log)
{
	static const char *const words[] = { "version", "\\", "\t", "\n", "\r", " ",
					     "\"digest\":\"\"" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (has(log, words[i]))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t report_data[64] = { 1 };
	const struct attestation a = { span_str("quote"), span_of(data, size),
				       span_of(report_data, sizeof(report_data)) };
	struct eventlog_registers registers;
	struct buf out = { 0 }, small = { 0 };
	enum rc rc;

	buf_init(&out, ATTESTATION_MAX);
	rc = attestation_write(&out, &a);
	require(rc == RC_OK || rc == RC_MALFORMED);
	require(rc == RC_OK || buf_span(&out).n == 0);
	if (!is_other(a.event_log) && eventlog_replay(&registers, a.event_log) == TEE_OK)
		require(rc == RC_OK);
	if (rc == RC_OK) {
		require(buf_span(&out).p[0] == 0x83);
		buf_init(&small, buf_span(&out).n - 1);
		require(attestation_write(&small, &a) == RC_LIMIT);
		buf_fini(&small);
	}
	buf_fini(&out);
	return 0;
}
