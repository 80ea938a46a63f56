/*
 * api: the administrator's HTTP, for the socket's owner alone.
 *
 *   GET  /v1/status      identity, cluster, nodes, audit log, counts
 *   POST /v1/bootstrap   body: a signed policy; founds the cluster, once
 *   POST /v1/policy      body: a signed policy; 200 once this node has it
 *   POST /v1/rotate      begins the next epoch
 *   GET  /v1/policy      the signed policy in force
 *   GET  /metrics        OpenMetrics text
 *
 * A refusal is {"error": "<reason>", "detail": "..."} with status 409.
 *
 * Source: postern-kms(8).
 */
#ifndef POSTERN_KMS_API_H
#define POSTERN_KMS_API_H

#include "http/server.h"
#include "kms/gate.h"
#include "kms/peers.h"

struct api {
	struct service *service;
	struct gate *gate;
	struct peers *peers;
	struct loop *loop;
	bool is_simulated;
	struct p256_point audit_key;
	uint64_t started_ms;
	/* Something may have changed. */
	void (*committed)(void *arg);
	void *arg;
};

/* arg is a struct api. */
http_handler_fn api_handle;

#endif
