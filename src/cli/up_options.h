/*
 * up_options: what was asked of `postern up`; see postern(1).
 *
 * Only the command line is looked at: the description and the image that it
 * names may not be there.
 */
#ifndef POSTERN_CLI_UP_OPTIONS_H
#define POSTERN_CLI_UP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Its texts borrow argv. */
struct up_options {
	const char *config; /* default "cloud.yaml" */
	const char *state; /* folder; NULL: as the cloud is called */
	const char *name; /* fit for a cloud's; NULL: the description's */
	const char *backend; /* "netns" (default) or "vm" */
	const char *image; /* folder with a '/', or a name below VM_IMAGES */
	uint64_t port; /* 1..65535, default 8443 */
	uint64_t wait_s; /* 0..86400, default 60 */
	bool is_ephemeral, is_once;
};

/*
 * Reads the command line.
 *
 * CLI_OK     *o is filled
 * -1         help was asked for, and is printed
 * CLI_USAGE  it is unusable, and was told why
 */
int up_options_read(struct up_options *o, int argc, char **argv);

#endif
