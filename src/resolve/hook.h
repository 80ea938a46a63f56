/*
 * hook: a program of the operator that puts challenges in place, called as
 * uacme calls its hooks:
 *
 *	PROGRAM begin|done|failed TYPE IDENT TOKEN AUTH
 *
 * and, for scripts written for certbot, with CERTBOT_DOMAIN, CERTBOT_TOKEN,
 * CERTBOT_VALIDATION and CERTBOT_REMAINING_CHALLENGES (0) in its environment,
 * which beside them holds PATH alone.  No shell.  Blocks.
 *
 * Source: uacme(1), hook scripts; certbot's manual plugin.
 */
#ifndef POSTERN_RESOLVE_HOOK_H
#define POSTERN_RESOLVE_HOOK_H

#include "base/buf.h"
#include "base/rc.h"

enum hook_moment {
	HOOK_BEGIN, /* put it in place; failing declines the challenge */
	HOOK_DONE, /* validated: take it away */
	HOOK_FAILED, /* not validated: take it away */
};

/* Strings are printable ASCII without white space, the program's path apart. */
struct hook_call {
	const char *program; /* absolute path */
	enum hook_moment moment;
	const char *type; /* "dns-01", ... */
	const char *ident; /* the name, without "*." */
	const char *token;
	const char *auth; /* of dns-01 the TXT value, else key authorization */
	unsigned timeout_ms;
};

/*
 * Runs it; what it writes goes to *output as far as its bound allows (NULL: it
 * is dropped).
 *
 * RC_OK         it exited with 0
 * RC_DENIED     it exited otherwise
 * RC_LIMIT      killed after timeout_ms
 * RC_MALFORMED  a path that is not absolute, a string with other bytes
 * RC_SYS        it could not be started
 */
enum rc hook_run(const struct hook_call *call, struct buf *output);

#endif
