/*
 * gate: the listening side: channels come in, are verified, ask, and get their
 * answers when state and audit log are on disk: all questions of one turn of
 * the loop are written at once.
 *
 * Bounds: those of node/door.h, with max_channels in all, SOURCE_MAX strangers
 * of one address, and of one address in all a quarter (at least SOURCE_MAX);
 * verified ones that are no nodes five eighths, so that nodes find room.  Who
 * is refused an answer loses its channel, unless it is a node.
 */
#ifndef POSTERN_KMS_GATE_H
#define POSTERN_KMS_GATE_H

#include "channel/batch.h"
#include "kms/service.h"
#include "node/door.h"
#include "node/trust.h"
#include "tls/tls.h"

struct gate;

struct gate_options {
	struct loop *loop;
	struct tls_context *tls;
	struct batch *batch;
	struct trust *trust;
	struct span claims; /* of purpose "kms" */
	const struct config *config;
	struct service *service;
	/* Called after each commit that may have changed something. */
	void (*committed)(void *arg);
	void *arg;
};

/* Listens.  RC_SYS with errno.  Copies options; returns owned: gate_free(). */
enum rc gate_new(struct gate **out, const struct gate_options *options);
void gate_free(struct gate *g);

/* Answers those who wait for other nodes, as far as they can be now. */
void gate_check(struct gate *g);
/* Ends every channel: peers must be verified anew. */
void gate_end_all(struct gate *g);
/* Stops listening and tells every peer that this is a shutdown. */
void gate_shutdown(struct gate *g);

struct gate_counts {
	struct door_counts door;
	size_t waiting; /* for other nodes */
};
struct gate_counts gate_counts(const struct gate *g);

#endif
