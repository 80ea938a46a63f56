/*
 * gate: the registrar's listening side: channels come in, are judged, and get
 * leases from the registry.
 *
 * Bounds: those of node/door.h, with max_channels in all and SOURCE_MAX
 * strangers of one address.  What a stranger causes is logged under a limit.
 */
#ifndef POSTERN_REGISTRAR_GATE_H
#define POSTERN_REGISTRAR_GATE_H

#include "channel/batch.h"
#include "node/door.h"
#include "node/identity.h"
#include "registrar/refusals.h"
#include "registrar/registry.h"
#include "tls/tls.h"

struct gate;

struct gate_options {
	struct loop *loop;
	struct tls_context *tls;
	struct batch *batch;
	struct registry *registry;
	struct store *store;
	struct tunnel *device;
	struct trust *trust;
	const struct identity *identity;
	const struct config *config;
	const struct log *log;
};

/* Listens.  RC_SYS with errno.  Copies options; returns owned: gate_free(). */
enum rc gate_new(struct gate **out, const struct gate_options *options);
void gate_free(struct gate *g);

/* For registry_options.ended; the holder is the gate's. */
void gate_lease_ended(void *holder, enum channel_reason why);

/* Stops listening and tells every peer that this is a shutdown. */
void gate_shutdown(struct gate *g);

struct door_counts gate_counts(const struct gate *g);
const struct refusals *gate_refusals(const struct gate *g);

#endif
