/*
 * vouch: what an edge vouches for to an app: that a request is for the name its
 * connection was made for, and whom it comes from.
 *
 * Source: RFC 9110 §7.2 and §7.4; RFC 7239 §8 (what clients say of themselves
 * is worth nothing).
 */
#ifndef POSTERN_HTTP1_VOUCH_H
#define POSTERN_HTTP1_VOUCH_H

#include "base/span.h"
#include "base/wr.h"

enum {
	VOUCH_ID_LEN = 16,
	VOUCH_REQUEST_ID_MAX = 2 * VOUCH_ID_LEN + 1 + 20,
	VOUCH_CERTIFICATE_MAX = 640,
};

/*
 * Paths that the edge's own service answers on this connection, beside the app:
 * /evidences, /evidences/..., /.dstack/... and /.well-known/acme-challenge/...,
 * as they stand in the request: neither escapes nor "." and ".." are resolved,
 * so that what no client sends is the app's.  What a request there says in
 * Postern-... of itself is taken away.
 */
struct vouch_own {
	struct span binding; /* Postern-Exporter: hex, RFC 9266; n == 0: none */
	struct span tls; /* Postern-Tls */
};

/* Fixed for a connection. */
struct vouch {
	/* The TLS server name, lower case, no trailing dot: what the host must
	 * be, whatever its port.  n == 0: any host will do. */
	struct span name;
	/* Takes away what the client says of itself in Forwarded, X-Real-IP,
	 * X-Request-Id and X-Forwarded-..., also under names that differ in "_"
	 * for "-", and says X-Forwarded-For, X-Forwarded-Proto, X-Request-Id
	 * and, where there is one, X-Forwarded-Client-Cert itself. */
	bool is_forwarding;
	struct span client; /* its address as text, for X-Forwarded-For */
	/* For X-Forwarded-Client-Cert, at most VOUCH_CERTIFICATE_MAX; n == 0:
	 * it is not said. */
	struct span certificate;
	uint8_t id[VOUCH_ID_LEN]; /* the connection's, in X-Request-Id */
	const struct vouch_own *own; /* NULL: all paths are the app's */
	/* Postern-Name, whether 'name' is minded or not. */
	struct span own_name;
};

/*
 * uri-host [ ":" port ] of Host, :authority or a URI: *host has no port, and
 * borrows.  False for anything else, user information and percent-encoding
 * among it: no name that is served here needs them.
 */
bool vouch_read_host(struct span *host, struct span authority);
/* 'host' is without port; one trailing dot and case do not count. */
bool vouch_is_name(const struct vouch *v, struct span host);
/* A field that only the edge may say, where it forwards. */
bool vouch_is_ours(struct span field_name);
/* Whether a request-target, in origin or absolute form, is own's. */
bool vouch_is_own_path(struct span target);
/* A field that only the edge may say to its own service. */
bool vouch_is_postern(struct span field_name);
/* X-Request-Id of the connection's request 'number'. */
void vouch_request_id(struct wr *w, const struct vouch *v, uint64_t number);

#endif
