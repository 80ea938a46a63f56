/* The handshake: whitepaper §5.4, and what must not get through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wg_low_order.h"

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/x25519.h"
#include "wireguard/noise.h"

/* Two ends that know each other's key. */
struct pair {
	struct noise_identity a, b;
	struct noise_handshake at_a, at_b; /* b seen by a; a seen by b */
	uint8_t timestamp[12];
	uint64_t now_ms;
};

static struct pair pair(void)
{
	struct pair p = { .now_ms = 1000, .timestamp = { 0x40, [11] = 1 } };
	struct key32 k;

	x25519_generate(&k);
	noise_identity_set(&p.a, &k);
	x25519_generate(&k);
	noise_identity_set(&p.b, &k);
	noise_peer_set(&p.at_a, &p.a, p.b.public_key);
	noise_peer_set(&p.at_b, &p.b, p.a.public_key);
	return p;
}

static void initiate(struct pair *p, struct message_initiation *m, uint32_t index)
{
	p->timestamp[11]++;
	assert_int_equal(noise_initiation_create(m, &p->at_a, &p->a, p->timestamp, index), RC_OK);
}

static enum rc take(struct pair *p, const struct message_initiation *m)
{
	struct noise_opening o;
	enum rc rc = noise_initiation_open(&o, &p->b, m);

	p->now_ms += NOISE_INITIATION_INTERVAL_MS;
	return rc ? rc : noise_initiation_take(&p->at_b, &o, m, p->now_ms);
}

static enum rc finish(struct pair *p, const struct message_response *m)
{
	struct noise_result r;
	enum rc rc = noise_response_open(&r, &p->at_a, &p->a, m);

	return rc ? rc : noise_response_commit(&p->at_a, &r);
}

static void assert_same_keys(struct pair *p)
{
	struct noise_session a, b;

	assert_int_equal(noise_session_derive(&a, &p->at_a), RC_OK);
	assert_int_equal(noise_session_derive(&b, &p->at_b), RC_OK);
	assert_memory_equal(&a.send, &b.receive, 32);
	assert_memory_equal(&a.receive, &b.send, 32);
	assert_memory_not_equal(&a.send, &a.receive, 32);
	assert_true(a.is_initiator && !b.is_initiator);
	assert_int_equal(a.remote_index, b.local_index);
	assert_int_equal(b.remote_index, a.local_index);
}

static void run_handshake(struct pair *p, struct message_response *r)
{
	struct message_initiation i;

	initiate(p, &i, 11);
	assert_int_equal(i.sender, 11);
	assert_int_equal(take(p, &i), RC_OK);
	assert_int_equal(noise_response_create(r, &p->at_b, 22), RC_OK);
	assert_int_equal(r->receiver, 11);
}

static void both_ends_derive_the_same_keys(void **state)
{
	struct pair p = pair();
	struct message_response r;

	(void)state;
	run_handshake(&p, &r);
	assert_int_equal(finish(&p, &r), RC_OK);
	assert_same_keys(&p);
}

static void equal_psk_agrees_other_psk_refused(void **state)
{
	struct pair p = pair();
	struct message_response r;

	(void)state;
	p.at_a.psk.b[3] = p.at_b.psk.b[3] = 1;
	run_handshake(&p, &r);
	assert_int_equal(finish(&p, &r), RC_OK);
	assert_same_keys(&p);
	p.at_b.psk.b[3] = 2;
	run_handshake(&p, &r);
	assert_int_equal(finish(&p, &r), RC_CRYPTO);
	assert_int_equal(p.at_a.state, NOISE_INITIATION_SENT);
}

/* Who recorded a handshake and later breaks Curve25519, so has every private key of both ends, the
 * ephemeral ones too, still lacks the session without the pre-shared key. */
