#include "node/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_set(char *error, const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error, NODE_ERROR_MAX, format, args);
	va_end(args);
	errno = saved;
}

const char *error_of_file(enum rc rc)
{
	return rc == RC_SYS ? strerror(errno) : "it is too large";
}
