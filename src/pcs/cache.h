/*
 * cache: collateral kept in a folder, in the layout of quoting/collateral_dir,
 * with what must outlive a restart beside it:
 *
 *   <dir>/<fmspc>/            the documents, as served
 *   <dir>/evaluations         floor.h
 *   <dir>/.lock               held while something is stored
 *
 * One folder is of one TEE and one choice among the TCB states on offer (see
 * pcs_group_name()).  A set is replaced as a whole and in one step, so that
 * after a crash at any moment the folder holds the old set or the new one.
 * Nothing is stored that does not verify, is not valid now, or is older than
 * what is there; so a bad answer never destroys a good one.  What is stored is
 * judged again whenever it is loaded, since disks are the host's.
 *
 * Source: docs/DESIGN.md §6.
 */
#ifndef POSTERN_PCS_CACHE_H
#define POSTERN_PCS_CACHE_H

#include "pcs/reason.h"
#include "pcs/request.h"
#include "quoting/collateral_dir.h"

/* On what terms collateral is believed.  Borrowed. */
struct cache_terms {
	const struct tee_anchor *anchors;
	size_t anchor_count;
	int64_t now; /* unix seconds */
	/* A person said that older collateral than before is right. */
	bool allows_older;
};

/* A set that verifies.  Zeroed: none. */
struct cache_set {
	struct collateral_files files;
	struct tee_prepared_info info;
	int64_t fetched_at; /* when it was stored; at most 'now' */
	bool is_valid; /* all of it, at 'now' */
};
/* For AUTO(). */
void cache_set_fini(struct cache_set *s);

/*
 * PCS_OK          *out is owned: cache_set_fini()
 * PCS_NOTHING     there is no such set, or not all of it
 * PCS_STORE       it cannot be read
 * PCS_REFUSED     it does not verify; the detail has the verifier's reason
 * PCS_OTHER       it is of another TEE or platform family
 * PCS_WENT_BACK   its evaluation data number is below the one remembered, or
 *                 what is remembered cannot be read
 *
 * A set whose time is over is PCS_OK and not is_valid.
 */
enum pcs_reason cache_load(struct cache_set *out, struct pcs_error *error,
			   const char *dir, const struct pcs_key *key,
			   const struct cache_terms *terms);

/*
 * Judges 'files' and stores them, making the folders.  'key' says which TEE and
 * platform family they must be of; NULL: whatever they are of.  *info, if not
 * NULL, is then what they say of themselves.
 *
 * PCS_REFUSED, PCS_WENT_BACK as above; PCS_OTHER: or the folder has a set of
 * this family, but of the other TEE; PCS_OLDER: a document was issued before
 * the stored one; PCS_STORE.  On failure what was stored is still
 * there.
 */
enum pcs_reason cache_store(struct tee_prepared_info *info,
			    struct pcs_error *error, const char *dir,
			    const struct pcs_key *key,
			    const struct collateral_files *files,
			    const struct cache_terms *terms);

/*
 * The sets of a folder, by FMSPC, at most CACHE_SETS_MAX of them; how many.
 * Nothing is judged; 0, too, when the folder is not there.
 */
enum {
	CACHE_SETS_MAX = 256,
};
size_t cache_list(uint8_t fmspcs[CACHE_SETS_MAX][PCS_FMSPC_LEN],
		  const char *dir);

#endif
