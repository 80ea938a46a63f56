/*
 * firewall: the CVM's packet filter, a table of its own ("inet postern") whose
 * drops are final whatever other tables say, Docker's among them.
 *
 * Default drop on input, forward and output.  What may pass:
 *
 *   in       replies; WireGuard from the gateway's endpoint; from the gateway's
 *            tunnel address the TCP ports that the manifest lists, and pings
 *   forward  replies; from the gateway's tunnel address what was addressed to
 *            a listed port of this CVM and sent on by Docker (DNAT); between
 *            containers; from containers outwards if the manifest says "egress"
 *   out      replies; to the gateway: the attested channel and WireGuard; to
 *            the source of collateral and the key service, if configured; to
 *            containers; DNS if the manifest says "egress"; if "ingress", what
 *            processes of INGRESS_GROUP send by TCP or UDP, which is
 *            postern-cert: it talks to a certification authority, logs and
 *            name servers anywhere.  A process with CAP_SETGID could join that
 *            group: of the containers only one in the host's network, which
 *            its measured compose file has to say
 *
 * Before all that: a packet whose source would not be answered through the
 * interface it came by is dropped (strict reverse path), as is one for or from
 * a tunnel address that did not come through the tunnel (CVE-2019-14899).
 *
 * Rules are replaced in one transaction; the counters go on.
 *
 * Source: nft(8); postern-agent(8).
 */
#ifndef POSTERN_AGENT_FIREWALL_H
#define POSTERN_AGENT_FIREWALL_H

#include "base/wr.h"
#include "io/sock.h"
#include "io/tun.h"
#include "manifest/manifest.h"
#include "node/error.h"

enum {
	/* Of no user (Debian leaves 60000 to 64999 to local needs). */
	INGRESS_GROUP = 64443,
};

struct firewall;

struct firewall_options {
	const char *interface; /* the tunnel's */
	uint16_t listen_port; /* of our WireGuard */
	struct sock_addr gateway; /* of the attested channel; zero: none */
	struct sock_addr collateral; /* its source; zero: none */
	/* of the key service; lives as long as the firewall */
	const struct sock_addr *kms;
	size_t kms_count;
	const struct manifest *manifest; /* NULL: not known, lists nothing */
};

/* What an assignment adds. */
struct firewall_tunnel {
	struct io_prefix own, gateway; /* in the tunnel; whole addresses */
	struct sock_addr endpoint; /* of the gateway's WireGuard */
};

/*
 * Puts the table in place, without a tunnel; one that an earlier run left is
 * replaced at once.  Then every tracked connection is forgotten: what began
 * before the table has to pass it as something new.
 *
 * RC_DENIED: the kernel refuses the table; RC_SYS: it has it, and keeps the
 * connections; error says.  Copies options; returns owned: firewall_free(),
 * which leaves the table in force.
 */
enum rc firewall_open(struct firewall **out,
		      const struct firewall_options *options,
		      char error[NODE_ERROR_MAX]);
void firewall_free(struct firewall *f);

/* What the manifest lists, from now on; closes the tunnel's way.  Borrows m for
 * the firewall's life. */
enum rc firewall_set_manifest(struct firewall *f, const struct manifest *m,
			      char error[NODE_ERROR_MAX]);

/* Opens the way for a tunnel; NULL closes it. */
enum rc firewall_set_tunnel(struct firewall *f,
			    const struct firewall_tunnel *tunnel,
			    char error[NODE_ERROR_MAX]);

/* Packets dropped since the table was first made. */
struct firewall_drops {
	uint64_t spoofed, input, forward, output;
};
/* False: they cannot be read. */
bool firewall_drops(struct firewall *f, struct firewall_drops *out);

enum {
	FIREWALL_TEXT_MAX = 16384,
};
/* The commands for nft; what firewall_open and _set_tunnel run. */
void firewall_write(struct wr *w, const struct firewall_options *options,
		    const struct firewall_tunnel *tunnel);

#endif
