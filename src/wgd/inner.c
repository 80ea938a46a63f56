#include "wgd/inner.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/sock.h"
#include "io/tun.h"

enum {
	BATCH = 64,
	PACKET_MAX = 65535,
	SLOT = DEVICE_HEADROOM + PACKET_MAX + DEVICE_TAILROOM,
	TURN_BATCHES = 4,
};

struct inner {
	struct loop *loop;
	struct inner_events events;
	size_t mtu;
	int tun_fd, link_fd;
	struct loop_watch tun_watch, link_watch;
	struct device_packet packets[BATCH];
	uint8_t *bytes; /* BATCH slots */
};

/* Asks the TUN what its interface is called now: it may have been renamed, and
 * another may have its name.  False when there is none any more. */
static bool request_for(struct ifreq *out, const struct inner *i)
{
	*out = (struct ifreq){ 0 };
	return ioctl(i->tun_fd, TUNGETIFF, out) == 0;
}

static bool set_mtu(struct inner *i, size_t mtu)
{
	struct ifreq r;

	if (!request_for(&r, i))
		return false;
	r.ifr_mtu = (int)mtu;
	i->mtu = mtu;
	return ioctl(i->link_fd, SIOCSIFMTU, &r) == 0;
}

static void check_link(struct inner *i)
{
	struct ifreq r;

	if (!request_for(&r, i)) {
		i->events.gone(i->events.arg);
		return;
	}
	/* Fails when the interface was moved to another namespace, where its
	 * MTU cannot be seen from here: then it counts as what it was. */
	if (ioctl(i->link_fd, SIOCGIFMTU, &r) == 0)
		i->mtu = (size_t)r.ifr_mtu;
	i->events.mtu(i->events.arg, i->mtu);
}

/* Something happened to some interface: which, and what, is asked anew, so
 * that a lost notice (ENOBUFS) does no harm. */
static void on_link(void *arg, uint32_t events)
{
	struct inner *i = arg;
	uint8_t notice[4096];

	(void)events;
	while (recv(i->link_fd, notice, sizeof(notice), MSG_DONTWAIT) > 0 ||
	       errno == ENOBUFS)
		;
	check_link(i);
}

/* Fills the batch; returns how many packets came. */
static size_t read_packets(struct inner *i)
{
	size_t count = 0;

	while (count < BATCH) {
		uint8_t *at = i->bytes + count * SLOT + DEVICE_HEADROOM;
		ssize_t n = read(i->tun_fd, at, PACKET_MAX);

		if (n <= 0)
			break;
		i->packets[count++] =
			(struct device_packet){ .bytes = at, .n = (size_t)n };
	}
	return count;
}

static void on_packets(void *arg, uint32_t events)
{
	struct inner *i = arg;

	for (int turn = 0; turn < TURN_BATCHES; turn++) {
		size_t n = read_packets(i);

		if (n)
			i->events.packets(i->events.arg, i->packets, n,
					  span_of(i->bytes,
						  (size_t)BATCH * SLOT));
		if (n < BATCH)
			break;
	}
	/* A TUN whose interface was deleted reports an error for ever. */
	if (events & (EPOLLERR | EPOLLHUP))
		check_link(i);
}

static enum rc watch_links(struct inner *i)
{
	const struct sockaddr_nl links = { .nl_family = AF_NETLINK,
					   .nl_groups = RTMGRP_LINK };

	i->link_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    NETLINK_ROUTE);
	if (i->link_fd < 0 ||
	    bind(i->link_fd, (const struct sockaddr *)&links, sizeof(links)))
		return RC_SYS;
	return loop_watch_add(i->loop, &i->link_watch, i->link_fd, EPOLLIN,
			      on_link, i);
}

static enum rc start(struct inner *i, const char *name)
{
	enum rc rc = tun_open(&i->tun_fd, name);

	if (!rc)
		rc = watch_links(i);
	if (!rc && !set_mtu(i, DEVICE_MTU_DEFAULT))
		rc = RC_SYS;
	if (!rc)
		rc = loop_watch_add(i->loop, &i->tun_watch, i->tun_fd, EPOLLIN,
				    on_packets, i);
	return rc;
}

enum rc inner_new(struct inner **out, struct loop *loop, const char *name,
		  const struct inner_events *events)
{
	struct inner *i = mem_new(sizeof(*i));
	enum rc rc;

	i->loop = loop;
	i->events = *events;
	i->tun_fd = i->link_fd = -1;
	i->bytes = mem_new_array(BATCH, SLOT);
	rc = start(i, name);
	if (rc) {
		inner_free(i);
		return rc;
	}
	*out = i;
	return RC_OK;
}

void inner_free(struct inner *i)
{
	int error = errno;

	if (!i)
		return;
	loop_watch_del(i->loop, &i->tun_watch);
	loop_watch_del(i->loop, &i->link_watch);
	mem_auto_close(&i->tun_fd);
	mem_auto_close(&i->link_fd);
	free(i->bytes);
	free(i);
	errno = error;
}

void inner_write(struct inner *i, struct span packet)
{
	/* EIO while the interface is down: lost, as on any wire. */
	(void)!write(i->tun_fd, packet.p, packet.n);
}
