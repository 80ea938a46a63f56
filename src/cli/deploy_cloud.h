/*
 * deploy_cloud: the cloud in which an app is put: one that runs on this
 * machine, or one that is started for it in the background.
 */
#ifndef POSTERN_CLI_DEPLOY_CLOUD_H
#define POSTERN_CLI_DEPLOY_CLOUD_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/vm_cloud.h"

struct deploy_cloud_options {
	const char *name; /* NULL: the one that runs, else "deploy" */
	const char *config; /* description to start; NULL: the gateway alone */
	uint64_t port; /* of one that is started */
};

/*
 * A running cloud.  *was_started: it runs since this call, until `postern
 * down`.  RC_DENIED: several run and none is named, or it cannot be started;
 * else as vm_cloud_find().
 */
enum rc deploy_cloud(struct vm_cloud *out, bool *was_started,
		     struct arena *arena,
		     const struct deploy_cloud_options *options,
		     char error[VM_CLOUD_ERROR_MAX]);

/*
 * Runs `postern up` in the background, with its words in 'log', until it is
 * ready.  RC_DENIED: it ended, or does not come up in wait_ms; error has the
 * last line of the log.
 */
enum rc deploy_up(const char *config, const char *name, uint64_t port,
		  const char *log, unsigned wait_ms,
		  char error[VM_CLOUD_ERROR_MAX]);

/* A file of examples/ beside the program, as it was built or installed; NULL:
 * there is none. */
const char *deploy_example(struct arena *arena, const char *file);

#endif
