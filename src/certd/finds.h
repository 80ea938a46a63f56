/*
 * finds: the certificates for our names that the monitor has found, in logs and
 * at aggregators: what must not be forgotten when a log has been read past
 * them.
 *
 * A find is what a log's tree or a certificate's own bytes say, never what
 * stands beside them.  Precertificate and certificate are one find, by the part
 * they share.  Kept as bytes, under seal, by the caller.  When a certificate
 * was logged, a log's word counts before an aggregator's.
 *
 * Pure.  Memory bounded by the limits below; what does not fit is counted.
 */
#ifndef POSTERN_CERTD_FINDS_H
#define POSTERN_CERTD_FINDS_H

#include "base/buf.h"
#include "ct/revocation.h"
#include "ct/watchset.h"

enum {
	FINDS_MAX = 512,
	FINDS_MALFORMED_MAX = 64, /* of them: anybody can make up more */
	FINDS_EXPIRED_S = 30 * 86400, /* that they are kept expired */
	FINDS_DER_BYTES_MAX = 640 * 1024, /* of all together */
	FINDS_NAME_MAX = 254,
	FINDS_ISSUER_MAX = 128,
	FINDS_BYTES_MAX = FINDS_DER_BYTES_MAX + FINDS_MAX * 640,
	FINDS_FROM_LOG = 15, /* the source that stands for all logs */
};

struct find {
	struct sha256 tbs, spki; /* is_malformed: of the bytes; zeros */
	int64_t not_before, not_after; /* is_malformed: 0 */
	/* earliest that a log, or else an aggregator, says; 0: none */
	uint64_t logged_at_ms;
	uint32_t sources; /* bit n: aggregator n; FINDS_FROM_LOG */
	bool is_malformed; /* it mentions us, and cannot be read */
	bool has_final; /* more than the precertificate was seen */
	char name[FINDS_NAME_MAX]; /* that matched; printable */
	char issuer[FINDS_ISSUER_MAX]; /* organization; printable */
	struct span der; /* owned; n == 0: none, or no room for it */
	/* Its CA took it back, for good, by a list that was current. */
	bool is_revoked;
	struct webcrl_entry revoked;
	/* What its list said last; not kept.  NULL: it was not asked. */
	const char *revocation;
	int64_t revocation_asked_at; /* 0: not yet */
};

struct finds {
	struct find *of;
	size_t count, der_bytes;
	size_t lost; /* that did not fit */
	bool has_changed; /* since they were kept; the caller clears it */
	/* What was found before is forgotten, and not yet asked for again. */
	bool is_lost;
};

/* For AUTO(). */
void finds_fini(struct finds *f);

/*
 * Keeps what a watch set hit.  'der' is the certificate or precertificate, if
 * it is known to be the one; else empty.  A malformed hit that does not mention
 * us is not kept.
 */
void finds_add(struct finds *f, const struct watchset_hit *hit,
	       struct span bytes, struct span der, unsigned source,
	       uint64_t logged_at_ms);

/*
 * What was said of one of them.  No answer, and a list that may not give one,
 * change nothing: a certificate that is revoked stays so (RFC 5280 §3.3), and
 * one that is not is taken for live.  True: whether it is revoked has changed.
 */
bool finds_heed(struct finds *f, struct find *at, const struct revocation *r,
		int64_t now);

/* Nothing is known any more of what there was: see is_lost. */
void finds_lose(struct finds *f);
/* Forgets what expired FINDS_EXPIRED_S ago. */
void finds_drop_expired(struct finds *f, int64_t now);

/*
 * When it was issued, as far as anybody knows, and not before it says so
 * itself, nor before the promises of logs that are inside: nobody logs a
 * certificate before it is there, and one that only an aggregator knows, dated
 * back by its CA, is not one from before.  Unix seconds.
 */
int64_t find_issued_at(const struct find *f);

/* RC_LIMIT: no room. */
enum rc finds_write(struct buf *out, const struct finds *f);
/* RC_MALFORMED: not what finds_write() writes; *out is untouched. */
enum rc finds_read(struct finds *out, struct span bytes);

#endif
