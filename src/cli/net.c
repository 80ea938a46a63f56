#include "cli/net.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/proc.h"

enum {
	IP_TIMEOUT_MS = 10000,
	OUTPUT_MAX = 4096,
	BATCH_MAX = 1024,
};

/* Runs ip over a batch of commands, in a namespace or (NULL) in ours. */
static enum rc ip_batch(const char *netns, const char *batch,
			char error[NET_ERROR_MAX])
{
	const char *here[] = { "ip", "-batch", "-", NULL };
	const char *there[] = { "ip", "-n", netns, "-batch", "-", NULL };
	AUTO(buf_fini)
	struct buf said = { 0 };
	struct span text;
	int status;
	enum rc rc;

	buf_init(&said, OUTPUT_MAX);
	rc = proc_run(netns ? there : here, span_str(batch), &said,
		      IP_TIMEOUT_MS, &status);
	if (!rc)
		return RC_OK;
	text = buf_span(&said);
	(void)snprintf(error, NET_ERROR_MAX, "ip in %s: %.*s",
		       netns ? netns : "this namespace",
		       (int)(text.n < 160 ? text.n : 160),
		       (const char *)text.p);
	return RC_SYS;
}

enum rc net_bridge(const char *netns, char error[NET_ERROR_MAX])
{
	/* No forwarding delay: there is no other bridge to learn of. */
	return ip_batch(netns,
			"link set lo up\n"
			"link add br0 type bridge forward_delay 0 "
			"mcast_snooping 0\n"
			"link set br0 addrgenmode none\n"
			"addr add " NET_HOSTILE_ADDRESS "/24 dev br0\n"
			"link set br0 up\n",
			error);
}

/* A veth pair: eth0 in the node, its other end in the bridge. */
static enum rc join(const char *hostile, const char *node, const char *port,
		    char error[NET_ERROR_MAX])
{
	char batch[BATCH_MAX], ignored[NET_ERROR_MAX];
	enum rc rc;

	/* A node's network outlives it for a moment, and with it this name. */
	(void)snprintf(batch, sizeof(batch), "link del %s\n", port);
	(void)ip_batch(hostile, batch, ignored);
	(void)snprintf(batch, sizeof(batch),
		       "link add %s netns %s type veth peer name eth0 netns "
		       "%s\n",
		       port, hostile, node);
	rc = ip_batch(NULL, batch, error);
	if (rc)
		return rc;
	(void)snprintf(batch, sizeof(batch),
		       "link set %s addrgenmode none\n"
		       "link set %s master br0 up\n",
		       port, port);
	return ip_batch(hostile, batch, error);
}

enum rc net_attach(const char *hostile, const char *node, const char *port,
		   const char *address, char error[NET_ERROR_MAX])
{
	char batch[BATCH_MAX];
	enum rc rc = join(hostile, node, port, error);

	if (rc)
		return rc;
	(void)snprintf(batch, sizeof(batch),
		       "link set lo up\n"
		       "link set eth0 addrgenmode none\n"
		       "addr add %s/24 dev eth0\n"
		       "link set eth0 up\n",
		       address);
	return ip_batch(node, batch, error);
}

enum rc net_attach_guest(const char *hostile, const char *node,
			 const char *port, char error[NET_ERROR_MAX])
{
	enum rc rc = join(hostile, node, port, error);

	if (rc)
		return rc;
	return ip_batch(node,
			"link set lo up\n"
			"link add br0 type bridge forward_delay 0 "
			"mcast_snooping 0\n"
			"link set br0 addrgenmode none\n"
			"link set eth0 addrgenmode none\n"
			"link set eth0 master br0\n"
			"link set eth0 up\n"
			"link set br0 up\n",
			error);
}
