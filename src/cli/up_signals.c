#include "cli/up_signals.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

void up_signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

bool up_signals_wait(unsigned ms)
{
	struct timespec wait = { .tv_nsec = (long)ms * 1000000 }; /* < 1 s */
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	got = sigtimedwait(&set, NULL, &wait);
	return got > 0 && got != SIGCHLD;
}
