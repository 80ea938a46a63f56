/*
 * terms: under which terms a name's TLS is ended: 'names' of the
 * configuration.  TLS 1.3 with anybody where nothing stands there.
 *
 * They are a name's, not an app's: an app is reachable by its other names, too.
 */
#ifndef POSTERN_EDGE_TERMS_H
#define POSTERN_EDGE_TERMS_H

#include "crypto/hash.h"
#include "edge/config.h"
#include "edge/files.h"
#include "edge/names.h"
#include "tls/terms.h"

struct terms_entry {
	struct tls_terms *tls;
	bool admits_tls12;
	/* What is asked of clients' certificates, in a word: sessions of others
	 * are not resumed.  Zero: nothing. */
	struct sha256 demand;
};

/* Zeroed: none. */
struct terms {
	struct terms_entry *entries;
	size_t count;
	struct names names; /* to entries */
};

/*
 * RC_SYS, RC_LIMIT  a file cannot be read, or is over 256 KiB
 * RC_CRYPTO         it holds no certificates
 * RC_MALFORMED      a name stands there twice
 *
 * On failure *out is untouched, error says where and why.
 */
enum rc terms_load(struct terms *out, struct files *files,
		   const struct edge_config *config, const char *config_path,
		   char error[EDGE_ERROR_MAX]);
/* Connections under them live on. */
void terms_fini(struct terms *t);

/* A name in lower case without a trailing dot; NULL: nothing stands there.
 * Borrowed from t, which may be NULL. */
const struct terms_entry *terms_find(const struct terms *t, const char *name);

#endif
