/*
 * sources: what counts as one source of connections: an IPv4 address or an
 * IPv6 /64, which one host has whole.
 */
#ifndef POSTERN_EDGE_SOURCES_H
#define POSTERN_EDGE_SOURCES_H

#include "io/sock.h"

/* A number that two addresses share exactly when they are one source.  All
 * unix sockets are one. */
uint64_t sources_id(const struct sock_addr *from);

#endif
