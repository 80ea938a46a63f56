/*
 * status, lease, logs, exec: looking into a cloud that runs on this machine.
 *
 * status --json prints what the table is made of: the cloud's description
 * (place.h), and of each node its services (supervise.h), the agent's or the
 * registrar's own status, leases and refusals.
 */
#ifndef POSTERN_CLI_STATUS_H
#define POSTERN_CLI_STATUS_H

int cli_status(int argc, char **argv);
int cli_lease(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_exec(int argc, char **argv);

#endif
