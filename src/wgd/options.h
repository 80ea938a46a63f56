/* options: the command line of postern-wg. */
#ifndef POSTERN_WGD_OPTIONS_H
#define POSTERN_WGD_OPTIONS_H

#include <stdbool.h>

struct options {
	bool is_foreground, is_verbose, has_metrics;
	const char *interface; /* a name wg(8) and the kernel both take */
};

/* False: it is not a command line of ours. */
bool options_parse(struct options *out, int argc, char **argv);
/* Says how to call it; returns the exit status for that. */
int options_usage(void);

#endif
