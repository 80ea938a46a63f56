/*
 * platform: trust domains of a SIMULATED platform, launched and stopped through
 * the socket of its owner (docs/PROTOCOL.teesim.md).
 */
#ifndef POSTERN_VM_PLATFORM_H
#define POSTERN_VM_PLATFORM_H

#include "base/rc.h"

enum {
	PLATFORM_ERROR_MAX = 384,
};

struct platform_td {
	const char *name;
	const char *socket; /* that it is to be reached at */
	const char *image; /* as policies call it */
	const char *manifest; /* file */
	const char *measured; /* file of predicted registers; NULL: none */
};

/*
 * RC_DENIED  the platform says no: error has its words
 * RC_CLOSED  nobody answers at 'control'
 */
enum rc platform_launch(const char *control, const struct platform_td *td,
			char error[PLATFORM_ERROR_MAX]);
/* The same failures; one that does not run is RC_DENIED. */
enum rc platform_stop(const char *control, const char *name,
		      char error[PLATFORM_ERROR_MAX]);

#endif
