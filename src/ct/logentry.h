/*
 * logentry: one entry of a CT log, as RFC 6962 logs and tiled logs give it.
 *
 * What the tree holds is only the leaf; the precertificate and the chain beside
 * it come from the log unsigned and are for people.  Judge by 'cert' and 'tbs'.
 * Whether those are certificates is not looked at: a log may hold anything.
 *
 * Pure; no allocation.
 *
 * Source: RFC 6962 §3.4 (MerkleTreeLeaf), §4.6 (extra_data); C2SP
 * static-ct-api (TileLeaf).
 */
#ifndef POSTERN_CT_LOGENTRY_H
#define POSTERN_CT_LOGENTRY_H

#include "ct/sct.h"

enum {
	LOGENTRY_CHAIN_MAX = 32, /* issuers beside an entry */
	LOGENTRY_FINGERPRINT_LEN = 32,
};

enum logentry_chain {
	LOGENTRY_CERTIFICATES, /* each whole */
	LOGENTRY_FINGERPRINTS, /* SHA-256 of each */
};

/* Spans borrow what was read. */
struct logentry {
	enum sct_entry_type type;
	uint64_t timestamp_ms;
	struct span cert; /* X509: DER */
	/* PRECERT: the TBSCertificate, and the hash of its issuer's SPKI */
	struct span tbs;
	uint8_t issuer_key_hash[32];
	struct span extensions;
	struct span precert; /* PRECERT: DER, as submitted; unsigned */
	enum logentry_chain form;
	struct span chain; /* for logentry_chain_next() */
	size_t chain_count;
};

/* The hash of a leaf whose bytes may be anything. */
void logentry_leaf_hash(struct merkle_hash *out, struct span leaf_input);

/*
 * An entry of get-entries, both parts decoded.
 *
 * RC_OK           *out is filled
 * RC_MALFORMED    lengths do not tile
 * RC_UNSUPPORTED  another version, leaf type or entry type than RFC 6962's
 *
 * On failure *out is untouched.
 */
enum rc logentry_read(struct logentry *out, struct span leaf_input,
		      struct span extra_data);
/*
 * The next TileLeaf of a data tile, and the hash of its leaf.  As
 * logentry_read(); *s advances only with RC_OK, since after anything else
 * nobody knows where the next one begins.
 */
enum rc logentry_rd_tile(struct logentry *out, struct merkle_hash *leaf_hash,
			 struct span *s);

/* The next issuer of *left, which starts as a copy of 'chain': its DER, or its
 * fingerprint. */
bool logentry_chain_next(struct span *left, enum logentry_chain form,
			 struct span *out);

#endif
