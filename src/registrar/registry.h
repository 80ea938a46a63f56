/*
 * registry: the leases of this gateway: who may send through the tunnel, at
 * which address, until when.
 *
 * Each lease is in three places that follow one order.  Granting: the store,
 * then the WireGuard peer, then (by the caller) the assignment to the CVM, so
 * that no CVM is told of a tunnel that is not there.  Ending: the WireGuard
 * peer, then the store, so that nothing passes after the end.  Time left is
 * counted on the clock that the host cannot set back.
 *
 * An instance keeps its address for ever, and its id stays its app's as long.
 * An operator's withdrawal keeps it out for one lease, or until this program
 * starts again: the list of those is in memory alone.  Whom to keep out for
 * good says the configuration ('apps') or the policy.
 */
#ifndef POSTERN_REGISTRAR_REGISTRY_H
#define POSTERN_REGISTRAR_REGISTRY_H

#include "base/buf.h"
#include "channel/session.h"
#include "io/log.h"
#include "io/loop.h"
#include "node/tunnel.h"
#include "node/trust.h"
#include "registrar/config.h"
#include "store/store.h"

struct registry;

struct lease {
	struct store_lease record;
	struct registry *registry;
	struct loop_timer lapse;
	/* The quote that it rests on. */
	struct buf quote;
	/* The channel that renews it; NULL: the connection was lost. */
	void *holder;
};

struct registry_options {
	struct loop *loop;
	struct store *store;
	struct tunnel *device;
	struct trust *trust;
	const struct config *config;
	const struct log *log;
	/* A lease with a holder ends (not through registry_forget_holder):
	 * tell it.  The lease is gone when this returns. */
	void (*ended)(void *holder, enum channel_reason why);
};

/* Copies options.  Returns owned: registry_free(), which ends no lease. */
struct registry *registry_new(const struct registry_options *options);
void registry_free(struct registry *r);

/*
 * Takes over the leases in the store.  Each is judged as if it were asked for
 * now: one that ran out, of another boot of the kernel, of an app or a network
 * that the configuration does not have any more, or on a quote that is refused
 * now is removed.  Of the others, those whose peer is still in the interface go
 * on, and the rest wait in the store for their CVM to register anew.
 */
enum rc registry_restore(struct registry *r);

enum grant {
	GRANT_OK,
	GRANT_NO_ADDRESS, /* the network is full */
	GRANT_KEY_IN_USE, /* by another instance, or by this gateway */
	/* the instance id is another app's, or an app's own id */
	GRANT_OTHER_APP,
	GRANT_DENIED, /* withdrawn by the operator, less than a lease ago */
	GRANT_FAILED, /* store or interface; logged */
};

/* What a lease is granted on. */
struct grant_request {
	const struct channel_peer *peer;
	const uint8_t *app_id; /* STORE_ID_LEN bytes: its standing */
	const uint8_t *wg_public; /* 32 bytes */
	const struct key32 *psk;
	struct span quote;
	void *holder; /* takes the place of another one, which is told */
};
/* Grants or renews; *out is borrowed until the lease ends. */
enum grant registry_grant(struct registry *r, struct lease **out,
			  const struct grant_request *request);

/* Whether the instance may register at all; GRANT_OK, _DENIED, _OTHER_APP. */
enum grant registry_admits(const struct registry *r,
			   const uint8_t instance_id[STORE_ID_LEN],
			   const uint8_t app_id[STORE_ID_LEN]);

/* The holder is gone; the lease stays until it lapses. */
void registry_forget_holder(struct lease *l);

/* Ends a lease now. */
void registry_end(struct lease *l, enum channel_reason why,
		  const char *detail);
/* Ends it for the operator; the instance is refused for one lease's time. */
void registry_withdraw(struct lease *l);
/* Lifts that.  False: it was not refused. */
bool registry_allow(struct registry *r, const uint8_t id[STORE_ID_LEN]);

/* Judges every lease's evidence anew, and ends what is refused now. */
void registry_judge(struct registry *r);

struct lease *registry_find(const struct registry *r,
			    const uint8_t instance_id[STORE_ID_LEN]);
size_t registry_count(const struct registry *r);
/* In order of instance id; index < registry_count(). */
struct lease *registry_at(const struct registry *r, size_t index);

#endif
