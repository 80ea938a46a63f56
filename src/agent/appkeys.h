/*
 * appkeys: who gives this app its keys: a key service, or the simulated
 * platform.  What depends on keys takes one of these and does not ask which.
 */
#ifndef POSTERN_AGENT_APPKEYS_H
#define POSTERN_AGENT_APPKEYS_H

#include "base/secret.h"
#include "keyclient/sealing.h"
#include "node/error.h"
#include "node/identity.h"
#include "quoting/source.h"

/* Borrowed by who uses it. */
struct appkeys {
	const char *name; /* "kms", "simulated"; for people */
	/*
	 * The app's key of this purpose ("env", "app/guest"), the same each
	 * time and in each instance.  Blocks.  RC_UNSUPPORTED: there is no
	 * provider; RC_DENIED, RC_CLOSED, ...: it gives none, error says why.
	 */
	enum rc (*get)(void *arg, struct key32 *out, const char *purpose,
		       char error[NODE_ERROR_MAX]);
	void *arg;
};

/* The simulated platform's; borrows both. */
struct appkeys_simulated {
	struct quote_source *source;
	const struct identity *identity;
};
struct appkeys appkeys_simulated(struct appkeys_simulated *s);

/*
 * The key service's: keys of the app, of its first root, which stay the same
 * when roots are rotated.  'options' is filled by the caller; its trust and
 * source are used in each call, so for a program's start alone.
 */
struct appkeys_kms {
	struct keyclient_options options;
	struct keyclient_sealing sealing; /* borrows options */
};
struct appkeys appkeys_kms(struct appkeys_kms *k);
/* Sealed files with the instance's key of the same service. */
struct seal_provider appkeys_kms_seal(struct appkeys_kms *k);

#endif
