#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"

static const char clear_line[] = "\r\033[K";

struct progress progress_start(void)
{
	return (struct progress){ .began_ms = clock_boot_ms(),
				  .is_terminal = isatty(1) == 1 };
}

void progress_clear(struct progress *p)
{
	if (p->is_shown)
		fputs(clear_line, stdout);
	p->is_shown = false;
	(void)fflush(stdout);
}

void progress_event(struct progress *p, const char *format, ...)
{
	uint64_t ms = clock_boot_ms() - p->began_ms;
	va_list args;

	progress_clear(p);
	printf("%3llu.%02llu s  ", (unsigned long long)(ms / 1000),
	       (unsigned long long)(ms % 1000 / 10));
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	(void)fflush(stdout);
}

void progress_waiting(struct progress *p, const char *what)
{
	static const char wheel[] = "|/-\\";

	if (!p->is_terminal)
		return;
	printf("%s  %c waiting for %.60s", clear_line,
	       wheel[p->turn++ % (sizeof(wheel) - 1)], what);
	(void)fflush(stdout);
	p->is_shown = true;
}
