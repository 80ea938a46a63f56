/*
 * client: one HTTP request over a unix socket, and its whole answer; for
 * programs that may block.
 */
#ifndef POSTERN_HTTP_CLIENT_H
#define POSTERN_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/rc.h"

enum {
	HTTP_REPLY_MAX = 16 * 1024 * 1024,
};

/* What http_client_ask() got.  Zeroed: nothing. */
struct http_reply {
	unsigned status;
	struct buf body;
};

/* For AUTO(). */
void http_reply_fini(struct http_reply *r);

/*
 * Sends 'method' ("GET", "DELETE", "POST", ...) for 'path' ("/v1/leases") to
 * the server at the unix socket, with 'body' as application/json when it is not
 * empty, and reads the answer into *out, whatever its status.  Where the
 * server's queue is full it waits for a place.
 *
 * RC_SYS        nobody listens there, or it may not be entered; errno says
 * RC_CLOSED     it went away before its answer was whole
 * RC_MALFORMED  its answer is not HTTP
 * RC_LIMIT      no whole answer within timeout_ms (> 0), or a larger one than
 *               HTTP_REPLY_MAX
 *
 * On failure *out is untouched.
 */
enum rc http_client_ask(struct http_reply *out, const char *unix_path,
			const char *method, const char *path, struct span body,
			unsigned timeout_ms);

/* The same, shorter. */
enum rc http_client_get(struct http_reply *out, const char *unix_path,
			const char *path, unsigned timeout_ms);
enum rc http_client_delete(struct http_reply *out, const char *unix_path,
			   const char *path, unsigned timeout_ms);
enum rc http_client_post(struct http_reply *out, const char *unix_path,
			 const char *path, struct span body,
			 unsigned timeout_ms);

#endif
