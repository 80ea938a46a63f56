/*
 * notify: tells the supervisor how the program is, by systemd's protocol, and
 * leaves its number in a file for others.
 *
 * Source: sd_notify(3): $NOTIFY_SOCKET, datagrams of VARIABLE=VALUE lines.
 */
#ifndef POSTERN_EDGE_NOTIFY_H
#define POSTERN_EDGE_NOTIFY_H

#include <sys/types.h>

#include "base/rc.h"

/* Sends one state, such as "READY=1"; nothing without a supervisor that
 * listens. */
void notify_send(const char *state);
/* The process that stands for the service from now on. */
void notify_main_pid(pid_t pid);

/* Replaces the file; "" none.  RC_SYS with errno. */
enum rc notify_pid_file(const char *path, pid_t pid);

#endif
