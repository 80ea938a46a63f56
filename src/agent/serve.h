/* serve: the agent's status socket: GET /v1/status. */
#ifndef POSTERN_AGENT_SERVE_H
#define POSTERN_AGENT_SERVE_H

#include "agent/status.h"
#include "io/loop.h"

struct serve;

/* RC_SYS: error says which socket and why.  Borrows sources for its life;
 * returns owned: serve_free(). */
enum rc serve_new(struct serve **out, struct loop *loop,
		  const struct status_sources *sources,
		  char error[NODE_ERROR_MAX]);
void serve_free(struct serve *s);

#endif
