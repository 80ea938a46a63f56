/*
 * A quote's file, dstack's JSON among them: what is refused leaves nothing
 * behind; the quote that is read is read again from each of its text forms;
 * what a quote holds decides about raw bytes only.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "quoting/quote_file.h"

enum {
	AGAIN_MAX = 4096, /* longer quotes are not written again */
};

static void check_same(struct span text, struct span quote)
{
	struct quote_file again = { 0 };

	assert(quote_file_parse(&again, text) == RC_OK);
	assert(span_equal(buf_span(&again.quote), quote));
	assert(!again.event_log.n);
	quote_file_fini(&again);
}

static void check_forms(struct span quote)
{
	static uint8_t room[4 * AGAIN_MAX];
	struct wr w = WR_ARRAY(room);

	if (!quote.n || quote.n > AGAIN_MAX)
		return;
	text_hex(&w, quote);
	check_same(wr_span(&w), quote);
	w = WR_ARRAY(room);
	wr_str(&w, "{\"quote\":\"");
	text_hex(&w, quote);
	wr_str(&w, "\"}");
	check_same(wr_span(&w), quote);
}

/* JSON may stand behind white space. */
static bool begins_as_object(struct span s)
{
	uint8_t c = 0;

	while (rd_u8(&s, &c))
		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			break;
	return c == '{';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct quote_file f, kept;
	enum rc rc;

	memset(&f, 0x5a, sizeof(f));
	kept = f;
	rc = quote_file_parse(&f, bytes);
	if (rc) {
		assert(rc == RC_MALFORMED && begins_as_object(bytes));
		assert(memcmp(&f, &kept, sizeof(f)) == 0);
		return 0;
	}
	assert(f.quote.n <= size && f.event_log.n <= 2 * size);
	if (!begins_as_object(bytes))
		assert(!f.event_log.n &&
		       (f.quote.n < size || span_equal(buf_span(&f.quote), bytes)));
	check_forms(buf_span(&f.quote));
	quote_file_fini(&f);
	return 0;
}
