/*
 * core: the document of version 2 that the quote covers: which names, keys,
 * certificates and account an instance has, what it saw of CAA and CT, and how
 * long its word lasts.
 *
 * Its exact bytes are hashed: nobody canonicalises anything.  Large things are
 * not in it but beside it in the bundle, and are named here by their SHA-256.
 * docs/EVIDENCE.md has every member.
 *
 * What is read is what was said.  Whether it is true is evidence/checks.h's.
 *
 * Pure.
 *
 * Source: docs/EVIDENCE.md §3.
 */
#ifndef POSTERN_EVIDENCE_CORE_H
#define POSTERN_EVIDENCE_CORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "evidence/holder.h"

/* 9999-12-31T23:59:59Z: no time that is known (RFC 5280 §4.1.2.5). */
#define CORE_NEVER INT64_C(253402300799)
/* How long a CA may act on a CAA answer (BR §3.2.2.8): from pinned to t1. */
#define CORE_REUSE_S INT64_C(28800)

enum {
	CORE_VERSION = 2,
	CORE_MAX = 512 * 1024,
	CORE_NAMES_MAX = 32,
	CORE_CERTS_MAX = 64,
	CORE_KEYS_MAX = 512, /* of the history */
	CORE_LIST_MAX = 512, /* of any other list */
	CORE_LIFE_MAX_S = 30 * 86400, /* from issued_at to expires_at */
	CORE_TEXT_MAX = 1024, /* bytes of one text */
};

/* A log's entry, proved: what one SCT promised was kept. */
struct core_sct {
	struct sha256 log_id;
	uint64_t timestamp_ms;
	bool is_proved; /* the rest is there */
	uint64_t index;
	struct span checkpoint; /* signed note, or RFC 6962's STH as JSON */
	const struct sha256 *proof; /* from the leaf's sibling upwards */
	size_t proof_count;
};

/* One certificate that is served, or about to be. */
struct core_cert {
	struct span file; /* "cert-<name>.pem" of the legacy files */
	struct sha256 chain; /* of that file */
	struct sha256 spki, tbs; /* tbs: of the precertificate's TBS */
	int64_t not_before, not_after;
	const struct core_sct *scts;
	size_t sct_count;
};

/* One key made in the instance, whether or not still used. */
struct core_key {
	struct sha256 spki;
	const struct sha256 *tbs; /* certificates issued for it */
	size_t tbs_count;
	int64_t made_at, retired_at; /* 0: not retired */
	bool has_quote; /* made before the CSR: evidence/dotdstack.h */
};

/* What CAA said, for one name. */
struct core_caa {
	struct span name; /* asked for; may begin with "*." */
	struct span found_at; /* whose set governs; "" none anywhere */
	/* RDATA of each record of that set, in the zone's order */
	const struct span *records;
	size_t record_count;
	struct sha256 proof; /* of the DNSSEC chain in the bundle */
	bool has_proof;
	bool is_exclusive; /* nobody else may issue */
	int64_t at;
	/* no look since then saw it let others in; 0: the last one did */
	int64_t since;
};

/* What the history of the names held. */
struct core_legacy {
	struct sha256 tbs;
	int64_t not_after;
	bool is_revoked;
};
struct core_timeline {
	/* first key made; the last of the names pinned for as long as a CA
	 * may act on what CAA said before (CORE_NEVER: one is not pinned) */
	int64_t t0, t1;
	/* no foreign certificate lives from then on; CORE_NEVER: nobody knows
	 * yet when that is */
	int64_t safe_at;
	const struct span *sources; /* who was asked */
	size_t source_count;
	const struct core_legacy *legacy; /* foreign, not expired at t1 */
	size_t legacy_count;
};

/* A log's head as the instance saw it. */
struct core_head {
	struct sha256 log_id;
	uint64_t size, timestamp_ms;
	struct sha256 root;
};

struct evidence_core {
	struct span bytes; /* all of it */
	struct sha256 hash; /* of them */
	int64_t issued_at, expires_at;
	const struct span *names; /* lower case; may begin with "*." */
	size_t name_count;
	/* keys in use now or next, as of renewal */
	const struct sha256 *spki;
	size_t spki_count;
	struct holder account;
	const struct core_cert *certs;
	size_t cert_count;
	const struct core_key *keys;
	size_t key_count;
	const struct core_caa *caa;
	size_t caa_count;
	struct core_timeline timeline;
	struct sha256 log_list; /* SHA-256 of the log list in use */
	bool has_log_list;
	const struct core_head *heads; /* the beacons: newest of each log */
	size_t head_count;
	const struct sha256 *unknown; /* tbs of foreign certificates seen */
	size_t unknown_count;
};

/* Since when the names that stand for a host are pinned, by their own word;
 * where none says, as long before t1 as CAs may remember.  CORE_NEVER: they are
 * not. */
int64_t core_pinned_at(const struct evidence_core *core, struct span host);

/*
 * RC_OK           *out is filled; it borrows 'text' and the arena
 * RC_MALFORMED    no strict JSON, a member missing, unknown, or not of its form
 * RC_UNSUPPORTED  another version
 * RC_LIMIT        larger than CORE_MAX, a list too long, no room in the arena
 *
 * On failure *out is untouched.
 */
enum rc evidence_core_read(struct evidence_core *out, struct arena *arena,
			   struct span text);

/*
 * Appends the document; bytes and hash are not looked at.  RC_MALFORMED: what
 * evidence_core_read() would not take; RC_LIMIT: it does not fit.  *out is
 * unchanged then.
 */
enum rc evidence_core_write(struct buf *out, const struct evidence_core *core);

#endif
