/*
 * judge: is this peer's evidence about this session, genuine, and about what
 * it claims?  Every check of the channel's protocol that concerns evidence is
 * here, in one order, and the result is their AND.
 *
 * Source: docs/PROTOCOL.channel.md §9.
 */
#ifndef POSTERN_CHANNEL_JUDGE_H
#define POSTERN_CHANNEL_JUDGE_H

#include "channel/message.h"

struct judge_input {
	const struct message_evidence *evidence;
	/* the peer's binder as we compute it, from our own nonce */
	const struct sha512 *binder;
	const char *purpose;
	channel_verify_fn *verify;
	void *arg; /* of verify */
};

/* Why not: 'told' goes to the peer, 'kept' is for our own log. */
struct judge_refusal {
	enum channel_reason reason;
	char told[CHANNEL_DETAIL_MAX], kept[CHANNEL_DETAIL_MAX];
};

/*
 * True: *peer is filled and owns its manifest (manifest_fini).  False: *why is
 * filled and *peer untouched.
 */
[[nodiscard]] bool judge_evidence(struct channel_peer *peer,
				  struct judge_refusal *why,
				  const struct judge_input *in);

#endif
