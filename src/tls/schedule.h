/*
 * schedule: the key schedule of TLS 1.3: one secret after another, and what is
 * derived of each.
 *
 * Pure.  Nothing here can fail: lengths and labels are ours, and of bounds that
 * the header names.
 *
 * Source: RFC 8446 §7.1, §4.4.4; RFC 5869.
 */
#ifndef POSTERN_TLS_SCHEDULE_H
#define POSTERN_TLS_SCHEDULE_H

#include "base/span.h"
#include "crypto/digest.h"

enum {
	SCHEDULE_LABEL_MAX = 18, /* bytes, without "tls13 " */
};

/* Early, handshake or main secret; erased by its owner. */
struct schedule {
	enum digest_kind hash;
	uint8_t secret[DIGEST_MAX];
};

/* The early secret; an empty psk is none, which stands for zeros. */
void schedule_begin(struct schedule *s, enum digest_kind hash, struct span psk);
/* On to the next: from early to handshake with the shared secret of the key
 * exchange, from there to main with nothing. */
void schedule_next(struct schedule *s, struct span shared);
/* Derive-Secret, where the messages so far have this hash. */
void schedule_derive(const struct schedule *s, uint8_t out[DIGEST_MAX],
		     const char *label, const struct digest *transcript);

/* HKDF-Expand-Label of n bytes, at most one hash; context at most a hash. */
void schedule_expand(uint8_t *out, size_t n, enum digest_kind hash,
		     const uint8_t *secret, const char *label,
		     struct span context);
/* verify_data of a Finished, or a binder: under the base key that 'secret' is,
 * over the value of the messages so far. */
void schedule_finished(uint8_t out[DIGEST_MAX], enum digest_kind hash,
		       const uint8_t *secret, const struct digest *transcript);

#endif
