/*
 * form: a sealed file's bytes: a secret that only the code that wrote it can
 * read back, as this app, as this instance, for this purpose.
 *
 *   magic        "PSTNSEAL"
 *   version      u8: 1
 *   provider     u8: who holds the key: enum form_provider
 *   measurement  32 bytes
 *   app          20 bytes
 *   instance     20 bytes
 *   purpose      u8 length, then 1..63 of a-z, 0-9, '-'
 *   epoch        u64: grows with each writing
 *   nonce        24 bytes
 *   length       u32: of the secret
 *   secret       that many bytes, encrypted, and 16 of tag
 *
 * Integers are big-endian; nothing follows the tag.  Everything before the
 * secret is associated data, and what says whose the file is enters the key
 * once more:
 *
 *   key = HKDF-SHA256(salt "postern/seal/v1", the provider's key,
 *                     measurement || app || instance || u8 || purpose)
 *
 * The fields stand in the clear so that a refusal can say which of them is
 * another's; that they are right is known only when the tag is.
 *
 * XChaCha20-Poly1305, because its nonce is drawn at random: whoever holds the
 * disk can put an old state back, so no counter kept there can promise that a
 * nonce comes once, and twelve random bytes (AES-GCM) are too few to be spent
 * on every writing for ever.
 *
 * Pure: bytes in, bytes out; the nonce is the caller's.
 *
 * Source: docs/PROTOCOL.seal.md; draft-irtf-cfrg-xchacha-03; RFC 5869.
 */
#ifndef POSTERN_SEAL_FORM_H
#define POSTERN_SEAL_FORM_H

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/aead.h"

enum {
	FORM_MEASUREMENT_LEN = 32,
	FORM_ID_LEN = 20,
	FORM_PURPOSE_MAX = 63,
	FORM_SECRET_MAX = 1024 * 1024,
	FORM_HEAD_MAX = 8 + 1 + 1 + FORM_MEASUREMENT_LEN + 2 * FORM_ID_LEN +
			1 + FORM_PURPOSE_MAX + 8 + XAEAD_NONCE_LEN + 4,
	FORM_MAX = FORM_HEAD_MAX + FORM_SECRET_MAX + AEAD_TAG_LEN,
};

enum form_provider {
	FORM_SIMULATOR = 1, /* SIMULATED: the key of a simulated CPU */
	FORM_KMS = 2, /* released by postern-kms */
};

/* Whose a sealed file is. */
struct form_owner {
	enum form_provider provider;
	uint8_t measurement[FORM_MEASUREMENT_LEN];
	uint8_t app[FORM_ID_LEN], instance[FORM_ID_LEN];
};

/* Why bytes are not opened; each has a name that stays. */
enum form_reason {
	FORM_OK = 0,
	FORM_NOT_SEALED, /* other magic */
	FORM_VERSION, /* a later version's, or an unknown provider's */
	FORM_MALFORMED, /* breaks the grammar; bytes behind the end */
	FORM_TRUNCATED, /* ends early */
	FORM_OTHER_PROVIDER,
	FORM_OTHER_MEASUREMENT, /* written by other code */
	FORM_OTHER_APP,
	FORM_OTHER_INSTANCE,
	FORM_OTHER_PURPOSE, /* a file put in another's place */
	FORM_NOT_AUTHENTIC, /* changed, or sealed under another key */
	FORM_REASON_COUNT,
};
/* "ok", "not_sealed", ... */
const char *form_reason_name(enum form_reason r);

/* 1..63 of a-z, 0-9 and '-'. */
bool form_is_purpose(const char *purpose);

/*
 * Appends the sealed form of 'secret' (at most FORM_SECRET_MAX bytes).  'root'
 * is the provider's key.  RC_LIMIT: too long, or no room in *out.
 */
enum rc form_write(struct buf *out, const struct key32 *root,
		   const struct form_owner *owner, const char *purpose,
		   uint64_t epoch, const uint8_t nonce[XAEAD_NONCE_LEN],
		   struct span secret);

/*
 * Appends to *out, which has room for FORM_SECRET_MAX bytes, what was sealed
 * by this owner for this purpose.  On refusal *out and *epoch are untouched.
 */
enum form_reason form_read(struct buf *out, uint64_t *epoch,
			   const struct key32 *root,
			   const struct form_owner *owner, const char *purpose,
			   struct span sealed);

#endif
