/*
 * core: what the two halves of a session share: its state, the one way to
 * leave it, and the messages it says.  Included by session.c and receive.c
 * alone.
 */
#ifndef POSTERN_CHANNEL_CORE_H
#define POSTERN_CHANNEL_CORE_H

#include "channel/message.h"
#include "channel/session.h"
#include "channel/state.h"

#define CORE_NEVER UINT64_MAX

struct channel {
	struct channel_params params;
	struct sha256 own_claims; /* hash of params.claims */
	enum channel_state state;
	uint32_t round;
	uint8_t own_nonce[CHANNEL_NONCE_LEN], peer_nonce[CHANNEL_NONCE_LEN];
	uint64_t step_at, lease_at; /* deadlines; CORE_NEVER: none */
	uint64_t renewable_at; /* server: before, no next round */
	struct buf in; /* one frame, as far as it came */
	size_t frame_len; /* of that frame; 0: its header is not whole */
	struct buf out;
	bool has_event; /* of the state just entered */

	struct channel_peer peer;
	struct sha256 peer_claims;
	bool has_peer, has_lease;
	uint8_t client_wg[32];
	struct channel_assignment assignment;
	struct buf heard; /* talk: the peer's last body */
	struct channel_event end; /* why it is over */
};

bool core_is_over(const struct channel *c);
/* What the owner is asked for in the state at hand. */
enum channel_event_kind core_event(const struct channel *c);
/* Goes to a state: its deadline runs, its event waits. */
void core_enter(struct channel *c, enum channel_state state, uint64_t now_ms);
/* The session is over; no secret outlives it but in the owner's hands. */
void core_end(struct channel *c, enum channel_event_kind kind,
	      enum channel_reason reason, bool by_peer, const char *detail);
/* Writes a REFUSE or WITHDRAW. */
void core_tell(struct channel *c, enum message_type type,
	       enum channel_reason reason, const char *detail);
/* Tells the peer and ends: 'told' is sent, 'kept' is for our own log. */
void core_refuse(struct channel *c, enum channel_reason reason,
		 const char *told, const char *kept);
void core_refuse_plainly(struct channel *c, enum channel_reason reason,
			 const char *detail);

/* The binder of one side in this round; false: there is no exporter. */
bool core_binder(struct sha512 *out, const struct channel *c, bool is_own,
		 const struct sha256 *claims);
/* This round's PSK; false: there is no exporter. */
bool core_psk(struct key32 *out, const struct channel *c);
/* channel_session_id(). */
bool core_session_id(uint8_t out[32], const struct channel *c);

/* Each writes its message; false: it did not fit, and the session is over.
 * say_hello makes this round's nonce. */
bool core_say_hello(struct channel *c);
bool core_say_evidence(struct channel *c, const struct message_evidence *m);
bool core_say_key(struct channel *c);
bool core_say_assign(struct channel *c);
bool core_say_data(struct channel *c, struct span data);

#endif
