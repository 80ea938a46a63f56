/*
 * fetch: performs a request of web/exchange.h with libcurl; blocks.
 *
 * TLS 1.2 or newer, the server's certificate checked for its host name against
 * the system's roots or the one file of roots that is named.  Plain HTTP only
 * where the URL says so.  No redirect is followed, no proxy, cookie or
 * compression used, and no environment variable looked at.  HTTP/1.1.
 *
 * Source: curl_easy_setopt(3); RFC 9110.
 */
#ifndef POSTERN_HTTP_FETCH_H
#define POSTERN_HTTP_FETCH_H

#include <stdatomic.h>

#include "web/exchange.h"

enum {
	FETCH_TIMEOUT_MS = 30 * 1000,
	FETCH_CONNECT_MS = 10 * 1000,
	FETCH_FIELDS_BYTES_MAX = 64 * 1024, /* of all headers of an answer */
	FETCH_ERROR_MAX = 512,
};

enum fetch_result {
	FETCH_OK,
	FETCH_UNREACHABLE, /* no such name, nobody listens, cut in between */
	FETCH_TLS, /* or ca_file could not be read */
	FETCH_TIMEOUT,
	FETCH_CUT, /* the answer is not whole */
	FETCH_TOO_LARGE,
	FETCH_STOPPED, /* by options->stop */
	FETCH_FORM, /* the answer is no HTTP */
};
/* "unreachable", ...: stable names. */
const char *fetch_result_name(enum fetch_result r);

/* Zeroed: as usual. */
struct fetch_options {
	const char *ca_file; /* PEM; NULL: the system's */
	unsigned timeout_ms; /* of the whole; 0: FETCH_TIMEOUT_MS */
	const atomic_bool *stop; /* NULL, or ends the transfer soon */
	/* "host:port:address" NULL-ended, tried before DNS; NULL: none */
	const char *const *resolve;
};

/*
 * FETCH_OK with *out filled, whatever the status.  Otherwise *out is untouched
 * and 'error' says why in a person's words, beginning with the URL without its
 * query.
 */
enum fetch_result fetch(struct web_answer *out, char error[FETCH_ERROR_MAX],
			const struct web_ask *ask,
			const struct fetch_options *options);

#endif
