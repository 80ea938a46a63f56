/*
 * get: one document over HTTPS, with the few headers that are asked for;
 * blocks.
 *
 * TLS 1.2 or newer, the server's certificate checked for its host name against
 * the system's roots or the one file of roots that is named.  Plain HTTP only
 * where the URL says so.  No redirect is followed, no proxy, cookie, or
 * compression used, and no environment variable looked at.
 *
 * Source: curl_easy_setopt(3); RFC 9110.
 */
#ifndef POSTERN_PCS_GET_H
#define POSTERN_PCS_GET_H

#include <stdatomic.h>

#include "base/buf.h"
#include "pcs/reason.h"

enum {
	GET_HEADERS_MAX = 4, /* that may be asked for */
	GET_TIMEOUT_MS = 30 * 1000,
	GET_CONNECT_MS = 10 * 1000,
};

struct get_options {
	const char *url;
	const char *ca_file; /* PEM; NULL: the system's */
	const char *const *headers; /* names, NULL-ended */
	size_t body_max;
	unsigned timeout_ms; /* of the whole; 0: GET_TIMEOUT_MS */
	const atomic_bool *stop; /* NULL, or ends the transfer soon */
};

/* Zeroed: nothing. */
struct get_reply {
	unsigned status;
	struct buf body;
	struct buf header[GET_HEADERS_MAX]; /* in the order of the names */
	struct buf retry_after;
};
/* For AUTO(). */
void get_reply_fini(struct get_reply *r);

/*
 * PCS_OK with *out filled whatever the status; or why there is no whole answer,
 * *out untouched: PCS_UNREACHABLE, _TLS, _TIMEOUT, _CUT, _TOO_LARGE (body, or
 * headers of more than 64 KiB), _STOPPED, _FORM (no HTTP, or a header that was
 * asked for comes twice).
 */
enum pcs_reason get(struct get_reply *out, struct pcs_error *error,
		    const struct get_options *options);

#endif
