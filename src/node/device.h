/*
 * device: the tunnel interface as this node wants it: key, address, peers.
 *
 * What is wanted is kept in memory (pre-shared keys included) and compared with
 * the interface at every tick: a userspace WireGuard that was restarted comes
 * back empty and gets everything again, and a peer nobody wants is removed.  An
 * interface that cannot be reached right now does not lose a change; the next
 * tick makes it.
 *
 * Calls block for as long as a request to the interface takes.
 */
#ifndef POSTERN_NODE_DEVICE_H
#define POSTERN_NODE_DEVICE_H

#include "node/error.h"
#include "wgctl/wgctl.h"

struct device;

enum {
	DEVICE_MTU = 1420,
	DEVICE_PEERS_MAX = 65536,
};

/* What a tick found. */
enum device_state {
	DEVICE_SAME, /* as wanted */
	DEVICE_RESTORED, /* it had lost something, which was put back */
	DEVICE_DOWN, /* it cannot be reached; device_error() says why */
};

/*
 * Takes the interface, waiting up to wait_ms for a userspace one.  'key' is the
 * private key it gets; when adopt is true and the interface has a key already,
 * that one is kept (a program that was restarted finds its old one).  Peers
 * that are there are left alone until the first tick: device_adopt() keeps
 * them.
 */
struct device_options {
	const char *interface;
	uint16_t listen_port;
	bool adopts_key;
	unsigned wait_ms;
};
enum rc device_open(struct device **out, const struct device_options *o,
		    char error[NODE_ERROR_MAX]);
void device_free(struct device *d);

enum wgctl_backend device_backend(const struct device *d);
/* The public key; with adopts_key it may be an older program's. */
const uint8_t *device_public(const struct device *d);
bool device_has_adopted(const struct device *d);

/* The interface's own address; also brings it up and routes the prefix. */
void device_set_address(struct device *d, const struct io_prefix *address);
/* Routes one more prefix through it: the only one besides the address's. */
void device_set_route(struct device *d, const struct io_prefix *to);

/*
 * Wants a peer, new or changed.  RC_OK: the interface has it.  Otherwise it is
 * still wanted, and a tick will try again; RC_LIMIT: too many, not wanted.
 */
enum rc device_peer_set(struct device *d, const struct wgctl_peer *peer);
/* As RC above.  No-op for a peer that is not wanted. */
enum rc device_peer_remove(struct device *d, const uint8_t public_key[32]);

/*
 * Wants a peer that the interface has, as it is there, with its pre-shared key;
 * false: the interface has no such peer with exactly this allowed prefix.
 */
bool device_adopt(struct device *d, const uint8_t public_key[32],
		  const struct io_prefix *allowed);

/* Compares and repairs; to be called about every second. */
enum device_state device_tick(struct device *d);
const char *device_error(const struct device *d);

/* As of the last tick; false: no such peer wanted. */
struct device_peer_stats {
	int64_t handshake_unix_s; /* 0: never */
	uint64_t rx_bytes, tx_bytes;
};
bool device_peer_stats(const struct device *d, struct device_peer_stats *out,
		       const uint8_t public_key[32]);

#endif
