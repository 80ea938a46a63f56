/*
 * leftovers: takes away what an earlier run of a cloud left on this machine,
 * also one that was killed: processes, network namespaces (and with them
 * interfaces), control groups, files under its run folder.
 *
 * Everything of cloud NAME is found by its name: namespaces and control groups
 * start with postern.NAME. (no name has a dot), processes hold the lock of
 * their node.
 */
#ifndef POSTERN_CLI_LEFTOVERS_H
#define POSTERN_CLI_LEFTOVERS_H

#include <stdbool.h>

enum {
	LEFTOVERS_ERROR_MAX = 256
};

/*
 * 'run' is the cloud's run folder.  True when nothing is left; else error
 * names the first thing that stays and why.
 */
bool leftovers_remove(const char *name, const char *run,
		      char error[LEFTOVERS_ERROR_MAX]);

/* One network namespace, by its path; false when it stays. */
bool leftovers_remove_netns(const char *path);

#endif
