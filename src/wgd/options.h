/* options: the command line of postern-wg. */
#ifndef POSTERN_WGD_OPTIONS_H
#define POSTERN_WGD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OPTIONS_PINS_MAX = 64,
	OPTIONS_WORKERS_MAX = 64,
};

struct options {
	bool is_foreground, is_verbose, has_metrics;
	unsigned workers; /* 0: one for each CPU */
	bool pins_all;
	uint8_t pins[OPTIONS_PINS_MAX][32]; /* public keys */
	size_t pin_count;
	const char *interface; /* a name wg(8) and the kernel both take */
};

/* False: it is not a command line of ours. */
bool options_parse(struct options *out, int argc, char **argv);
/* Says how to call it; returns the exit status for that. */
int options_usage(void);

#endif
