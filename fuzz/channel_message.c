/*
 * Bodies of the attested channel: the first byte says which message.  What a
 * reader takes, written again, is what it was; what it refuses leaves the
 * output alone.
 */
#include <stdlib.h>
#include <string.h>

#include "channel/claims.h"
#include "channel/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct wr *w, struct span body)
{
	struct span again;

	if (!wr_done(w, &again) || again.n != body.n + MESSAGE_HEADER_LEN)
		abort();
	(void)rd_skip(&again, MESSAGE_HEADER_LEN);
	if (!span_equal(again, body))
		abort();
}

static void fuzz_claims(struct span json)
{
	struct channel_claims c, again;
	struct buf text;

	if (channel_claims_read(&c, json))
		return;
	buf_init(&text, CHANNEL_CLAIMS_MAX);
	if (channel_claims_write(&text, &c) || channel_claims_read(&again, buf_span(&text)))
		abort();
	if (strcmp(c.node_id, again.node_id) != 0 ||
	    !span_equal(SPAN_ARRAY(c.manifest_hash.b), SPAN_ARRAY(again.manifest_hash.b)))
		abort();
	buf_fini(&text);
}

static void fuzz_refusal(struct span body)
{
	struct message_refusal m;

	if (message_read_refusal(&m, body))
		return;
	if (m.reason == CHANNEL_OK || m.reason >= CHANNEL_REASON_COUNT)
		abort();
	for (const char *s = m.detail; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[MESSAGE_HEADER_LEN + MESSAGE_EVIDENCE_MAX];
	struct wr w = WR_ARRAY(out);
	struct span body = span_of(data, size);
	struct message_evidence evidence;
	struct message_assign assign;
	struct message_hello hello;
	struct message_key key;
	uint8_t type;

	if (!rd_u8(&body, &type))
		return 0;
	switch (type % 6) {
	case 0:
		if (message_read_hello(&hello, body))
			return 0;
		message_write_hello(&w, &hello);
		break;
	case 1:
		if (message_read_evidence(&evidence, body))
			return 0;
		message_write_evidence(&w, &evidence);
		break;
	case 2:
		if (message_read_key(&key, body))
			return 0;
		message_write_key(&w, &key);
		break;
	case 3:
		if (message_read_assign(&assign, body))
			return 0;
		if (!message_assignment_is_sound(&assign.assignment))
			abort();
		message_write_assign(&w, &assign);
		break;
	case 4:
		fuzz_refusal(body);
		return 0;
	default:
		fuzz_claims(body);
		return 0;
	}
	check(&w, body);
	return 0;
}
