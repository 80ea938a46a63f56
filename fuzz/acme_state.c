/*
 * State from the disk: the client's, the ledger's, a renewal's; the first byte
 * says which.  Promised: what is taken is written as bytes that are taken again
 * and written the same; what is refused changes nothing.
 */
#include <assert.h>
#include <stdlib.h>

#include "acme/client.h"
#include "acme/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct acme *client(void)
{
	const struct acme_settings s = { .directory = "https://ca.example/directory" };
	struct acme *a;

	assert(acme_new(&a, &s) == RC_OK);
	return a;
}

static void try_client(struct span state)
{
	struct acme *a = client(), *b = client();
	struct buf once = { 0 }, twice = { 0 };

	buf_init(&once, ACME_STATE_MAX);
	buf_init(&twice, ACME_STATE_MAX);
	if (acme_load(a, state) == RC_OK) {
		/* What it holds may be longer written than it was read. */
		if (acme_save(a, &once) == RC_OK) {
			assert(acme_load(b, buf_span(&once)) == RC_OK);
			assert(acme_save(b, &twice) == RC_OK);
			assert(span_equal(buf_span(&once), buf_span(&twice)));
			assert(acme_has_order(a) == acme_has_order(b));
		}
	} else {
		assert(acme_account(a)->status == ACCOUNT_NONE && !acme_has_order(a));
	}
	buf_fini(&once);
	buf_fini(&twice);
	acme_free(a);
	acme_free(b);
}

static void try_ledger(struct span state)
{
	struct ledger *l = calloc(1, sizeof(*l));
	struct buf once = { 0 }, twice = { 0 };

	buf_init(&once, LEDGER_STATE_MAX);
	buf_init(&twice, LEDGER_STATE_MAX);
	if (ledger_load(l, state) == RC_OK && ledger_save(l, &once) == RC_OK) {
		assert(ledger_load(l, buf_span(&once)) == RC_OK);
		assert(ledger_save(l, &twice) == RC_OK);
		assert(span_equal(buf_span(&once), buf_span(&twice)));
	}
	buf_fini(&once);
	buf_fini(&twice);
	free(l);
}

static void try_renewal(struct span state)
{
	struct renewal r = { 0 }, back;
	struct buf once = { 0 }, twice = { 0 };

	buf_init(&once, RENEWAL_STATE_MAX);
	buf_init(&twice, RENEWAL_STATE_MAX);
	if (renewal_load(&r, state) == RC_OK && renewal_save(&r, &once) == RC_OK) {
		assert(renewal_load(&back, buf_span(&once)) == RC_OK);
		assert(renewal_save(&back, &twice) == RC_OK);
		assert(span_equal(buf_span(&once), buf_span(&twice)));
		assert(renewal_at(&back) <= renewal_latest(&back));
	}
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n)
		return 0;
	if (data[0] % 3 == 0)
		try_client(span_of(data + 1, n - 1));
	else if (data[0] % 3 == 1)
		try_ledger(span_of(data + 1, n - 1));
	else
		try_renewal(span_of(data + 1, n - 1));
	return 0;
}
