/*
 * claims: what a side of the channel says about itself, as one JSON document.
 *
 *   {"app_id":"<40 hex>","instance_id":"<40 hex>","manifest_hash":"<64 hex>",
 *    "node_id":"...","purpose":"cvm-tunnel","version":"...",
 *    "lineage":"<64 hex>"}
 *
 * Its bytes are in the binder.  Identity is read from the quote and its log;
 * the claims only repeat it, and a difference is a refusal.  "lineage" may be
 * left out; it is the word of the measured code alone: a mark of a key that its
 * key service gave it (docs/PROTOCOL.kms.md §3a).
 *
 * Source: docs/PROTOCOL.channel.md §7.
 */
#ifndef POSTERN_CHANNEL_CLAIMS_H
#define POSTERN_CHANNEL_CLAIMS_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "manifest/manifest.h"

enum {
	CHANNEL_CLAIMS_MAX = 4096, /* bytes */
	CHANNEL_LABEL_MAX = 64, /* node_id, with its NUL */
	CHANNEL_WORD_MAX = 32, /* purpose and version, with their NUL */
};

struct channel_claims {
	uint8_t app_id[MANIFEST_ID_LEN], instance_id[MANIFEST_ID_LEN];
	struct sha256 manifest_hash;
	/* 1 or more of [A-Za-z0-9._+-] */
	char node_id[CHANNEL_LABEL_MAX];
	char purpose[CHANNEL_WORD_MAX], version[CHANNEL_WORD_MAX];
	bool has_lineage;
	struct sha256 lineage;
};

/* RC_MALFORMED: a string is outside its grammar.  RC_LIMIT: no room in out. */
enum rc channel_claims_write(struct buf *out, const struct channel_claims *c);
/* Exactly these keys, each once.  RC_MALFORMED: *out is untouched. */
enum rc channel_claims_read(struct channel_claims *out, struct span json);

#endif
