/*
 * status: what the agent says of itself on its unix socket, as JSON.
 *
 * Source: postern-agent(8).
 */
#ifndef POSTERN_AGENT_STATUS_H
#define POSTERN_AGENT_STATUS_H

#include "agent/containers.h"
#include "agent/firewall.h"
#include "agent/guest.h"
#include "agent/ingress.h"
#include "agent/secrets.h"
#include "agent/uplink.h"

struct status_sources {
	const struct config *config;
	const struct identity *identity;
	const struct uplink *uplink;
	struct firewall *firewall; /* NULL: none */
	struct containers *containers; /* NULL: no engine */
	const struct ingress *ingress; /* NULL: none */
	const struct guest *guest; /* NULL: nobody may ask */
	const struct secrets *secrets; /* NULL: none are allowed */
	const struct tunnel *device;
	const struct trust *trust;
	bool quotes_are_simulated;
};

/* NUL-terminated JSON.  Returns owned: free(). */
char *status_json(const struct status_sources *s);

#endif
