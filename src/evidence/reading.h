/*
 * reading: material read once: documents taken apart, the quotes verified, the
 * served certificate looked at; what every check then looks at.
 *
 * Nothing is decided here.  What could not be read is said by its rc, and the
 * part is then zeroed.
 *
 * Pure; memory from the caller's arena, which outlives the reading.
 */
#ifndef POSTERN_EVIDENCE_READING_H
#define POSTERN_EVIDENCE_READING_H

#include "evidence/core.h"
#include "evidence/dotdstack.h"
#include "evidence/legacy.h"
#include "evidence/material.h"
#include "pki/web.h"
#include "tee/eventlog.h"

enum {
	READING_ARENA = 128 * 1024 * 1024, /* enough for any */
	READING_CHAIN_MAX = 10, /* certificates of a cert-<name>.pem */
};

enum reading_kind {
	READING_NONE, /* the server shows nothing */
	READING_CORE, /* version 2, ours */
	READING_INGRESS, /* dstack-ingress's four files */
	READING_GATEWAY, /* a dstack gateway's acme-info */
};
/* "nothing", "postern evidence 2", "dstack-ingress", "dstack gateway" */
const char *reading_kind_name(enum reading_kind kind);

/* One quote, and what came of it. */
struct reading_quote {
	bool is_there;
	struct span bytes, event_log;
	struct tee_verdict verdict; /* platform, TCB, policy; not the log */
	bool has_log;
	enum tee_reason log; /* what the log's replay gave */
	unsigned imr; /* the register that disagrees */
	struct eventlog_identity identity; /* with has_log and log TEE_OK */
};

struct reading {
	const struct material *m;
	struct arena *arena;
	enum reading_kind kind;

	/* RC_OK: read, or not of this kind of evidence */
	enum rc bundle_rc, sums_rc, core_rc, account_rc, quote_rc, acme_rc,
		answer_rc, key_quote_rc;
	struct evidence_bundle bundle;
	struct bundle_items files; /* of bundle or server */
	struct span sums_text;
	struct legacy_sums sums;
	bool has_core, has_acme, has_answer;
	struct evidence_core core;
	struct dotdstack_acme acme;
	struct attest_answer answer;
	/* of acme-account.json, or acme-info; n == 0: none */
	struct span account_uri;

	/* The quote over the evidence (a gateway's: over the served key), over
	 * the account (a gateway's), the fresh one, and of the bundle the one
	 * over the served key. */
	struct reading_quote quote, account_quote, fresh, key_quote;

	/* Of each of a gateway's keys: a quote of its own holds, and is of the
	 * application whose key is served.  NULL of other kinds. */
	const bool *is_quoted;

	/* The certificate the server sent. */
	bool has_leaf, has_issuer;
	struct web_cert leaf, issuer;
	struct sha256 leaf_spki, leaf_tbs;
	struct path_verdict path; /* looked at with roots only */
};

/* Fills *out. */
void reading_make(struct reading *out, struct arena *arena,
		  const struct material *m);

/*
 * The certificates of a PEM file, leaf first, 1..READING_CHAIN_MAX.
 * RC_MALFORMED: text around them, or something else than certificates.
 */
enum rc reading_chain(struct span chain[READING_CHAIN_MAX], size_t *count,
		      struct arena *arena, struct span pem);

/* Verified, with nothing against it, and its log leads to the registers. */
bool reading_quote_holds(const struct reading_quote *q);
/* Two that hold are of one application: id and manifest. */
bool reading_same_app(const struct reading_quote *a,
		      const struct reading_quote *b);
/* The same; and of one instance, where both name theirs. */
bool reading_same_guest(const struct reading_quote *a,
			const struct reading_quote *b);

/* The key with this hash is among those that the evidence names. */
bool reading_knows_key(const struct reading *r, const struct sha256 *spki);
/* The same; of a gateway whose served key's quote holds: among those that are
 * quoted, since its list alone is no more than a file. */
bool reading_owns_key(const struct reading *r, const struct sha256 *spki);

#endif
