#include "wireguard/cookie.h"

#include <assert.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/rng.h"

enum {
	MACS_LEN = 2 * MESSAGE_MAC_LEN,
};

/* HASH(label || public key): labels of whitepaper §5.4. */
static void derive(struct key32 *out, const char *label,
		   const uint8_t public_key[MESSAGE_KEY_LEN])
{
	blake2s_2(out->b, sizeof(out->b), span_of(NULL, 0), span_str(label),
		  span_of(public_key, MESSAGE_KEY_LEN));
}

static void derive_keys(struct key32 *mac1, struct key32 *reply,
			const uint8_t public_key[MESSAGE_KEY_LEN])
{
	derive(mac1, "mac1----", public_key);
	derive(reply, "cookie--", public_key);
}

/* MAC(key, input) of the whitepaper: keyed BLAKE2s of 16 bytes. */
static void mac(uint8_t out[MESSAGE_MAC_LEN], struct span key, struct span b)
{
	blake2s_2(out, MESSAGE_MAC_LEN, key, b, span_of(NULL, 0));
}

static bool mac_is(struct span key, struct span b, const uint8_t *want)
{
	uint8_t got[MESSAGE_MAC_LEN];

	mac(got, key, b);
	return ct_equal(got, want, sizeof(got));
}

void cookie_root_init(struct cookie_root *r)
{
	rng_bytes(r->key.b, sizeof(r->key.b));
	r->began_ms = 0;
}

void cookie_root_wipe(struct cookie_root *r)
{
	key32_wipe(&r->key);
}

/* Which secret it is time for: they are counted from the first. */
static uint64_t period_at(struct cookie_root *r, uint64_t now_ms)
{
	uint64_t began = 0;

	if (atomic_compare_exchange_strong(&r->began_ms, &began, now_ms + 1))
		began = now_ms + 1;
	/* Another thread's clock may be a moment ahead. */
	return now_ms + 1 < began
		       ? 1
		       : 1 + (now_ms + 1 - began) / COOKIE_SECRET_MS;
}

static void refresh(struct cookie_checker *c, uint64_t now_ms)
{
	uint64_t period = period_at(c->root, now_ms);

	if (c->period == period)
		return;
	blake2s_2(c->secret.b, sizeof(c->secret.b), SPAN_ARRAY(c->root->key.b),
		  span_of(&period, sizeof(period)), span_of(NULL, 0));
	c->period = period;
}

void cookie_checker_set(struct cookie_checker *c,
			const uint8_t public_key[MESSAGE_KEY_LEN])
{
	derive_keys(&c->mac1_key, &c->reply_key, public_key);
}

void cookie_checker_wipe(struct cookie_checker *c)
{
	secret_wipe(c, sizeof(*c));
}

/* The cookie that an address has in this secret's lifetime. */
static void cookie_of(struct cookie_checker *c, uint8_t out[MESSAGE_MAC_LEN],
		      const struct endpoint *source, uint64_t now_ms)
{
	uint8_t key[ENDPOINT_KEY_MAX];
	size_t n = endpoint_key(key, source);

	refresh(c, now_ms);
	mac(out, SPAN_ARRAY(c->secret.b), span_of(key, n));
}

enum cookie_verdict cookie_check(struct cookie_checker *c, struct span message,
				 const struct endpoint *source,
				 uint64_t now_ms)
{
	uint8_t cookie[MESSAGE_MAC_LEN];
	size_t body = message.n - MACS_LEN;

	assert(message.n > MACS_LEN);
	if (!mac_is(SPAN_ARRAY(c->mac1_key.b), span_of(message.p, body),
		    message.p + body))
		return COOKIE_INVALID;
	/* Senders without a cookie leave mac2 zero; spare them a hash. */
	if (span_is_zero(span_of(message.p + body + MESSAGE_MAC_LEN,
				 MESSAGE_MAC_LEN)))
		return COOKIE_MAC1;
	cookie_of(c, cookie, source, now_ms);
	return mac_is(SPAN_ARRAY(cookie),
		      span_of(message.p, body + MESSAGE_MAC_LEN),
		      message.p + body + MESSAGE_MAC_LEN)
		       ? COOKIE_MAC2
		       : COOKIE_MAC1;
}

void cookie_reply(struct cookie_checker *c, struct message_cookie *out,
		  struct span message, uint32_t sender,
		  const struct endpoint *source, uint64_t now_ms)
{
	uint8_t cookie[MESSAGE_MAC_LEN];
	struct span mac1;

	assert(message.n > MACS_LEN);
	mac1 = span_of(message.p + message.n - MACS_LEN, MESSAGE_MAC_LEN);
	cookie_of(c, cookie, source, now_ms);
	out->receiver = sender;
	rng_bytes(out->nonce, sizeof(out->nonce));
	xaead_seal(out->sealed_cookie, &c->reply_key, out->nonce, mac1,
		   SPAN_ARRAY(cookie));
}

void cookie_maker_set(struct cookie_maker *m,
		      const uint8_t public_key[MESSAGE_KEY_LEN])
{
	*m = (struct cookie_maker){ 0 };
	derive_keys(&m->mac1_key, &m->reply_key, public_key);
}

void cookie_maker_wipe(struct cookie_maker *m)
{
	secret_wipe(m, sizeof(*m));
}

void cookie_stamp(struct cookie_maker *m, uint8_t *message, size_t n,
		  uint64_t now_ms)
{
	uint8_t *mac1 = message + n - MACS_LEN;
	uint8_t *mac2 = mac1 + MESSAGE_MAC_LEN;

	assert(n > MACS_LEN);
	mac(mac1, SPAN_ARRAY(m->mac1_key.b), span_of(message, n - MACS_LEN));
	memcpy(m->last_mac1, mac1, sizeof(m->last_mac1));
	m->has_last_mac1 = true;
	if (m->has_cookie && now_ms - m->cookie_at_ms <
				     COOKIE_SECRET_MS - COOKIE_MARGIN_MS)
		mac(mac2, SPAN_ARRAY(m->cookie),
		    span_of(message, n - MESSAGE_MAC_LEN));
	else
		memset(mac2, 0, MESSAGE_MAC_LEN);
}

bool cookie_take(struct cookie_maker *m, const struct message_cookie *reply,
		 uint64_t now_ms)
{
	uint8_t cookie[MESSAGE_MAC_LEN];

	if (!m->has_last_mac1 ||
	    !xaead_open(cookie, &m->reply_key, reply->nonce,
			SPAN_ARRAY(m->last_mac1),
			SPAN_ARRAY(reply->sealed_cookie)))
		return false;
	memcpy(m->cookie, cookie, sizeof(cookie));
	m->cookie_at_ms = now_ms;
	m->has_cookie = true;
	m->has_last_mac1 = false;
	return true;
}
