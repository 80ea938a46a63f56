/*
 * A sealed file as a host may hand it to us.  Promises: what is opened was
 * sealed under our key, so that sealing it again gives the same bytes; on
 * refusal the outputs are untouched.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "seal/form.h"

static const struct key32 root = { .b = { 1, 2, 3 } };
static const uint8_t nonce[XAEAD_NONCE_LEN] = { 9, 9, 9 };

static void refused_leaves_no_trace(struct span sealed, const struct form_owner *o)
{
	AUTO(buf_fini)
	struct buf out = { 0 }, again = { 0 };
	uint64_t epoch = 99;

	buf_init(&out, FORM_SECRET_MAX);
	if (form_read(&out, &epoch, &root, o, "account", sealed)) {
		assert(out.n == 0 && epoch == 99);
		return;
	}
	buf_init(&again, FORM_MAX);
	assert(!form_write(&again, &root, o, "account", epoch,
			   sealed.p + 8 + 1 + 1 + 32 + 40 + 8 + 8, buf_span(&out)));
	assert(span_equal(buf_span(&again), sealed));
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(buf_fini)
	struct buf out = { 0 }, sealed = { 0 };
	struct form_owner o = { .provider = FORM_SIMULATOR };
	uint64_t epoch;

	memset(o.measurement, 0x11, sizeof(o.measurement));
	memset(o.app, 0x22, sizeof(o.app));
	memset(o.instance, 0x33, sizeof(o.instance));
	refused_leaves_no_trace(span_of(data, n), &o);

	/* And as a secret: sealed and opened it is the same. */
	if (n > FORM_SECRET_MAX)
		return 0;
	buf_init(&out, FORM_SECRET_MAX);
	buf_init(&sealed, FORM_MAX);
	assert(!form_write(&sealed, &root, &o, "account", n, nonce, span_of(data, n)));
	assert(!form_read(&out, &epoch, &root, &o, "account", buf_span(&sealed)));
	assert(epoch == n && span_equal(buf_span(&out), span_of(data, n)));
	buf_fini(&sealed);
	return 0;
}
