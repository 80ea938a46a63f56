/*
 * audit: the log of the key service, a chain of JSON lines in which none can be
 * changed, left out or put in without breaking what follows, and which the node
 * signs as it goes.
 *
 *   {"seq":7,"time":"2026-11-28T01:02:03Z","event":"release",
 *    "app":"<40 hex>","instance":"<40 hex>","peer":"192.0.2.7:5000",
 *    "what":"instance disk@1, app env@1","reason":"ok",
 *    "prev":"<64 hex: SHA-256 of the line before, without its end>"}
 *   {"seq":8,"time":...,"event":"signed","what":"<128 hex: the key>",
 *    "reason":"<128 hex: the signature>","prev":"..."}
 *
 * Members that say nothing are left out.  The first line's "prev" is zero.  A
 * "signed" line's signature is ECDSA P-256 over "postern/kms-audit/v1" and the
 * 32 bytes of its "prev", by the node's key.  No line holds a secret.
 *
 * What is missing at the end is not seen by the chain: the node tells how far
 * it came.
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §9.
 */
#ifndef POSTERN_KEYS_AUDIT_H
#define POSTERN_KEYS_AUDIT_H

#include "base/wr.h"
#include "crypto/hash.h"
#include "crypto/p256.h"
#include "keys/derive.h"

enum {
	KEYS_AUDIT_LINE_MAX = 4096, /* with its end */
	KEYS_AUDIT_WHAT_MAX = 1536,
};

/* How far a chain came.  Zeroed: before its first line. */
struct keys_audit_chain {
	uint64_t seq; /* of the last line; 0: none */
	struct sha256 head; /* hash of the last line */
};

/* What a line says.  NULL or zero: it does not say that.  Strings are cut and
 * escaped. */
struct keys_audit_event {
	int64_t at; /* unix seconds */
	const char *event; /* a word of ours */
	const uint8_t *app, *instance; /* KEYS_ID_LEN each */
	const char *peer, *what, *reason, *detail;
};

/* Writes one line with its end and moves the chain on.  What does not fit shows
 * in wr_done(), and the chain stays. */
void keys_audit_write(struct wr *w, struct keys_audit_chain *chain,
		      const struct keys_audit_event *event);
/* The same: a "signed" line over all before it. */
void keys_audit_sign(struct wr *w, struct keys_audit_chain *chain, int64_t at,
		     const struct p256_private *key);

enum keys_audit_verdict {
	KEYS_AUDIT_OK,
	KEYS_AUDIT_MALFORMED,
	KEYS_AUDIT_SEQUENCE, /* a number that is not the next */
	KEYS_AUDIT_CHAIN, /* "prev" is not the line before */
	KEYS_AUDIT_SIGNATURE, /* wrong, or another key's than before */
};
const char *keys_audit_verdict_name(enum keys_audit_verdict v);

/* A walk along a log.  Zeroed: at its beginning, with any key. */
struct keys_audit_walk {
	struct keys_audit_chain chain;
	bool has_key; /* all signatures must be by this key */
	struct p256_point key;
	uint64_t signed_seq; /* the last line that a signature covers */
	uint64_t signatures;
};
/* The next line, without its end.  Not OK: the walk stays where it was. */
enum keys_audit_verdict keys_audit_check(struct keys_audit_walk *walk,
					 struct span line);

/* It says that it is a "signed" line. */
bool keys_audit_is_signed(struct span line);
/*
 * How far the chain came with a "signed" line, of which the line before is at
 * hand: by the key's signature over that, whatever the rest of the log may be.
 */
enum keys_audit_verdict keys_audit_resume(struct keys_audit_chain *out,
					  const struct p256_point *key,
					  struct span before, struct span line);

#endif
