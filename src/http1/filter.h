/*
 * filter: what an edge that ends TLS sees to in an HTTP/1.1 connection: that
 * each request is for the name the connection was made for, that nobody can
 * smuggle one past, and, where the port asks for it, who the client is.
 *
 * The client's bytes go in and pieces for the backend come out: requests as
 * they were sent, or with their head written anew.  The backend's bytes are
 * only looked at, to know when a request to change protocols was granted (from
 * then on bytes pass unread) and whether the edge may answer itself.
 *
 * One for a connection.  Holds at most a head each way; idle, it holds nothing.
 * Opens nothing, logs nothing.
 *
 * Source: RFC 9110 §7.4 (misdirected requests), §7.6, §7.8; RFC 9112.
 */
#ifndef POSTERN_HTTP1_FILTER_H
#define POSTERN_HTTP1_FILTER_H

#include "base/buf.h"
#include "http1/body.h"
#include "http1/head.h"
#include "http1/vouch.h"

enum {
	FILTER_PIPELINE_MAX = 64, /* requests without a whole response */
	FILTER_OWN_BODY_MAX = 64 * 1024, /* of a request to vouch.own */
};

enum filter_up {
	FILTER_UP_HEAD,
	FILTER_UP_BODY,
	FILTER_UP_ASKED, /* to change protocols, and not answered yet */
	FILTER_UP_RAW, /* protocols were changed */
	FILTER_UP_REFUSED,
};
enum filter_down {
	FILTER_DOWN_HEAD,
	FILTER_DOWN_BODY,
	FILTER_DOWN_RAW, /* protocols were changed */
	FILTER_DOWN_LOST, /* a response we cannot follow: bytes still pass */
};

struct filter {
	const struct vouch *vouch;
	enum filter_up up;
	enum filter_down down;
	/* Heads that are not whole; 'out' is a head written anew. */
	struct buf head, down_head, out;
	struct head_scan scan, down_scan;
	struct body body, down_body;
	struct head_refusal why;
	bool is_closing; /* one to the own service was said to be the last */
	bool is_own; /* the last request was for the edge's own service */
	bool has_switched; /* it was for another than the one before */
	uint64_t requests; /* so far */
	/* Of requests that wait for their response, first in bit 0. */
	uint64_t is_head, is_upgrade;
	unsigned waiting;
};

/* Borrows 'vouch'. */
void filter_init(struct filter *f, const struct vouch *vouch);
void filter_fini(struct filter *f);

enum filter_step {
	FILTER_SEND, /* *piece goes to the backend; then call again */
	FILTER_MORE, /* all of 'in' was taken */
	FILTER_HOLD, /* keep the rest of 'in' until filter_down() was called */
	FILTER_REFUSE, /* f->why; nothing more goes to the backend */
};
/* Takes from the front of 'in'; *piece borrows that or the filter, until the
 * next call.  With vouch.own a piece that begins a request may be for another
 * backend than what went before: then 'has_switched' is set, for the caller to
 * take back, and every response to what went before was whole.  Who does not
 * wait for them before such a request is refused. */
enum filter_step filter_up(struct filter *f, struct span *in,
			   struct span *piece);
/* Bytes of the backend, on their way to the client. */
void filter_down(struct filter *f, struct span bytes);
/* No response is awaited or on its way: one of our own has a place. */
bool filter_may_answer(const struct filter *f);
/* Nothing at all is on its way: the backend can be let go. */
bool filter_is_idle(const struct filter *f);

#endif
