/*
 * keypair: the sessions of one peer: previous, current and next.
 *
 * An initiator uses a new session at once.  A responder keeps it as 'next'
 * until the first message under it proves that the initiator has it too.  The
 * previous one stays for messages that are still on their way.
 *
 * Source: WireGuard whitepaper §6.1, §6.4.
 */
#ifndef POSTERN_WIREGUARD_KEYPAIR_H
#define POSTERN_WIREGUARD_KEYPAIR_H

#include "wireguard/noise.h"
#include "wireguard/replay.h"

enum {
	KEYPAIR_REKEY_AFTER_MS = 120 * 1000,
	KEYPAIR_REJECT_AFTER_MS = 180 * 1000,
};

/* An initiator begins a new handshake after this many messages. */
#define KEYPAIR_REKEY_AFTER_MESSAGES (1ull << 60)

struct keypair {
	struct key32 send, receive;
	uint64_t send_counter; /* of the next message */
	struct replay replay;
	uint64_t born_ms;
	uint32_t local_index, remote_index;
	bool is_initiator;
};

/* Zeroed: no session. */
struct keypairs {
	const struct secret_memory *memory; /* of the sessions; NULL: heap */
	struct keypair *previous, *current, *next;
};

/* Called with the local index of each session that dies. */
struct keypair_gone {
	void (*fn)(void *arg, uint32_t local_index);
	void *arg;
};

/* Copies the keys of a session just derived and gives it its place. */
void keypairs_install(struct keypairs *k, const struct noise_session *s,
		      uint64_t now_ms, const struct keypair_gone *gone);
/* A message came under 'used'.  True when that made next the current one. */
bool keypairs_confirm(struct keypairs *k, const struct keypair *used,
		      const struct keypair_gone *gone);
/* The one of this local index, or NULL. */
struct keypair *keypairs_find(const struct keypairs *k, uint32_t local_index);
/* Erases all. */
void keypairs_clear(struct keypairs *k, const struct keypair_gone *gone);

/* Neither too old nor out of numbers, to send under, or to receive under. */
bool keypair_can_send(const struct keypair *k, uint64_t now_ms);
bool keypair_can_receive(const struct keypair *k, uint64_t now_ms);

#endif
