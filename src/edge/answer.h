/*
 * answer: what the edge says itself when a backend cannot: a small HTTP
 * response to a client that speaks HTTP, in its version.
 *
 * Another to a client whose request is refused, with the reason.
 *
 * Source: RFC 9110 §15 (status codes), RFC 9113 §6.5 and §6.8 (SETTINGS,
 * GOAWAY).
 */
#ifndef POSTERN_EDGE_ANSWER_H
#define POSTERN_EDGE_ANSWER_H

#include "base/wr.h"
#include "edge/certs.h"

enum {
	ANSWER_MAX = 1024,
};

/* Why no backend answers. */
enum answer_why {
	ANSWER_REFUSED, /* 502: no instance accepts the connection */
	ANSWER_NO_INSTANCE, /* 503: none has a live lease */
	ANSWER_TIMEOUT, /* 504: connecting took too long */
	ANSWER_PLAIN_HTTP, /* 400: HTTP without TLS on this port */
	ANSWER_H2_ONLY, /* 505: the app speaks HTTP/2 alone */
};

/* A constant word for logs and the response: "connect_refused", ... */
const char *answer_reason(enum answer_why why);

/*
 * Writes the whole response.  HTTP/1.1 with "Connection: close"; h2: SETTINGS
 * and a GOAWAY that says why; nothing for a protocol we do not know.
 */
void answer_write(struct wr *w, enum answer_why why, enum certs_alpn alpn);

/*
 * Refuses a request of HTTP/1.1 with a status, one of those of http1/head.h or
 * 404, 405, 408, 413, 421, 502.  'reason' is a constant word.
 */
void answer_write_refusal(struct wr *w, unsigned status, const char *reason);
/* SETTINGS and a GOAWAY of a connection whose backend has said nothing yet. */
void answer_write_goaway(struct wr *w, uint32_t error, const char *reason);

/* Whether the first bytes of a stream look like an HTTP/1 request. */
bool answer_is_http(struct span stream);

#endif
