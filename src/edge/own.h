/*
 * own: the paths of postern-cert, evidence above all, beside an app's: at names
 * that it has certificates for, and at the gateway's own, requests for them go
 * to its socket (cert.public) and all others to the app, on one connection.
 *
 * HTTP/1.1 alone, where TLS ends here: over HTTP/2 such a request is sent to
 * HTTP/1.1 (http2/guard.h), and at a port that speaks HTTP/2 alone HTTP/1.1 is
 * agreed to for these paths (route.h, is_own_only).  A connection has one
 * backend at a time: where a request is for the other service the backend is
 * let go and the other connected to; postern-cert's is let go once it has
 * answered, so that clients who wait take none of its places.
 */
#ifndef POSTERN_EDGE_OWN_H
#define POSTERN_EDGE_OWN_H

#include "edge/phase.h"

/* Whether the connection's name has, and its protocol is one of HTTP. */
bool own_is_near(const struct conn *c);
/* The same of HTTP/1.1, where they are served. */
bool own_is_at(const struct conn *c);

/*
 * Before CONNECT: c->up holds a request, with so many bytes of a PROXY header
 * before it; has it and c->route be for the service that it asks for.  False:
 * there is no room.
 */
[[nodiscard]] bool own_align(struct conn *c, size_t header_len);
/* RELAY_SWITCH: lets the backend go; c is in CONN_CONNECT. */
enum phase_step own_switch(struct conn *c);
/* Whether postern-cert has said all, and the client has it; then lets it go: c
 * is in CONN_REQUEST. */
bool own_release(struct conn *c);

#endif
