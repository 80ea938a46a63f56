/*
 * shelf: what the working threads have made and others may have: certificates
 * with their keys and challenge answers for the edge, evidence for everybody,
 * and how things stand for the operator.
 *
 * One lock; what is taken from it is a copy, or shared by all who read it.
 */
#ifndef POSTERN_CERTD_SHELF_H
#define POSTERN_CERTD_SHELF_H

#include <sys/types.h>

#include "acme/authz.h"
#include "acme/name.h"
#include "base/buf.h"
#include "base/rc.h"
#include "base/shared.h"
#include "certd/config.h"

enum {
	SHELF_PROOFS_MAX = 64,
	SHELF_ANSWERS_MAX = 64,
	SHELF_ANSWER_MAX = 16 * 1024 * 1024,
	SHELF_PATH_MAX = 320,
};

struct shelf;

struct shelf *shelf_new(void);
void shelf_free(struct shelf *s);

/* ---- for the edge ---- */

/* A certificate to serve, in the place of that of the same index. */
void shelf_put_certificate(struct shelf *s, size_t index,
			   const struct names *names, struct span chain_pem,
			   const char *key_pem);
/* It is kept from the edge, whatever is put in its place, until it is not. */
void shelf_hold(struct shelf *s, size_t index, bool is_held);
/* The answer to a tls-alpn-01 challenge, PEM; chain n == 0: take it away. */
enum rc shelf_put_proof(struct shelf *s, const char *name, struct span chain,
			const char *key_pem);
/* The answer to an http-01 challenge of a name, under its token; value NULL:
 * take it away.  RC_LIMIT: there are too many. */
enum rc shelf_put_answer(struct shelf *s, const char *name, const char *token,
			 const char *value);
/*
 * All of it as JSON, appended to *out (wipe it):
 *   {"generation":3,
 *    "certificates":[{"names":["*.example.net"],"chain":"...","key":"..."}],
 *    "proofs":[{"name":"...","chain":"...","key":"..."}],
 *    "answers":[{"name":"...","token":"...","value":"..."}]}
 * RC_LIMIT: it does not fit.
 */
enum rc shelf_edge(struct shelf *s, struct buf *out);
/* Counts the changes of it. */
uint64_t shelf_generation(struct shelf *s);

/* ---- for everybody ---- */

/* A file to serve at a path ("/evidences/quote.json"). */
struct shelf_file {
	char path[SHELF_PATH_MAX];
	const char *content_type; /* static */
	struct shared *body;
};
/* Puts these in the place of all there were, at once; takes their
 * references. */
void shelf_publish(struct shelf *s, struct shelf_file *files, size_t count,
		   const struct sha256 *core);
/* Returns a reference, also good when other files have taken their place:
 * shared_unref().  NULL: no such path. */
struct shared *shelf_get(struct shelf *s, const char **content_type,
			 const char *path);
/* The hash of the core that is published; false: none is. */
bool shelf_core(struct shelf *s, struct sha256 *core);

/* ---- for the operator ---- */

/* A part of the status: its JSON under a name, in the place of what was. */
void shelf_put_status(struct shelf *s, const char *name, struct span json);
/* {"<name>":...,...}, appended. */
enum rc shelf_status(struct shelf *s, struct buf *out);

#endif
