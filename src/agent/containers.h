/*
 * containers: the app's containers, brought up from the manifest's compose file
 * through the Docker engine's socket.
 *
 * What the engine is asked for follows from the manifest alone: the compose
 * file stands in a new folder in memory, which is also the project's and the
 * home, with an empty ".env"; no variable of ours reaches docker-compose, but
 * those of the app's own environment, which reach nothing else: no file, and no
 * line of a log, for what docker-compose says is searched for their values
 * (containers_hide()).  A
 * relative path in the file names a place in that folder, where nothing is.
 *
 * A thread does it: the engine may take its time, and the loop does not wait.
 * Restarts of a container that dies are Docker's work; this one makes sure that
 * what the manifest says was started once.
 */
#ifndef POSTERN_AGENT_CONTAINERS_H
#define POSTERN_AGENT_CONTAINERS_H

#include "io/log.h"
#include "io/loop.h"
#include "manifest/manifest.h"
#include "node/error.h"
#include "secrets/envs.h"

struct containers;

enum containers_state {
	CONTAINERS_NONE, /* no engine is configured, or no compose file given */
	CONTAINERS_WAITING, /* for the environment, or the engine's socket */
	CONTAINERS_STARTING,
	CONTAINERS_RUNNING,
	CONTAINERS_FAILED, /* tried again after a pause; the error says why */
	CONTAINERS_STOPPING,
	CONTAINERS_STOPPED,
};
const char *containers_state_name(enum containers_state s);

struct containers_options {
	struct loop *loop;
	const struct log *log;
	const struct manifest *manifest;
	const char *status; /* a path in the folder where ours is made */
	const char *socket; /* the engine's */
	/* a compose file that changes the manifest's; n == 0: none; borrowed
	 * for containers_new() */
	struct span override;
	/*
	 * The variables that docker-compose may put into the containers; NULL:
	 * none.  Called in the thread, again and again until RC_OK; *out is
	 * then ours.  error says what it waits for.
	 */
	enum rc (*environment)(void *arg, struct envs *out,
			       char error[NODE_ERROR_MAX]);
	void *environment_arg;
};

/* RC_SYS: no compose file can be written, or no thread.  Copies options;
 * returns owned: containers_free(). */
enum rc containers_new(struct containers **out,
		       const struct containers_options *options,
		       char error[NODE_ERROR_MAX]);
/* Stops trying; what runs goes on.  Waits for the thread. */
void containers_free(struct containers *c);

/* Takes the containers down, also while they are being brought up (which is
 * ended), each in the time that its compose file gives it, all within a
 * minute; then calls 'done' in the loop's thread, once. */
void containers_down(struct containers *c, loop_fn *done, void *arg);

enum containers_state containers_state(struct containers *c);
/*
 * Puts asterisks over every value of four bytes or more in the text, also over
 * those that overlap or lie within another: each is looked for in the text as
 * it was.
 */
void containers_hide(const struct envs *envs, uint8_t *text, size_t n);

/* The end of what the last command that failed wrote; "" when none did. */
void containers_error(struct containers *c, char out[NODE_ERROR_MAX]);

#endif
