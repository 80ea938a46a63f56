/*
 * confine: what postern-cert gives up: every capability and every file that
 * its configuration does not name; system calls by node/confinement.h.  The
 * starting of programs is left to the runner.
 */
#ifndef POSTERN_CERTD_CONFINE_H
#define POSTERN_CERTD_CONFINE_H

#include "certd/config.h"
#include "io/log.h"
#include "node/error.h"

/* Before threads.  RC_SYS, RC_LIMIT: error says which step and why. */
enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX]);

#endif
