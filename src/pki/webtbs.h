/*
 * webtbs: the part of a certificate that it shares with its precertificate,
 * which is what signed certificate timestamps are over.
 *
 * It is the TBSCertificate without the SCT list and without the poison, the
 * lengths around them written again, every other byte as it was.  When a
 * Precertificate Signing Certificate issued the precertificate, its issuer and
 * authority key identifier differ from the final certificate's; what a log's
 * entry holds has the final ones.
 *
 * Pure; no allocation.
 *
 * Source: RFC 6962 §3.2.
 */
#ifndef POSTERN_PKI_WEBTBS_H
#define POSTERN_PKI_WEBTBS_H

#include "base/wr.h"
#include "crypto/sha256.h"
#include "pki/web.h"

enum {
	/* two headers written again, and the runs of bytes around them and
	 * around the two extensions left out */
	WEBTBS_PARTS_MAX = 6,
	WEBTBS_HEADS_MAX = 16, /* three heads, 5 bytes at most */
};

/* The bytes as pieces, in order; they borrow the certificate and this. */
struct webtbs {
	struct span parts[WEBTBS_PARTS_MAX];
	size_t count;
	uint8_t heads[WEBTBS_HEADS_MAX];
};
/* Not to be copied: parts point into it. */
void webtbs_of(struct webtbs *out, const struct web_cert *c);

/* The bytes written to w; at most as many as c->tbs has. */
void webtbs_write(struct wr *w, const struct web_cert *c);

/* Their SHA-256: the identity that certificate and precertificate share.  No
 * serial, name, key identifier or fingerprint is safe to recognise one by. */
void webtbs_sha256(struct sha256 *out, const struct web_cert *c);

#endif
