#include "node/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void error_set(char *error, const char *format, ...)
{
	int saved = errno;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error, NODE_ERROR_MAX, format, args);
	va_end(args);
	errno = saved;
}
