#include "tls/ticket.h"

#include <string.h>

#include "base/wr.h"

enum {
	SESSION_MAX = 1 + 32 + DIGEST_MAX,
};

static void derive_key(struct key32 *out, const struct tickets_key *key)
{
	const struct span label = span_str("postern/ticket/v2 session");
	uint8_t value[DIGEST_MAX];

	digest_hmac(value, DIGEST_SHA256, SPAN_ARRAY(key->cipher.b), &label, 1);
	memcpy(out->b, value, sizeof(out->b));
	secret_wipe(value, sizeof(value));
}

struct span ticket_seal(uint8_t out[TICKET_MAX], const struct ticket *t,
			const struct tickets *keys, struct engine *e,
			const uint8_t nonce[ENGINE_NONCE_LEN])
{
	struct span name = SPAN_ARRAY(keys->now.name), session;
	uint8_t plain[SESSION_MAX];
	struct wr w = WR_ARRAY(plain), form = wr_over(out, TICKET_MAX);
	struct key32 key;

	wr_u8(&w, (uint8_t)t->hash);
	wr_bytes(&w, SPAN_ARRAY(t->scope.b));
	wr_bytes(&w, span_of(t->psk, digest_len(t->hash)));
	session = wr_span(&w);
	wr_bytes(&form, name);
	wr_bytes(&form, span_of(nonce, ENGINE_NONCE_LEN));
	derive_key(&key, &keys->now);
	/* The engine adds a byte of type, as for a record: the last one. */
	session.n--;
	engine_seal(e, ENGINE_AES_256_GCM, out + form.n, &key, nonce, name,
		    session, session.p[session.n]);
	form.n += session.n + 1 + ENGINE_TAG_LEN;
	secret_wipe(plain, sizeof(plain));
	key32_wipe(&key);
	return wr_span(&form);
}

static const struct tickets_key *find_key(const struct tickets *keys,
					  struct span name)
{
	if (span_equal(name, SPAN_ARRAY(keys->now.name)))
		return &keys->now;
	if (keys->has_before && span_equal(name, SPAN_ARRAY(keys->before.name)))
		return &keys->before;
	return NULL;
}

static bool read_session(struct ticket *out, struct span s)
{
	uint8_t hash;

	if (!rd_u8(&s, &hash) || hash > DIGEST_SHA384 ||
	    !rd_copy(&s, out->scope.b, sizeof(out->scope.b)))
		return false;
	out->hash = (enum digest_kind)hash;
	return rd_copy(&s, out->psk, digest_len(out->hash)) && rd_end(&s);
}

bool ticket_open(struct ticket *out, struct span sealed,
		 const struct tickets *keys, struct engine *e)
{
	uint8_t nonce[ENGINE_NONCE_LEN], plain[SESSION_MAX];
	const struct tickets_key *from;
	struct ticket t = { 0 };
	struct key32 key;
	struct span name;
	bool is_good;

	if (sealed.n > TICKET_MAX || !rd_n(&sealed, &name, TICKETS_NAME_LEN) ||
	    !rd_copy(&sealed, nonce, sizeof(nonce)) ||
	    sealed.n <= ENGINE_TAG_LEN)
		return false;
	from = find_key(keys, name);
	if (!from)
		return false;
	derive_key(&key, from);
	is_good = engine_open(e, ENGINE_AES_256_GCM, plain, &key, nonce, name,
			      sealed) &&
		  read_session(&t, span_of(plain, sealed.n - ENGINE_TAG_LEN));
	if (is_good)
		*out = t;
	secret_wipe(plain, sizeof(plain));
	secret_wipe(&t, sizeof(t));
	key32_wipe(&key);
	return is_good;
}
