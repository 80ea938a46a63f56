/*
 * certs: the gateway's certificate in the forms that ports need: one context
 * for each list of application protocols.  Replaced whole or not at all.
 */
#ifndef POSTERN_EDGE_CERTS_H
#define POSTERN_EDGE_CERTS_H

#include "base/rc.h"
#include "edge/files.h"
#include "tls/tls.h"

/* What the edge agrees to in ALPN. */
enum certs_alpn {
	CERTS_HTTP1, /* "http/1.1", or no ALPN at all */
	CERTS_H2, /* "h2" */
	CERTS_NONE, /* nothing: the port speaks its own protocol */
	CERTS_COUNT,
};

struct certs {
	struct tls_context *contexts[CERTS_COUNT];
};

enum {
	CERTS_ERROR_MAX = 512,
};

/*
 * Reads chain and key, two PEM files that belong together, into *out, through
 * 'files'.
 * RC_SYS, RC_LIMIT: a file cannot be read, or is over 256 KiB.  RC_CRYPTO: they
 * are no certificate and its key.  On failure *out is untouched, error says
 * why.
 */
enum rc certs_load(struct certs *out, struct files *files,
		   const char *chain_path, const char *key_path,
		   char error[CERTS_ERROR_MAX]);
/* Connections made from them live on. */
void certs_fini(struct certs *c);

#endif
