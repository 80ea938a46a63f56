#include "io/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	ANSWER_WITHIN_S = 5,
};

struct netlink {
	struct mnl_socket *socket;
	uint32_t seq;
	uint8_t answer[NETLINK_BUFFER];
};

enum rc netlink_open(struct netlink **out, int bus)
{
	const struct timeval bound = { .tv_sec = ANSWER_WITHIN_S };
	struct netlink *n = mem_new(sizeof(*n));

	n->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) ||
	    setsockopt(mnl_socket_get_fd(n->socket), SOL_SOCKET, SO_RCVTIMEO,
		       &bound, sizeof(bound)) != 0) {
		netlink_close(n);
		return RC_SYS;
	}
	*out = n;
	return RC_OK;
}

void netlink_close(struct netlink *n)
{
	int error = errno;

	if (!n)
		return;
	if (n->socket)
		mnl_socket_close(n->socket);
	/* An answer of WireGuard holds its private key. */
	secret_wipe(n->answer, sizeof(n->answer));
	free(n);
	errno = error;
}

struct visit {
	netlink_fn *fn;
	void *arg;
	enum rc rc;
};

static int take_message(const struct nlmsghdr *message, void *arg)
{
	struct visit *v = arg;

	if (v->fn && !v->rc)
		v->rc = v->fn(v->arg, message);
	return MNL_CB_OK;
}

enum rc netlink_ask(struct netlink *n, struct nlmsghdr *request, netlink_fn *fn,
		    void *arg)
{
	unsigned port = mnl_socket_get_portid(n->socket);
	struct visit v = { .fn = fn, .arg = arg };
	int left = MNL_CB_OK;

	request->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->socket, request, request->nlmsg_len) < 0)
		return RC_SYS;
	/* mnl_cb_run() says MNL_CB_STOP at the acknowledgement or the dump's
	 * end, and -1 with errno for the kernel's refusal. */
	while (left == MNL_CB_OK) {
		ssize_t got = mnl_socket_recvfrom(n->socket, n->answer,
						  sizeof(n->answer));

		if (got < 0)
			return RC_SYS;
		if (got == 0)
			return RC_MALFORMED;
		left = mnl_cb_run(n->answer, (size_t)got, n->seq, port,
				  take_message, &v);
	}
	return left < 0 ? RC_SYS : v.rc;
}
