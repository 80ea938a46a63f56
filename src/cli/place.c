#include "cli/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/node.h"
#include "io/file.h"

/* In every state folder that we made. */
#define STATE_MARK ".postern-cloud"

void place_path(char out[PLACE_PATH_MAX], const char *name, const char *rest)
{
	(void)snprintf(out, PLACE_PATH_MAX, PLACE_RUN "/%.32s%s%.400s", name,
		       *rest ? "/" : "", rest);
}

void place_lock_path(char out[PLACE_PATH_MAX], const char *name)
{
	(void)snprintf(out, PLACE_PATH_MAX, PLACE_RUN "/%.32s.lock", name);
}

/* The holder before us removes the file when it ends: a lock on what has no
 * name any more keeps nobody out. */
static bool is_still_at(int fd, const char *path)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 &&
	       open_one.st_dev == named.st_dev &&
	       open_one.st_ino == named.st_ino;
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
	/* For root alone: who may open it may hold it, and be taken for us. */
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0)
		return RC_SYS;
	if (flock(lock, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? RC_DENIED : RC_SYS;
	if (!is_still_at(lock, path))
		return RC_DENIED;
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)n, 0) != n)
		return RC_SYS;
	held = fcntl(lock, F_DUPFD_CLOEXEC, 0); /* the same lock */
	if (held < 0)
		return RC_SYS;
	*fd = held;
	return RC_OK;
}

static enum rc failed(char error[PLACE_ERROR_MAX], const char *folder)
{
	(void)snprintf(error, PLACE_ERROR_MAX, "state folder %.300s: %s",
		       folder, strerror(errno));
	return RC_SYS;
}

/* An ephemeral cloud takes away what a cloud made, never a person's own files:
 * a folder that was chosen is removed when it is empty or has our mark. */
static enum rc clear_state(const char *folder, const char *mark, bool is_chosen,
			   char error[PLACE_ERROR_MAX])
{
	if (is_chosen && access(mark, F_OK) != 0 && rmdir(folder) != 0 &&
	    errno != ENOENT) {
		(void)snprintf(error, PLACE_ERROR_MAX,
			       "state folder %.300s holds what no cloud made; "
			       "--ephemeral would remove it",
			       folder);
		return RC_DENIED;
	}
	return fmt_remove_tree(folder) ? failed(error, folder) : RC_OK;
}

enum rc place_state(const char **out, struct arena *arena,
		    const struct place_state_options *options,
		    char error[PLACE_ERROR_MAX])
{
	const char *folder = options->chosen;
	const char *mark;
	char real[PATH_MAX];

	if (!folder)
		folder = fmt(arena, PLACE_STATE "/%s", options->name);
	mark = fmt(arena, "%s/" STATE_MARK, folder);
	if (options->is_ephemeral) {
		enum rc rc = clear_state(folder, mark, options->chosen != NULL,
					 error);

		if (rc)
			return rc;
	}
	if (file_make_dirs(folder, 0755) || !realpath(folder, real))
		return failed(error, folder);
	if (strpbrk(real, ":,\\")) {
		(void)snprintf(error, PLACE_ERROR_MAX,
			       "state folder %.300s: its path must not have "
			       "':', ',' or '\\'",
			       real);
		return RC_DENIED;
	}
	if (fmt_file(mark, 0644, ""))
		return failed(error, folder);
	*out = fmt(arena, "%s", real);
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
