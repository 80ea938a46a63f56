/*
 * access: the line about a connection that has ended, and the one about a
 * connection that was not let in.  Nothing of what was said on it.
 */
#ifndef POSTERN_EDGE_ACCESS_H
#define POSTERN_EDGE_ACCESS_H

#include "edge/conn.h"

/* event=connection */
void access_log(struct worker *w, const struct conn *c);
/* event=refused */
void access_refused(struct worker *w, const struct sock_addr *peer,
		    const char *reason);

/* "pass", "terminate" or "refuse": what was decided of it; "plain": it is one
 * without TLS. */
const char *access_mode(const struct conn *c);

#endif
