/*
 * api: what the registrar answers over HTTP: the admin API for its operator,
 * and the status page for everyone.
 *
 * Answers only; the servers are http's.  What the status page says to everyone
 * is in page.h.
 *
 * Source: postern-registrar(8).
 */
#ifndef POSTERN_REGISTRAR_API_H
#define POSTERN_REGISTRAR_API_H

#include "http/server.h"
#include "registrar/gate.h"
#include "registrar/live.h"

struct api {
	const struct config *config;
	const struct identity *identity;
	struct registry *registry;
	struct store *store;
	struct gate *gate;
	struct tunnel *device;
	struct trust *trust;
	bool quotes_are_simulated;
	uint64_t started_ms; /* on the clock since boot */
	struct live live; /* of the edge, for the status page */
};

/*
 * Both take a struct api.
 *
 * GET /v1/status, /v1/leases, /v1/refusals;
 * DELETE /v1/leases/<instance> withdraws, DELETE /v1/denied/<instance> lets a
 * withdrawn instance back in; PUT /v1/drained/<instance> takes an instance out
 * of the edge's choice for new connections, DELETE puts it back.
 */
http_handler_fn api_admin;
/* GET / and /status.json. */
http_handler_fn api_status;

#endif
