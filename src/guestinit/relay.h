/*
 * relay: in a simulated image, carries the frames of the module tsm_sim to the
 * simulated platform and its answers back: /dev/tsm_sim on one side, the
 * virtio-serial port "org.postern.platform" on the other.
 *
 * A process of its own, straight-line and blocking.  Where the platform is away
 * or answers nonsense, who asked gets the platform's own failure, and the port
 * is opened anew.
 *
 * Source: docs/PROTOCOL.teesim.md.
 */
#ifndef POSTERN_GUESTINIT_RELAY_H
#define POSTERN_GUESTINIT_RELAY_H

#include "io/log.h"

/* Returns the program's exit status, when there is no device to serve. */
int relay_run(const struct log *log);

#endif
