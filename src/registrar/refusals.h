/*
 * refusals: the last channels that were refused, by either side, for the admin
 * API and the status page.
 */
#ifndef POSTERN_REGISTRAR_REFUSALS_H
#define POSTERN_REGISTRAR_REFUSALS_H

#include "channel/session.h"

enum {
	REFUSALS_MAX = 256,
	REFUSAL_PEER_MAX = 128,
};

struct refusal {
	int64_t at_unix_ms;
	char peer[REFUSAL_PEER_MAX]; /* its address, or "unix" */
	char app[2 * MANIFEST_ID_LEN + 1]; /* hex, when it was verified */
	enum channel_reason reason;
	char detail[CHANNEL_DETAIL_MAX];
	bool by_peer;
	/* a WireGuard key had come over this channel before */
	bool keys_exchanged;
};

/* Zeroed: empty. */
struct refusals {
	struct refusal ring[REFUSALS_MAX];
	uint64_t total; /* since the start; the ring holds the newest */
};

void refusals_add(struct refusals *r, const struct refusal *refusal);
size_t refusals_count(const struct refusals *r);
/* Newest first; index < refusals_count(). */
const struct refusal *refusals_at(const struct refusals *r, size_t index);

#endif
