/*
 * herald: announces the client to a backend whose manifest asks for it, with
 * the PROXY protocol's header ahead of the stream; see proxy.h for its form.
 */
#ifndef POSTERN_EDGE_HERALD_H
#define POSTERN_EDGE_HERALD_H

struct conn;

/* Puts the header that c->route wants into c->up, which is empty; often none.
 * After the handshake where TLS ends here, for its ALPN. */
void herald_add(struct conn *c);

#endif
