/*
 * source_sim: quotes and registers from the simulated platform, over the unix
 * socket that stands for this trust domain's CPU.
 *
 * A connection a request: nothing is kept, so any thread may ask at any time,
 * and a platform that was restarted is found again.
 *
 * Source: src/quoting/simproto.h.
 */
#ifndef POSTERN_QUOTING_SOURCE_SIM_H
#define POSTERN_QUOTING_SOURCE_SIM_H

#include "base/buf.h"
#include "base/rc.h"
#include "quoting/simproto.h"

enum {
	SOURCE_SIM_TIMEOUT_S = 35, /* as patient as the TDX driver, and a bit */
};

/*
 * Sends the request, appends the reply's body to *out.
 *
 * RC_CLOSED     nobody listens, or the platform went away
 * RC_DENIED     that register cannot be extended
 * RC_LIMIT      the body does not fit into *out
 * RC_MALFORMED  what answers is no simulated platform
 * RC_SYS        errno; EIO when the platform said it failed
 */
enum rc source_sim_call(const char *path, const struct simproto_request *r,
			struct buf *out);

#endif
