/*
 * device: a WireGuard interface without the interface: datagrams, packets and
 * the time go in; datagrams, packets and the next deadline come out.
 *
 * Opens no socket, reads no clock, writes no log.  Everything a stranger can
 * make it keep is bounded; per packet it allocates only while a peer has no
 * session (bounded by the staging budget).
 *
 * A device is single-threaded.  An interface may be spread over several, one a
 * thread: each peer is at home in one of them, which alone sends, receives and
 * keeps time for it.  Key, peers and prefixes are common to all; they are
 * changed, through any of the devices, only while none of them runs, and read
 * without a lock.  What reaches a device and is another's is handed over.
 *
 * Source: WireGuard whitepaper §2 to §6.
 */
#ifndef POSTERN_WIREGUARD_DEVICE_H
#define POSTERN_WIREGUARD_DEVICE_H

#include "base/rc.h"
#include "base/secret.h"
#include "base/span.h"
#include "wireguard/allowedips.h"
#include "wireguard/endpoint.h"

struct device;
struct peer;

enum {
	DEVICE_KEY_LEN = 32,
	/* writable bytes around a packet handed to device_send() */
	DEVICE_HEADROOM = 16,
	DEVICE_TAILROOM = 15 + 16,

	DEVICE_PEERS_MAX = 65536,
	DEVICE_ALLOWED_MAX = 1 << 20,
	DEVICE_STAGED_BYTES_MAX = 16 << 20,
	DEVICE_MTU_DEFAULT = 1420,
	DEVICE_PINS_MAX = 64,
	DEVICE_SHARDS_MAX = 64, /* devices of one interface */
};

/* ms never goes back and counts sleep; unix_ns may jump, and is guarded. */
struct device_time {
	uint64_t ms;
	int64_t unix_ns;
};

/* Why something was not passed on; device_drops() counts them. */
enum device_drop {
	DEVICE_DROP_MALFORMED, /* no message of WireGuard */
	DEVICE_DROP_MAC1, /* a handshake not made for our key */
	DEVICE_DROP_COOKIE, /* under load: answered by a cookie only */
	DEVICE_DROP_RATE, /* under load: its network's share is used up */
	DEVICE_DROP_HANDSHAKE, /* a handshake that does not verify */
	DEVICE_DROP_UNKNOWN_PEER,
	DEVICE_DROP_STALE, /* replayed or superseded handshake */
	DEVICE_DROP_FLOOD, /* initiations of one peer too fast */
	DEVICE_DROP_INDEX, /* names no session or handshake of ours */
	DEVICE_DROP_EXPIRED, /* its session is too old */
	DEVICE_DROP_FORGED, /* its tag is wrong */
	DEVICE_DROP_REPLAYED,
	DEVICE_DROP_INNER, /* what it carried is no IP packet */
	DEVICE_DROP_SOURCE, /* inner source is not one of that peer's */
	DEVICE_DROP_ECN, /* met congestion, and cannot be told (RFC 6040) */
	DEVICE_DROP_PACKET, /* to send: no IP packet */
	DEVICE_DROP_UNROUTED, /* to send: no peer has that destination */
	DEVICE_DROP_NO_ENDPOINT, /* to send: nobody knows where the peer is */
	DEVICE_DROP_STAGED, /* to send: the queue of the peer was full */
	DEVICE_DROP_LOOP, /* to send: a message of ours to that very peer */
	DEVICE_DROP_HANDOVER, /* another device's, and that one was too busy */
	DEVICE_DROP_COUNT,
};
/* "malformed", "mac1", ... for logs. */
const char *device_drop_name(enum device_drop d);

enum device_event_kind {
	DEVICE_HANDSHAKE, /* a session was made */
	DEVICE_MOVED, /* the peer speaks from a new endpoint */
	DEVICE_GAVE_UP, /* no answer to initiations for 90 s */
	DEVICE_STRAYED, /* a pinned peer speaks from somewhere else */
};

/* Borrowed for the call. */
struct device_event {
	enum device_event_kind kind;
	const struct peer *peer;
};

/* A datagram or packet on its way from the device it came to, to the one whose
 * it is. */
struct device_stray;

/*
 * Where the outputs go.  Bytes are borrowed for the call, but those of a packet
 * given to device_send() or device_receive() stand in the caller's own buffer
 * and live as long as that.  None of these may call the device.
 */
struct device_sink {
	/* 'ecn' is the mark of the outer packet (wireguard/ecn.h) */
	void (*datagram)(void *arg, const struct endpoint *to,
			 struct span bytes, unsigned ecn);
	void (*packet)(void *arg, struct span packet);
	void (*event)(void *arg, const struct device_event *e); /* or NULL */
	/* to be given to device number 'shard' by device_take(); takes 's' when
	 * it returns true.  NULL: there is one device only */
	bool (*stray)(void *arg, unsigned shard, struct device_stray *s);
	/* an address block is that device's from now on; -1: nobody's.  Called
	 * of the first device only, while it is configured.  Or NULL */
	void (*route)(void *arg, const struct allowedips_prefix *p, int shard);
	void *arg;
};

/* Returns owned: device_free(), which erases every key. */
struct device *device_new(const struct device_sink *sink);
/* The same with the device, its peers and their sessions, hence every key that
 * stays, in that memory, which is borrowed.  NULL: the heap. */
struct device *device_new_in(const struct device_sink *sink,
			     const struct secret_memory *memory);
