/* A command line, and a line of the management port: what is taken is written
 * back as the same, and any bytes make one line of a refusal. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "guestinit/bootline.h"
#include "guestinit/manage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void try_bootline(struct span text)
{
	char word[256], table[512];
	struct wr w = WR_ARRAY(word), t = WR_ARRAY(table);
	struct bootline b, again;

	if (bootline_read(&b, text))
		return;
	wr_str(&w, "postern.root=");
	text_hex(&w, SPAN_ARRAY(b.root.b));
	wr_str(&w, ":");
	text_hex(&w, SPAN_ARRAY(b.salt.b));
	wr_printf(&w, ":%llu", (unsigned long long)b.blocks);
	require(bootline_read(&again, wr_span(&w)) == RC_OK);
	require(span_equal(SPAN_ARRAY(b.root.b), SPAN_ARRAY(again.root.b)));
	require(span_equal(SPAN_ARRAY(b.salt.b), SPAN_ARRAY(again.salt.b)));
	require(b.blocks == again.blocks && b.blocks > 0);
	bootline_table(&t, &b, "/dev/vda");
	require(!t.over);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size), line;
	struct buf out;

	try_bootline(text);
	if (manage_read(text) == MANAGE_STOP)
		require(memmem(data, size, "stop", 4) || memchr(data, '\\', size));
	buf_init(&out, MANAGE_LINE_MAX);
	manage_refused(&out, text, 1);
	line = buf_span(&out);
	require(line.n && memchr(line.p, '\n', line.n) == line.p + line.n - 1);
	buf_fini(&out);
	return 0;
}
