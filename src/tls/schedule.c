#include "tls/schedule.h"

#include <assert.h>
#include <string.h>

#include "base/secret.h"
#include "base/wr.h"

enum {
	/* HkdfLabel: length, label with its prefix, context; and the counter
	 * that HKDF-Expand adds (RFC 5869 §2.3). */
	INFO_MAX = 2 + 1 + 6 + SCHEDULE_LABEL_MAX + 1 + DIGEST_MAX + 1,
};

static const uint8_t ZEROS[DIGEST_MAX];

static struct span zeros(enum digest_kind hash)
{
	return span_of(ZEROS, digest_len(hash));
}

void schedule_expand(uint8_t *out, size_t n, enum digest_kind hash,
		     const uint8_t *secret, const char *label,
		     struct span context)
{
	uint8_t info[INFO_MAX], block[DIGEST_MAX];
	struct wr w = WR_ARRAY(info);
	struct wr_mark mark;
	struct span s;

	assert(n <= digest_len(hash));
	wr_be16(&w, (uint16_t)n);
	mark = wr_open(&w, 1);
	wr_str(&w, "tls13 ");
	wr_str(&w, label);
	wr_close(&w, mark);
	wr_vec8(&w, context);
	wr_u8(&w, 1);
	s = wr_span(&w);
	digest_hmac(block, hash, span_of(secret, digest_len(hash)), &s, 1);
	memcpy(out, block, n);
	secret_wipe(block, sizeof(block));
}

void schedule_begin(struct schedule *s, enum digest_kind hash, struct span psk)
{
	struct span secret = psk.n > 0 ? psk : zeros(hash);

	s->hash = hash;
	/* HKDF-Extract is HMAC, the salt its key (RFC 5869 §2.2). */
	digest_hmac(s->secret, hash, zeros(hash), &secret, 1);
}

void schedule_derive(const struct schedule *s, uint8_t out[DIGEST_MAX],
		     const char *label, const struct digest *transcript)
{
	uint8_t value[DIGEST_MAX];
	size_t n = digest_len(s->hash);

	digest_value(transcript, value);
	schedule_expand(out, n, s->hash, s->secret, label, span_of(value, n));
}

void schedule_next(struct schedule *s, struct span shared)
{
	struct span secret = shared.n > 0 ? shared : zeros(s->hash);
	uint8_t salt[DIGEST_MAX];
	struct digest nothing;

	digest_init(&nothing, s->hash);
	schedule_derive(s, salt, "derived", &nothing);
	digest_hmac(s->secret, s->hash, span_of(salt, digest_len(s->hash)),
		    &secret, 1);
	secret_wipe(salt, sizeof(salt));
}

void schedule_finished(uint8_t out[DIGEST_MAX], enum digest_kind hash,
		       const uint8_t *secret, const struct digest *transcript)
{
	uint8_t key[DIGEST_MAX], value[DIGEST_MAX];
	size_t n = digest_len(hash);
	struct span s = span_of(value, n);

	schedule_expand(key, n, hash, secret, "finished", span_of(NULL, 0));
	digest_value(transcript, value);
	digest_hmac(out, hash, span_of(key, n), &s, 1);
	secret_wipe(key, sizeof(key));
}
