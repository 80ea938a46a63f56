/*
 * conn: one client's connection from accept to the access log line.
 *
 *   HELLO      read the PROXY header of a listed source, then the
 *              ClientHello (greeting.h); route, refuse or go on (way.h).
 *              Without TLS: a request, answered at once (plain.h)
 *   LOOKUP     wait for the DNS to say where a custom name leads (way.h)
 *   HANDSHAKE  TLS ends here: shake hands (shake.h)
 *   REQUEST    wait for the client's first bytes before connecting, a whole
 *              head where heads are read (opening.h)
 *   CONNECT    find a target that answers (connect.h)
 *   RELAY      both ways (relay.h)
 *   DRAIN      the edge's last word (an alert, a small response), then the end
 *              (farewell.h)
 *
 * Each state has a deadline.  A connection belongs to one worker, whose loop
 * runs it; conn_run() does all that can be done and is called for every event.
 */
#ifndef POSTERN_EDGE_CONN_H
#define POSTERN_EDGE_CONN_H

#include "edge/answer.h"
#include "edge/bulk.h"
#include "edge/connect.h"
#include "edge/route.h"
#include "edge/side.h"
#include "sni/hello.h"
#include "tls/tls.h"

struct board_app;
struct listener;
struct requests;
struct worker;
struct conn_lookup;

enum {
	/* Room beside limits.buffer: for a PROXY header before one, for what
	 * TLS adds to it. */
	CONN_SLACK = 8 * 1024,
	CONN_ID_LEN = 16,
};

enum conn_state {
	CONN_HELLO,
	CONN_LOOKUP,
	CONN_HANDSHAKE,
	CONN_REQUEST,
	CONN_CONNECT,
	CONN_RELAY,
	CONN_DRAIN,
	CONN_DEAD, /* closed; freed at the end of the turn */
};

struct conn {
	struct worker *worker;
	struct conn *prev, *next; /* the worker's list */
	enum conn_state state;
	struct side client, backend;
	struct sock_addr peer; /* the client, also behind a load balancer */
	struct loop_timer timer;

	/* HELLO: the stream so far, and the message in it. */
	struct buf stream;
	struct hello_reader reader;
	struct conn_lookup *lookup; /* LOOKUP; else NULL */

	struct route route;
	/* The app's, while c->route is that of the edge's own service (own.h);
	 * owned, else NULL. */
	struct route *app_route;
	size_t target; /* which of them is tried first or used */
	size_t tried; /* CONNECT: how many were */
	struct connect_rivals *rivals; /* CONNECT: tried beside it, or NULL */
	bool is_loaded; /* the instance has this connection in its load */
	unsigned turn; /* among the worker's connections */
	struct tls_conn *tls; /* NULL: bytes pass as they are */
	struct requests *requests; /* NULL: nobody looks at what is said */
	uint8_t id[CONN_ID_LEN]; /* random: in logs, for the backend */

	/* What one side has sent and the other not yet taken.  'down' is not
	 * used with TLS, whose output takes its place. */
	struct buf up, down;
	struct bulk bulk_up, bulk_down; /* without TLS */
	bool is_counted; /* among its source's connections */
	bool is_plain; /* its listener is one of http.listen */
	bool has_front; /* HELLO: a PROXY header is to come before it */
	bool is_tls_broken; /* the client's TLS failed; its alert is owed */
	bool is_up_dead; /* the backend takes no more; it may still speak */
	bool is_backend_reset; /* what it said may not be all */
	bool is_deferred; /* conn_run() is due at the turn's end */
	bool is_held; /* the ticket in TLS's output waits for an answer */

	uint64_t retry_until_ms; /* CONNECT: for a queue that is full; or 0 */
	uint64_t started_ms, active_ms; /* accept; last byte moved */
	uint64_t step_ms; /* when the handshake, or an attempt, began */
	uint64_t handshake_ms, connect_ms; /* how long they took */
	uint64_t bytes_up, bytes_down; /* sent to backend, to client */
	uint64_t noted_up, noted_down; /* of these on the board */

	uint64_t source_key, app_key; /* on the board; see admit.h */
	struct board_app *app; /* NULL: not counted under an app */
	/* A word that lasts as long as the connection; NULL so far. */
	const char *result;
};

/* Takes fd on success only; of the listener's worker.  RC_SYS: it cannot be
 * watched. */
enum rc conn_start(const struct listener *l, int fd,
		   const struct sock_addr *peer, uint64_t source_key);
/* A constant word for a state. */
const char *conn_state_name(enum conn_state state);
/* Goes as far as it can.  The connection may be dead afterwards. */
void conn_run(struct conn *c);
/*
 * Ends it now, whatever its state.  The backend sees a reset, and so does the
 * client, but for one whose end is queued behind bytes that are on their way.
 */
void conn_abort(struct conn *c, const char *result);

#endif
