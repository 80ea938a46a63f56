#include "cli/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/node.h"
#include "io/file.h"

void place_path(char out[PLACE_PATH_MAX], const char *name, const char *rest)
{
	(void)snprintf(out, PLACE_PATH_MAX, PLACE_RUN "/%.32s%s%.400s", name,
		       *rest ? "/" : "", rest);
}

void place_lock_path(char out[PLACE_PATH_MAX], const char *name)
{
	(void)snprintf(out, PLACE_PATH_MAX, PLACE_RUN "/%.32s.lock", name);
}

enum rc place_lock(int *fd, const char *name)
{
	char path[PLACE_PATH_MAX], text[16];
	AUTO(mem_auto_close)
	int lock = -1;
	int held, n;

	if (file_make_dirs(PLACE_RUN, 0755))
		return RC_SYS;
	place_lock_path(path, name);
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (lock < 0)
		return RC_SYS;
	if (flock(lock, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? RC_DENIED : RC_SYS;
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)n, 0) != n)
		return RC_SYS;
	held = fcntl(lock, F_DUPFD_CLOEXEC, 0); /* the same lock */
	if (held < 0)
		return RC_SYS;
	*fd = held;
	return RC_OK;
}

pid_t place_supervisor(const char *name)
{
	char path[PLACE_PATH_MAX];

	place_lock_path(path, name);
	return node_alive(path);
}

pid_t place_node(const char *name, const char *node)
{
	char rest[64], path[PLACE_PATH_MAX];

	(void)snprintf(rest, sizeof(rest), "%.32s/lock", node);
	place_path(path, name, rest);
	return node_alive(path);
}
