/*
 * ratelimit: how many handshakes are worth doing: a limit per source network
 * (/32 of IPv4, /64 of IPv6), and a detector of load over all of them.
 *
 * Both are asked after cheap checks and before public-key work.
 *
 * Source: WireGuard whitepaper §5.3 (denial of service mitigation).
 */
#ifndef POSTERN_WIREGUARD_RATELIMIT_H
#define POSTERN_WIREGUARD_RATELIMIT_H

#include <stdatomic.h>

#include "base/secret.h"
#include "wireguard/endpoint.h"

enum {
	RATELIMIT_PER_SECOND = 20, /* handshakes a source network */
	RATELIMIT_BURST = 5,
	RATELIMIT_SETS = 1024,
	RATELIMIT_WAYS = 8,

	LOAD_PER_SECOND = 500, /* handshake messages on the whole device */
	LOAD_BURST = 100,
	LOAD_HOLD_MS = 1000, /* how long load lasts after the last excess */
};

/* One source network: tokens are in milliseconds of waiting already paid. */
struct ratelimit_entry {
	uint64_t network; /* keyed hash */
	uint64_t seen_ms;
	uint32_t tokens_ms;
};

/* Bounded: a set of RATELIMIT_WAYS entries for each hash.  May be asked by
 * several threads at once. */
struct ratelimit {
	struct key32 key; /* so that nobody can aim at one set */
	struct ratelimit_entry *entries;
	atomic_flag *busy; /* of each set: a thread is at it */
};

void ratelimit_init(struct ratelimit *r);
void ratelimit_fini(struct ratelimit *r);

/*
 * True, and it is counted, when the source's network may do one more.  A new
 * network takes the place of one that has been idle long enough to have its
 * whole burst again; when its set has none such, or another thread does not
 * leave the set, it is refused.
 */
[[nodiscard]] bool ratelimit_allow(struct ratelimit *r,
				   const struct endpoint *source,
				   uint64_t now_ms);

/* Zeroed: no load.  May be asked by several threads at once. */
struct ratelimit_load {
	_Atomic uint64_t paid_ms; /* up to when the messages so far are worth */
	_Atomic uint64_t until_ms; /* when load is over; 0: there was none */
};

/* Counts one handshake message.  True while there is load. */
bool ratelimit_under_load(struct ratelimit_load *l, uint64_t now_ms);

#endif
