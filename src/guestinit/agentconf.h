/*
 * agentconf: agent.yaml of a guest, written from what its host said, and its
 * manifest.
 *
 * Pure.
 */
#ifndef POSTERN_GUESTINIT_AGENTCONF_H
#define POSTERN_GUESTINIT_AGENTCONF_H

#include "base/wr.h"
#include "guestinit/hostconf.h"
#include "manifest/launch.h"

/* Where postern-init puts what the agent reads, and where they meet. */
#define GUEST_RUN "/run/postern"
#define GUEST_MANIFEST GUEST_RUN "/manifest.json"
#define GUEST_POLICY GUEST_RUN "/policy.yaml"
#define GUEST_ROOT GUEST_RUN "/simulated-root.pem"
#define GUEST_COLLATERAL GUEST_RUN "/collateral"
#define GUEST_ENVIRONMENT GUEST_RUN "/env.json"
#define GUEST_AGENT GUEST_RUN "/agent.yaml"
#define GUEST_ENGINE "/run/docker.sock"
/* What the agent writes of its storage (agent/storage.h). */
#define GUEST_STORAGE GUEST_RUN "/storage"

enum {
	AGENTCONF_MAX = 8 * 1024,
};

/*
 * Room of AGENTCONF_MAX is enough.  'has_disk': a data disk is there.  Where
 * the host names key services, 'launch' says which app they must be.
 */
void agentconf_write(struct wr *w, const struct hostconf *c,
		     const struct manifest_launch *launch, bool has_disk);

#endif
