/*
 * address: endpoints as the kernel takes them: socket addresses, and the
 * control messages that say which of our own addresses a datagram came to or
 * goes out from.
 */
#ifndef POSTERN_WGD_ADDRESS_H
#define POSTERN_WGD_ADDRESS_H

#include "io/sock.h"
#include "wireguard/endpoint.h"

/* Room for the control messages there are: our own address and, for datagrams
 * in one piece, the length of each. */
union address_control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
		      CMSG_SPACE(sizeof(int))];
};

struct endpoint address_endpoint(const struct sock_addr *a);
struct sock_addr address_of(const struct endpoint *e);

/*
 * Reads what came with a datagram: which of our addresses it came to into 'e',
 * whose family is set; returns how long each datagram is when it is several in
 * one, or 0.
 */
size_t address_read_control(struct endpoint *e, struct msghdr *m);
/* Asks the kernel to send from e's own address, when it has one, and to cut
 * what it sends into datagrams of 'step' bytes, unless that is 0. */
void address_write_control(struct msghdr *m, union address_control *room,
			   const struct endpoint *e, size_t step);

#endif
