/*
 * confine: what the key service gives up once its files are open: every
 * capability but that for ports below 1024, every file that its configuration
 * does not name, and system calls that it has no use for.
 */
#ifndef POSTERN_KMS_CONFINE_H
#define POSTERN_KMS_CONFINE_H

#include "io/log.h"
#include "kms/config.h"
#include "node/error.h"

/* Before the first thread.  RC_SYS: error says which step and why. */
enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX]);
/* Last, when everything is open.  Not in sanitizer builds. */
enum rc confine_calls(char error[NODE_ERROR_MAX]);

#endif
