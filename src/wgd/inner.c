#include "wgd/inner.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/sock.h"
#include "offload/gro.h"
#include "offload/split.h"
#include "wireguard/message.h"

enum {
	PACKET_MAX = 65535,
	SUPER_MAX = VNET_LEN + PACKET_MAX,
	PACKETS_MAX = 256, /* handed on at once */
	/* Room for those; a read makes a few dozen of common sizes. */
	ARENA = 4 * (DEVICE_HEADROOM + PACKET_MAX + DEVICE_TAILROOM),
	TURN_READS = 64, /* before others have their turn */
};

struct inner {
	struct loop *loop;
	struct inner_events events;
	size_t mtu;
	int tun_fd, link_fd;
	struct loop_watch tun_watch, link_watch;
	struct gro gro;
	struct device_packet packets[PACKETS_MAX];
	size_t count, used; /* packets cut, bytes of the arena */
	uint8_t *arena;
	uint8_t super[SUPER_MAX]; /* as read */
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
		/* Its error would be reported for ever. */
		loop_watch_del(i->loop, &i->tun_watch);
		if (i->link_fd >= 0)
			i->events.gone(i->events.arg);
		return;
	}
	if (i->link_fd < 0)
		return;
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

static void hand_on(struct inner *i)
{
	size_t n = i->count;

	i->count = i->used = 0;
	if (n)
		i->events.packets(i->events.arg, i->packets, n,
				  span_of(i->arena, ARENA));
}

/* Where a packet of n bytes goes: so that, encrypted, it ends where the next
 * begins, and the kernel copies them as one. */
static uint8_t *room_for(struct inner *i, size_t n)
{
	size_t need = DEVICE_HEADROOM + message_data_padded(n, i->mtu) +
		      MESSAGE_TAG_LEN;
	uint8_t *at;

	if (i->count == PACKETS_MAX || i->used + need > ARENA)
		hand_on(i);
	at = i->arena + i->used + DEVICE_HEADROOM;
	i->used += need;
	i->packets[i->count++] = (struct device_packet){ .bytes = at, .n = n };
	return at;
}

/* Cuts what the kernel handed over; what makes no sense is no packet. */
static void cut(struct inner *i, struct span super)
{
	struct vnet h;
	struct split s;
	size_t n;

	if (!vnet_read(&h, &super) || !split_begin(&s, &h, super))
		return;
	while ((n = split_len(&s)))
		split_next(&s, room_for(i, n));
}

static void on_packets(void *arg, uint32_t events)
{
	struct inner *i = arg;

	for (int reads = 0; reads < TURN_READS; reads++) {
		ssize_t n = read(i->tun_fd, i->super, sizeof(i->super));

		if (n <= 0)
			break;
		cut(i, span_of(i->super, (size_t)n));
	}
	hand_on(i);
	/* A TUN whose interface was deleted reports an error for ever. */
	if (events & (EPOLLERR | EPOLLHUP))
		check_link(i);
}

static void write_parts(void *arg, const struct vnet *h,
			const struct span *parts, size_t count)
{
	struct iovec v[1 + GRO_PARTS_MAX];
	uint8_t header[VNET_LEN];
	struct wr w = WR_ARRAY(header);
	struct inner *i = arg;

	vnet_write(&w, h);
	v[0] = (struct iovec){ header, sizeof(header) };
	for (size_t at = 0; at < count; at++) {
		/* iovec has no const; writev does not write. */
		memcpy(&v[1 + at].iov_base, &parts[at].p, sizeof(parts[at].p));
		v[1 + at].iov_len = parts[at].n;
	}
	/* EIO while the interface is down: lost, as on any wire. */
	(void)!writev(i->tun_fd, v, (int)(1 + count));
}

void inner_write(struct inner *i, struct span packet)
{
	gro_add(&i->gro, packet);
}

void inner_flush(struct inner *i)
{
	gro_flush(&i->gro);
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

static enum rc start(struct inner *i, const struct inner_queue *queue)
{
	enum rc rc = RC_OK;

	gro_init(&i->gro, write_parts, i, queue->offload == TUN_OFFLOAD_UDP);
	i->mtu = DEVICE_MTU_DEFAULT;
	if (queue->is_first)
		rc = watch_links(i);
	if (!rc && queue->is_first && !set_mtu(i, DEVICE_MTU_DEFAULT))
		rc = RC_SYS;
	if (!rc)
		rc = loop_watch_add(i->loop, &i->tun_watch, i->tun_fd, EPOLLIN,
				    on_packets, i);
	return rc;
}

enum rc inner_new(struct inner **out, struct loop *loop,
		  const struct inner_queue *queue,
		  const struct inner_events *events)
{
	struct inner *i = mem_new(sizeof(*i));
	enum rc rc;

	i->loop = loop;
	i->events = *events;
	i->tun_fd = queue->fd;
	i->link_fd = -1;
	i->arena = mem_new(ARENA);
	rc = start(i, queue);
	if (rc) {
		inner_free(i);
		return rc;
	}
	*out = i;
	return RC_OK;
}

void inner_set_mtu(struct inner *i, size_t mtu)
{
	i->mtu = mtu;
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
	free(i->arena);
	free(i);
	errno = error;
}
