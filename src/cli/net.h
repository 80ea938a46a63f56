/*
 * net: the hostile network in the middle: a bridge in a namespace of its own,
 * to which every gateway and CVM is attached by a veth pair.
 *
 * Whoever controls that namespace sees every frame between the nodes and can
 * send any, as the operator of a data centre can.  Made with iproute2; all of
 * it goes away with its namespaces.
 */
#ifndef POSTERN_CLI_NET_H
#define POSTERN_CLI_NET_H

#include "base/rc.h"

enum {
	NET_ERROR_MAX = 256
};

/* The attacker's own address there. */
#define NET_HOSTILE_ADDRESS "198.51.100.254"

/* The bridge br0 in namespace 'netns'.  RC_SYS: error says what ip said. */
enum rc net_bridge(const char *netns, char error[NET_ERROR_MAX]);

/*
 * eth0 with 'address'/24 in namespace 'node', and its other end, called
 * 'port', in the bridge of namespace 'hostile'.
 */
enum rc net_attach(const char *hostile, const char *node, const char *port,
		   const char *address, char error[NET_ERROR_MAX]);

/*
 * The same for a node whose address is its guest's: eth0 is a port of a bridge
 * br0 in the node, which has no address.
 */
enum rc net_attach_guest(const char *hostile, const char *node,
			 const char *port, char error[NET_ERROR_MAX]);

#endif
