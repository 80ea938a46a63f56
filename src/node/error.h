/* error: one line that says what went wrong at a program's start. */
#ifndef POSTERN_NODE_ERROR_H
#define POSTERN_NODE_ERROR_H

#include "base/rc.h"

enum {
	NODE_ERROR_MAX = 512,
};

/* printf into error[NODE_ERROR_MAX], cut when too long; errno is preserved. */
void error_set(char *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
