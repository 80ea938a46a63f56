/*
 * renewal: when a certificate is to be renewed.
 *
 * The CA says a window (ARI); one instant in it is drawn once, and kept, so
 * that asking often does not make it earlier.  Without a window, with one that
 * makes no sense, and where the instant would come too late, the lifetime
 * decides.  No answer of a CA can put the renewal off beyond that.
 *
 * Source: RFC 9773 §4.1 (identifier), §4.2 (window), §4.3 (when to ask).
 */
#ifndef POSTERN_ACME_RENEWAL_H
#define POSTERN_ACME_RENEWAL_H

#include "acme/order.h"
#include "base/buf.h"
#include "pki/web.h"

enum {
	RENEWAL_POLL_MIN = 60, /* RFC 9773 §4.3.2 */
	RENEWAL_POLL_MAX = 86'400,
	RENEWAL_POLL = 21'600, /* where the CA does not say; §4.3.3 */
	RENEWAL_STATE_MAX = 4 * 1024,
	RENEWAL_SHORT = 10 * 86'400, /* lifetimes below renew at their half */
};

/* A window as the CA said it. */
struct renewal_window {
	int64_t start_at, end_at;
	int64_t retry_at; /* 0: not said */
	char explanation[ACME_URL_MAX]; /* a page for a person; may be empty */
};

/* One certificate's renewal.  Plain data: renewal_save(), renewal_load(). */
struct renewal {
	int64_t not_before, not_after; /* the certificate's */
	char id[ORDER_REPLACES_MAX]; /* empty: it has no key identifier */
	bool has_window;
	struct renewal_window window; /* the last that made sense */
	int64_t chosen_at; /* the instant drawn; 0: none */
	int64_t ask_at; /* when to ask the CA again */
	unsigned failures; /* of asking, in a row */
	bool is_replaced; /* the CA knows a successor: no 'replaces' */
};

/* base64url(AKI) "." base64url(serial), RFC 9773 §4.1.  False: no AKI. */
bool renewal_id(char out[ORDER_REPLACES_MAX], const struct web_cert *leaf);

void renewal_init(struct renewal *r, const struct web_cert *leaf, int64_t now);

/* Reads the answer.  RC_MALFORMED: not one, or its end is not after its
 * start. */
enum rc renewal_read(struct renewal_window *out, struct span json);

/*
 * A window came.  'random' is a fresh number: it is used where the window is
 * new, or not the one of before.
 */
void renewal_take(struct renewal *r, const struct renewal_window *w,
		  int64_t now, uint64_t random);
/* None came: asked again after a minute, ten, then six hours. */
void renewal_miss(struct renewal *r, int64_t retry_at, int64_t now);

/* When the CA is to be asked; INT64_MAX: not any more (it is expired, or has
 * no identifier). */
int64_t renewal_ask_at(const struct renewal *r);
/* When to renew. */
int64_t renewal_at(const struct renewal *r);
/* It could wait: the lifetime alone would not have it renewed yet. */
bool renewal_is_early(const struct renewal *r, int64_t now);
/* By lifetime alone: after half of it below ten days, else two thirds. */
int64_t renewal_by_lifetime(const struct renewal *r);
/* The latest, whatever the CA says: a twelfth of the lifetime after that. */
int64_t renewal_latest(const struct renewal *r);

/* JSON.  RC_MALFORMED: not what renewal_save() writes. */
enum rc renewal_save(const struct renewal *r, struct buf *out);
enum rc renewal_load(struct renewal *out, struct span state);

#endif
