/*
 * confine: what the registrar gives up once it holds its interface and store,
 * and before its first thread, which would keep what it was born with: all
 * capabilities but two, and every file that its configuration does not name.
 * System calls: node/confinement.h.
 */
#ifndef POSTERN_REGISTRAR_CONFINE_H
#define POSTERN_REGISTRAR_CONFINE_H

#include "io/log.h"
#include "node/error.h"
#include "registrar/config.h"

/* Before threads.  RC_SYS, RC_LIMIT: error says which step and why. */
enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX]);

#endif
