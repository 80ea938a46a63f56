#include "wireguard/noise.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/x25519.h"

static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

#define NOTHING span_of(NULL, 0)

/* The running transcript of one side: chaining key and hash. */
struct transcript {
	struct key32 ck;
	uint8_t hash[NOISE_HASH_LEN];
};

static void transcript_wipe(struct transcript *t)
{
	secret_wipe(t, sizeof(*t));
}

void noise_opening_wipe(struct noise_opening *o)
{
	secret_wipe(o, sizeof(*o));
}

void noise_result_wipe(struct noise_result *r)
{
	secret_wipe(r, sizeof(*r));
}

void noise_session_wipe(struct noise_session *s)
{
	secret_wipe(s, sizeof(*s));
}

/* KDF_n of the whitepaper: HKDF with BLAKE2s; b and c may be NULL. */
static void kdf(struct key32 *a, struct key32 *b, struct key32 *c,
		const struct key32 *key, struct span input)
{
	struct key32 prk AUTO(key32_wipe);
	struct key32 t[3] = { 0 };
	uint8_t number = 1;

	blake2s_hmac(prk.b, SPAN_ARRAY(key->b), input, NOTHING);
	blake2s_hmac(t[0].b, SPAN_ARRAY(prk.b), NOTHING, span_of(&number, 1));
	number = 2;
	if (b)
		blake2s_hmac(t[1].b, SPAN_ARRAY(prk.b), SPAN_ARRAY(t[0].b),
			     span_of(&number, 1));
	number = 3;
	if (c)
		blake2s_hmac(t[2].b, SPAN_ARRAY(prk.b), SPAN_ARRAY(t[1].b),
			     span_of(&number, 1));
	/* Written last: 'a' is often also 'key'. */
	*a = t[0];
	if (b)
		*b = t[1];
	if (c)
		*c = t[2];
	secret_wipe(t, sizeof(t));
}

static void mix_hash(struct transcript *t, struct span b)
{
	blake2s_2(t->hash, sizeof(t->hash), NOTHING, SPAN_ARRAY(t->hash), b);
}

/* Mixes a DH result in; 'key', if not NULL, gets the key that follows. */
static void mix_secret(struct transcript *t, struct key32 *key,
		       const struct key32 *secret)
{
	kdf(&t->ck, key, NULL, &t->ck, SPAN_ARRAY(secret->b));
}

[[nodiscard]] static bool mix_dh(struct transcript *t, struct key32 *key,
				 const struct key32 *secret,
				 const uint8_t public_key[MESSAGE_KEY_LEN])
{
	struct key32 shared AUTO(key32_wipe);

	if (!x25519_shared(&shared, secret, public_key))
		return false;
	mix_secret(t, key, &shared);
	return true;
}

static void mix_ephemeral(struct transcript *t,
			  const uint8_t public_key[MESSAGE_KEY_LEN])
{
	kdf(&t->ck, NULL, NULL, &t->ck, span_of(public_key, MESSAGE_KEY_LEN));
	mix_hash(t, span_of(public_key, MESSAGE_KEY_LEN));
}

static void mix_psk(struct transcript *t, struct key32 *key,
		    const struct key32 *psk)
{
	struct key32 tau AUTO(key32_wipe);

	kdf(&t->ck, &tau, key, &t->ck, SPAN_ARRAY(psk->b));
	mix_hash(t, SPAN_ARRAY(tau.b));
}

static void seal(struct transcript *t, uint8_t *out, const struct key32 *key,
		 struct span plain)
{
	aead_seal_once(out, key, 0, SPAN_ARRAY(t->hash), plain);
	mix_hash(t, span_of(out, plain.n + AEAD_TAG_LEN));
}

[[nodiscard]] static bool unseal(struct transcript *t, uint8_t *out,
				 const struct key32 *key, struct span sealed)
{
	if (!aead_open_once(out, key, 0, SPAN_ARRAY(t->hash), sealed))
		return false;
	mix_hash(t, sealed);
	return true;
}

static void begin(struct transcript *t,
		  const uint8_t responder_static[MESSAGE_KEY_LEN])
{
	blake2s_2(t->ck.b, sizeof(t->ck.b), NOTHING, span_str(construction),
		  NOTHING);
	blake2s_2(t->hash, sizeof(t->hash), NOTHING, SPAN_ARRAY(t->ck.b),
		  span_str(identifier));
	mix_hash(t, span_of(responder_static, MESSAGE_KEY_LEN));
}

void noise_identity_set(struct noise_identity *id, const struct key32 *secret)
{
	noise_identity_wipe(id);
	if (key32_is_zero(secret))
		return;
	id->secret = *secret;
	x25519_clamp(&id->secret);
	x25519_public(id->public_key, &id->secret);
	id->has_key = true;
}

void noise_identity_wipe(struct noise_identity *id)
{
	secret_wipe(id, sizeof(*id));
}

