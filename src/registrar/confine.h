/*
 * confine: what the registrar gives up once it holds its interface and store,
 * and before its first thread, which would keep what it was born with: all
 * capabilities but two, and every file that its configuration does not name.
 */
#ifndef POSTERN_REGISTRAR_CONFINE_H
#define POSTERN_REGISTRAR_CONFINE_H

#include "io/log.h"
#include "node/error.h"
#include "registrar/config.h"

/* RC_SYS: error says which step and why. */
enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX]);

/* Last, when everything is open: system calls.  Not in sanitizer builds. */
enum rc confine_calls(char error[NODE_ERROR_MAX]);

#endif
