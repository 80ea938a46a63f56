/* dstack's documents that are read, written and read again, are the same. */
#include <assert.h>

#include "evidence/dotdstack.h"

static void try_app(struct span text)
{
	struct arena arena = { .max = 4 * 1024 * 1024 };
	struct dotdstack_app app = { 0 }, again;
	struct buf out;

	if (dotdstack_app_read(&app, &arena, text)) {
		assert(!app.app_id.n);
	} else {
		buf_init(&out, DOTDSTACK_MAX);
		if (dotdstack_app_write(&out, &app) == RC_OK) {
			assert(dotdstack_app_read(&again, &arena, buf_span(&out)) == RC_OK);
			assert(span_equal(app.app_id, again.app_id));
			assert(span_equal(app.tcb_info, again.tcb_info));
		}
		buf_fini(&out);
	}
	arena_fini(&arena);
}

static void try_acme(struct span text)
{
	struct arena arena = { .max = 4 * 1024 * 1024 };
	struct dotdstack_acme acme = { 0 }, again;
	struct buf out;

	if (dotdstack_acme_read(&acme, &arena, text)) {
		assert(!acme.keys);
	} else {
		buf_init(&out, DOTDSTACK_MAX);
		if (dotdstack_acme_write(&out, &acme) == RC_OK) {
			assert(dotdstack_acme_read(&again, &arena, buf_span(&out)) == RC_OK);
			assert(acme.key_count == again.key_count);
			for (size_t i = 0; i < acme.key_count; i++)
				assert(span_equal(acme.keys[i].spki, again.keys[i].spki));
		}
		buf_fini(&out);
	}
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_app(span_of(data, size));
	try_acme(span_of(data, size));
	(void)dotdstack_index_is(span_of(data, size));
	return 0;
}
