/*
 * backends: services beside this edge that custom names lead to, with TLS ended
 * here: 'backends' of the configuration.  This is what an ingress in a CVM is
 * made of; at a gateway such names pass through to it.
 *
 * Source: docs/CONFIGURATION.md.
 */
#ifndef POSTERN_EDGE_BACKENDS_H
#define POSTERN_EDGE_BACKENDS_H

#include "edge/config.h"
#include "edge/names.h"

/* Zeroed: none. */
struct backends {
	const struct edge_backend *at; /* the configuration's */
	struct names names; /* to them */
};

/*
 * Borrows the configuration.  RC_MALFORMED: a name stands there twice, or is
 * not a custom one but of the base; error says where.  On failure *out is
 * untouched.
 */
enum rc backends_load(struct backends *out, const struct edge_config *config,
		      const char *config_path, char error[EDGE_ERROR_MAX]);
void backends_fini(struct backends *b);

/* A name in lower case without a trailing dot; NULL: it leads nowhere here.
 * b may be NULL. */
const struct edge_backend *backends_find(const struct backends *b,
					 const char *name);

#endif
