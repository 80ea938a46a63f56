/*
 * derive: keys out of a root.
 *
 *   key = HKDF-SHA256(salt "postern/kms/v1", root of the epoch,
 *                     epoch(4) || scope(1) || app(20) || instance(20) ||
 *                     length(1) || purpose)
 *
 * Every part but the last has a fixed length and the last one's stands before
 * it, so no two questions give the same bytes.  'instance' is zero where the
 * key is the app's.
 *
 * Source: RFC 5869; docs/PROTOCOL.kms.md §3.
 */
#ifndef POSTERN_KEYS_DERIVE_H
#define POSTERN_KEYS_DERIVE_H

#include "base/secret.h"
#include "base/span.h"

enum {
	KEYS_ID_LEN = 20, /* of an app or instance */
	KEYS_PURPOSE_MAX = 63,
};

enum keys_scope {
	KEYS_OF_APP = 1, /* every instance of it gets the same */
	KEYS_OF_INSTANCE = 2,
};

/* A root of one epoch; epochs begin with 1. */
struct keys_root {
	uint32_t epoch;
	struct key32 key;
};

/*
 * 1..63 of a-z, 0-9, '-', '_', '.', '/': "disk", "env", "seal", "app/tls".  No
 * slash at either end, none twice.  What begins with "kms/" is the service's
 * own and is none for a request: see keys_purpose_is_own().
 */
bool keys_is_purpose(struct span purpose);
bool keys_purpose_is_own(struct span purpose);

/* 'purpose' is one; 'instance' counts in scope KEYS_OF_INSTANCE alone. */
void keys_derive(struct key32 *out, const struct keys_root *root,
		 enum keys_scope scope, const uint8_t app[KEYS_ID_LEN],
		 const uint8_t instance[KEYS_ID_LEN], struct span purpose);

/* What names a root in public: SHA-256 over a label, the epoch and the key. */
void keys_root_id(uint8_t out[32], const struct keys_root *root);

#endif
