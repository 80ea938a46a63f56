/*
 * confine: what the key service gives up once its files are open: every
 * capability but that for ports below 1024, and every file that its
 * configuration does not name.  System calls: node/confinement.h.
 */
#ifndef POSTERN_KMS_CONFINE_H
#define POSTERN_KMS_CONFINE_H

#include "io/log.h"
#include "kms/config.h"
#include "node/error.h"

/* Before threads.  RC_SYS, RC_LIMIT: error says which step and why. */
enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX]);

#endif
