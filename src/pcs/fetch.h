/*
 * fetch: the documents of one family of platforms from a PCS or PCCS; blocks.
 *
 * What comes back has the right form and nothing more: it is judged when it is
 * stored (store.h) and when it is used.
 *
 * Source: Intel PCS API v4.
 */
#ifndef POSTERN_PCS_FETCH_H
#define POSTERN_PCS_FETCH_H

#include "pcs/get.h"
#include "pcs/request.h"
#include "quoting/collateral_dir.h"

/* Where from, and how.  Strings borrowed. */
struct pcs_source {
	struct pcs_server server;
	const char *ca_file; /* roots of the server's certificate, PEM */
	unsigned timeout_ms; /* of a request; 0: GET_TIMEOUT_MS */
	const atomic_bool *stop; /* or NULL */
};

/*
 * All documents of a key: PCS_OK and *out owned (collateral_fini), or the first
 * failure, *out untouched; error->retry_after_s is what the server asked for at
 * the time 'now'.
 */
enum pcs_reason fetch_set(struct collateral_files *out,
			  struct pcs_error *error,
			  const struct pcs_source *source,
			  const struct pcs_key *key, int64_t now);

/* One document and its issuer chain (n == 0: it comes without), appended. */
enum pcs_reason fetch_item(struct buf *body, struct buf *chain,
			   struct pcs_error *error,
			   const struct pcs_source *source, enum pcs_item item,
			   const struct pcs_key *key, int64_t now);

#endif