static void g30_recorded_handshake_needs_the_psk(void **state)
{
	struct pair p = pair();
	struct message_initiation i;
	struct message_response m;
	struct noise_handshake broken;
	struct noise_session real, theirs;
	struct noise_result r;

	(void)state;
	p.at_a.psk.b[3] = p.at_b.psk.b[3] = 1;
	initiate(&p, &i, 11);
	assert_int_equal(take(&p, &i), RC_OK);
	assert_int_equal(noise_response_create(&m, &p.at_b, 22), RC_OK);
	/* All that the initiator knew, ... */
	broken = p.at_a;
	broken.psk = (struct key32){ 0 };
	assert_int_equal(noise_response_open(&r, &broken, &p.a, &m), RC_CRYPTO);
	broken.psk.b[3] = 2;
	assert_int_equal(noise_response_open(&r, &broken, &p.a, &m), RC_CRYPTO);
	/* ... which with the key, and nothing else, would have been enough. */
	broken.psk.b[3] = 1;
	assert_int_equal(noise_response_open(&r, &broken, &p.a, &m), RC_OK);
	assert_int_equal(noise_response_commit(&broken, &r), RC_OK);
	assert_int_equal(finish(&p, &m), RC_OK);
	assert_int_equal(noise_session_derive(&real, &p.at_a), RC_OK);
	assert_int_equal(noise_session_derive(&theirs, &broken), RC_OK);
	assert_memory_equal(&real.send, &theirs.send, sizeof(real.send));
}

/* Of who begins, a message tells nothing without the responder's private key, and with it, even
 * years later, whose it is: that much is the protocol's, with or without a pre-shared key. */
static void g30_initiator_shows_to_the_responders_key_alone(void **state)
{
	struct pair p = pair(), other = pair();
	struct message_initiation i, again;
	uint8_t bytes[MESSAGE_INITIATION_LEN];
	struct wr w = WR_ARRAY(bytes);
	struct noise_opening o;

	(void)state;
	p.at_a.psk.b[3] = p.at_b.psk.b[3] = 1;
	initiate(&p, &i, 11);
	initiate(&p, &again, 11);
	message_initiation_write(&w, &i);
	assert_null(memmem(bytes, sizeof(bytes), p.a.public_key, 32));
	/* Neither is it the same twice, ... */
	assert_memory_not_equal(i.sealed_static, again.sealed_static, sizeof(i.sealed_static));
	/* ... nor open to the initiator's own key or to anybody else's. */
	assert_int_equal(noise_initiation_open(&o, &p.a, &i), RC_CRYPTO);
	assert_int_equal(noise_initiation_open(&o, &other.b, &i), RC_CRYPTO);
	assert_int_equal(noise_initiation_open(&o, &p.b, &i), RC_OK);
	assert_memory_equal(o.remote_static, p.a.public_key, 32);
}

static void any_byte_of_an_initiation_flipped_is_refused(void **state)
{
	struct pair p = pair();
	struct message_initiation i;
	struct noise_handshake before = p.at_b;
	/* Everything sealed; the sender index is covered by mac1 only. */
	struct {
		uint8_t *p;
		size_t n;
	} parts[] = {
		{ i.ephemeral, sizeof(i.ephemeral) },
		{ i.sealed_static, sizeof(i.sealed_static) },
		{ i.sealed_timestamp, sizeof(i.sealed_timestamp) },
	};

	(void)state;
	initiate(&p, &i, 1);
	for (size_t k = 0; k < 3; k++)
		for (size_t at = 0; at < parts[k].n; at++) {
			/* The top bit of a public key is ignored by X25519, but
			 * not by the transcript. */
			parts[k].p[at] ^= 0x80;
			assert_int_equal(take(&p, &i), RC_CRYPTO);
			assert_memory_equal(&p.at_b, &before, sizeof(before));
			parts[k].p[at] ^= 0x80;
		}
	assert_int_equal(take(&p, &i), RC_OK);
}

