/*
 * builder: a container engine for the time of a build: the machine's own where
 * one answers, else a dockerd in a node of its own, which goes away with us and
 * keeps what it built for the next time.
 *
 * An app's folder may hold a script `context`, as in examples/: it fills a
 * folder, from which the image called like the app's folder is built.
 */
#ifndef POSTERN_CLI_BUILDER_H
#define POSTERN_CLI_BUILDER_H

#include "base/arena.h"
#include "base/rc.h"

enum {
	BUILDER_ERROR_MAX = 512,
};

struct builder_job {
	const char *state; /* folder, made when needed, that may stay */
	const char *run; /* folder that goes away with the machine's power */
	const char *netns; /* name for its network namespace */
	const char *bin; /* our programs */
	const char *base; /* domain under which the app will be reached */
	const char *user; /* folder for what the app's users need; NULL: in
			   * the state folder */
	const char *context; /* folder with a script `context`, or NULL */
	const char *const *images; /* to be saved, count of them */
	size_t count;
};

/*
 * Builds the context, if there is one, and saves the images into *out, the path
 * of a file in the state folder.
 *
 * RC_DENIED  the script, the build or the saving fails, such as for an image
 *            that is not there
 * RC_SYS     no engine can be had
 * error is a line, with the last words of who failed.
 */
enum rc builder_run(const char **out, struct arena *arena,
		    const struct builder_job *job,
		    char error[BUILDER_ERROR_MAX]);

#endif
