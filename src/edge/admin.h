/*
 * admin: what the edge answers its operator over HTTP on a unix socket, and
 * everyone who may enter the metrics socket.  See postern-edge(8).
 *
 * Reads the board and the store.  Who may enter is the socket's matter: the
 * admin socket lets in root, the edge's own user and one named user, by the
 * peer's credentials.
 */
#ifndef POSTERN_EDGE_ADMIN_H
#define POSTERN_EDGE_ADMIN_H

#include "http/server.h"

/* Both take a struct master. */

/*
 * GET /v1/status, /v1/apps, /v1/instances, /v1/certificates, /v1/connections,
 * /metrics;
 * POST /v1/reload, /v1/tls, /v1/upgrade, /v1/log/<level>,
 * /v1/instances/<id>/drain, /v1/instances/<id>/undrain.
 */
http_handler_fn admin_answer;
/* GET /metrics, and /live.json: sums alone. */
http_handler_fn admin_metrics;

#endif