static void any_byte_of_a_response_flipped_is_refused(void **state)
{
	struct pair p = pair();
	struct message_response r;

	(void)state;
	run_handshake(&p, &r);
	for (size_t at = 0; at < 32; at++) {
		r.ephemeral[at] ^= 0x80;
		assert_int_equal(finish(&p, &r), RC_CRYPTO);
		r.ephemeral[at] ^= 0x80;
	}
	for (size_t at = 0; at < 16; at++) {
		r.sealed_nothing[at] ^= 1;
		assert_int_equal(finish(&p, &r), RC_CRYPTO);
		r.sealed_nothing[at] ^= 1;
	}
	r.receiver ^= 1;
	assert_int_equal(finish(&p, &r), RC_STALE);
	r.receiver ^= 1;
	assert_int_equal(finish(&p, &r), RC_OK);
}

static void g1_response_consumed_twice_refused(void **state)
{
	struct pair p = pair();
	struct message_response r;
	struct noise_result first, second;

	(void)state;
	run_handshake(&p, &r);
	/* Two opened side by side, as two threads would. */
	assert_int_equal(noise_response_open(&first, &p.at_a, &p.a, &r), RC_OK);
	assert_int_equal(noise_response_open(&second, &p.at_a, &p.a, &r), RC_OK);
	assert_int_equal(noise_response_commit(&p.at_a, &first), RC_OK);
	assert_int_equal(noise_response_commit(&p.at_a, &second), RC_STALE);
	assert_int_equal(finish(&p, &r), RC_STALE);
	assert_same_keys(&p);
	assert_int_equal(noise_response_commit(&p.at_a, &second), RC_STALE);
	assert_int_equal(finish(&p, &r), RC_STALE);
}

static void g1_response_after_an_intermediate_initiation_refused(void **state)
{
	struct pair p = pair();
	struct message_response r;
	struct message_initiation again;
	struct noise_result opened;

	(void)state;
	run_handshake(&p, &r);
	assert_int_equal(noise_response_open(&opened, &p.at_a, &p.a, &r), RC_OK);
	/* The same sender index, the worst case: only the generation differs. */
	initiate(&p, &again, 11);
	assert_int_equal(noise_response_commit(&p.at_a, &opened), RC_STALE);
	assert_int_equal(finish(&p, &r), RC_CRYPTO);
	assert_int_equal(p.at_a.state, NOISE_INITIATION_SENT);
}

static void session_derived_once(void **state)
{
	struct pair p = pair();
	struct message_response r;
	struct noise_session s;

	(void)state;
	assert_int_equal(noise_session_derive(&s, &p.at_a), RC_STALE);
	run_handshake(&p, &r);
	assert_int_equal(noise_session_derive(&s, &p.at_a), RC_STALE);
	assert_int_equal(finish(&p, &r), RC_OK);
	assert_same_keys(&p);
	assert_int_equal(noise_session_derive(&s, &p.at_a), RC_STALE);
	assert_int_equal(noise_session_derive(&s, &p.at_b), RC_STALE);
	assert_true(key32_is_zero(&p.at_a.chaining_key));
	assert_true(key32_is_zero(&p.at_a.ephemeral));
	assert_true(key32_is_zero(&p.at_b.chaining_key));
}

static void response_to_nothing_refused(void **state)
{
	struct pair p = pair();
	struct message_response r;

	(void)state;
	assert_int_equal(noise_response_create(&r, &p.at_b, 1), RC_STALE);
	run_handshake(&p, &r);
	assert_int_equal(noise_response_create(&r, &p.at_b, 1), RC_STALE);
}

static void replayed_initiation_refused(void **state)
{
	struct pair p = pair();
	struct message_initiation old, newer;

	(void)state;
	initiate(&p, &old, 1);
	initiate(&p, &newer, 1);
	assert_int_equal(take(&p, &newer), RC_OK);
	assert_int_equal(take(&p, &newer), RC_STALE);
	assert_int_equal(take(&p, &old), RC_STALE);
}

static void fifty_initiations_a_second_at_most(void **state)
{
	struct pair p = pair();
	struct message_initiation i;
	struct noise_opening o;

	(void)state;
	initiate(&p, &i, 1);
	assert_int_equal(take(&p, &i), RC_OK);
	initiate(&p, &i, 1);
	assert_int_equal(noise_initiation_open(&o, &p.b, &i), RC_OK);
	assert_int_equal(noise_initiation_take(&p.at_b, &o, &i, p.now_ms + 19), RC_LIMIT);
	assert_int_equal(noise_initiation_take(&p.at_b, &o, &i, p.now_ms + 20), RC_OK);
}

