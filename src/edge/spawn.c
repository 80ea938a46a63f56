#include "edge/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/passfd.h"

enum {
	EXEC_FAILED = 127,
};

_Noreturn static void become(int exe_fd, const char *const *argv, int control,
			     int child_fd)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
	/* It may stand where the socket goes. */
	exe_fd = fcntl(exe_fd, F_DUPFD_CLOEXEC, child_fd + 1);
	/* dup2() clears close-on-exec, unless it has nothing to do. */
	if (exe_fd >= 0 && control != child_fd &&
	    dup2(control, child_fd) == child_fd)
		(void)fexecve(exe_fd, (char *const *)(uintptr_t)argv, environ);
	_exit(EXEC_FAILED);
}

/* Above the descriptor it goes to in the child. */
static int move_up(int fd, int above)
{
	int moved;

	if (fd > above)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, above + 1);
	(void)close(fd);
	return moved;
}

enum rc spawn_start(struct spawn *out, int exe_fd, const char *const *argv,
		    int child_fd)
{
	struct spawn s = SPAWN_NULL;
	AUTO(mem_auto_close)
	int theirs = -1;
	int fds[2], error;

	if (passfd_pair(fds))
		return RC_SYS;
	s.control = move_up(fds[0], child_fd);
	theirs = move_up(fds[1], child_fd);
	if (s.control >= 0 && theirs >= 0)
		s.pid = fork();
	else
		s.pid = -1;
	if (s.pid == 0)
		become(exe_fd, argv, theirs, child_fd);
	if (s.pid > 0)
		s.pid_fd = pidfd_open(s.pid, 0);
	if (s.pid > 0 && s.pid_fd >= 0) {
		*out = s;
		return RC_OK;
	}
	error = errno;
	spawn_fini(&s);
	errno = error;
	return RC_SYS;
}

void spawn_fini(struct spawn *s)
{
	mem_auto_close(&s->pid_fd);
	mem_auto_close(&s->control);
	if (s->pid > 0)
		(void)waitpid(s->pid, NULL, 0);
	*s = SPAWN_NULL;
}

bool spawn_reap(struct spawn *s, int *status)
{
	if (s->pid <= 0 || waitpid(s->pid, status, WNOHANG) != s->pid)
		return false;
	s->pid = 0;
	return true;
}
