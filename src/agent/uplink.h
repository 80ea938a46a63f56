/*
 * uplink: the way to the gateway: the attested channel, and the tunnel that it
 * pays for.
 *
 * Connects, verifies the gateway, gives its WireGuard key, takes the
 * assignment, renews before the lease ends, and begins again, with growing
 * pauses, whenever the channel is lost.  The tunnel outlives the connection but
 * never the lease: at its end, when the gateway withdraws it, or when one side
 * refuses the other as who it is (channel_reason_ends_lease), the peer is
 * removed and the firewall closed at once.
 */
#ifndef POSTERN_AGENT_UPLINK_H
#define POSTERN_AGENT_UPLINK_H

#include "agent/config.h"
#include "agent/firewall.h"
#include "agent/measured.h"
#include "channel/batch.h"
#include "channel/session.h"
#include "io/log.h"
#include "io/loop.h"
#include "node/tunnel.h"
#include "node/identity.h"
#include "node/trust.h"
#include "tls/tls.h"

struct uplink;

struct uplink_options {
	struct loop *loop;
	struct tls_context *tls;
	struct batch *batch;
	struct tunnel *device;
	struct firewall *firewall; /* NULL: the configuration has none */
	struct trust *trust;
	const struct identity *identity;
	struct measured *measured; /* 'batch' quotes through it */
	const struct config *config;
	const struct log *log;
};

/* Starts connecting.  Copies options.  Returns owned: uplink_free(). */
struct uplink *uplink_new(const struct uplink_options *options);
/* Cuts the tunnel. */
void uplink_free(struct uplink *u);

/* Says good-bye to the gateway, cuts the tunnel, and stays so. */
void uplink_shutdown(struct uplink *u);

/* Judges the gateway's last evidence anew; refused: the tunnel is cut. */
void uplink_judge(struct uplink *u);

enum uplink_state {
	UPLINK_WAITING, /* before the next try */
	UPLINK_CONNECTING, /* up to TLS */
	UPLINK_ATTESTING, /* evidence is going to and fro */
	UPLINK_UP, /* the channel is open and holds a lease */
	UPLINK_STOPPED,
};
const char *uplink_state_name(enum uplink_state s);

enum {
	UPLINK_REFUSALS_MAX = 16,
};

struct uplink_refusal {
	int64_t at_unix_ms;
	enum channel_reason reason;
	char detail[CHANNEL_DETAIL_MAX];
	bool by_peer; /* the gateway refused us; else we it */
	bool keys_exchanged; /* our WireGuard key had been sent */
};

/* The gateway as its evidence said, last time it was verified. */
struct uplink_gateway {
	bool is_known;
	bool is_simulated;
	uint8_t app_id[MANIFEST_ID_LEN], instance_id[MANIFEST_ID_LEN];
	char node_id[64], image[64], tcb_status[64];
};

struct uplink_status {
	enum uplink_state state;
	bool has_lease;
	uint64_t lease_left_ms;
	uint32_t registrations, renewals; /* since the start */
	struct channel_assignment assignment; /* of the lease */
	struct uplink_gateway gateway;
	struct tunnel_peer_stats traffic;
	uint64_t refusal_count; /* since the start */
	struct uplink_refusal refusals[UPLINK_REFUSALS_MAX]; /* newest first */
	size_t refusals_kept;
};
void uplink_status(const struct uplink *u, struct uplink_status *out);

#endif
