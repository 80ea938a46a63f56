/*
 * deploy_options: what was asked of `postern deploy`; see postern-deploy(1).
 *
 * Only the command line is looked at: whether the files, folders and clouds it
 * names are there, whoever uses them finds out.
 */
#ifndef POSTERN_CLI_DEPLOY_OPTIONS_H
#define POSTERN_CLI_DEPLOY_OPTIONS_H

#include "cli/deploy_cloud.h"
#include "cli/vm_start.h"

/* Its texts borrow argv; those not given are NULL, numbers 0. */
struct deploy_options {
	const char *file; /* Compose */
	const char *name; /* of the app, already fit for a machine's */
	const char *manifest_only; /* where it is written, and nothing else */
	const char *backend; /* "vm" (default) or "netns" */
	struct vm_change change; /* its manifest and cloud come later */
	struct deploy_cloud_options cloud; /* its port is 8443, or given */
	uint64_t wait_s; /* 0..86400, default 300 */
};

/*
 * Reads the command line.
 *
 * CLI_OK     *o is filled
 * -1         help was asked for, and is printed
 * CLI_USAGE  it is unusable, and was told why
 */
int deploy_options_read(struct deploy_options *o, int argc, char **argv);

#endif
