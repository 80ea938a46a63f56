/*
 * metrics: what a device has counted, as Prometheus reads it.
 *
 * Source: Prometheus, "Exposition formats", text format 0.0.4.
 */
#ifndef POSTERN_WIREGUARD_METRICS_H
#define POSTERN_WIREGUARD_METRICS_H

#include "base/buf.h"
#include "wireguard/device.h"

enum {
	METRICS_LINE_MAX = 256,
};

/*
 * Appends every metric of the interface, all its devices together: drops by
 * reason, sizes of batches, how many peers each device has, and of each peer
 * what it received and sent and how old its last handshake is.
 * RC_LIMIT: 'out' has no room for all; it then holds whole lines.
 */
enum rc metrics_write(struct buf *out, const struct device *d,
		      struct device_time now);

#endif
