/*
 * platform: what registrar and agent begin with: this machine's quotes, its
 * measured identity, and whom it trusts.  Logs what it finds, since both
 * programs say the same of it.
 */
#ifndef POSTERN_NODE_PLATFORM_H
#define POSTERN_NODE_PLATFORM_H

#include "io/log.h"
#include "node/identity.h"
#include "node/quoter.h"
#include "node/trust.h"

/* Zeroed: nothing is open. */
struct platform {
	struct quote_source *source;
	struct identity identity;
	struct trust *trust;
};

/* Borrowed for the call. */
struct platform_options {
	struct identity_options identity;
	const struct trust_settings *trust;
	const struct quotes_settings *quotes;
	const struct log *log;
};

/*
 * Opens the three, waiting a while for the quotes' source.  A simulated one and
 * a policy that accepts any measurement are warned of.  On failure error says
 * why; platform_fini() is due in any case.
 */
enum rc platform_open(struct platform *p, const struct platform_options *o,
		      char error[NODE_ERROR_MAX]);
void platform_fini(struct platform *p);

/* Its quotes, or an anchor that it accepts, are simulated. */
bool platform_is_simulated(const struct platform *p);

/* As trust_poll(), and logs.  True: judge anew whom you know. */
bool platform_poll(struct platform *p, bool now, const struct log *log);

#endif
