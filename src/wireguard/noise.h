/*
 * noise: the handshake of WireGuard: Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s.
 *
 * Works on message structs; MACs, indexes, timers and who may handshake how
 * often are others' business, except for the two checks that need handshake
 * state: a timestamp must grow, and initiations come at most 50 a second.
 *
 * Every function works in locals, changes its objects once at the end, and
 * erases its locals on every way out.  A failure changes nothing.
 *
 * A response is opened against a const handshake and committed in a second
 * step, which refuses when the handshake moved in between: no response makes
 * two sessions, and none that answers an older initiation makes any.
 *
 * Source: WireGuard whitepaper §5.4.2, §5.4.3, §5.4.5; Noise revision 34.
 */
#ifndef POSTERN_WIREGUARD_NOISE_H
#define POSTERN_WIREGUARD_NOISE_H

#include "base/rc.h"
#include "base/secret.h"
#include "wireguard/message.h"

enum {
	NOISE_HASH_LEN = 32,
	NOISE_INITIATION_INTERVAL_MS = 20, /* between two taken from one peer */
};

/* Our own static key. */
struct noise_identity {
	struct key32 secret;
	uint8_t public_key[MESSAGE_KEY_LEN];
	bool has_key;
};

/* Clamps and copies the secret; an all-zero secret means: no key. */
void noise_identity_set(struct noise_identity *id, const struct key32 *secret);
void noise_identity_wipe(struct noise_identity *id);

enum noise_state {
	NOISE_NONE = 0,
	NOISE_INITIATION_SENT,
	NOISE_INITIATION_TAKEN,
	NOISE_RESPONSE_SENT, /* a session may be derived */
	NOISE_RESPONSE_TAKEN, /* a session may be derived */
};

/* One peer's handshake.  Zeroed: noise_peer_set() first. */
struct noise_handshake {
	uint8_t remote_static[MESSAGE_KEY_LEN];
	struct key32 psk; /* zero: none */
	struct key32 static_static; /* zero: no handshake is possible */

	enum noise_state state;
	uint64_t generation; /* counts handshakes begun by either side */
	struct key32 ephemeral; /* ours */
	uint8_t remote_ephemeral[MESSAGE_KEY_LEN];
	struct key32 chaining_key;
	uint8_t hash[NOISE_HASH_LEN];
	uint32_t local_index, remote_index;

	uint8_t latest_timestamp[MESSAGE_TIMESTAMP_LEN]; /* taken from it */
	uint64_t last_initiation_ms;
	bool has_initiation;
};

/* For a peer's public key and our identity, which may change later. */
void noise_peer_set(struct noise_handshake *h, const struct noise_identity *id,
		    const uint8_t remote_static[MESSAGE_KEY_LEN]);
/* Our identity changed: forgets the handshake, keeps key, PSK, timestamp. */
void noise_peer_rekey(struct noise_handshake *h,
		      const struct noise_identity *id);
/* Forgets the handshake under way and erases its secrets. */
void noise_clear(struct noise_handshake *h);
/* Erases everything. */
void noise_wipe(struct noise_handshake *h);

/* TAI64N: big-endian seconds since 1970 TAI plus 2^62, then nanoseconds. */
void noise_timestamp(uint8_t out[MESSAGE_TIMESTAMP_LEN], int64_t unix_ns);

/*
 * Begins a handshake; 'index' is the sender index.  macs are left zero.
 *
 * RC_DENIED  we have no key, or the peer's gives an all-zero secret
 * RC_CRYPTO  the exchange with the ephemeral key gave zero
 */
enum rc noise_initiation_create(struct message_initiation *out,
				struct noise_handshake *h,
				const struct noise_identity *id,
				const uint8_t timestamp[MESSAGE_TIMESTAMP_LEN],
				uint32_t index);

/* An initiation whose sender is known but not yet believed. */
struct noise_opening {
	uint8_t remote_static[MESSAGE_KEY_LEN];
	struct key32 chaining_key;
	uint8_t hash[NOISE_HASH_LEN];
};
void noise_opening_wipe(struct noise_opening *o);

/*
 * First half of taking an initiation: who sends it.
 *
 * RC_DENIED  we have no key
 * RC_CRYPTO  it was not made for our key
 */
enum rc noise_initiation_open(struct noise_opening *out,
			      const struct noise_identity *id,
			      const struct message_initiation *m);
/*
 * Second half, with the handshake of that sender.
 *
 * RC_CRYPTO  the sender does not own its static key
 * RC_DENIED  the sender's key gives an all-zero secret
 * RC_STALE   the timestamp is not newer than the last one taken
 * RC_LIMIT   it comes too soon after the last one
 */
enum rc noise_initiation_take(struct noise_handshake *h,
			      const struct noise_opening *o,
			      const struct message_initiation *m,
			      uint64_t now_ms);

/*
 * Answers an initiation taken.
 *
 * RC_STALE   there is none to answer
 * RC_CRYPTO  an exchange gave zero
 */
enum rc noise_response_create(struct message_response *out,
			      struct noise_handshake *h, uint32_t index);

/* A response found right for the handshake of 'generation'. */
struct noise_result {
	uint64_t generation;
	uint32_t local_index, remote_index;
	uint8_t remote_ephemeral[MESSAGE_KEY_LEN];
	struct key32 chaining_key;
	uint8_t hash[NOISE_HASH_LEN];
};
void noise_result_wipe(struct noise_result *r);

/*
 * RC_STALE   no initiation of ours waits for this receiver index
 * RC_CRYPTO  it does not answer our initiation, or an exchange gave zero
 */
enum rc noise_response_open(struct noise_result *out,
			    const struct noise_handshake *h,
			    const struct noise_identity *id,
			    const struct message_response *m);
/* RC_STALE: since it was opened, the handshake was answered or begun anew. */
enum rc noise_response_commit(struct noise_handshake *h,
			      const struct noise_result *r);

/* Keys of a session. */
struct noise_session {
	struct key32 send, receive;
	uint32_t local_index, remote_index;
	bool is_initiator;
};
void noise_session_wipe(struct noise_session *s);

/*
 * Derives the session of a finished handshake, once: the handshake is cleared
 * by it.  RC_STALE: it is not finished.
 */
enum rc noise_session_derive(struct noise_session *out,
			     struct noise_handshake *h);

#endif
