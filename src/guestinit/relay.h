/*
 * relay: in a simulated image, carries the frames of the module tsm_sim to the
 * simulated platform and its answers back: /dev/tsm_sim on one side, the
 * virtio-serial port "org.postern.platform" on the other.
 *
 * A process of its own, straight-line and blocking.  The platform closes
 * connections that are quiet for long, and the host's QEMU makes new ones, so a
 * request waits a while for one.  Where the platform stays away or answers
 * nonsense, who asked gets the platform's own failure ("try again"), and the
 * port is opened anew.
 *
 * Source: docs/PROTOCOL.teesim.md.
 */
#ifndef POSTERN_GUESTINIT_RELAY_H
#define POSTERN_GUESTINIT_RELAY_H

#include "io/log.h"

/* Returns the program's exit status, when there is no device to serve. */
int relay_run(const struct log *log);

#endif
