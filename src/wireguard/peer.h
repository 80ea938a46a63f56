/*
 * peer: all that a device keeps of one peer.  Internal to the device's modules;
 * others reach a peer through device.h.
 *
 * Also the peer's staged packets: those that came before there was a session.
 */
#ifndef POSTERN_WIREGUARD_PEER_H
#define POSTERN_WIREGUARD_PEER_H

#include <stdatomic.h>

#include "wireguard/allowedips.h"
#include "wireguard/cookie.h"
#include "wireguard/endpoint.h"
#include "wireguard/deadline.h"
#include "wireguard/keypair.h"
#include "wireguard/noise.h"
#include "wireguard/timers.h"

enum {
	PEER_STAGED_MAX = 128, /* packets; the oldest go first */
};

/* How much all peers of an interface may stage together, in bytes of memory;
 * spent by several threads at once. */
struct peer_stage_budget {
	_Atomic size_t bytes;
	size_t bytes_max;
};

struct device;
struct peer_staged;

struct peer {
	struct device *home; /* whose it is, among those of the interface */
	struct noise_handshake handshake;
	uint32_t handshake_index; /* 0: none is registered */
	struct cookie_maker cookies;
	struct keypairs keypairs;
	struct timers timers;
	struct deadline deadline; /* never later than timers_next() */
	struct allowedips_owner allowed;

	bool has_endpoint;
	struct endpoint endpoint;
	bool is_pinned;
	bool is_placed; /* the endpoint was set, not learned */
	struct endpoint strayed; /* where a pinned one last spoke from */
	int64_t timestamp_ns; /* of our last initiation */
	uint32_t unanswered; /* initiations since a handshake completed */
	int64_t handshake_unix_ns; /* when the last one completed; 0: never */
	uint64_t rx_bytes, tx_bytes;

	struct peer_staged *staged_first, *staged_last;
	size_t staged_count;
	struct peer_stage_budget *budget;
	const struct secret_memory *memory; /* where it stands itself */

	uint64_t key_hash; /* in the interface's map of public keys */
	struct peer *next, *prev; /* in the interface's list */
};

/* Returns owned: peer_free().  Borrows the budget and the memory, in which the
 * peer and its sessions stand (NULL: the heap). */
struct peer *peer_new(const struct noise_identity *id,
		      const uint8_t public_key[MESSAGE_KEY_LEN], uint32_t seed,
		      struct peer_stage_budget *budget,
		      const struct secret_memory *memory);
/* Its indexes, prefixes and deadline were given back before. */
void peer_free(struct peer *p);

/* Copies a packet to the end of the queue.  True when a packet was dropped for
 * it: the oldest, or this one when the common budget is used up. */
bool peer_stage(struct peer *p, struct span packet);
/* The oldest staged packet, with room for header, padding and tag around it,
 * or NULL.  Returns owned: peer_staged_free(). */
struct peer_staged *peer_unstage(struct peer *p);
void peer_staged_free(struct peer_staged *s);
uint8_t *peer_staged_packet(struct peer_staged *s, size_t *n);
void peer_stage_clear(struct peer *p);

#endif
