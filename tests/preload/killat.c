/*
 * killat: ends a program at the N-th of the calls by which it leaves a trace,
 * for tests of what a crash leaves behind.  Loaded with LD_PRELOAD; while the
 * file that KILLAT names is there, calls of fsync, fdatasync, rename, write,
 * send and unlink are counted, and the one whose number the file holds is not
 * made: the process is gone instead.  "2 fsync kms-cluster" counts only calls
 * of fsync of what is called so or begins so; a socket is called "socket:[7]".
 * Another content of the file begins to count anew.
 *
 * Each call is told in the file of that name with ".log" behind it, before it
 * is made: "fsync /state/audit.jsonl".
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	TEXT_MAX = 128,
};

/* One thread at a time counts, tells and ends. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int calls;
static char counted[TEXT_MAX]; /* the file's content that 'calls' is of */

/* Fills text with a NUL behind it; false where nothing is armed. */
static int read_armed(char text[TEXT_MAX])
{
	const char *path = getenv("KILLAT");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, TEXT_MAX - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void tell(const char *call, const char *what)
{
	char path[512], line[640];
	int fd, n;

	snprintf(path, sizeof(path), "%s.log", getenv("KILLAT"));
	n = snprintf(line, sizeof(line), "%s %s\n", call, what);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (n > 0 && n < (int)sizeof(line))
		syscall(SYS_write, fd, line, (size_t)n);
	close(fd);
}

static int is_counted(const char *text, int *at, const char *call,
		      const char *what)
{
	const char *slash = strrchr(what, '/');
	char which[16] = "", name[TEXT_MAX] = "";

	sscanf(text, "%d %15s %127s", at, which, name);
	return !which[0] ||
	       (strcmp(which, call) == 0 &&
		strncmp(slash ? slash + 1 : what, name, strlen(name)) == 0);
}

static void count(const char *call, const char *what)
{
	char text[TEXT_MAX];
	int at = 0;

	if (!read_armed(text)) {
		counted[0] = '\0';
		return;
	}
	if (strcmp(text, counted) != 0) {
		strcpy(counted, text);
		calls = 0;
	}
	tell(call, what);
	if (is_counted(text, &at, call, what) && ++calls >= at)
		kill(getpid(), SIGKILL);
}

static void step(const char *call, const char *what)
{
	pthread_mutex_lock(&lock);
	count(call, what);
	pthread_mutex_unlock(&lock);
}

/* What a descriptor is: a path, or "socket:[...]". */
static void step_of(const char *call, int fd)
{
	char link[64], what[400] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, what, sizeof(what) - 1) < 0)
		what[0] = '\0';
	step(call, what);
}

int fsync(int fd)
{
	step_of("fsync", fd);
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	step_of("fdatasync", fd);
	return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
	step("rename", to);
	return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
	step("unlink", path);
	return (int)syscall(SYS_unlink, path);
}

ssize_t write(int fd, const void *p, size_t n)
{
	if (fd > 2)
		step_of("write", fd);
	return syscall(SYS_write, fd, p, n);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	step_of("send", fd);
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}
