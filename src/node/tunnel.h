/*
 * tunnel: the WireGuard interface as this node wants it: key, address, peers.
 *
 * What is wanted is kept in memory (keys in an io/vault.h) and compared with
 * the interface at every tick: a userspace WireGuard that was restarted comes
 * back empty and gets everything again, and a peer nobody wants is removed.  An
 * interface that cannot be reached right now does not lose a change; the next
 * tick makes it.
 *
 * Calls block for as long as a request to the interface takes.  One that does
 * not answer is asked again after one tick, then two, at most eight; until then
 * calls fail at once.
 */
#ifndef POSTERN_NODE_TUNNEL_H
#define POSTERN_NODE_TUNNEL_H

#include "io/log.h"
#include "node/error.h"
#include "wgctl/wgctl.h"

struct tunnel;

enum {
	TUNNEL_MTU = 1420,
	TUNNEL_STEP_MS = 100,
	TUNNEL_PEERS_MAX = 65536,
};

/* What a tick found. */
enum tunnel_state {
	TUNNEL_SAME, /* as wanted */
	TUNNEL_RESTORED, /* it had lost something, which was put back */
	TUNNEL_DOWN, /* it cannot be reached; tunnel_error() says why */
};

/*
 * Takes the interface, waiting up to wait_ms for a userspace one, and gives it
 * a private key made here; with adopts_key one that it has already is kept (a
 * program that was restarted finds its old one).  Peers that are there are left
 * alone until the first tick: tunnel_adopt() keeps them.
 */
struct tunnel_options {
	const char *interface;
	uint16_t listen_port;
	bool adopts_key;
	unsigned wait_ms;
};
enum rc tunnel_open(struct tunnel **out, const struct tunnel_options *o,
		    char error[NODE_ERROR_MAX]);
void tunnel_free(struct tunnel *d);

/* The guards (io/vault.h) that the memory of its keys lacks; 0: none. */
unsigned tunnel_unguarded(const struct tunnel *d);

/* What it was when it was opened; it stays so. */
enum wgctl_backend tunnel_backend(const struct tunnel *d);
/* The public key; with adopts_key it may be an older program's. */
const uint8_t *tunnel_public(const struct tunnel *d);
bool tunnel_has_adopted(const struct tunnel *d);

/* The interface's own address; also brings it up and routes the prefix. */
void tunnel_set_address(struct tunnel *d, const struct io_prefix *address);
/* Routes one more prefix through it: the only one besides the address's. */
void tunnel_set_route(struct tunnel *d, const struct io_prefix *to);

/*
 * Wants a peer, new or changed.  RC_OK: the interface has it.  Otherwise it is
 * still wanted, and a tick will try again; RC_LIMIT: too many, not wanted.
 */
enum rc tunnel_peer_set(struct tunnel *d, const struct wgctl_peer *peer);
/* As RC above.  No-op for a peer that is not wanted. */
enum rc tunnel_peer_remove(struct tunnel *d, const uint8_t public_key[32]);

/*
 * Wants a peer that the interface has, as it is there, with its pre-shared key;
 * false: the interface has no such peer with exactly this allowed prefix.
 */
bool tunnel_adopt(struct tunnel *d, const uint8_t public_key[32],
		  const struct io_prefix *allowed);

/* Compares and repairs. */
enum tunnel_state tunnel_tick(struct tunnel *d);
const char *tunnel_error(const struct tunnel *d);
/* tunnel_tick(), and logs that it went down or lost something. */
void tunnel_check(struct tunnel *d, const struct log *log);
/*
 * To be called every TUNNEL_STEP_MS: checks once a second, and at each step
 * while a new peer has not been heard, for some seconds.  Only where a peer was
 * heard can a handshake begin at this end, should the interface lose all.
 */
void tunnel_step(struct tunnel *d, const struct log *log);

/* As of the last tick; false: no such peer wanted. */
struct tunnel_peer_stats {
	int64_t handshake_unix_s; /* 0: never */
	uint64_t rx_bytes, tx_bytes;
};
bool tunnel_peer_stats(const struct tunnel *d, struct tunnel_peer_stats *out,
		       const uint8_t public_key[32]);

#endif
