/*
 * binding: what ties evidence to one session: the binder of each side, the
 * report_data over a batch of them, and the context of the tunnel's PSK.
 *
 * Every input has a fixed length, so that no two sets of inputs hash the same
 * bytes.
 *
 * Source: docs/PROTOCOL.channel.md §8.
 */
#ifndef POSTERN_CHANNEL_BINDING_H
#define POSTERN_CHANNEL_BINDING_H

#include "channel/session.h"

#define BINDING_EXPORTER "EXPORTER-postern-channel"
#define BINDING_PSK_EXPORTER "EXPORTER-postern-wg-psk"
#define BINDING_TALK_EXPORTER "EXPORTER-postern-talk"

/* One side's view; to judge a peer, swap as the peer would have it. */
struct binding {
	enum channel_role role; /* of the side that is bound */
	uint32_t round;
	uint8_t exporter[32];
	struct sha256 own_spki, peer_spki;
	uint8_t peer_nonce[CHANNEL_NONCE_LEN]; /* chosen by its verifier */
	struct sha256 claims; /* of the side that is bound */
};
void binding_binder(struct sha512 *out, const struct binding *b);

enum {
	BINDING_PSK_CONTEXT_LEN = 4 * 32,
};
/* client's key || server's key || client's nonce || server's nonce */
void binding_psk_context(uint8_t out[BINDING_PSK_CONTEXT_LEN],
			 const uint8_t client_wg[32],
			 const uint8_t server_wg[32],
			 const uint8_t client_nonce[CHANNEL_NONCE_LEN],
			 const uint8_t server_nonce[CHANNEL_NONCE_LEN]);

#endif
