#include "tls/record.h"

#include <string.h>

#include "base/wr.h"
#include "tls/schedule.h"

enum digest_kind record_hash(enum engine_suite suite)
{
	return suite == ENGINE_AES_256_GCM ? DIGEST_SHA384 : DIGEST_SHA256;
}

bool record_start(struct record_half *half, enum engine_suite suite,
		  uint64_t count)
{
	const struct span nothing = { 0 };
	enum digest_kind hash = record_hash(suite);

	half->key = (struct key32){ 0 };
	half->count = count;
	if (half->secret_len != digest_len(hash))
		return false;
	schedule_expand(half->key.b, engine_key_len(suite), hash, half->secret,
			"key", nothing);
	schedule_expand(half->iv, sizeof(half->iv), hash, half->secret, "iv",
			nothing);
	return true;
}

bool record_next(struct record_half *half, enum engine_suite suite)
{
	enum digest_kind hash = record_hash(suite);
	uint8_t next[DIGEST_MAX];
	size_t n = digest_len(hash);

	if (half->secret_len != n)
		return false;
	schedule_expand(next, n, hash, half->secret, "traffic upd",
			span_of(NULL, 0));
	memcpy(half->secret, next, n);
	secret_wipe(next, sizeof(next));
	return record_start(half, suite, 0);
}

/* §5.3 */
static void make_nonce(uint8_t nonce[ENGINE_NONCE_LEN],
		       const struct record_half *half)
{
	uint8_t number[ENGINE_NONCE_LEN] = { 0 };
	struct wr w = wr_over(number + 4, 8);
	int i;

	wr_be64(&w, half->count);
	for (i = 0; i < ENGINE_NONCE_LEN; i++)
		nonce[i] = half->iv[i] ^ number[i];
}

bool record_seal(struct record_half *half, enum engine_suite suite,
		 struct engine *e, struct buf *out, enum record_type type,
		 struct span plain)
{
	size_t body = plain.n + 1 + ENGINE_TAG_LEN, room;
	uint8_t nonce[ENGINE_NONCE_LEN], *at;
	struct wr w;

	at = buf_space(out, RECORD_HEADER_LEN + body, &room);
	if (room < RECORD_HEADER_LEN + body)
		return false;
	w = wr_over(at, RECORD_HEADER_LEN);
	wr_u8(&w, RECORD_DATA);
	wr_be16(&w, RECORD_LEGACY_VERSION);
	wr_be16(&w, (uint16_t)body);
	make_nonce(nonce, half);
	engine_seal(e, suite, at + RECORD_HEADER_LEN, &half->key, nonce,
		    wr_span(&w), plain, (uint8_t)type);
	half->count++;
	buf_commit(out, room);
	return true;
}

bool record_open(struct record_half *half, enum engine_suite suite,
		 struct engine *e, uint8_t *out, struct span header,
		 struct span body)
{
	uint8_t nonce[ENGINE_NONCE_LEN];

	make_nonce(nonce, half);
	if (!engine_open(e, suite, out, &half->key, nonce, header, body))
		return false;
	half->count++;
	return true;
}

bool record_unpad(struct span *plain, uint8_t *type)
{
	/* Padding is zeros; the last byte that is none is the type (§5.4). */
	while (plain->n > 0 && plain->p[plain->n - 1] == 0)
		plain->n--;
	if (plain->n == 0)
		return false;
	*type = plain->p[--plain->n];
	return true;
}
