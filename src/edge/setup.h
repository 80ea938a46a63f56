/*
 * setup: a configuration with all that its files bring, whole or not at all.
 */
#ifndef POSTERN_EDGE_SETUP_H
#define POSTERN_EDGE_SETUP_H

#include "edge/backends.h"
#include "edge/certs.h"
#include "edge/config.h"
#include "edge/files.h"
#include "edge/terms.h"

struct setup {
	struct arena arena; /* of the configuration */
	struct edge_config config;
	struct certs certs;
	struct terms terms; /* of names */
	struct backends backends;
	struct buf anchors; /* dns.anchor's file; empty: none */
};

enum {
	SETUP_ERROR_MAX = CONF_ERROR_MAX + EDGE_ERROR_MAX,
};

/*
 * Reads the configuration at 'path', its certificates, those of clients'
 * authorities and its DNSSEC anchors through 'files'.
 * RC_MALFORMED, RC_SYS, RC_LIMIT: a mistake in the configuration; RC_CRYPTO
 * and the like: in a certificate; error[] says which and where.  Returns
 * owned: setup_free().  On failure *out is untouched.
 */
enum rc setup_load(struct setup **out, struct files *files, const char *path,
		   char error[SETUP_ERROR_MAX]);
/* Connections made from its certificates live on. */
void setup_free(struct setup *s);

/*
 * The first key that 'to' changes and that only a new process can take up;
 * NULL: a running one can change to it.
 */
const char *setup_obstacle(const struct setup *from, const struct setup *to);

#endif
