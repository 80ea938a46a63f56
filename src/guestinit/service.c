#include "guestinit/service.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAUSE_MS = 200, /* doubled by each end that comes soon, up to: */
	PAUSE_MAX_MS = 10000,
	SOON_MS = 30000,
};

unsigned service_status(int status)
{
	if (WIFEXITED(status))
		return (unsigned)WEXITSTATUS(status);
	return 128U + (unsigned)(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* Of the child; argv's strings are not changed by exec. */
static _Noreturn void run(const struct service *s)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
	(void)setsid(); /* a new process leads nothing yet */
	if (null >= 0)
		(void)dup2(null, 0);
	execve(s->argv[0], (char *const *)(uintptr_t)s->argv,
	       (char *const *)(uintptr_t)s->environment);
	_exit(127);
}

static void start(struct service *s)
{
	pid_t pid;

	if (s->is_stopped || s->pid)
		return;
	s->started_ms = loop_now_ms(s->loop);
	pid = fork();
	if (pid == 0)
		run(s);
	if (pid < 0) {
		s->pause_ms = PAUSE_MAX_MS;
		loop_timer_arm(s->loop, &s->again,
			       s->started_ms + s->pause_ms);
		return;
	}
	s->pid = pid;
	s->changed(s->arg, s, true, 0);
}

static void on_again(void *arg)
{
	start(arg);
}

void service_start(struct service *s, struct loop *loop)
{
	s->loop = loop;
	s->again = (struct loop_timer){ .fn = on_again, .arg = s };
	start(s);
}

void service_stop(struct service *s, int signal)
{
	s->is_stopped = true;
	if (s->loop)
		loop_timer_disarm(s->loop, &s->again);
	if (s->pid)
		(void)kill(s->pid, signal); /* it is our child: it exists */
}

bool service_reaped(struct service *s, pid_t pid, int status)
{
	uint64_t now;

	if (!s->pid || s->pid != pid)
		return false;
	now = loop_now_ms(s->loop);
	s->pid = 0;
	s->pause_ms = now - s->started_ms > SOON_MS || !s->pause_ms
			      ? PAUSE_MS
			      : 2 * s->pause_ms;
	if (s->pause_ms > PAUSE_MAX_MS)
		s->pause_ms = PAUSE_MAX_MS;
	if (!s->is_once && !s->is_stopped)
		loop_timer_arm(s->loop, &s->again, now + s->pause_ms);
	s->changed(s->arg, s, false, service_status(status));
	return true;
}
