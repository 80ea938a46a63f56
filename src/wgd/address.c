#include "wgd/address.h"

#include <netinet/udp.h>
#include <string.h>

#include "wireguard/ecn.h"

struct endpoint address_endpoint(const struct sock_addr *a)
{
	struct endpoint e = { 0 };

	if (a->sa.sa_family == AF_INET6) {
		e.is_v6 = true;
		e.port = ntohs(a->in6.sin6_port);
		e.scope_id = a->in6.sin6_scope_id;
		memcpy(e.ip, &a->in6.sin6_addr, 16);
	} else {
		e.port = ntohs(a->in.sin_port);
		memcpy(e.ip, &a->in.sin_addr, 4);
	}
	return e;
}

struct sock_addr address_of(const struct endpoint *e)
{
	struct sock_addr a = { 0 };

	if (e->is_v6) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(e->port);
		a.in6.sin6_scope_id = e->scope_id;
		memcpy(&a.in6.sin6_addr, e->ip, 16);
		a.len = sizeof(a.in6);
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(e->port);
		memcpy(&a.in.sin_addr, e->ip, 4);
		a.len = sizeof(a.in);
	}
	return a;
}

static void read_local(struct endpoint *e, const struct cmsghdr *c)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	if (e->is_v6 && c->cmsg_level == IPPROTO_IPV6 &&
	    c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(c), sizeof(v6));
		memcpy(e->local, &v6.ipi6_addr, 16);
		e->has_local = true;
	} else if (!e->is_v6 && c->cmsg_level == IPPROTO_IP &&
		   c->cmsg_type == IP_PKTINFO) {
		memcpy(&v4, CMSG_DATA(c), sizeof(v4));
		memcpy(e->local, &v4.ipi_spec_dst, 4);
		e->has_local = true;
	}
}

/* IPv4's is a byte, IPv6's an int. */
static bool read_ecn(unsigned *ecn, const struct cmsghdr *c)
{
	int n;

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
		*ecn = *CMSG_DATA(c) & ECN_CE;
		return true;
	}
	if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_TCLASS)
		return false;
	memcpy(&n, CMSG_DATA(c), sizeof(n));
	*ecn = (unsigned)n & ECN_CE;
	return true;
}

struct address_beside address_read_control(struct endpoint *e,
					   struct msghdr *m)
{
	struct address_beside beside = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int n;

		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&n, CMSG_DATA(c), sizeof(n));
			beside.step = n > 0 ? (size_t)n : 0;
		} else if (!read_ecn(&beside.ecn, c)) {
			read_local(e, c);
		}
	}
	return beside;
}

/* The next control message, with n bytes of data. */
static struct cmsghdr *add(struct msghdr *m, int level, int type, size_t n)
{
	uint8_t *at = (uint8_t *)m->msg_control + m->msg_controllen;
	struct cmsghdr *c = (struct cmsghdr *)(void *)at;

	m->msg_controllen += CMSG_SPACE(n);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	return c;
}

/* Which of our addresses; the kernel chooses the interface, except where an
 * address means nothing without one. */
static void write_local(struct msghdr *m, const struct endpoint *e)
{
	struct in6_pktinfo v6 = { .ipi6_ifindex = e->scope_id };
	struct in_pktinfo v4 = { 0 };

	memcpy(&v6.ipi6_addr, e->local, 16);
	memcpy(&v4.ipi_spec_dst, e->local, 4);
	if (e->is_v6)
		memcpy(CMSG_DATA(add(m, IPPROTO_IPV6, IPV6_PKTINFO,
				     sizeof(v6))),
		       &v6, sizeof(v6));
	else
		memcpy(CMSG_DATA(add(m, IPPROTO_IP, IP_PKTINFO, sizeof(v4))),
		       &v4, sizeof(v4));
}

static void write_ecn(struct msghdr *m, const struct endpoint *e, unsigned ecn)
{
	int n = (int)ecn;

	memcpy(CMSG_DATA(add(m, e->is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			     e->is_v6 ? IPV6_TCLASS : IP_TOS, sizeof(n))),
	       &n, sizeof(n));
}

void address_write_control(struct msghdr *m, union address_control *room,
			   const struct endpoint *e,
			   struct address_beside beside)
{
	uint16_t cut = (uint16_t)beside.step;

	m->msg_control = NULL;
	m->msg_controllen = 0;
	if (!e->has_local && !beside.step && !beside.ecn)
		return;
	*room = (union address_control){ 0 };
	m->msg_control = room;
	if (e->has_local)
		write_local(m, e);
	if (beside.ecn)
		write_ecn(m, e, beside.ecn);
	if (beside.step)
		memcpy(CMSG_DATA(add(m, IPPROTO_UDP, UDP_SEGMENT,
				     sizeof(cut))),
		       &cut, sizeof(cut));
}
