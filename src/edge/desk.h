/*
 * desk: the sockets at which a master's operator, and who collects its figures,
 * ask (see admin.h for what they are answered).
 */
#ifndef POSTERN_EDGE_DESK_H
#define POSTERN_EDGE_DESK_H

#include "base/rc.h"

struct master;

/* Opens those that are configured.  RC_SYS with errno: *at could not be. */
enum rc desk_open(struct master *m, const char **at);
/* Their places are free then: another master may take them. */
void desk_close(struct master *m);

#endif
