/*
 * cmw: a collection of RATS conceptual messages as JSON: named pieces of
 * evidence and endorsements in one document, application/cmw+json.
 *
 *   { "__cmwc_t": "<URI or OID>",
 *     "quote": ["application/...", "<base64url>", 4],
 *     "collateral": { "root_ca.crl.der": ["application/pkix-crl", "...", 2] } }
 *
 * A label leads to a record or to a collection, to CMW_DEPTH_MAX of them inside
 * one another.  Only media types name a record's type, no numbers.
 *
 * Pure.  Nothing is verified here.
 *
 * Source: RFC 9999 (records, collections, their JSON form); RFC 4648 §5.
 */
#ifndef POSTERN_EVIDENCE_CMW_H
#define POSTERN_EVIDENCE_CMW_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"

enum {
	CMW_MAX = 32 * 1024 * 1024, /* bytes of JSON */
	CMW_DEPTH_MAX = 4,
	/* what a record is; several may be set */
	CMW_REFERENCE_VALUES = 1 << 0,
	CMW_ENDORSEMENTS = 1 << 1,
	CMW_EVIDENCE = 1 << 2,
	CMW_RESULTS = 1 << 3,
};

struct cmw {
	struct span label;
	/* a record: its media type, bytes and indicator (0: not said) */
	struct span type, value;
	unsigned indicator;
	/* a collection: its type (n == 0: none) and what is in it */
	bool is_collection;
	struct span collection_type;
	const struct cmw *first, *next;
};

/*
 * The collection at the top.  It borrows 'text' and the arena.
 *
 * RC_MALFORMED  no strict JSON, a member that is neither record nor collection,
 *               an empty collection, base64url not in its one form
 * RC_LIMIT      larger than CMW_MAX, too deep, no room in the arena
 *
 * On failure *out is untouched.
 */
enum rc cmw_read(const struct cmw **out, struct arena *arena,
		 struct span text);

/* The member with this label; NULL: none, or 'in' is NULL or a record. */
const struct cmw *cmw_get(const struct cmw *in, const char *label);
/* Its bytes; empty where there is no such record. */
struct span cmw_value(const struct cmw *in, const char *label);

/*
 * Appends the document.  Labels and types are printable ASCII without " and \;
 * RC_MALFORMED otherwise.  RC_LIMIT: it does not fit.
 */
enum rc cmw_write(struct buf *out, const struct cmw *collection);

#endif
