/*
 * up_signals: how `postern up` is told to stop.  Signals are blocked from the
 * start and looked at between steps: no step is interrupted.
 */
#ifndef POSTERN_CLI_UP_SIGNALS_H
#define POSTERN_CLI_UP_SIGNALS_H

#include <stdbool.h>

/* Before anything is started.  SIGPIPE is ignored from here on. */
void up_signals_block(void);

/* True: SIGINT, SIGTERM or SIGHUP came.  Waits for it up to ms, less than 1000;
 * the end of a child ends the wait too. */
bool up_signals_wait(unsigned ms);

#endif
