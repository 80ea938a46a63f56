#include "cli/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/node.h"
#include "io/clock.h"

enum {
	PATH_LEN = 512,
	WAIT_MS = 5000,
	STEP_US = 10 * 1000,
	TREE_FDS = 16,
};

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* Calls fn for each entry of 'folder' whose name starts with 'prefix'; false
 * when one call said so. */
static bool each(const char *folder, const char *prefix,
		 bool (*fn)(const char *path))
{
	AUTO(close_dir)
	DIR *d = opendir(folder);
	bool is_good = true;

	if (!d)
		return true;
	for (struct dirent *e; (e = readdir(d));) {
		char path[PATH_LEN];

		if (e->d_name[0] == '.' ||
		    strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%.200s/%.255s", folder,
			       e->d_name);
		is_good = fn(path) && is_good;
	}
	return is_good;
}

/* Its first process ends with SIGKILL and takes all others with it. */
static bool end_node(const char *folder)
{
	uint64_t end_ms = clock_boot_ms() + WAIT_MS;
	char lock[PATH_LEN + 8];
	pid_t pid;

	(void)snprintf(lock, sizeof(lock), "%s/lock", folder);
	while ((pid = node_alive(lock)) > 0) {
		(void)kill(pid, SIGKILL);
		if (clock_boot_ms() > end_ms)
			return false;
		(void)usleep(STEP_US);
	}
	return true;
}

bool leftovers_remove_netns(const char *path)
{
	(void)umount2(path, MNT_DETACH); /* fails where only the file is left */
	return unlink(path) == 0 || errno == ENOENT;
}

static int remove_group(const char *path, const struct stat *st, int type,
			struct FTW *at)
{
	(void)st, (void)at;
	/* The files in a control group are not ours to remove. */
	return type == FTW_DP && rmdir(path) != 0 && errno != ENOENT ? -1 : 0;
}

/* Processes that are still dying keep their group for a moment. */
static bool remove_group_tree(const char *path)
{
	uint64_t end_ms = clock_boot_ms() + WAIT_MS;

	while (nftw(path, remove_group, TREE_FDS, FTW_DEPTH | FTW_PHYS) != 0) {
		if (errno == ENOENT)
			return true;
		if (clock_boot_ms() > end_ms)
			return false;
		(void)usleep(STEP_US);
	}
	return true;
}

static bool remove_groups(const char *prefix)
{
	static const char root[] = "/sys/fs/cgroup";
	AUTO(close_dir)
	DIR *d = opendir(root);
	bool is_good = each(root, prefix, remove_group_tree); /* version 2 */

	if (!d)
		return true;
	for (struct dirent *e; (e = readdir(d));) { /* version 1 */
		char path[PATH_LEN];

		if (e->d_name[0] == '.' || e->d_type != DT_DIR)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%.255s", root,
			       e->d_name);
		is_good = each(path, prefix, remove_group_tree) && is_good;
	}
	return is_good;
}

bool leftovers_remove(const char *name, const char *run,
		      char error[LEFTOVERS_ERROR_MAX])
{
	char prefix[64];
	const char *what = NULL;

	(void)snprintf(prefix, sizeof(prefix), "postern.%.15s.", name);
	errno = 0;
	if (!each(run, "", end_node))
		what = "a process";
	else if (!each("/run/netns", prefix, leftovers_remove_netns))
		what = "a network namespace";
	else if (!remove_groups(prefix))
		what = "a control group";
	else if (fmt_remove_tree(run))
		what = "the run folder";
	if (!what)
		return true;
	(void)snprintf(error, LEFTOVERS_ERROR_MAX,
		       "%s of cloud %.15s cannot be removed: %s", what, name,
		       errno ? strerror(errno) : "it does not end");
	return false;
}
