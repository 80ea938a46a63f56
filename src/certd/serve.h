/*
 * serve: the sockets of postern-cert.
 *
 *   admin    its owner's: GET /v1/status; POST /v1/renew, /v1/revoke,
 *            /v1/account/key, /v1/account/new, /v1/caa/look,
 *            /v1/ct/revoke, /v1/serve: asked for, done by and by, seen in
 *            the status
 *   keys     the edge's: GET /v1/tls: certificates with their private keys
 *   public   the edge's, for its clients: evidence, published and fresh
 *   metrics  everyone's: GET /metrics
 *
 * One loop, the main thread's; nothing here blocks.
 */
#ifndef POSTERN_CERTD_SERVE_H
#define POSTERN_CERTD_SERVE_H

#include "certd/issuer.h"
#include "io/loop.h"
#include "quoting/source.h"

struct serve_options {
	struct loop *loop;
	const struct config *config;
	const struct log *log;
	struct issuer *issuer;
	struct shelf *shelf;
	struct alarm *alarm;
	struct audit *audit;
	struct custody *custody;
	struct quote_source *source;
	struct span eventlog;
};

struct serve;

/* RC_SYS: error says which socket and why.  Returns owned: serve_free(). */
enum rc serve_new(struct serve **out, const struct serve_options *o,
		  char error[NODE_ERROR_MAX]);
void serve_free(struct serve *s);

#endif
