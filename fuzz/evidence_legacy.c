/*
 * Of the four files: a list that is read is written as the same bytes, and
 * names nothing that leads to another folder; an account's URI is one; a quote's
 * reply written and read again is the same.
 */
#include <assert.h>
#include <string.h>

#include "evidence/holder.h"
#include "evidence/legacy.h"

static void try_sums(struct span text)
{
	struct legacy_sums sums = { .count = 99 };
	struct buf out;

	if (legacy_sums_read(&sums, text)) {
		assert(sums.count == 99);
		return;
	}
	assert(sums.count >= 2 && sums.count <= LEGACY_FILES_MAX);
	for (size_t i = 0; i < sums.count; i++)
		assert(!memchr(sums.files[i].name.p, '/', sums.files[i].name.n));
	buf_init(&out, LEGACY_SUMS_MAX);
	assert(legacy_sums_write(&out, &sums) == RC_OK);
	assert(span_equal(buf_span(&out), text));
	buf_fini(&out);
}

static void try_account(struct span text)
{
	struct arena arena = { .max = 1024 * 1024 };
	struct span uri = { 0 };

	if (legacy_account_read(&uri, &arena, text))
		assert(!uri.p);
	else
		assert(holder_is_uri(uri));
	arena_fini(&arena);
}

static void try_quote(struct span text)
{
	struct arena arena = { .max = 4 * 1024 * 1024 };
	struct legacy_quote q = { 0 }, again;
	struct buf out;

	if (legacy_quote_read(&q, &arena, text)) {
		assert(!q.quote.n);
	} else {
		buf_init(&out, 2 * LEGACY_QUOTE_MAX);
		if (legacy_quote_write(&out, &q) == RC_OK && buf_span(&out).n <= LEGACY_QUOTE_MAX) {
			assert(legacy_quote_read(&again, &arena, buf_span(&out)) == RC_OK);
			assert(span_equal(q.quote, again.quote) &&
			       span_equal(q.event_log, again.event_log));
		}
		buf_fini(&out);
	}
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size), host = { 0 };
	char name[LEGACY_NAME_MAX];

	try_sums(text);
	try_account(text);
	try_quote(text);
	if (legacy_cert_name(name, text)) {
		assert(legacy_cert_host(&host, span_str(name)));
		assert(span_equal(host, text));
	}
	return 0;
}
