/*
 * memory: what a visitor keeps of a host between visits, so that the next one
 * is compared with the last: the ACME account with its key's thumbprint, and
 * the newest head of each log that the service's evidence had and the log
 * confirmed.  Trust on first use: the first visit has nothing to compare with.
 *
 * One JSON document, written and read here; unknown members are refused.
 *
 *   { "v": 1, "host": "www.example.org", "at": 1800000000,
 *     "account_uri": "https://...", "thumbprint": "<64 hex>",
 *     "heads": [ { "log_id": "<64 hex>", "size": 5, "root": "<64 hex>" } ] }
 *
 * Pure.
 *
 * Source: docs/EVIDENCE.md §10.
 */
#ifndef POSTERN_EVIDENCE_MEMORY_H
#define POSTERN_EVIDENCE_MEMORY_H

#include "evidence/reading.h"

enum {
	MEMORY_MAX = 64 * 1024, /* of the document */
	MEMORY_HEADS_MAX = 32,
};

/*
 * RC_OK           *out is filled; it borrows the arena and 'text'
 * RC_MALFORMED    not of this form, or of another host
 * RC_UNSUPPORTED  another version
 * RC_LIMIT        too large
 *
 * On failure *out is untouched.
 */
enum rc memory_read(struct material_memory *out, struct arena *arena,
		    struct span text, struct span host);

/*
 * Appends what is to be remembered of this visit: the account of its evidence,
 * and the heads that their logs confirmed in this visit.  A head of 'before' is
 * replaced only when the log showed, too, that it has grown out of it.  False:
 * there is nothing to remember (no core), or it does not fit; *out is then
 * unchanged.
 */
bool memory_write(struct buf *out, const struct reading *r,
		  const struct material_memory *before);

#endif