void noise_peer_set(struct noise_handshake *h, const struct noise_identity *id,
		    const uint8_t remote_static[MESSAGE_KEY_LEN])
{
	*h = (struct noise_handshake){ 0 };
	memcpy(h->remote_static, remote_static, sizeof(h->remote_static));
	noise_peer_rekey(h, id);
}

void noise_peer_rekey(struct noise_handshake *h,
		      const struct noise_identity *id)
{
	noise_clear(h);
	/* A failed exchange leaves zero, which refuses every handshake. */
	key32_wipe(&h->static_static);
	if (id->has_key)
		(void)!x25519_shared(&h->static_static, &id->secret,
				     h->remote_static);
}

void noise_clear(struct noise_handshake *h)
{
	h->state = NOISE_NONE;
	key32_wipe(&h->ephemeral);
	key32_wipe(&h->chaining_key);
	secret_wipe(h->hash, sizeof(h->hash));
	secret_wipe(h->remote_ephemeral, sizeof(h->remote_ephemeral));
	h->local_index = h->remote_index = 0;
}

void noise_wipe(struct noise_handshake *h)
{
	secret_wipe(h, sizeof(*h));
}

void noise_timestamp(uint8_t out[MESSAGE_TIMESTAMP_LEN], int64_t unix_ns)
{
	/* TAI was 10 s ahead of UTC in 1970; leap seconds are not counted. */
	const uint64_t base = (1ull << 62) + 10;
	struct wr w = wr_over(out, MESSAGE_TIMESTAMP_LEN);
	uint64_t ns = unix_ns > 0 ? (uint64_t)unix_ns : 0;

	wr_be64(&w, base + ns / 1'000'000'000);
	wr_be32(&w, (uint32_t)(ns % 1'000'000'000));
}

/* Begins a new handshake of h with the outcome of the first message. */
static void commit_initiation(struct noise_handshake *h, enum noise_state state,
			      const struct transcript *t)
{
	h->state = state;
	h->generation++;
	h->chaining_key = t->ck;
	memcpy(h->hash, t->hash, sizeof(h->hash));
}

enum rc noise_initiation_create(struct message_initiation *out,
				struct noise_handshake *h,
				const struct noise_identity *id,
				const uint8_t timestamp[MESSAGE_TIMESTAMP_LEN],
				uint32_t index)
{
	struct transcript t AUTO(transcript_wipe);
	struct key32 ephemeral AUTO(key32_wipe), key AUTO(key32_wipe);
	struct message_initiation m = { .sender = index };

	if (!id->has_key || key32_is_zero(&h->static_static))
		return RC_DENIED;
	begin(&t, h->remote_static);
	x25519_generate(&ephemeral);
	x25519_public(m.ephemeral, &ephemeral);
	mix_ephemeral(&t, m.ephemeral);
	if (!mix_dh(&t, &key, &ephemeral, h->remote_static))
		return RC_CRYPTO;
	seal(&t, m.sealed_static, &key, SPAN_ARRAY(id->public_key));
	mix_secret(&t, &key, &h->static_static);
	seal(&t, m.sealed_timestamp, &key,
	     span_of(timestamp, MESSAGE_TIMESTAMP_LEN));

	noise_clear(h);
	commit_initiation(h, NOISE_INITIATION_SENT, &t);
	h->ephemeral = ephemeral;
	h->local_index = index;
	*out = m;
	return RC_OK;
}

enum rc noise_initiation_open(struct noise_opening *out,
			      const struct noise_identity *id,
			      const struct message_initiation *m)
{
	struct transcript t AUTO(transcript_wipe);
	struct key32 key AUTO(key32_wipe);
	uint8_t remote[MESSAGE_KEY_LEN];

	if (!id->has_key)
		return RC_DENIED;
	begin(&t, id->public_key);
	mix_ephemeral(&t, m->ephemeral);
	if (!mix_dh(&t, &key, &id->secret, m->ephemeral) ||
	    !unseal(&t, remote, &key, SPAN_ARRAY(m->sealed_static)))
		return RC_CRYPTO;
	memcpy(out->remote_static, remote, sizeof(remote));
	out->chaining_key = t.ck;
	memcpy(out->hash, t.hash, sizeof(t.hash));
	return RC_OK;
}

/* Byte order is time order: TAI64N is big-endian. */
static bool is_newer(const uint8_t *timestamp, const struct noise_handshake *h)
{
	/* public: timestamps are no secret between the two that know them */
	return memcmp(timestamp, h->latest_timestamp, MESSAGE_TIMESTAMP_LEN) >
	       0;
}

enum rc noise_initiation_take(struct noise_handshake *h,
			      const struct noise_opening *o,
			      const struct message_initiation *m,
			      uint64_t now_ms)
{
	struct transcript t AUTO(transcript_wipe) = { .ck = o->chaining_key };
	struct key32 key AUTO(key32_wipe);
	uint8_t timestamp[MESSAGE_TIMESTAMP_LEN];

	/* public: public keys */
	assert(!memcmp(h->remote_static, o->remote_static, MESSAGE_KEY_LEN));
	if (key32_is_zero(&h->static_static))
		return RC_DENIED;
	memcpy(t.hash, o->hash, sizeof(t.hash));
	mix_secret(&t, &key, &h->static_static);
	if (!unseal(&t, timestamp, &key, SPAN_ARRAY(m->sealed_timestamp)))
		return RC_CRYPTO;
	if (!is_newer(timestamp, h))
		return RC_STALE;
	if (h->has_initiation &&
	    now_ms - h->last_initiation_ms < NOISE_INITIATION_INTERVAL_MS)
		return RC_LIMIT;

	noise_clear(h);
	commit_initiation(h, NOISE_INITIATION_TAKEN, &t);
	memcpy(h->remote_ephemeral, m->ephemeral, sizeof(m->ephemeral));
	memcpy(h->latest_timestamp, timestamp, sizeof(timestamp));
	h->remote_index = m->sender;
	h->last_initiation_ms = now_ms;
	h->has_initiation = true;
	return RC_OK;
}

enum rc noise_response_create(struct message_response *out,
			      struct noise_handshake *h, uint32_t index)
{
	struct transcript t AUTO(transcript_wipe) = { .ck = h->chaining_key };
	struct key32 ephemeral AUTO(key32_wipe), key AUTO(key32_wipe);
	struct message_response m = { .sender = index,
				      .receiver = h->remote_index };

	if (h->state != NOISE_INITIATION_TAKEN)
		return RC_STALE;
	memcpy(t.hash, h->hash, sizeof(t.hash));
	x25519_generate(&ephemeral);
	x25519_public(m.ephemeral, &ephemeral);
	mix_ephemeral(&t, m.ephemeral);
	if (!mix_dh(&t, NULL, &ephemeral, h->remote_ephemeral) ||
	    !mix_dh(&t, NULL, &ephemeral, h->remote_static))
		return RC_CRYPTO;
	mix_psk(&t, &key, &h->psk);
	seal(&t, m.sealed_nothing, &key, NOTHING);

	h->state = NOISE_RESPONSE_SENT;
	h->chaining_key = t.ck;
	memcpy(h->hash, t.hash, sizeof(t.hash));
	h->local_index = index;
	*out = m;
	return RC_OK;
}

enum rc noise_response_open(struct noise_result *out,
			    const struct noise_handshake *h,
			    const struct noise_identity *id,
			    const struct message_response *m)
{
	struct transcript t AUTO(transcript_wipe) = { .ck = h->chaining_key };
	struct key32 key AUTO(key32_wipe);
	uint8_t nothing[1];

	if (h->state != NOISE_INITIATION_SENT ||
	    m->receiver != h->local_index)
		return RC_STALE;
	memcpy(t.hash, h->hash, sizeof(t.hash));
	mix_ephemeral(&t, m->ephemeral);
	if (!mix_dh(&t, NULL, &h->ephemeral, m->ephemeral) ||
	    !mix_dh(&t, NULL, &id->secret, m->ephemeral))
		return RC_CRYPTO;
	mix_psk(&t, &key, &h->psk);
	if (!unseal(&t, nothing, &key, SPAN_ARRAY(m->sealed_nothing)))
		return RC_CRYPTO;
	/* A field at a time: a compound literal may leave a copy of the key. */
	out->generation = h->generation;
	out->local_index = h->local_index;
	out->remote_index = m->sender;
	out->chaining_key = t.ck;
	memcpy(out->remote_ephemeral, m->ephemeral, sizeof(m->ephemeral));
	memcpy(out->hash, t.hash, sizeof(t.hash));
	return RC_OK;
}

enum rc noise_response_commit(struct noise_handshake *h,
			      const struct noise_result *r)
{
	if (h->state != NOISE_INITIATION_SENT ||
	    h->generation != r->generation ||
	    h->local_index != r->local_index)
		return RC_STALE;
	h->state = NOISE_RESPONSE_TAKEN;
	h->remote_index = r->remote_index;
	h->chaining_key = r->chaining_key;
	memcpy(h->hash, r->hash, sizeof(h->hash));
	memcpy(h->remote_ephemeral, r->remote_ephemeral,
	       sizeof(h->remote_ephemeral));
	/* Without it no response can be opened again. */
	key32_wipe(&h->ephemeral);
	return RC_OK;
}

enum rc noise_session_derive(struct noise_session *out,
			     struct noise_handshake *h)
{
	struct key32 first AUTO(key32_wipe), second AUTO(key32_wipe);
	bool is_initiator = h->state == NOISE_RESPONSE_TAKEN;

	if (!is_initiator && h->state != NOISE_RESPONSE_SENT)
		return RC_STALE;
	kdf(&first, &second, NULL, &h->chaining_key, NOTHING);
	/* A field at a time: a compound literal may leave a copy. */
	if (is_initiator) {
		out->send = first;
		out->receive = second;
	} else {
		out->send = second;
		out->receive = first;
	}
	out->local_index = h->local_index;
	out->remote_index = h->remote_index;
	out->is_initiator = is_initiator;
	noise_clear(h);
	return RC_OK;
}
