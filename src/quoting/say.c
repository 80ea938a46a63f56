#include "quoting/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void say(char error[SAY_MAX], const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error, SAY_MAX, format, args); /* cut is fine */
	va_end(args);
	errno = saved;
}

enum rc say_path(char out[PATH_MAX], const char *dir, const char *sub,
		 const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s%s%s/%s", dir, sub ? "/" : "",
			 sub ? sub : "", name);

	if (n < 0 || n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return RC_SYS;
	}
	return RC_OK;
}
