#include "io/rtnl.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

static struct nlmsghdr *start(void *at, uint16_t type, unsigned flags)
{
	struct nlmsghdr *m;

	/* libmnl leaves the padding of attributes as it was. */
	memset(at, 0, RTNL_MAX);
	m = mnl_nlmsg_put_header(at);
	m->nlmsg_type = type;
	m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return m;
}

static struct ifinfomsg *put_link(struct nlmsghdr *m, unsigned index)
{
	struct ifinfomsg *i = mnl_nlmsg_put_extra_header(m, sizeof(*i));

	i->ifi_family = AF_UNSPEC;
	i->ifi_index = (int)index;
	return i;
}

struct nlmsghdr *rtnl_link_add(void *at, const char *name, const char *kind)
{
	struct nlmsghdr *m = start(at, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;

	put_link(m, 0);
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_str(m, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(m, info);
	return m;
}

struct nlmsghdr *rtnl_link_up(void *at, unsigned index, unsigned mtu)
{
	struct nlmsghdr *m = start(at, RTM_NEWLINK, 0);
	struct ifinfomsg *i = put_link(m, index);

	i->ifi_flags = IFF_UP;
	i->ifi_change = IFF_UP;
	if (mtu)
		mnl_attr_put_u32(m, IFLA_MTU, mtu);
	return m;
}

struct nlmsghdr *rtnl_link_delete(void *at, unsigned index)
{
	struct nlmsghdr *m = start(at, RTM_DELLINK, 0);

	put_link(m, index);
	return m;
}

static uint8_t family_of(const struct io_prefix *p)
{
	return p->is_v6 ? AF_INET6 : AF_INET;
}

static size_t bytes_of(const struct io_prefix *p)
{
	return p->is_v6 ? 16 : 4;
}

struct nlmsghdr *rtnl_address_set(void *at, unsigned index,
				  const struct io_prefix *address)
{
	struct nlmsghdr *m =
		start(at, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(m, sizeof(*a));

	a->ifa_family = family_of(address);
	a->ifa_prefixlen = address->len;
	a->ifa_scope = RT_SCOPE_UNIVERSE;
	a->ifa_index = index;
	mnl_attr_put(m, IFA_LOCAL, bytes_of(address), address->bytes);
	mnl_attr_put(m, IFA_ADDRESS, bytes_of(address), address->bytes);
	return m;
}

/* The kernel refuses a route whose bits after the prefix are not zero. */
static void clear_host_bits(uint8_t bytes[16], const struct io_prefix *p)
{
	for (unsigned bit = p->len; bit < bytes_of(p) * 8; bit++)
		bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

struct nlmsghdr *rtnl_route_set(void *at, unsigned index,
				const struct io_prefix *to)
{
	struct nlmsghdr *m =
		start(at, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *r = mnl_nlmsg_put_extra_header(m, sizeof(*r));
	uint8_t bytes[16];

	memcpy(bytes, to->bytes, sizeof(bytes));
	clear_host_bits(bytes, to);
	r->rtm_family = family_of(to);
	r->rtm_dst_len = to->len;
	r->rtm_table = RT_TABLE_MAIN;
	r->rtm_protocol = RTPROT_STATIC;
	/* IPv6 routes have no scope but the universe. */
	r->rtm_scope = to->is_v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	r->rtm_type = RTN_UNICAST;
	mnl_attr_put(m, RTA_DST, bytes_of(to), bytes);
	mnl_attr_put_u32(m, RTA_OIF, index);
	return m;
}
