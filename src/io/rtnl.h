/*
 * rtnl: the rtnetlink messages of net_*(), built and not sent, so that they
 * can be compared with what they should be.
 *
 * Each writes one message at 'at', which has room for RTNL_MAX bytes and is
 * aligned for a struct nlmsghdr, and returns it.
 *
 * Source: rtnetlink(7); Linux uapi/linux/{rtnetlink,if_link,if_addr}.h.
 */
#ifndef POSTERN_IO_RTNL_H
#define POSTERN_IO_RTNL_H

#include <linux/netlink.h>

#include "io/tun.h"

enum {
	RTNL_MAX = 512,
};

struct nlmsghdr *rtnl_link_add(void *at, const char *name, const char *kind);
struct nlmsghdr *rtnl_link_up(void *at, unsigned index, unsigned mtu);
struct nlmsghdr *rtnl_link_delete(void *at, unsigned index);
struct nlmsghdr *rtnl_address_set(void *at, unsigned index,
				  const struct io_prefix *address);
struct nlmsghdr *rtnl_route_set(void *at, unsigned index,
				const struct io_prefix *to);

#endif
