/*
 * killat: ends a program at the N-th of the calls by which it leaves a trace,
 * for tests of what a crash leaves behind.  Loaded with LD_PRELOAD; while the
 * file that KILLAT names is there, calls of fsync, fdatasync, rename, write and
 * send are counted, and the one whose number the file holds is not made: the
 * process is gone instead.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int calls;

static int armed_at(void)
{
	const char *path = getenv("KILLAT");
	char text[16] = "";
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return atoi(text);
}

static void step(void)
{
	int at = armed_at();

	calls = at ? calls + 1 : 0;
	if (at && calls >= at)
		kill(getpid(), SIGKILL);
}

int fsync(int fd)
{
	step();
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	step();
	return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
	step();
	return (int)syscall(SYS_rename, from, to);
}

ssize_t write(int fd, const void *p, size_t n)
{
	if (fd > 2)
		step();
	return syscall(SYS_write, fd, p, n);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	step();
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}
