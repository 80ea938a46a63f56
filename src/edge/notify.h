/*
 * notify: says which process stands for the service, to the service manager
 * (io/notify.h) and in a file for others.
 *
 * Source: sd_notify(3).
 */
#ifndef POSTERN_EDGE_NOTIFY_H
#define POSTERN_EDGE_NOTIFY_H

#include <sys/types.h>

#include "base/rc.h"
#include "io/notify.h"

/* The process that stands for the service from now on. */
void notify_main_pid(pid_t pid);

/* Replaces the file; "" none.  RC_SYS with errno. */
enum rc notify_pid_file(const char *path, pid_t pid);

#endif
