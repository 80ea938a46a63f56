/*
 * control: does what a UAPI request asks of a device, and writes the answer.
 *
 * Port and mark belong to the sockets, which the host program has.
 *
 * Source: https://www.wireguard.com/xplatform/.
 */
#ifndef POSTERN_WIREGUARD_CONTROL_H
#define POSTERN_WIREGUARD_CONTROL_H

#include "base/buf.h"
#include "wireguard/device.h"

/* What the program around the device does; each returns 0 or an errno. */
struct control_host {
	int (*set_port)(void *arg, uint16_t port); /* 0: any */
	int (*set_mark)(void *arg, uint32_t mark); /* 0: none */
	uint16_t (*port)(void *arg);
	uint32_t (*mark)(void *arg);
	/* the index of an interface, by name; 0: there is none */
	uint32_t (*scope)(void *arg, const char *interface);
	void *arg;
};

/*
 * Runs one whole request, as long as uapi_request_len() said, and appends the
 * answer to *answer.  A set with any line at fault, or an endpoint at an
 * interface that does not exist, changes nothing; one that fails at a bound or
 * at the host stops there.
 *
 * False: the request is neither get nor set, or the answer is over the
 * buffer's bound; the connection is to be closed.
 */
[[nodiscard]] bool control_request(struct device *d, struct buf *answer,
				   struct span request,
				   const struct control_host *host,
				   struct device_time now);

#endif
