/*
 * keyclient: a CVM asks its key service, and waits for the answer.
 *
 * Connects to one node after another over the attested channel (its own ALPN
 * and purpose, so that a session of the registrar is none of the key
 * service's), verifies it, is verified, asks, and closes.  Runs a loop of its
 * own: for a program's start, or a thread of its own, never inside a loop.
 *
 * A node that cannot be reached, is out of order or says that another may know
 * better is followed by the next address; what any node would say again (not
 * allowed, malformed) ends the call.
 *
 * Source: docs/PROTOCOL.kms.md.
 */
#ifndef POSTERN_KEYCLIENT_KEYCLIENT_H
#define POSTERN_KEYCLIENT_KEYCLIENT_H

#include "base/secret.h"
#include "io/sock.h"
#include "keys/message.h"
#include "node/identity.h"
#include "node/trust.h"
#include "quoting/source.h"

enum {
	KEYCLIENT_REASON_MAX = 64,
	KEYCLIENT_DETAIL_MAX = 320,
};

/* Borrowed for the call. */
struct keyclient_options {
	const struct sock_addr *addresses; /* of nodes, tried in this order */
	size_t address_count;
	const struct identity *identity; /* of this CVM */
	struct trust *trust; /* whom it believes; used by this call alone */
	struct quote_source *source; /* by this call alone, too */
	/* The app that a node must be, measured; zero: any that 'trust' takes.
	 * 'trust' alone says which measurements it may have. */
	uint8_t app[MANIFEST_ID_LEN];
	uint64_t node_timeout_ms; /* for each node; 0: 10 s */
	uint64_t timeout_ms; /* for all of them; 0: 60 s */
};

/* Why there is no answer. */
struct keyclient_error {
	/*
	 * Stable: a name of keys_reason_name() ("app_unknown", ...) as the
	 * service said it; "channel/" and a name of channel_reason_name(), by
	 * whichever side; "unreachable", "timeout", "no_address", "local".
	 * Of several nodes', the last one's.
	 */
	char reason[KEYCLIENT_REASON_MAX];
	char detail[KEYCLIENT_DETAIL_MAX]; /* for a person, with the address */
};

/*
 * Asks for 'count' (1..KEYS_WANTED_MAX) keys, all or none.  The same question
 * gives the same keys for as long as the policy lets this measurement have
 * them; wanted[i].epoch 0 asks for the newest root's, and out[i].epoch says
 * which it was.
 *
 * RC_OK       out[] is filled; the caller wipes it
 * RC_DENIED   the service refuses, or one of the two is not trusted
 * RC_LIMIT    too often: try later
 * RC_CLOSED   no node could be reached in time, or none was in order
 * RC_SYS, ... this machine's
 * Otherwise *error is filled and out[] is erased.
 */
enum rc keyclient_get(struct keys_key *out,
		      const struct keyclient_options *options,
		      const struct keys_wanted *wanted, size_t count,
		      struct keyclient_error *error);

/*
 * The number kept for this instance under 'name' (as a purpose), which never
 * goes down: raises it to 'raise_to' if it is less, and gives what it is then.
 * 0 only reads; nothing was ever kept: *value is 0.  RC_OK: a majority of the
 * nodes holds at least *value on disk, and no node that could be asked has a
 * greater.  "no_quorum": too few nodes; raised or not is not known.
 *
 * A disk: writes N + 1 into itself, then raises to N + 1; opens only if what it
 * bears is not less than what is kept.
 */
enum rc keyclient_epoch(uint64_t *value,
			const struct keyclient_options *options,
			const char *name, uint64_t raise_to,
			struct keyclient_error *error);

#endif