/* A clock set forward once makes honest initiations stale; a peer set anew
 * (after attestation, say) takes them again. */
static void g3_clock_forward_recovers_when_the_peer_is_set_anew(void **state)
{
	struct pair p = pair();
	struct message_initiation i;

	(void)state;
	p.timestamp[4] = 0x70;
	initiate(&p, &i, 1);
	assert_int_equal(take(&p, &i), RC_OK);
	p.timestamp[4] = 0x60;
	initiate(&p, &i, 1);
	assert_int_equal(take(&p, &i), RC_STALE);
	noise_peer_set(&p.at_b, &p.b, p.a.public_key);
	assert_int_equal(take(&p, &i), RC_OK);
}

static void g6_low_order_static_refused_both_ways(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(low_order) / sizeof(*low_order); k++) {
		struct pair p = pair();
		struct message_initiation i;
		struct noise_opening o = { 0 };
		uint8_t point[32];

		assert_true(text_hex_decode(point, 32, span_str(low_order[k])));
		noise_peer_set(&p.at_a, &p.a, point);
		assert_true(key32_is_zero(&p.at_a.static_static));
		assert_int_equal(noise_initiation_create(&i, &p.at_a, &p.a, p.timestamp, 1),
				 RC_DENIED);
		memcpy(o.remote_static, point, 32);
		assert_int_equal(noise_initiation_take(&p.at_a, &o, &i, 1), RC_DENIED);
		assert_int_equal(p.at_a.state, NOISE_NONE);
	}
}

/* HKDF with BLAKE2s, of two outputs; and the running hash: whitepaper §5.4. */
static void kdf2(uint8_t ck[32], uint8_t key[32], struct span input)
{
	uint8_t prk[32], number = 1;

	blake2s_hmac(prk, span_of(ck, 32), input, span_of(NULL, 0));
	blake2s_hmac(ck, SPAN_ARRAY(prk), span_of(NULL, 0), span_of(&number, 1));
	number = 2;
	blake2s_hmac(key, SPAN_ARRAY(prk), span_of(ck, 32), span_of(&number, 1));
}

static void hash(uint8_t h[32], struct span b)
{
	blake2s_2(h, 32, span_of(NULL, 0), span_of(h, 32), b);
}

/* The part of an initiation by a for b that is sealed under an ephemeral key alone, by who knows
 * what b will share with that. */
static void forge(struct message_initiation *m, const struct pair *p, const uint8_t ephemeral[32],
		  const struct key32 *shared)
{
	uint8_t ck[32], h[32];
	struct key32 key;

	*m = (struct message_initiation){ .sender = 1 };
	memcpy(m->ephemeral, ephemeral, 32);
	blake2s_2(ck, 32, span_of(NULL, 0), span_str("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"),
		  span_of(NULL, 0));
	memcpy(h, ck, 32);
	hash(h, span_str("WireGuard v1 zx2c4 Jason@zx2c4.com"));
	hash(h, SPAN_ARRAY(p->b.public_key));
	hash(h, span_of(ephemeral, 32));
	kdf2(ck, key.b, span_of(ephemeral, 32));
	kdf2(ck, key.b, SPAN_ARRAY(shared->b));
	aead_seal_once(m->sealed_static, &key, 0, SPAN_ARRAY(h), SPAN_ARRAY(p->a.public_key));
}