/*
 * One more device for the same interface, before that has peers.  All of them
 * are made before any runs, at most DEVICE_SHARDS_MAX, and freed after all have
 * stopped.  The first to be freed takes every peer with it; the first made, in
 * whose memory is what is common, is freed last.
 */
struct device *device_new_beside(struct device *d,
				 const struct device_sink *sink,
				 const struct secret_memory *memory);
void device_free(struct device *d);

unsigned device_shard_count(const struct device *d);
/* Number i of them; their order is that in which they were made. */
struct device *device_shard(const struct device *d, unsigned i);
/* Peers at home in this one. */
size_t device_own_count(const struct device *d);

/* What receiver indexes of messages say: their highest byte, modulo the number
 * of devices, is the number of the one they are for. */
unsigned device_index_shard(uint32_t index, unsigned shard_count);

/* A datagram received; its bytes are overwritten. */
struct device_datagram {
	struct endpoint source;
	uint8_t *bytes;
	size_t n;
	unsigned ecn; /* the mark it came with */
};
void device_receive(struct device *d, const struct device_datagram *in,
		    size_t count, struct device_time now);

/*
 * An IP packet to send.  DEVICE_HEADROOM bytes before it and, behind it, its
 * padding (message_data_padded(), at most 15) and 16 more are writable and,
 * like the packet, overwritten; no others are.
 */
struct device_packet {
	uint8_t *bytes;
	size_t n;
};
void device_send(struct device *d, const struct device_packet *in,
		 size_t count, struct device_time now);

/* What another device handed over, in that order.  Outputs that live as long as
 * the inputs live until device_stray_free(). */
void device_take(struct device *d, struct device_stray *const *in, size_t count,
		 struct device_time now);
void device_stray_free(struct device_stray *s);

/* When device_expire() wants to be called, in ms; UINT64_MAX: never.  May be
 * early, never late. */
uint64_t device_deadline(const struct device *d);
void device_expire(struct device *d, struct device_time now);

const uint64_t *device_drops(const struct device *d);
/* How much it has handed over to others. */
uint64_t device_handed(const struct device *d);

enum {
	DEVICE_BATCH_SIZES = 8,
};
enum device_direction {
	DEVICE_SENT,
	DEVICE_RECEIVED,
};
/* How many data messages were encrypted or decrypted at once. */
struct device_batches {
	/* of at most 1, 2, 4, ... 128 messages, and more than the one before */
	uint64_t of[DEVICE_BATCH_SIZES];
	uint64_t packets; /* in all of them */
};
const struct device_batches *device_batches(const struct device *d,
					    enum device_direction direction);

/* -- configuration: of the whole interface, through any of its devices -- */

/* Padding never makes a packet longer than this. */
void device_set_mtu(struct device *d, size_t mtu);

/* When the key is another than before every session ends, and a peer with this
 * very key is removed.  All zero: no key. */
void device_set_key(struct device *d, const struct key32 *secret);
const struct key32 *device_key(const struct device *d);
/* NULL: no key is set. */
const uint8_t *device_public_key(const struct device *d);

/*
 * Pins a peer, there already or to come, or all peers, for good.  The endpoint
 * that is set for a pinned peer stays: what authentic comes from elsewhere is
 * taken, and reported, but all answers go to that endpoint.  One for which none
 * was set is followed like any other.
 *
 * RC_LIMIT: DEVICE_PINS_MAX keys are pinned.
 */
enum rc device_pin(struct device *d, const uint8_t public_key[DEVICE_KEY_LEN]);
void device_pin_all(struct device *d);

size_t device_peer_count(const struct device *d);
struct peer *device_peer_find(const struct device *d,
			      const uint8_t public_key[DEVICE_KEY_LEN]);
/*
 * A new peer is at home where there are fewest.
 *
 * RC_OK      *out is the peer, which may have been there already
 * RC_LIMIT   DEVICE_PEERS_MAX peers
 * RC_DENIED  it is our own key
 */
enum rc device_peer_add(struct device *d, struct peer **out,
			const uint8_t public_key[DEVICE_KEY_LEN]);
/* Its sessions end and 'p' is dead. */
void device_peer_remove(struct device *d, struct peer *p);
void device_peers_clear(struct device *d);
/* In the order they were added; NULL begins and ends. */
struct peer *device_peer_next(const struct device *d, const struct peer *p);

/* Used from the next handshake on; zero: none. */
void device_peer_set_psk(struct peer *p, const struct key32 *psk);
void device_peer_set_endpoint(struct peer *p, const struct endpoint *e);
/* Seconds; 0 turns it off. */
void device_peer_set_keepalive(struct device *d, struct peer *p,
			       uint16_t seconds, struct device_time now);
/* RC_LIMIT: DEVICE_ALLOWED_MAX prefixes. */
enum rc device_peer_allow(struct device *d, struct peer *p,
			  const struct allowedips_prefix *prefix);
void device_peer_disallow(struct device *d, struct peer *p,
			  const struct allowedips_prefix *prefix);
void device_peer_disallow_all(struct device *d, struct peer *p);
/* Sends what was staged, beginning a handshake when there is need. */
void device_peer_flush(struct device *d, struct peer *p,
		       struct device_time now);

/* What there is to see of a peer; pointers borrow it. */
struct device_peer_view {
	const uint8_t *public_key;
	const struct key32 *psk;
	const struct endpoint *endpoint; /* NULL: unknown */
	const struct allowedips_owner *allowed;
	int64_t handshake_unix_ns; /* 0: never */
	uint64_t rx_bytes, tx_bytes;
	uint16_t keepalive_s;
};
struct device_peer_view device_peer_view(const struct peer *p);

#endif
