/*
 * A handshake message, read for what it offers.
 *
 * Promised: what is read lies within the message, and refused where one byte is
 * missing; every pre-shared key has its binder; the part that binders cover
 * ends where their list begins.
 */
#include <stdlib.h>
#include <string.h>

#include "tls/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void is_within(struct span s, struct span all)
{
	if (s.n > 0 && (s.p < all.p || s.p + s.n > all.p + all.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span all = span_of(data, n), identity, binder;
	struct offer o = { 0 }, untouched = { 0 };
	size_t count = 0;

	if (!offer_read(&o, all)) {
		if (memcmp(&o, &untouched, sizeof(o)) != 0) /* public: a hello */
			abort();
		return 0;
	}
	if (offer_read(&untouched, span_of(data, n - 1)))
		abort();
	is_within(o.session_id, all);
	is_within(o.suites, all);
	is_within(o.groups, all);
	is_within(o.name, all);
	is_within(o.alpn, all);
	is_within(o.x25519, all);
	is_within(o.identities, all);
	is_within(o.binders, all);
	if (o.suites.n % 2 || o.groups.n % 2 || (o.x25519.n && o.x25519.n != 32) ||
	    o.session_id.n > 32)
		abort();
	if (o.binders.n > 0 && (o.bound.p != data || o.bound.n + 2 + o.binders.n != n))
		abort();
	for (; offer_next_psk(&o, &identity, &binder); count++)
		if (identity.n == 0 || binder.n < 32)
			abort();
	if (o.identities.n > 0 || o.binders.n > 0)
		abort();
	return 0;
}
