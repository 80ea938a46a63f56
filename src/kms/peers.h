/*
 * peers: the calling side: a channel to each other node that the configuration
 * names, over which this node tells what it holds and learns what the other
 * holds of that.  Each node calls each other one; what one does not tell, the
 * other will.
 *
 * Nothing is told before the other side was verified as a node: the same
 * measurement and app as ours, or one that the policy lists, and an instance
 * that the policy names; and nothing that is not on this node's own disk yet.
 */
#ifndef POSTERN_KMS_PEERS_H
#define POSTERN_KMS_PEERS_H

#include "channel/batch.h"
#include "kms/service.h"
#include "node/trust.h"
#include "tls/tls.h"

struct peers;

struct peers_options {
	struct loop *loop;
	struct tls_context *tls;
	struct batch *batch;
	struct trust *trust;
	struct span claims; /* of purpose "kms" */
	const struct config *config;
	struct service *service;
	/* Another node answered: something may be held by enough now. */
	void (*answered)(void *arg);
	void *arg;
};

/* Copies options; returns owned: peers_free(). */
struct peers *peers_new(const struct peers_options *options);
void peers_free(struct peers *p);

/* Tells what is new; calls where there is no channel and it is time. */
void peers_tell(struct peers *p);
/* Ends every channel: the others must be verified anew. */
void peers_end_all(struct peers *p);

enum peer_state {
	PEER_AWAY, /* not connected */
	PEER_CALLING, /* up to being verified */
	PEER_BEHIND, /* told, and has not everything */
	PEER_EVEN,
	PEER_SELF, /* the address is our own */
};
const char *peer_state_name(enum peer_state s);

struct peer_status {
	struct sock_addr address;
	enum peer_state state;
	bool is_known; /* it was verified at least once */
	uint8_t instance[KEYS_ID_LEN];
	char why[160]; /* it is away; "" else */
};
/* False: there are no more. */
bool peers_status(const struct peers *p, size_t index, struct peer_status *out);

#endif
