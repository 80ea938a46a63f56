/*
 * verify_conn: one TLS 1.3 connection to the host that is verified, and HTTP
 * requests over it, one after another.  Blocks.
 *
 * The server's certificate is taken as it is and judged afterwards; so nothing
 * that matters is sent.  Bodies are bounded, redirects are not followed.
 */
#ifndef POSTERN_CLI_VERIFY_CONN_H
#define POSTERN_CLI_VERIFY_CONN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "evidence/material.h"

enum {
	CONN_ERROR_MAX = 320,
	CONN_TIMEOUT_MS = 15 * 1000, /* of each step */
};

struct verify_conn;

struct conn_target {
	const char *host; /* SNI and Host */
	const char *port; /* "443" */
	const char *connect; /* address and port to go to instead; NULL: none */
	uint64_t give_up_at_ms; /* of clock_boot_ms(): the end of all steps */
};

/*
 * Connects and shakes hands; *tls then says what of the session matters, its
 * spans in the arena.  False: error says why not, for a person.  Returns owned:
 * verify_conn_free().
 */
bool verify_conn_open(struct verify_conn **out, struct material_tls *tls,
		      struct arena *arena, const struct conn_target *target,
		      char error[CONN_ERROR_MAX]);
void verify_conn_free(struct verify_conn *c);
/* For AUTO(). */
void verify_conn_auto(struct verify_conn **c);

/* An answer; body in the arena. */
struct conn_answer {
	unsigned status;
	struct span location; /* of a redirect; or empty */
	struct span body;
};
/*
 * GET, or POST of 'body' as JSON where that is not empty.  False: the
 * connection is broken, or the answer's body is larger than 'max'; error says
 * why, and no further request can be made.
 */
bool verify_conn_ask(struct conn_answer *out, struct verify_conn *c,
		     struct arena *arena, const char *path, struct span body,
		     size_t max, char error[CONN_ERROR_MAX]);

#endif
