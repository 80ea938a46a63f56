/*
 * ingress: TLS of the app's own domains ended in this CVM: postern-edge and
 * postern-cert composed, as the manifest's key "ingress" says.
 *
 * Visitors come by the gateway, which passes them through undecrypted (a TXT
 * record of the domain names the app), and by the tunnel, to port 443 here;
 * plain bytes go to the app on 127.0.0.1.  Keys and ACME account are made and
 * kept by postern-cert, sealed to this app and instance; how it is reached and
 * what it publishes is docs/EVIDENCE.md.
 *
 * Both programs run under a supervisor of their own, a child forked while the
 * agent still has its capabilities; it starts them again when they end, and
 * they end with it, as it does with the agent.  postern-cert alone is in
 * INGRESS_GROUP, which the firewall lets out.
 *
 *   <folder of the status socket>/ingress/   edge.yaml, cert.yaml, sockets,
 *                                            services.json (supervise.h)
 *   <state>/ingress/                         postern-cert's state, sealed
 */
#ifndef POSTERN_AGENT_INGRESS_H
#define POSTERN_AGENT_INGRESS_H

#include "agent/config.h"
#include "base/buf.h"
#include "node/error.h"

struct ingress;

/*
 * Writes the files and forks the supervisor, which keeps the capabilities to
 * listen at port 443 and to change its group: before threads, and before
 * anything is given up.  The manifest has an ingress.  Borrows both for its
 * life.
 *
 * RC_SYS, RC_LIMIT: error says what failed.  Returns owned: ingress_free().
 */
enum rc ingress_open(struct ingress **out, const struct config *config,
		     const struct manifest *manifest,
		     char error[NODE_ERROR_MAX]);
/* Asks the supervisor to end; nobody waits. */
void ingress_stop(struct ingress *g);
/* Ends it and waits for that, some seconds at most. */
void ingress_free(struct ingress *g);

/* False: the supervisor has ended, and with it the programs.  Only another
 * start of the agent brings them back. */
bool ingress_is_alive(struct ingress *g);

/* The supervisor's report, JSON, appended; nothing when there is none yet. */
void ingress_report(const struct ingress *g, struct buf *out);

#endif
