/*
 * confine: what postern-cert gives up: every capability, every file that its
 * configuration does not name, and the starting of programs, which is left to
 * the runner.
 */
#ifndef POSTERN_CERTD_CONFINE_H
#define POSTERN_CERTD_CONFINE_H

#include "certd/config.h"
#include "io/log.h"
#include "node/error.h"

/* Before threads.  RC_SYS: error says which step and why. */
enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX]);
/* Last: system calls.  Not in sanitizer builds. */
enum rc confine_calls(char error[NODE_ERROR_MAX]);

#endif
