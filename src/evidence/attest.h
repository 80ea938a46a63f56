/*
 * attest: fresh evidence: a verifier's nonce and this TLS session under the
 * hardware's signature, one quote for any number of verifiers.
 *
 *   POST /evidences/v2/attest   {"nonce":"<base64url of 32..64 bytes>"}
 *
 *   binder = SHA-512("postern/evidence/v2" || SHA-256(core) || exporter ||
 *                    nonce's length (1 byte) || nonce)
 *   report_data = SHA-512("postern/batch/v1" || root)
 *
 * root is that of the Merkle tree (RFC 6962 hashing) whose leaves are the
 * binders of all who wait: channel/batch makes just such trees, and binders of
 * the attested channel may stand in the same one, as each kind has its label.
 * exporter is 32 bytes of the TLS exporter with the label
 * "EXPORTER-Channel-Binding" and an empty context (RFC 9266), of TLS 1.3.
 *
 *   {"v":2,"core_sha256":"<hex>","nonce":"<base64url>","index":0,"count":1,
 *    "path":["<hex>",...],"quote":"<base64>","event_log":"<JSON text>"}
 *
 * Pure.
 *
 * Source: RFC 9266 §2 (tls-exporter); RFC 6962 §2.1; docs/EVIDENCE.md §6.
 */
#ifndef POSTERN_EVIDENCE_ATTEST_H
#define POSTERN_EVIDENCE_ATTEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/merkle.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "tee/quote.h"

#define ATTEST_PATH "/evidences/v2/attest"
#define ATTEST_EXPORTER "EXPORTER-Channel-Binding"

enum {
	ATTEST_NONCE_MIN = 32,
	ATTEST_NONCE_MAX = 64,
	ATTEST_EXPORTER_LEN = 32,
	ATTEST_REQUEST_MAX = 512, /* bytes of a request's body */
	ATTEST_ANSWER_MAX = 512 * 1024,
};

struct attest_nonce {
	uint8_t b[ATTEST_NONCE_MAX];
	size_t n;
};

/* RC_MALFORMED: no strict JSON with just this member, or a nonce that is too
 * short or too long; RC_LIMIT: over ATTEST_REQUEST_MAX. */
enum rc attest_request_read(struct attest_nonce *out, struct span json);
enum rc attest_request_write(struct buf *out, const struct attest_nonce *n);

/* One verifier's leaf: to be given to channel/batch, or checked. */
void attest_binder(struct sha512 *out, const struct sha256 *core,
		   const uint8_t exporter[ATTEST_EXPORTER_LEN],
		   const struct attest_nonce *nonce);
/* The report data of a quote over a tree's root. */
void attest_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN],
			const struct merkle_hash *root);

struct attest_answer {
	struct sha256 core;
	struct attest_nonce nonce;
	uint64_t index, count;
	struct merkle_hash path[MERKLE_PATH_MAX];
	size_t path_count;
	struct span quote; /* binary */
	struct span event_log; /* JSON text */
};
/*
 * Spans are in the arena.  RC_MALFORMED: a member missing, unknown or not of
 * its form; RC_UNSUPPORTED: another version; RC_LIMIT: over ATTEST_ANSWER_MAX,
 * or no room.  *out is then untouched.
 */
enum rc attest_answer_read(struct attest_answer *out, struct arena *arena,
			   struct span json);
enum rc attest_answer_write(struct buf *out, const struct attest_answer *a);

/*
 * The report data that the answer's quote must carry for this verifier.  False:
 * the path is not one that leaf 'index' of 'count' has.
 */
bool attest_expected(uint8_t out[QUOTE_REPORT_DATA_LEN],
		     const struct attest_answer *a,
		     const uint8_t exporter[ATTEST_EXPORTER_LEN]);

#endif
