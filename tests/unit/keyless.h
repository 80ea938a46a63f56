/* A TDX machine as tests play it: a source of quotes that has no sealing key. */
#ifndef POSTERN_TESTS_KEYLESS_H
#define POSTERN_TESTS_KEYLESS_H

#include "unit.h"

#include <errno.h>

#include "quoting/source.h"
#include "quoting/source_tsm.h"

static inline int keyless_done(void *world, const char *folder)
{
	(void)world;
	(void)folder;
	return 0;
}

static inline int keyless_put(void *world, const char *file, struct span content)
{
	(void)world;
	(void)file;
	(void)content;
	return 0;
}

static inline int keyless_get(void *world, const char *file, struct buf *out)
{
	(void)world;
	(void)file;
	return buf_add(out, span_str("tdx_guest\n")) ? 0 : EFBIG;
}

/* Owned: quote_source_free(). */
static inline struct quote_source *keyless_source(void)
{
	static const struct tsm_ops kernel = { keyless_done, keyless_done, keyless_put,
					       keyless_get };
	const struct quote_source_options o = { .tsm_path = "/fake", .tsm_ops = &kernel };
	struct quote_source *source = NULL;
	char error[256];

	assert_int_equal(quote_source_open(&source, &o, error), RC_OK);
	return source;
}

#endif
