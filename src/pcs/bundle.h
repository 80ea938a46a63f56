/*
 * bundle: collateral in one JSON file, for machines that reach no server.
 *
 * Ours holds any number of sets, each item named as in a collateral folder;
 * texts stand as they were served, lists in base64:
 *
 *   { "format": "postern-collateral/1",
 *     "sets": [ { "root_ca.crl.der": "MIIB...", "pck.crl.der": "MIIK...",
 *                 "tcb_info.json": "{\"tcbInfo\":...}", ... } ] }
 *
 * Read, too: the collateral file of dcap-qvl, which is one set whose signed
 * objects stand apart from their signatures, with bytes in hex or, in older
 * files, as arrays of numbers; pck_crl_issuer_chain and pck_certificate_chain
 * may be missing, null or empty.  What is not one of the two is refused.
 *
 * Pure.  Nothing is verified here: what is read is judged like an answer.
 *
 * Source: docs/DESIGN.md §6; dcap-qvl QuoteCollateralV3 (format only).
 */
#ifndef POSTERN_PCS_BUNDLE_H
#define POSTERN_PCS_BUNDLE_H

#include "base/buf.h"
#include "base/rc.h"
#include "quoting/collateral_dir.h"

enum {
	BUNDLE_MAX = 16 * 1024 * 1024,
	BUNDLE_SETS_MAX = 256,
	BUNDLE_ERROR_MAX = 128,
};

/* Zeroed: empty. */
struct bundle {
	struct collateral_files *sets;
	size_t count;
};

/*
 * RC_OK         *out is owned: bundle_fini()
 * RC_MALFORMED  error names the set, its member, and says whether that is
 *               missing or not of its form
 * RC_LIMIT      larger than BUNDLE_MAX, more sets than BUNDLE_SETS_MAX, or an
 *               item larger than a collateral folder takes
 *
 * On failure *out is untouched.
 */
enum rc bundle_read(struct bundle *out, struct span text,
		    char error[BUNDLE_ERROR_MAX]);
void bundle_fini(struct bundle *b);

/*
 * Appends the text of a bundle.  RC_MALFORMED: an item that should be text is
 * not UTF-8, so no JSON could hold it.  RC_LIMIT: it does not fit.
 */
enum rc bundle_write(struct buf *out, const struct collateral_files *sets,
		     size_t count);

#endif
