/*
 * gathered: what a visitor saw of a host at one moment, as bytes: what
 * `postern verify --save` keeps, and what --offline judges later.
 *
 * A CMW collection (evidence/cmw.h) with the server's documents exactly as
 * they came and what DNS, CT and the history's sources said.  Nothing in it is
 * taken as judged: signatures and proofs are checked again; only what carries
 * none (an answer of DNS without a proof, what a source did not have) is the
 * word of whoever saved it.
 *
 * Pure.
 *
 * Source: docs/EVIDENCE.md §9; RFC 9999.
 */
#ifndef POSTERN_EVIDENCE_GATHERED_H
#define POSTERN_EVIDENCE_GATHERED_H

#include "dns/climb.h"
#include "evidence/material.h"

enum {
	GATHERED_CHAIN_MAX = 10,
	GATHERED_LEVELS_MAX = 32,
	GATHERED_SOURCES_MAX = 8,
	GATHERED_CERTS_MAX = 4096, /* of one source */
	GATHERED_LISTS_MAX = 32, /* CRLs; heads */
};

/* What one level of DNS said. */
struct gathered_level {
	struct span name, at; /* as text; at: the end of its aliases */
	enum dns_trust trust;
	const struct span *rdatas;
	size_t count;
};

/* A log's head, seen after one of 'from' entries, and the proof that it is its
 * continuation. */
struct gathered_growth {
	struct sha256 log_id;
	uint64_t from;
	struct span head; /* signed note, or RFC 6962's as JSON */
	const struct sha256 *proof;
	size_t proof_count;
};

/* n == 0 or count == 0: not had. */
struct gathered {
	struct span host;
	int64_t at;
	struct material_tls tls;
	struct attest_nonce nonce;
	struct span bundle, acme_info, answer;
	struct bundle_items files, collateral;
	struct span log_list, log_list_signature;
	bool has_dns;
	const struct gathered_level *levels;
	size_t level_count;
	struct material_txt persist;
	struct span challenge;
	const struct material_source *sources;
	size_t source_count;
	const struct span *crls;
	size_t crl_count;
	const struct gathered_growth *growth;
	size_t growth_count;
};

/* It is such a document, rather than the bundle of a server. */
bool gathered_is(const struct cmw *top);

/*
 * RC_OK         *out is filled; it borrows 'text' and the arena
 * RC_MALFORMED  as cmw_read(), or a part is not of its form
 * RC_LIMIT      as cmw_read(), or a list too long
 *
 * On failure *out is untouched.
 */
enum rc gathered_read(struct gathered *out, struct arena *arena,
		      struct span text);
/* Appends the document.  RC_LIMIT: it does not fit. */
enum rc gathered_write(struct buf *out, const struct gathered *g);

#endif
