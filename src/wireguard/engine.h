/*
 * engine: the inside of a device, shared by the modules that make it up:
 * device, roster (configuration), handshake, receive, send and stray.
 */
#ifndef POSTERN_WIREGUARD_ENGINE_H
#define POSTERN_WIREGUARD_ENGINE_H

#include <stdatomic.h>

#include "crypto/chapoly.h"
#include "wireguard/device.h"
#include "wireguard/map.h"
#include "wireguard/peer.h"
#include "wireguard/ratelimit.h"

enum {
	ENGINE_BATCH = 128, /* data messages encrypted or decrypted at once */
};

/* Data messages whose header is written and which wait to be sealed. */
struct engine_outgoing {
	size_t count;
	struct chapoly_job jobs[ENGINE_BATCH];
	struct peer *peers[ENGINE_BATCH];
	unsigned ecn[ENGINE_BATCH];
};

/* Data messages received, of sessions there are, that wait to be opened. */
struct engine_incoming {
	size_t count;
	struct chapoly_job jobs[ENGINE_BATCH];
	const struct device_datagram *datagrams[ENGINE_BATCH];
	struct peer *peers[ENGINE_BATCH];
	uint32_t receivers[ENGINE_BATCH];
};

/*
 * What all devices of one interface have together.  Written only while none of
 * them runs, but for what is atomic; so that any of them reads it as it is.
 */
struct common {
	struct device *shards[DEVICE_SHARDS_MAX];
	unsigned shard_count;
	const struct secret_memory *memory; /* where it stands */
	struct noise_identity identity;
	struct allowedips allowed;
	struct map keys; /* keyed hash of the public key -> peer */
	struct key32 hash_key;
	struct peer *first, *last;
	size_t peer_count;
	uint8_t pins[DEVICE_PINS_MAX][DEVICE_KEY_LEN]; /* public keys */
	size_t pin_count;
	bool pins_all;
	/* what running devices write is last, apart from what they read */
	struct cookie_root cookies;
	struct ratelimit_load load;
	struct ratelimit limits;
	struct peer_stage_budget staged;
	/* wall time at ms 0, as first seen; 0: not yet */
	_Atomic int64_t clock_ns;
};

struct device {
	struct common *common;
	unsigned shard; /* its number among them */
	struct device_sink sink;
	const struct secret_memory *memory; /* where it and its peers stand */
	struct chapoly *cipher;
	struct engine_outgoing outgoing; /* empty between calls */
	struct engine_incoming incoming;
	struct device_batches batches[2]; /* by enum device_direction */
	const struct noise_identity *identity; /* the common one */
	const struct allowedips *allowed; /* the common ones */
	struct cookie_checker cookies;
	struct map indexes; /* local index -> peer */
	struct deadlines deadlines;
	size_t own_count; /* of the peers that are its own */
	size_t mtu;
	uint64_t drops[DEVICE_DROP_COUNT];
	uint64_t handed; /* over to other devices */
};

/* -- device.c -- */
void engine_drop(struct device *d, enum device_drop why);
void engine_batch(struct device *d, enum device_direction direction, size_t n);
void engine_event(struct device *d, enum device_event_kind kind,
		  const struct peer *p);
/* A random index, never 0, that leads to the peer from now on; it also tells
 * which of the devices this one is (device_index_shard()). */
uint32_t engine_index_new(struct device *d, struct peer *p);
void engine_index_free(struct device *d, uint32_t index);
/* For keypairs_*: gives back the index of a session that dies. */
struct keypair_gone engine_gone(struct device *d);
/* The peer's timers changed: makes sure the device wakes in time. */
void engine_schedule(struct device *d, struct peer *p);
/* Ends the peer's sessions; or the handshake under way, too. */
void engine_forget_sessions(struct device *d, struct peer *p);
void engine_forget_keys(struct device *d, struct peer *p);
/* An authentic message came from there. */
void engine_heard(struct device *d, struct peer *p, const struct endpoint *from,
		  size_t n, struct device_time now);

/* -- handshake.c -- */
/* Sends an initiation unless one was sent lately; is_retry: not a new
 * attempt. */
void engine_initiate(struct device *d, struct peer *p, bool is_retry,
		     struct device_time now);
void engine_take_initiation(struct device *d, const struct device_datagram *in,
			    struct device_time now);
/* The rest of it, when another device of the interface has found out whose it
 * is and that it is worth the work. */
void engine_accept_initiation(struct device *d,
			      const struct device_datagram *in,
			      const struct noise_opening *o,
			      struct device_time now);
void engine_take_response(struct device *d, const struct device_datagram *in,
			  struct device_time now);
void engine_take_cookie(struct device *d, const struct device_datagram *in,
			struct device_time now);

/* The initiator has proved that it has the session too. */
void engine_confirmed(struct device *d, struct peer *p, struct device_time now);

/* -- send.c -- */
/* Sends, or stages, one packet with room around it; n == 0 is a keepalive.
 * What is sent stays where it is, to be sealed with others, until
 * engine_seal(). */
void engine_send(struct device *d, struct peer *p, uint8_t *bytes, size_t n,
		 struct device_time now);
/* Seals what is to be sent, all at once, and hands it to the sink. */
void engine_seal(struct device *d, struct device_time now);
/* Sends what is staged; begins a handshake when that needs one. */
void engine_flush(struct device *d, struct peer *p, struct device_time now);
/* Sends what is staged, or when nothing is, an empty packet. */
void engine_keepalive(struct device *d, struct peer *p, struct device_time now);
/* Hands a whole datagram to the sink and counts it. */
void engine_emit(struct device *d, struct peer *p, struct span bytes,
		 unsigned ecn, struct device_time now);

/* -- stray.c -- */
/* What came here and is another device's is handed over to that one; counted as
 * dropped when it does not take it.  A datagram whose receiver is of no session
 * here: false when it is of no other device either. */
[[nodiscard]] bool engine_stray_datagram(struct device *d, uint32_t receiver,
					 const struct device_datagram *in);
void engine_stray_initiation(struct device *d, struct device *to,
			     const struct device_datagram *in,
			     const struct noise_opening *o);
void engine_stray_packet(struct device *d, struct device *to,
			 struct span packet);

/* -- receive.c -- */
/* What stands in an IP packet: its length and where the source and destination
 * are.  False when it is not one, or is longer than n. */
struct engine_ip {
	bool is_v6;
	size_t n;
	const uint8_t *source, *destination;
};
bool engine_ip_read(struct engine_ip *out, struct span packet);

#endif
