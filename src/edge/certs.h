/*
 * certs: the gateway's certificates in the forms that ports need: for each one
 * context per list of application protocols; and which of them a name gets.
 * Replaced whole or not at all.
 *
 * A certificate is for the host names that stand in it (subjectAltName,
 * dNSName), "*." included; names that none is for get the default one, if there
 * is one.  What postern-cert has issued goes before what files hold, for the
 * names that it says: files may stand in until then.
 */
#ifndef POSTERN_EDGE_CERTS_H
#define POSTERN_EDGE_CERTS_H

#include "base/rc.h"
#include "edge/config.h"
#include "edge/files.h"
#include "edge/issued.h"
#include "edge/names.h"
#include "tls/tls.h"

/* What the edge agrees to in ALPN. */
enum certs_alpn {
	CERTS_HTTP1, /* "http/1.1", or no ALPN at all */
	CERTS_H2, /* "h2" */
	CERTS_NONE, /* nothing: the port speaks its own protocol */
	CERTS_COUNT,
};

enum {
	CERTS_DEFAULT, /* its place among the entries */
};

struct certs_entry {
	struct tls_context *contexts[CERTS_COUNT];
};

struct certs {
	struct certs_entry *entries; /* [CERTS_DEFAULT] is empty without one */
	size_t count;
	size_t issued_from; /* those from here on are postern-cert's */
	struct names names, issued; /* to entries */
	/* For ALPN "acme-tls/1" alone; whom each is for. */
	struct certs_proof {
		struct tls_context *context;
	} * proofs;
	size_t proof_count;
	struct names proof_names;
	/* Texts for a CA that asks by plain HTTP. */
	struct certs_answer {
		char *name, *token, *value; /* owned */
	} * answers;
	size_t answer_count;
};

/*
 * Reads the configuration's certificates through 'files': 'certificate', the
 * default one, each of 'certificates', which must be for a host name, and with
 * 'cert' what postern-cert has issued, if that is there (issued_keep()).
 * 'config_path' is for errors.
 *
 * RC_SYS, RC_LIMIT  a file cannot be read, or is over 256 KiB
 * RC_CRYPTO         they are no certificate chain and its key
 * RC_MALFORMED      two are for the same name, or one is for none, or one that
 *                   was issued is not for a name that it is said to be for
 *
 * On failure *out is untouched, error says where and why.
 */
enum rc certs_load(struct certs *out, struct files *files,
		   const struct edge_config *config, const char *config_path,
		   char error[EDGE_ERROR_MAX]);
/* Connections made from them live on. */
void certs_fini(struct certs *c);

/* A name in lower case without a trailing dot.  Borrowed from c; NULL: there is
 * none for it. */
struct tls_context *certs_find(const struct certs *c, const char *name,
			       enum certs_alpn alpn);
/* Whether one is for this name, the default one apart. */
bool certs_has(const struct certs *c, const char *name);
/* Whether it has one of postern-cert's. */
bool certs_is_issued(const struct certs *c, const char *name);
/* The proof for exactly this name, or NULL; 'c' may be NULL.  Borrowed. */
struct tls_context *certs_proof(const struct certs *c, const char *name);
/* The answer for exactly this name and token, or NULL.  Borrowed. */
const char *certs_answer(const struct certs *c, const char *name,
			 struct span token);
/* Whether an answer for this name is there. */
bool certs_has_answer(const struct certs *c, const char *name);

#endif
