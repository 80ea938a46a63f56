/*
 * say: error texts and file paths of this room, each with its bound.
 */
#ifndef POSTERN_QUOTING_SAY_H
#define POSTERN_QUOTING_SAY_H

#include <limits.h>

#include "base/rc.h"

enum {
	SAY_MAX = 256, /* an error text with its NUL */
};

/* printf into an error text; what does not fit is cut.  errno is kept. */
void say(char error[SAY_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * "dir/name", or "dir/sub/name" when sub is not NULL.  RC_SYS with
 * ENAMETOOLONG.
 */
enum rc say_path(char out[PATH_MAX], const char *dir, const char *sub,
		 const char *name);

#endif
