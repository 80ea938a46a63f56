/*
 * guest: the second stage, in the verified root: PID 1 for as long as the
 * machine runs.
 *
 * The order is fixed.  Modules; the host's files, judged; the closed firewall,
 * before there is an address; the network; the agent.  Once the agent says that
 * it is ready (io/notify.h), its storage stands at /var/lib, and the container
 * engine is started on a socket that nobody else knows; once the images are
 * loaded and are what the manifest lists, the socket that the agent waits for
 * leads there.
 *
 * What cannot be had or is refused before the agent runs, and images that are
 * not the manifest's, stop the machine, with the reason on the management port
 * and the console.
 */
#ifndef POSTERN_GUESTINIT_GUEST_H
#define POSTERN_GUESTINIT_GUEST_H

#include "io/log.h"

/* Does not return. */
_Noreturn void guest_run(const struct log *log);

/* The process that loads and checks the images; its exit status.  Why it
 * failed stands in GUEST_REASON. */
int guest_images(const struct log *log);

/* Says on console and management port why there is no more, and powers off. */
_Noreturn void guest_refuse(const struct log *log, const char *reason);

#define GUEST_ENGINE_INSIDE "/run/engine/docker.sock"
#define GUEST_REASON "/run/engine/refused"

#endif
