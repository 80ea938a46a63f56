/*
 * prefixes: the allowed IPs of a peer as they are read one by one: the first
 * into the peer itself, the rest into memory that grows and is used again for
 * the next peer.
 */
#ifndef POSTERN_WGCTL_PREFIXES_H
#define POSTERN_WGCTL_PREFIXES_H

#include "wgctl/wgctl.h"

struct prefixes {
	struct io_prefix *rest;
	size_t cap;
};

/* Adds one to p, whose 'more' is this memory as long as nothing is added. */
void prefixes_add(struct prefixes *s, struct wgctl_peer *p,
		  const struct io_prefix *prefix);
void prefixes_fini(struct prefixes *s);

#endif
