/*
 * netlink: one request to the kernel and its answers, over libmnl.
 *
 * Blocking, with a bound of some seconds on each answer: the kernel answers at
 * once.  Messages are built by the caller in a buffer of NETLINK_BUFFER bytes.
 */
#ifndef POSTERN_IO_NETLINK_H
#define POSTERN_IO_NETLINK_H

#include <linux/netlink.h>

#include "base/rc.h"

enum {
	/* More than any message that a page bounds, and than a kernel's dump
	 * fills in one read. */
	NETLINK_BUFFER = 32 * 1024,
};

struct netlink;

/* 'bus' is NETLINK_ROUTE or NETLINK_GENERIC.  RC_SYS.  Returns owned. */
enum rc netlink_open(struct netlink **out, int bus);
void netlink_close(struct netlink *n);

/* One message of an answer.  An rc other than RC_OK becomes the result. */
typedef enum rc netlink_fn(void *arg, const struct nlmsghdr *message);

/*
 * Sends 'request', whose flags tell an acknowledged change (NLM_F_ACK) from a
 * dump, and hands every answer to fn (may be NULL) until the last has come.
 *
 * RC_SYS        the kernel refused; errno is its reason
 * RC_MALFORMED  its answer is none
 */
enum rc netlink_ask(struct netlink *n, struct nlmsghdr *request, netlink_fn *fn,
		    void *arg);

#endif
