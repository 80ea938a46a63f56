/*
 * Whatever a guest says is filled in whole: a step has a name of a-z, 0-9 and
 * '-', texts are printable, and noise leaves nothing behind.
 */
#include <assert.h>
#include <string.h>

#include "vm/manage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	struct manage_line l;

	memset(&l, 0x5a, sizeof(l));
	manage_read(&l, span_of(data, size));
	assert(memchr(l.step, 0, sizeof(l.step)) && memchr(l.text, 0, sizeof(l.text)));
	assert(strspn(l.step, allowed) == strlen(l.step));
	assert((l.kind == MANAGE_STEP) == (l.step[0] != 0));
	for (size_t i = 0; l.text[i]; i++)
		assert(l.text[i] >= ' ' && l.text[i] <= '~');
	if (l.kind != MANAGE_STEP)
		assert(l.ms == 0 && l.text[0] == 0);
	if (size > MANAGE_LINE_MAX)
		assert(l.kind == MANAGE_NOISE);
	return 0;
}
