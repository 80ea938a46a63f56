/*
 * bundle: everything that belongs to one piece of evidence of version 2, in one
 * document, so that it can be verified without any network.
 *
 * A CMW collection (evidence/cmw.h).  Its members:
 *
 *   core                 the bytes that evidence/core.h reads
 *   quote, event-log     the quote and the log that leads to its RTMR3
 *   files                collection: the legacy files by name, quote.json not
 *                        among them
 *   collateral           collection: the vendor's documents, named as in a
 *                        collateral folder (quoting/collateral_dir.h)
 *   acme-info            key history with a quote for each key, and the
 *                        account's: evidence/dotdstack.h
 *   manifest             the application manifest, as measured
 *   dnssec               collection: proofs by their SHA-256 in hex
 *   audit                proof that a transparency log of the operator's has
 *                        the core as an entry (C2SP tlog-proof)
 *
 * Only core, quote and files must be there.  Unknown labels are passed over.
 *
 * Pure.
 *
 * Source: RFC 9999; docs/EVIDENCE.md §5.
 */
#ifndef POSTERN_EVIDENCE_BUNDLE_H
#define POSTERN_EVIDENCE_BUNDLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "evidence/cmw.h"
#include "evidence/legacy.h"
#include "tee/verify.h"

#define BUNDLE_PATH "/evidences/v2/bundle.json"
#define BUNDLE_CORE_PATH "/evidences/v2/core.json"
#define BUNDLE_MEDIA_TYPE "application/cmw+json"

/* A member of a collection: label (a file's name) and bytes. */
struct bundle_item {
	struct span name, bytes;
};

enum {
	BUNDLE_ITEMS_MAX = 60, /* of one collection */
};
struct bundle_items {
	struct bundle_item item[BUNDLE_ITEMS_MAX];
	size_t count;
};
/* The bytes of that name; empty: none. */
struct span bundle_item_get(const struct bundle_items *items,
			    struct span name);

/* n == 0: not there. */
struct evidence_bundle {
	struct span core, quote, event_log, acme_info, manifest, audit;
	struct bundle_items files, collateral, dnssec;
};

/*
 * RC_OK         *out is filled; it borrows 'text' and the arena
 * RC_MALFORMED  as cmw_read(), or core, quote or files are missing
 * RC_LIMIT      as cmw_read(), or more than BUNDLE_ITEMS_MAX items
 *
 * On failure *out is untouched.
 */
enum rc evidence_bundle_read(struct evidence_bundle *out, struct arena *arena,
			     struct span text);
/* Appends the document.  RC_MALFORMED, RC_LIMIT: as cmw_write(). */
enum rc evidence_bundle_write(struct buf *out,
			      const struct evidence_bundle *b);

/* The view tee_verify() takes, of items named as in a collateral folder. */
void evidence_bundle_collateral(struct tee_collateral *out,
				const struct bundle_items *items);

#endif
