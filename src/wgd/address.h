/*
 * address: endpoints as the kernel takes them: socket addresses, and the
 * control messages that say which of our own addresses a datagram came to or
 * goes out from.
 */
#ifndef POSTERN_WGD_ADDRESS_H
#define POSTERN_WGD_ADDRESS_H

#include "io/sock.h"
#include "wireguard/endpoint.h"

/* Room for the control messages there are: our own address, the congestion mark
 * and, for datagrams in one piece, the length of each. */
union address_control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		      2 * CMSG_SPACE(sizeof(int))];
};

/* What stands beside a datagram in control messages. */
struct address_beside {
	size_t step; /* length of each of several in one; 0: it is one */
	unsigned ecn; /* the congestion mark, wireguard/ecn.h */
};

struct endpoint address_endpoint(const struct sock_addr *a);
struct sock_addr address_of(const struct endpoint *e);

/* Reads what came with a datagram; which of our addresses it came to goes into
 * 'e', whose family is set. */
struct address_beside address_read_control(struct endpoint *e,
					   struct msghdr *m);
/* Asks the kernel to send so, and from e's own address when it has one. */
void address_write_control(struct msghdr *m, union address_control *room,
			   const struct endpoint *e,
			   struct address_beside beside);

#endif
