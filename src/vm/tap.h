/*
 * tap: the host's end of a guest's network card: a TAP device in a network
 * namespace, attached to a bridge there.
 *
 * The device lives as long as its descriptor: when QEMU ends, however it does,
 * nothing is left.
 *
 * Source: Linux Documentation/networking/tuntap.rst; netdevice(7), setns(2).
 */
#ifndef POSTERN_VM_TAP_H
#define POSTERN_VM_TAP_H

#include "base/rc.h"

enum {
	TAP_ERROR_MAX = 256,
};

struct tap_options {
	const char *netns; /* path, such as /run/netns/x; NULL: ours */
	const char *name; /* of the device, at most 15 bytes */
	const char *bridge; /* in that namespace; NULL: none */
};

/*
 * Makes the device, without an address and with IPv6 silent, and brings it up.
 * *fd is closed on exec.  RC_SYS: error says what failed, nothing is left.
 *
 * Enters the namespace with the calling thread for the time of the call, and
 * aborts if it cannot come back: a program in a strange network would be worse.
 */
enum rc tap_open(int *fd, const struct tap_options *options,
		 char error[TAP_ERROR_MAX]);

#endif
