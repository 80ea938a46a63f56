/*
 * refresh: stored collateral, and a server to have it from anew; blocks.
 *
 * Source: docs/DESIGN.md §6.
 */
#ifndef POSTERN_PCS_REFRESH_H
#define POSTERN_PCS_REFRESH_H

#include "pcs/cache.h"
#include "pcs/fetch.h"

/* Fetches a set and stores it: cache_store()'s outcome, or fetch_set()'s. */
enum pcs_reason refresh_now(struct tee_prepared_info *info,
			    struct pcs_error *error,
			    const struct pcs_source *source,
			    const struct pcs_key *key, const char *dir,
			    const struct cache_terms *terms);

/*
 * What is stored while it is valid and not due (schedule.h), else what the
 * server has; and what is stored, still, when the server has nothing good.
 *
 * PCS_OK  *out is owned; *error is zero, or why nothing newer could be had:
 *         then out->is_valid may be false, and the verifier will say so
 * else    there is nothing at all
 */
enum pcs_reason refresh_obtain(struct cache_set *out, struct pcs_error *error,
			       const struct pcs_source *source,
			       const struct pcs_key *key, const char *dir,
			       const struct cache_terms *terms);

#endif