/* Everybody knows what a key of small order makes of any other: zero. */
static void g6_initiation_under_the_zero_everybody_knows_refused(void **state)
{
	const struct key32 zero = { 0 };
	struct pair p = pair();
	struct message_initiation m;
	struct noise_opening o;
	struct key32 secret, shared;
	uint8_t point[32];

	(void)state;
	x25519_generate(&secret);
	x25519_public(point, &secret);
	assert_true(x25519_shared(&shared, &secret, p.b.public_key));
	forge(&m, &p, point, &shared);
	assert_int_equal(noise_initiation_open(&o, &p.b, &m), RC_OK);
	assert_memory_equal(o.remote_static, p.a.public_key, 32);
	for (size_t k = 0; k < sizeof(low_order) / sizeof(*low_order); k++) {
		assert_true(text_hex_decode(point, 32, span_str(low_order[k])));
		forge(&m, &p, point, &zero);
		assert_int_equal(noise_initiation_open(&o, &p.b, &m), RC_CRYPTO);
	}
}

static void g6_low_order_ephemeral_refused(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(low_order) / sizeof(*low_order); k++) {
		struct pair p = pair();
		struct message_initiation i;
		struct message_response r;

		initiate(&p, &i, 1);
		assert_true(text_hex_decode(i.ephemeral, 32, span_str(low_order[k])));
		assert_int_equal(take(&p, &i), RC_CRYPTO);
		run_handshake(&p, &r);
		assert_true(text_hex_decode(r.ephemeral, 32, span_str(low_order[k])));
		assert_int_equal(finish(&p, &r), RC_CRYPTO);
		/* The responder's own half, were such an ephemeral ever taken. */
		p.at_b.state = NOISE_INITIATION_TAKEN;
		assert_true(text_hex_decode(p.at_b.remote_ephemeral, 32, span_str(low_order[k])));
		assert_int_equal(noise_response_create(&r, &p.at_b, 1), RC_CRYPTO);
	}
}

static void without_a_key_nothing_is_done(void **state)
{
	struct pair p = pair();
	struct message_initiation i;
	struct noise_opening o;
	const struct key32 none = { 0 };

	(void)state;
	initiate(&p, &i, 1);
	noise_identity_set(&p.b, &none);
	assert_int_equal(noise_initiation_open(&o, &p.b, &i), RC_DENIED);
	noise_identity_set(&p.a, &none);
	noise_peer_rekey(&p.at_a, &p.a);
	assert_int_equal(noise_initiation_create(&i, &p.at_a, &p.a, p.timestamp, 1), RC_DENIED);
}

static void timestamps_are_tai64n_and_ordered(void **state)
{
	static const uint8_t epoch[12] = { 0x40, 0, 0, 0, 0, 0, 0, 10 };
	static const uint8_t later[12] = { 0x40, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 7 };
	uint8_t t[12];

	(void)state;
	noise_timestamp(t, 0);
	assert_memory_equal(t, epoch, 12);
	noise_timestamp(t, -5);
	assert_memory_equal(t, epoch, 12);
	noise_timestamp(t, 2'000'000'007);
	assert_memory_equal(t, later, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_derive_the_same_keys),
		cmocka_unit_test(equal_psk_agrees_other_psk_refused),
		cmocka_unit_test(g30_recorded_handshake_needs_the_psk),
		cmocka_unit_test(g30_initiator_shows_to_the_responders_key_alone),
		cmocka_unit_test(any_byte_of_an_initiation_flipped_is_refused),
		cmocka_unit_test(any_byte_of_a_response_flipped_is_refused),
		cmocka_unit_test(g1_response_consumed_twice_refused),
		cmocka_unit_test(g1_response_after_an_intermediate_initiation_refused),
		cmocka_unit_test(session_derived_once),
		cmocka_unit_test(response_to_nothing_refused),
		cmocka_unit_test(replayed_initiation_refused),
		cmocka_unit_test(fifty_initiations_a_second_at_most),
		cmocka_unit_test(g3_clock_forward_recovers_when_the_peer_is_set_anew),
		cmocka_unit_test(g6_low_order_static_refused_both_ways),
		cmocka_unit_test(g6_initiation_under_the_zero_everybody_knows_refused),
		cmocka_unit_test(g6_low_order_ephemeral_refused),
		cmocka_unit_test(without_a_key_nothing_is_done),
		cmocka_unit_test(timestamps_are_tai64n_and_ordered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
