/*
 * record: one direction of a TLS 1.3 connection: its keys, how many records
 * they have carried, and one record sealed or opened under them.
 *
 * Pure.  What a record's content means, and in which order they may come, is
 * for others: tls/brief.h while hands are shaken, tls/light.h afterwards.
 *
 * Source: RFC 8446 §5.1, §5.2, §5.3, §7.2, §7.3.
 */
#ifndef POSTERN_TLS_RECORD_H
#define POSTERN_TLS_RECORD_H

#include "base/buf.h"
#include "crypto/digest.h"
#include "tls/engine.h"

enum {
	RECORD_HEADER_LEN = 5,
	RECORD_PLAIN_MAX = 16384, /* bytes of content */
	RECORD_CIPHER_MAX = RECORD_PLAIN_MAX + 256,
	RECORD_LEGACY_VERSION = 0x0303,
};

enum record_type {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
};

struct record_half {
	uint8_t secret[DIGEST_MAX]; /* a traffic secret */
	size_t secret_len; /* of the suite's hash; 0: not known yet */
	struct key32 key;
	uint8_t iv[ENGINE_NONCE_LEN];
	uint64_t count; /* of records under this key so far */
};

/* The hash of a suite's key schedule. */
enum digest_kind record_hash(enum engine_suite suite);

/*
 * Derives the keys of a half whose secret was filled in.  'count' records have
 * been carried under them.  False when the secret is not known, or not of the
 * suite's length.
 */
[[nodiscard]] bool record_start(struct record_half *half,
				enum engine_suite suite, uint64_t count);
/* The same with the secret that follows (§7.2). */
[[nodiscard]] bool record_next(struct record_half *half,
			       enum engine_suite suite);

/* Adds one record of at most RECORD_PLAIN_MAX bytes.  False: no room. */
[[nodiscard]] bool record_seal(struct record_half *half,
			       enum engine_suite suite, struct engine *e,
			       struct buf *out, enum record_type type,
			       struct span plain);
/*
 * Opens the body of a record, at least one byte and a tag, to where 'out' is,
 * which may be where it lies: its content, type and padding.  False when it was
 * not sealed so.
 */
[[nodiscard]] bool record_open(struct record_half *half,
			       enum engine_suite suite, struct engine *e,
			       uint8_t *out, struct span header,
			       struct span body);
/* Takes padding and type off what was opened; false: there was no type. */
[[nodiscard]] bool record_unpad(struct span *plain, uint8_t *type);

#endif
