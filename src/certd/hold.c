#include "certd/hold.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "certd/holdbook.h"

#define PURPOSE "held"

struct hold {
	struct hold_options o;
	pthread_mutex_t lock;
	struct holdbook book;
	bool is_unsealed;
};

static void enter(struct hold *h)
{
	(void)pthread_mutex_lock(&h->lock); /* cannot fail: not recursive */
}

static void leave(struct hold *h)
{
	(void)pthread_mutex_unlock(&h->lock); /* we hold it */
}

static const char FULL_OF_NAMES[] =
	"more certificates are held back than can be remembered, so all are; "
	"`postern acme serve` when that was seen to";
static const char FULL_OF_CAUSES[] =
	"there are more foreign certificates than can be remembered; those "
	"over will hold again after `postern acme serve`";

static const struct config_certificate *certificate(const struct hold *h,
						    size_t index)
{
	const struct config_certificate *all = h->o.config->certificates.items;

	return &all[index];
}

static void tell_full(struct hold *h)
{
	alarm_set(h->o.alarm, holdbook_is_full(&h->book), "hold_full", "",
		  h->book.is_over ? FULL_OF_NAMES : FULL_OF_CAUSES);
}

/* What the book says, to the shelf and to the operator. */
static void apply(struct hold *h)
{
	for (size_t i = 0; i < h->o.config->certificates.count; i++) {
		const struct names *names = &certificate(h, i)->names;
		struct sha256 hash;
		bool is_held;

		names_hash(names, &hash);
		is_held = holdbook_is_held(&h->book, &hash);
		shelf_hold(h->o.shelf, i, is_held);
		alarm_set(h->o.alarm, is_held, "certificate_held",
			  names->of[0].text,
			  "somebody else has a certificate for its names; "
			  "`postern acme serve` when that was seen to");
	}
	tell_full(h);
}

static bool seal(struct hold *h)
{
	AUTO(buf_fini)
	struct buf json = { 0 };

	buf_init(&json, HOLDBOOK_STATE_MAX);
	h->is_unsealed = holdbook_write(&json, &h->book) ||
			 custody_put(h->o.custody, PURPOSE, buf_span(&json));
	if (h->is_unsealed)
		log_event(h->o.log, LOG_ERROR, "hold_not_sealed");
	alarm_set(h->o.alarm, h->is_unsealed, "hold_not_sealed", "",
		  "a restart would forget what is held back");
	return !h->is_unsealed;
}

enum rc hold_open(struct hold **out, const struct hold_options *o,
		  char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct hold *h = mem_new(sizeof(*h));
	enum seal_reason reason;

	h->o = *o;
	(void)pthread_mutex_init(&h->lock, NULL); /* cannot fail here */
	buf_init(&json, HOLDBOOK_STATE_MAX);
	reason = custody_get(o->custody, PURPOSE, &json);
	if (!reason && holdbook_read(&h->book, buf_span(&json)))
		reason = (enum seal_reason)FORM_MALFORMED;
	if (reason && reason != SEAL_ABSENT) {
		error_set(error, PURPOSE ": %s", seal_reason_name(reason));
		hold_close(h);
		return RC_DENIED;
	}
	apply(h);
	*out = h;
	return RC_OK;
}

void hold_close(struct hold *h)
{
	if (!h)
		return;
	(void)pthread_mutex_destroy(&h->lock); /* nobody holds it */
	free(h);
}

bool hold_because(struct hold *h, size_t index, const struct sha256 *tbs,
		  const char *name)
{
	struct sha256 hash;
	bool was_held, is_held, has_changed;

	names_hash(&certificate(h, index)->names, &hash);
	enter(h);
	was_held = holdbook_is_held(&h->book, &hash);
	/* What could not be sealed the last time is tried each time. */
	has_changed = holdbook_hold(&h->book, &hash, tbs);
	if (has_changed || h->is_unsealed)
		(void)seal(h); /* it is held all the same, here and now */
	is_held = holdbook_is_held(&h->book, &hash);
	if (is_held && !was_held)
		apply(h);
	else if (has_changed)
		tell_full(h);
	leave(h);
	if (!is_held || was_held)
		return false;
	audit_event(h->o.audit, "certificate_taken_back",
		    { "because_of", span_str(name) });
	return true;
}

bool hold_is_any(struct hold *h)
{
	bool is_any;

	enter(h);
	is_any = h->book.held.count > 0 || h->book.is_over;
	leave(h);
	return is_any;
}

bool hold_release(struct hold *h)
{
	bool is_over = false;

	enter(h);
	if (holdbook_release(&h->book)) {
		is_over = true;
		(void)seal(h); /* it says so */
		apply(h);
	}
	leave(h);
	if (is_over)
		audit_event(h->o.audit, "certificates_served_again");
	return is_over;
}
